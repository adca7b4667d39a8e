"""The sample's people: what is real about them, that loading in bulk is loading one by one, and only once."""

import csv
import stat
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from citizen_app import invariants
from citizen_app.demo import BANK, demo_secrets, secrets_path
from citizen_app.models import AuditEvent, Citizen, ConsentEvent, OAuthApplication
from scores import catalogue
from scores.management.commands import load_population
from scores.models import Enrolment, Entry, Inquiry, Link, Score, ScoreChange, Source
from scores.sample.bank import bank_client
from scores.sample.loading import INVENTED, VIA, demo_sources, document_key_of, enrol_with_records
from scores.sample.make_extract import COLUMNS, extract, utilisation
from scores.sample.people import EXTRACT, STATEMENTS, months_forward, moved, read_people, sample_people
from scores.sample.sample import begin, load, newcomer, sample_state
from scores.services.enrolment import enrol_citizen
from scores.services.ingestion import furnish_entries
from scores.services.linking import link_subject, subject_of
from scores.services.rescoring import rescore

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
SOME = [1, 31, 9001]
"""Three people of the extract: late, always on time, and one from its middle."""


def quiet(_done):
    """Nobody watches a test's progress."""


def some_people(*numbers):
    return [person for person in read_people() if person.number in numbers]


# -- What the extract is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "limit", "expected"),
    [
        ("3913", "20000", "0.1956"),  # 0.19565: the even neighbour is below
        ("3", "20000", "0.0002"),  # 0.00015: the even neighbour is above
        ("1", "20000", "0"),  # 0.00005
        ("-500", "20000", "0"),
        ("20000", "20000", "1"),
        ("25000", "20000", "1.25"),
    ],
)
def test_utilisation_is_what_is_owed_by_the_limit_rounded_half_even(balance, limit, expected):
    assert utilisation(balance, limit) == expected


def test_the_extract_takes_every_24th_person_and_only_payments_and_ratios(tmp_path):
    source, target = tmp_path / "all.csv", tmp_path / "some.csv"
    months = ["2005_09", "2005_08", "2005_07", "2005_06", "2005_05", "2005_04"]
    columns = [
        "person",
        "credit_limit",
        *(f"{what}_{month}" for what in ("months_late", "balance") for month in months),
    ]
    with source.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*columns, "defaulted_2005_10"])
        for number in range(1, 50):
            writer.writerow([number, 1000, 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60, 1])
    assert extract(source, target) == 3
    lines = target.read_text().splitlines()
    assert lines[0].split(",") == COLUMNS
    assert [line.partition(",")[0] for line in lines[1:]] == ["1", "25", "49"]
    assert lines[1] == "1,6,5,4,3,2,1,0.06,0.05,0.04,0.03,0.02,0.01"


def test_the_committed_extract_holds_a_thousand_people_and_nothing_else_about_them():
    assert EXTRACT.stat().st_size < 200_000
    lines = EXTRACT.read_text().splitlines()
    assert len(lines) == 1001
    assert lines[0].split(",") == COLUMNS
    assert len({line.partition(",")[0] for line in lines[1:]}) == 1000


def test_every_record_of_the_sample_is_one_the_catalogue_allows():
    for person in read_people():
        for record in (*person.payments, *person.invented):
            assert catalogue.kind(record.kind).allows(record.value), (person.number, record)
        names = [record.external_id for record in person.invented]
        assert len(set(names)) == len(names)
        assert all(name.startswith("invented.") for name in names)


def test_real_records_are_the_extracts_figures():
    person = some_people(1)[0]
    assert [(one.kind, one.occurred_on, one.text) for one in person.payments[-4:]] == [
        ("credit.payment", date(2005, 8, 31), "2"),
        ("credit.utilisation", date(2005, 8, 31), "0.1551"),
        ("credit.payment", date(2005, 9, 30), "2"),
        ("credit.utilisation", date(2005, 9, 30), "0.1956"),
    ]


# -- Where in time it lands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loaded_on", "months", "last_statement"),
    [
        (date(2026, 11, 24), 253, date(2026, 10, 31)),
        (date(2026, 11, 1), 253, date(2026, 10, 31)),
        (date(2027, 1, 31), 255, date(2026, 12, 31)),
        (date(2027, 3, 1), 257, date(2027, 2, 28)),
        (date(2028, 3, 31), 269, date(2028, 2, 29)),
    ],
)
def test_the_last_statement_is_the_end_of_the_month_before_the_loading_day(loaded_on, months, last_statement):
    assert months_forward(loaded_on) == months
    assert moved(STATEMENTS[-1], months) == last_statement


def test_days_in_a_month_stay_and_are_cut_where_the_month_is_shorter():
    assert moved(date(2005, 4, 12), 253) == date(2026, 5, 12)
    assert moved(date(2005, 7, 30), 7) == date(2006, 2, 28)


# -- Bulk is what the services do ----------------------------------------------------------------------------------


def by_services(person, sources, months):
    """Enrol this person through the services, as somebody with another address and subject."""
    twin = Citizen(email=f"twin-{person.email}", first_name=person.first_name, is_demo=True)
    twin.set_unusable_password()
    twin.save()
    enrol_citizen(citizen=twin, consent_version="2026-11", adult=True, via=VIA, now=NOW)
    Enrolment.objects.filter(pk=twin.pk).update(person_key=document_key_of(twin.email), document_checked_at=NOW)
    one = newcomer(person, months)
    link_subject(citizen=twin, source=sources.bank, subject=f"twin-{one.subject}", now=NOW)
    link_subject(citizen=twin, source=sources.invented, subject=subject_of(twin), now=NOW)
    for source, subject, records in (
        (sources.bank, f"twin-{one.subject}", one.payments),
        (sources.invented, subject_of(twin), one.invented),
    ):
        rows = [
            {
                "external_id": record.external_id,
                "subject": subject,
                "kind": record.kind,
                "occurred_on": record.occurred_on.isoformat(),
                "value": record.text,
            }
            for record in records
        ]
        answer = furnish_entries(source=source, rows=rows, now=NOW)
        assert (answer.accepted, answer.rejected) == (len(rows), [])
    rescore(citizen_id=twin.pk, cause=ScoreChange.Cause.ENTRIES, now=NOW)
    return Citizen.objects.get(pk=twin.pk)


def everything_about(citizen):
    """Every row about a citizen, with what differs between any two people (keys, names) taken out."""
    names = dict(Entry.objects.of(citizen.pk).values_list("id", "external_id"))

    def named(explanation):
        """Entry keys become the furnisher's ids."""
        for factor in explanation["factors"]:
            for rule in factor["rules"]:
                rule["entries"] = [[names[key], *rest] for key, *rest in rule["entries"]]
        assert explanation["unused"] == []
        return explanation

    enrolment, score = citizen.enrolment, citizen.enrolment.score
    about = Enrolment.objects.filter(pk=citizen.pk)
    return {
        "account": (citizen.is_demo, citizen.has_usable_password(), citizen.language, citizen.zone),
        "enrolment": about.values("state", "enrolled_at", "consent_version", "document_checked_at", "paused_at").get(),
        "document": enrolment.person_key == document_key_of(citizen.email),
        "consent": (enrolment.consent.citizen_id == citizen.pk, enrolment.consent.purpose),
        "consents": list(
            ConsentEvent.objects.filter(citizen=citizen)
            .order_by("id")
            .values("at", "act", "purpose", "text_version", "text_sha256", "language", "via")
        ),
        "links": list(enrolment.links.order_by("id").values("source__code", "is_on", "since")),
        "entries": list(
            enrolment.entries.order_by("id").values(
                "link__source__code",
                "external_id",
                "kind_number",
                "occurred_on",
                "value",
                "recorded_at",
                "lapses_on",
                "status",
                "replaces",
            )
        ),
        "score": (score.state, score.value, score.purposes, score.as_of, score.computed_at, score.scorecard.version),
        "revision": score.revision,
        "factors": score.factors,
        "kept": score.kept,
        "compared_with": named(score.compared_with),
        "history": [
            {**row, "lines": [[*line[:3], names.get(line[3]), *line[4:]] for line in row["lines"]]}
            for row in enrolment.score_changes.order_by("id").values(
                "at", "state", "value", "previous", "difference", "cause", "scorecard_version", "lines"
            )
        ],
        "inquiries": list(
            enrolment.inquiries.order_by("about").values(
                "at", "last_at", "count", "asker_kind", "asker_id", "asker_name", "what", "about", "consent", "fold"
            )
        ),
        "audit": list(
            AuditEvent.objects.filter(object=citizen.public_id).order_by("id").values_list("action", "facts", "actor")
        )
        == [("enrolment.begin", {}, f"person:{citizen.pk}")],
    }


def test_bulk_loading_leaves_exactly_what_the_services_leave(db):
    sources, months = demo_sources(), months_forward(NOW.date())
    people = some_people(*SOME)
    enrol_with_records([newcomer(person, months) for person in people], sources=sources, now=NOW)
    assert len(people) == 3
    for person in people:
        twin = by_services(person, sources, months)
        in_bulk = everything_about(Citizen.objects.get(email=person.email))
        assert in_bulk == everything_about(twin)
        assert in_bulk["audit"]
        assert len(in_bulk["history"]) == 2
        assert in_bulk["history"][1]["lines"]


def test_bulk_loading_somebody_with_too_few_records_leaves_a_thin_file(db):
    sources, months = demo_sources(), months_forward(NOW.date())
    person = some_people(31)[0]
    whole = newcomer(person, months)
    few = replace(whole, payments=whole.payments[:1], invented=whole.invented[:1])
    enrol_with_records([few], sources=sources, now=NOW)
    score = Score.objects.get()
    assert (score.state, score.value) == ("thin_file", None)
    assert list(ScoreChange.objects.values_list("cause", "value")) == [("enrolled", None)]
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


# -- Loading once --------------------------------------------------------------------------------------------------


def counts():
    """How many rows each table about people has, and the last key of each."""
    tables = (Citizen, Enrolment, Source, Link, Entry, Score, ScoreChange, Inquiry, ConsentEvent, AuditEvent)
    rows = {table.__name__: list(table.objects.order_by("pk").values_list("pk", flat=True)) for table in tables}
    return rows | {"clients": list(OAuthApplication.objects.values_list("pk", "client_id", "client_secret"))}


def test_a_second_run_changes_nothing_and_says_the_same(db):
    first, second = StringIO(), StringIO()
    call_command("load_sample", people=4, stdout=first)
    before = counts()
    call_command("load_sample", people=4, stdout=second)
    assert counts() == before
    assert len(before["Enrolment"]) == 6
    assert second.getvalue() == first.getvalue()
    assert "CC BY 4.0" in first.getvalue()
    assert f"moved forward by {sample_state().months} months" in first.getvalue()


def test_later_runs_do_not_move_the_sample(db):
    sources = demo_sources()
    months = begin(now=NOW).months
    load(sample_people(2), months=months, sources=sources, now=NOW, done=quiet)
    later = datetime(2027, 2, 3, 9, 0, tzinfo=UTC)
    assert begin(now=later).months == months == 253
    load(sample_people(5), months=months, sources=sources, now=later, done=quiet)
    assert set(Entry.objects.filter(external_id="2005-09.payment").values_list("occurred_on", flat=True)) == {
        date(2026, 10, 31)
    }


def test_a_load_that_was_broken_off_is_taken_up_again(db):
    sources = demo_sources()
    months = begin(now=NOW).months
    done = []
    enrol_with_records([newcomer(person, months) for person in some_people(1, 61)], sources=sources, now=NOW)
    assert sample_state().loaded == 0
    new = load(sample_people(5), months=months, sources=sources, now=NOW, done=done.append)
    assert new == 5
    assert sum(done) == 7
    assert Enrolment.objects.count() == 7
    assert sample_state().loaded == 7


def test_somebody_who_left_is_not_enrolled_again(db):
    call_command("load_sample", people=1, verbosity=0)
    from scores.services.enrolment import leave

    leave(citizen=Citizen.objects.get(email="ana@demo.example.org"))
    call_command("load_sample", people=1, verbosity=0)
    assert Enrolment.objects.count() == 2


def test_a_guests_history_follows_the_statements(db):
    months = begin(now=NOW).months
    load(sample_people(0), months=months, sources=demo_sources(), now=NOW, done=quiet)
    ana = Citizen.objects.get(email="ana@demo.example.org")
    history = list(ScoreChange.objects.filter(enrolment=ana.pk).order_by("id"))
    assert [row.value for row in history if row.cause == "entries"] == [470, 602, 594, 633, 637, 656]
    assert [row.at for row in history if row.cause == "entries"] == [
        datetime(2026, month, 2, 9, 30, tzinfo=UTC) for month in range(6, 12)
    ]
    assert {row.cause for row in history} == {"enrolled", "entries", "month"}
    assert Score.objects.get(pk=ana.pk).value == 656
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


def test_what_is_invented_comes_from_a_source_that_says_so(db):
    call_command("load_sample", people=2, verbosity=0)
    invented = Source.objects.get(code=INVENTED)
    assert "invented" in invented.name
    assert invented.is_demo
    through = set(Entry.objects.values_list("link__source__code", "kind_number"))
    credit = {catalogue.kind("credit.payment").number, catalogue.kind("credit.utilisation").number}
    assert {kind for source, kind in through if source == BANK} == credit
    assert not credit & {kind for source, kind in through if source != BANK}
    assert set(Citizen.objects.values_list("is_demo", flat=True)) == {True}
    assert all(email.endswith("@demo.example.org") for email in Citizen.objects.values_list("email", flat=True))


def test_the_banks_credentials_last_and_are_made_again_when_lost(db):
    bank = demo_sources().bank
    with demo_secrets() as held:
        application = bank_client(bank, held)
        given = dict(held.clients[BANK])
    assert stat.S_IMODE(secrets_path().stat().st_mode) == 0o600
    with demo_secrets() as held:
        bank_client(Source.objects.get(pk=bank.pk), held)
        assert held.clients[BANK] == given
    secrets_path().unlink()
    with demo_secrets() as held:
        bank_client(Source.objects.get(pk=bank.pk), held)
        anew = dict(held.clients[BANK])
    assert anew["client_id"] == given["client_id"] == application.client_id
    assert anew["client_secret"] != given["client_secret"]
    assert given["client_secret"] not in OAuthApplication.objects.get().client_secret


@pytest.mark.parametrize("command", [["load_sample"], ["load_population", "--citizens=3"]])
def test_a_real_deployment_is_never_filled_with_invented_people(db, settings, command):
    settings.PRODUCTION = True
    before = counts()
    with pytest.raises(CommandError, match="PRODUCTION=true"):
        call_command(*command)
    assert counts() == before


# -- Populations ---------------------------------------------------------------------------------------------------


def test_a_population_has_the_asked_size_and_is_linked_and_scored(db):
    call_command("load_population", "--citizens=7", "--entries=150", "--processes=1", verbosity=0)
    assert Enrolment.objects.count() == Score.objects.count() == 7
    assert Entry.objects.count() == 150
    assert sorted(enrolment.entries.count() for enrolment in Enrolment.objects.all()) == [21] * 4 + [22] * 3
    assert Link.objects.filter(source__code=BANK, is_on=True).count() == 7
    assert set(Score.objects.values_list("state", flat=True)) == {"scored"}
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


def test_a_population_grows_to_the_size_asked_for(db):
    call_command("load_population", "--citizens=3", "--processes=1", verbosity=0)
    before = counts()
    call_command("load_population", "--citizens=3", "--processes=1", verbosity=0)
    assert counts() == before
    call_command("load_population", "--citizens=5", "--processes=1", verbosity=0)
    assert Enrolment.objects.count() == 5
    assert Entry.objects.count() == 5 * 18


@pytest.mark.django_db(transaction=True)
def test_a_population_made_by_two_processes_is_the_same(postgresql, monkeypatch):
    monkeypatch.setattr(load_population, "RECORDS_AT_ONCE", 36)
    call_command("load_population", "--citizens=6", "--processes=2", verbosity=0)
    emails = sorted(Citizen.objects.values_list("email", flat=True))
    assert emails == [f"population-{number:09}@demo.example.org" for number in range(6)]
    assert Entry.objects.count() == 6 * 18
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


def test_a_population_may_have_long_histories(db):
    call_command("load_population", "--citizens=1", "--entries=400", "--processes=1", verbosity=0)
    assert Entry.objects.count() == 400
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


@pytest.mark.parametrize("sizes", [["--citizens=0"], ["--citizens=2", "--entries=2001"], ["--citizens=x"]])
def test_a_population_of_no_size_is_refused(db, sizes):
    with pytest.raises((CommandError, ValueError)):
        call_command("load_population", *sizes)
    assert not Citizen.objects.exists()
