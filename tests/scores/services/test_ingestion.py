"""What furnishers send: judged row by row, recorded once, and nothing about who did not let them in (P2, P3, P9)."""

import io
import logging
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.db import violated
from citizen_app.errors import NotFound
from citizen_app.models import AuditEvent, OutboxMessage
from citizen_app.outbox import run_due
from scores.errors import TooManyEntries, UnlinkedBatch
from scores.forbidden_kinds import NEVER
from scores.models import Entry, EntryStatusChange, Inquiry, Link, Score
from scores.services import ingestion
from scores.services.ingestion import furnish_entries, retract_entry
from scores.services.linking import switch_source
from tests.factories.scores import (
    NOW,
    EnrolmentFactory,
    SourceFactory,
    entry_of,
    explanation_of,
    furnisher_client,
    link,
    row,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    return SourceFactory()


@pytest.fixture
def citizen(source):
    citizen = EnrolmentFactory(now=NOW).citizen
    link(citizen, source, "S-1", now=NOW)
    return citizen


def furnish(source, *rows, **options):
    return furnish_entries(source=source, rows=list(rows), now=NOW, **options)


def codes(answer):
    return [(rejection.index, rejection.code) for rejection in answer.rejected]


def everything():
    """Every value of every table, as one text."""
    text = io.StringIO()
    for model in apps.get_models():
        for values in model._default_manager.values_list():
            text.write(f"{values}\n")
    return text.getvalue()


def test_an_entry_is_recorded_as_it_was_sent(source, citizen):
    answer = furnish(source, row("S-1", value=Decimal("2"), occurred_on="2026-09-30"))
    assert (answer.accepted, answer.duplicates, answer.rejected) == (1, 0, [])
    entry = Entry.objects.get(enrolment_id=citizen.pk)
    assert (entry.external_id, entry.kind_number, entry.value) == ("r1", 1, 20_000)
    assert (entry.occurred_on, entry.lapses_on) == (date(2026, 9, 30), date(2033, 9, 1))
    assert (entry.recorded_at, entry.status) == (NOW, "active")


def test_the_score_follows_through_the_outbox(source, citizen):
    furnish(source, *[row("S-1", number, occurred_on=f"2026-{number:02}-28") for number in range(1, 7)])
    assert Score.objects.get(pk=citizen.pk).state == "thin_file"
    message = OutboxMessage.objects.get(topic="score.rescore")
    assert message.payload == {"citizen_ids": [citizen.pk], "cause": "entries"}
    run_due()
    message.refresh_from_db()
    assert message.done_at is not None
    assert Score.objects.get(pk=citizen.pk).state == "scored"


def test_one_bad_row_never_spoils_the_others_and_each_is_named_by_its_first_failure(source, citizen):
    rows = [
        row("S-1", 0),
        "not an object",
        row("S-1", 2, colour="blue", kind="no.such"),
        {"external_id": "r3", "subject": "S-1", "kind": "credit.payment"},
        row("S-1", 4, occurred_on="2026-02-30"),
        row("S-1", 5, occurred_on="20261031"),
        row("no spaces", 6),
        row("S-1", 7, kind=7),
        row("S-1", 8, kind="speech.opinion", value="x", occurred_on="2027-01-01"),
        row("S-1", 9, kind="conduct.fare", value="x"),
        row("S-1", 10, value=Decimal("0.5"), occurred_on="2027-01-01"),
        row("S-1", 11, value=True),
        row("S-1", 12, value=None),
        row("S-1", 13, occurred_on="2026-11-24"),
        row("S-1", 14, occurred_on="2019-11-30"),
        row("S-9", 15),
        row("S-1", 16, replaces="r16"),
        row("S-1", 17, replaces="unheard-of"),
        row("S-1", 18),
    ]
    answer = furnish(source, *rows)
    assert codes(answer) == [
        (1, "invalid"),
        (2, "invalid"),
        (3, "invalid"),
        (4, "invalid"),
        (5, "invalid"),
        (6, "invalid"),
        (7, "invalid"),
        (8, "unknown_kind"),
        (9, "kind_not_allowed"),
        (10, "bad_value"),
        (11, "bad_value"),
        (12, "bad_value"),
        (13, "in_the_future"),
        (14, "too_old"),
        (15, "not_linked"),
        (16, "invalid"),
        (17, "invalid"),
    ]
    assert answer.accepted == 2
    assert set(Entry.objects.values_list("external_id", flat=True)) == {"r0", "r18"}
    pointers = {rejection.index: rejection.pointer for rejection in answer.rejected}
    assert (pointers[1], pointers[2], pointers[4]) == (None, "/entries/2/colour", "/entries/4/occurred_on")
    assert answer.rejected[0].external_id is None
    assert all(rejection.detail for rejection in answer.rejected)


def test_today_counts_and_the_last_day_of_a_life_does_too(source, citizen):
    answer = furnish(
        source,
        row("S-1", 1, occurred_on="2026-11-23"),
        row("S-1", 2, occurred_on="2019-12-01"),  # lapses on 2026-12-01
    )
    assert (answer.accepted, answer.rejected) == (2, [])


def test_a_value_left_out_is_zero_where_the_kind_allows_it(citizen):
    source = SourceFactory(kinds=["credit.payment", "conduct.traffic"])
    link(citizen, source, "S-1")
    left_out = [row("S-1", 1), row("S-1", 2, kind="conduct.traffic")]
    for one in left_out:
        del one["value"]
    answer = furnish(source, *left_out)
    assert codes(answer) == [(1, "bad_value")]
    assert Entry.objects.get().value == 0


def test_p3_a_forbidden_kind_is_unknown_whoever_sends_it(citizen):
    kinds = [f"{word}.anything" for words in NEVER.values() for word in sorted(words)]
    source = SourceFactory(kinds=[*kinds, "credit.payment"])
    link(citizen, source, "S-1")
    answer = furnish(source, *[row("S-1", number, kind=kind) for number, kind in enumerate(kinds)])
    assert codes(answer) == [(number, "unknown_kind") for number in range(len(kinds))]
    assert Entry.objects.count() == 0
    assert len(NEVER) >= 9


def test_the_same_row_again_is_a_duplicate_and_other_contents_are_contradicted(source, citizen):
    furnish(source, row("S-1", value=1))
    again = furnish(source, row("S-1", value=1), row("S-1", value=2), row("S-1", value=Decimal("1.0")))
    assert (again.accepted, again.duplicates, codes(again)) == (0, 2, [(1, "entry_contradicted")])
    assert Entry.objects.get().value == 10_000


def test_within_one_batch_the_first_stays_too(source, citizen):
    answer = furnish(source, row("S-1", value=1), row("S-1", value=1), row("S-1", value=3))
    assert (answer.accepted, answer.duplicates, codes(answer)) == (1, 1, [(2, "entry_contradicted")])
    assert Entry.objects.get().value == 10_000


def test_ids_follow_the_order_of_the_rows(source, citizen):
    furnish(source, *[row("S-1", number) for number in (5, 3, 9, 1)])
    assert list(Entry.objects.order_by("id").values_list("external_id", flat=True)) == ["r5", "r3", "r9", "r1"]


def test_two_citizens_may_have_the_same_external_id(source, citizen):
    link(EnrolmentFactory().citizen, source, "S-2")
    answer = furnish(source, row("S-1"), row("S-2"))
    assert (answer.accepted, answer.duplicates) == (2, 0)


def test_a_replacement_strikes_and_records_in_one_step_with_the_earlier_lapse(source, citizen):
    furnish(source, row("S-1", 1, value=3, occurred_on="2020-03-31"))
    answer = furnish(source, row("S-1", 2, value=0, occurred_on="2026-10-31", replaces="r1"))
    assert answer.accepted == 1
    old, new = Entry.objects.order_by("id")
    assert (old.status, new.status, new.replaces_id) == ("struck", "active", old.pk)
    assert new.lapses_on == old.lapses_on == date(2027, 3, 1)
    change = EntryStatusChange.objects.get()
    assert (change.entry_id, change.was, change.became, change.why) == (old.pk, "active", "struck", "replaced")


def test_a_replacement_may_follow_in_the_same_batch(source, citizen):
    answer = furnish(source, row("S-1", 1, value=3), row("S-1", 2, value=0, replaces="r1"))
    assert (answer.accepted, answer.rejected) == (2, [])
    old, new = Entry.objects.order_by("id")
    assert (old.status, new.status, new.replaces_id) == ("struck", "active", old.pk)
    assert EntryStatusChange.objects.get().entry_id == old.pk
    again = furnish(source, row("S-1", 1, value=3), row("S-1", 2, value=0, replaces="r1"))
    assert (again.accepted, again.duplicates) == (0, 2)


def test_an_entry_is_replaced_once_and_only_within_its_own_link(source, citizen):
    link(EnrolmentFactory().citizen, source, "S-2")
    furnish(source, row("S-1", 1, value=3), row("S-1", 2, replaces="r1"))
    answer = furnish(source, row("S-1", 3, replaces="r1"), row("S-2", 4, replaces="r2"))
    assert codes(answer) == [(0, "invalid"), (1, "invalid")]
    assert set(Entry.objects.values_list("external_id", flat=True)) == {"r1", "r2"}


def test_a_correction_lives_no_longer_than_what_it_corrects(source, citizen):
    entry_of(Link.objects.get(source=source), external_id="old", occurred_on=date(2019, 10, 31))
    answer = furnish(source, row("S-1", 2, replaces="old"))
    assert codes(answer) == [(0, "too_old")]
    assert Entry.objects.get(external_id="old").status == "active"


def test_a_struck_entry_stays_struck_when_sent_again(source, citizen):
    furnish(source, row("S-1"))
    assert retract_entry(source=source, external_id="r1", subject="S-1", now=NOW)
    answer = furnish(source, row("S-1"))
    assert (answer.accepted, answer.duplicates) == (0, 1)
    assert Entry.objects.get().status == "struck"


def test_a_dry_run_judges_everything_and_writes_nothing(source, citizen):
    furnish(source, row("S-1", 1))
    before = everything()
    answer = furnish(source, row("S-1", 1), row("S-1", 2), row("S-1", 3, replaces="r1"), row("S-9", 4), dry_run=True)
    assert (answer.accepted, answer.duplicates, codes(answer)) == (2, 1, [(3, "not_linked")])
    assert everything() == before


def test_more_than_ten_thousand_rows_are_refused_whole(source, citizen):
    with pytest.raises(TooManyEntries) as refusal:
        furnish(source, *[row("S-1", number) for number in range(10_001)])
    assert refusal.value.facts == {"limit": 10_000}
    assert Entry.objects.count() == 0


def test_a_batch_mostly_about_strangers_is_refused_whole(source, citizen):
    linked = [row("S-1", number) for number in range(95)]
    with pytest.raises(UnlinkedBatch) as refusal:
        furnish(source, *linked[:94], *[row(f"X-{number}", number) for number in range(6)])
    assert refusal.value.facts == {"not_linked": 6, "limit": 5}
    assert Entry.objects.count() == 0
    five = furnish(source, *linked, *[row(f"X-{number}", number) for number in range(5)])
    assert (five.accepted, len(five.rejected)) == (95, 5)
    few = furnish(source, *[row(f"X-{number}", number) for number in range(99)])
    assert len(few.rejected) == 99


def test_p2_an_unlinked_subject_leaves_no_trace(source, citizen, caplog, capfd):
    """A canary in each field of a row about somebody who linked nobody: in no table, no log line, no output."""
    client = furnisher_client(source)
    canary = row("CANARY-subject", external_id="CANARY-external", kind="credit.utilisation", value=Decimal("0.7777"))
    body = {"entries": [row("S-1"), canary]}
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/api/v1/sources/entries", body, format="json")
        retraction = client.delete("/api/v1/sources/entries/CANARY-external?subject=CANARY-subject")
    assert [(one["index"], one["code"]) for one in answer.json()["rejected"]] == [(1, "not_linked")]
    assert retraction.status_code == 404
    stored = "".join(str(values) for values in _all_rows())
    said = caplog.text + "".join(capfd.readouterr())
    for mark in ("CANARY", "7777"):
        assert mark not in stored
        assert mark not in said
    assert "r1" in stored  # the search does find what is stored


def _all_rows():
    """Every row of every table there is, those without a model included.

    But for when the migrations were run: a fraction of a second may hold any four digits.
    """
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - {"django_migrations"}:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield from cursor.fetchall()


def test_p2_entries_of_a_source_that_is_off_are_stored_and_do_not_count(source, citizen):
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
    answer = furnish(source, *[row("S-1", number, occurred_on=f"2026-0{number}-28") for number in range(1, 7)])
    run_due()
    assert answer.accepted == 6
    assert Score.objects.get(pk=citizen.pk).state == "thin_file"
    switch_source(citizen=citizen, source_code=source.code, on=True, now=NOW)
    assert Score.objects.get(pk=citizen.pk).state == "scored"


def test_p9_a_furnishers_writing_is_one_inquiry_per_citizen_source_and_day(source, citizen):
    other = EnrolmentFactory().citizen
    link(other, source, "S-2")
    furnish(source, row("S-1", 1), row("S-2", 1))
    furnish(source, row("S-1", 2))
    furnish(source, row("S-1", 2))  # a duplicate writes nothing and tells nobody anything
    retract_entry(source=source, external_id="r1", subject="S-1", now=NOW)
    inquiry = Inquiry.objects.get(enrolment_id=citizen.pk)
    assert (inquiry.asker_kind, inquiry.asker_id, inquiry.what) == ("furnisher", source.furnisher.public_id, "entry")
    assert (inquiry.asker_name, inquiry.consent) == (source.furnisher.name, f"source:{source.code}")
    assert (inquiry.count, inquiry.at, inquiry.last_at) == (3, NOW, NOW)
    assert Inquiry.objects.get(enrolment_id=other.pk).count == 1
    furnish_entries(source=source, rows=[row("S-1", 9)], now=NOW + timedelta(days=1))
    assert Inquiry.objects.filter(enrolment_id=citizen.pk).count() == 2


def test_a_batch_costs_the_same_queries_whatever_it_holds(source, citizen):
    for number in range(2, 12):
        link(EnrolmentFactory().citizen, source, f"S-{number}")

    def cost(start, subjects, each):
        rows = [row(f"S-{subject}", start + number) for subject in range(1, subjects + 1) for number in range(each)]
        with CaptureQueriesContext(connection) as queries:
            assert furnish(source, *rows).accepted == subjects * each
        return len(queries)

    assert cost(0, 1, 1) == cost(100, 11, 7)


def test_a_retraction_strikes_once_and_is_safe_twice(source, citizen):
    furnish(source, row("S-1"))
    assert retract_entry(source=source, external_id="r1", subject="S-1", now=NOW)
    assert not retract_entry(source=source, external_id="r1", subject="S-1", now=NOW)
    change = EntryStatusChange.objects.get()
    assert (change.was, change.became, change.why, change.at) == ("active", "struck", "retracted", NOW)
    assert AuditEvent.objects.filter(action="entry.retract").count() == 1
    run_due()
    line = explanation_of(citizen.pk).to_document()["factors"][0]["rules"][0]["entries"][0]
    assert line[3] == "struck"


def test_what_was_never_sent_or_is_anothers_cannot_be_retracted(source, citizen):
    other = SourceFactory()
    furnish(source, row("S-1"))
    for asking, external_id, subject in (
        (source, "r2", "S-1"),
        (source, "r1", "S-2"),
        (other, "r1", "S-1"),
        (source, "r 1", "S-1"),
        (source, "r1", ""),
    ):
        with pytest.raises(NotFound):
            retract_entry(source=asking, external_id=external_id, subject=subject, now=NOW)
    assert Entry.objects.get().status == "active"
    assert Inquiry.objects.get().count == 1


def test_the_database_takes_an_external_id_once_per_link_and_sane_values_only(source, citizen):
    entry = entry_of(link(citizen, SourceFactory(), "L"), external_id="once")
    for change, name in (
        ({}, "entry_sent_once_per_link"),
        ({"external_id": "b", "value_": 10**13}, "entry_value_within_bounds"),
        ({"external_id": "c", "lapses_on": date(2026, 10, 31)}, "entry_lapses_after_it_occurred"),
        ({"external_id": "d", "status": "odd"}, "entry_status_is_known"),
    ):
        fields = {name: getattr(entry, name) for name in ("enrolment_id", "link_id", "external_id", "kind_number")}
        fields |= {name: getattr(entry, name) for name in ("occurred_on", "value", "recorded_at", "lapses_on")}
        fields |= {name.rstrip("_"): value for name, value in change.items()}
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Entry.objects.create(**fields)
        assert violated(refusal.value) == name


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time and no such lock")
def test_the_enrolments_are_held_before_any_entry_has_its_key(source, citizen, monkeypatch):
    write, seen = ingestion.write_entries, []

    def looks_first(entries, **options):
        seen.append([one["sql"] for one in queries if "FOR KEY SHARE" in one["sql"]])
        write(entries, **options)

    monkeypatch.setattr(ingestion, "write_entries", looks_first)
    with CaptureQueriesContext(connection) as queries:
        furnish(source, row("S-1"))
    assert [len(held) for held in seen] == [1]
