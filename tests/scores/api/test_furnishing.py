from decimal import Decimal

import pytest

from scores.models import Entry, Link, LinkCode
from scores.services.linking import make_link_code, switch_source, unlink_source
from tests.factories.people import api_client_of, machine_client
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, furnisher_client, link, row
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
LINKS, ENTRIES = "/api/v1/sources/links", "/api/v1/sources/entries"


def subject(citizen):
    return f"subject-{citizen.pk}"


# -- Links --------------------------------------------------------------------------------------------------------


def test_redeeming_a_code_answers_201_and_the_same_subject_again_200(server, source):
    citizen = EnrolmentFactory().citizen
    body = {"link_code": make_link_code(citizen=citizen, source_code="bank").code, "subject": "S-1"}
    first = server.post(LINKS, body)
    assert (first.status_code, first.json()["subject"], first.json()["state"]) == (201, "S-1", "on")
    assert_problem(server.post(LINKS, body), 404, "unknown_link_code")
    again = body | {"link_code": make_link_code(citizen=citizen, source_code="bank").code}
    assert server.post(LINKS, again).status_code == 200
    assert Link.objects.filter(source=source).count() == 1


def test_a_subject_of_somebody_else_is_taken(server, source, citizen):
    other = EnrolmentFactory().citizen
    body = {"link_code": make_link_code(citizen=other, source_code="bank").code, "subject": subject(citizen)}
    assert_problem(server.post(LINKS, body), 409, "subject_taken")
    assert Link.objects.get(source=source).enrolment_id == citizen.pk
    assert LinkCode.objects.get().used_at is None


def test_wrong_codes_are_answered_alike(server, source):
    theirs = make_link_code(citizen=EnrolmentFactory().citizen, source_code=SourceFactory().code).code
    answers = {server.post(LINKS, {"link_code": code, "subject": "S-1"}).content for code in ("AAAAAAAA", "x", theirs)}
    assert len(answers) == 1
    assert Link.objects.filter(source=source).count() == 0


@pytest.mark.parametrize("name", ["", "a b", "ü", "x" * 129, 7, None])
def test_a_subject_that_cannot_be_is_refused(server, source, name):
    code = make_link_code(citizen=EnrolmentFactory().citizen, source_code="bank").code
    problem = assert_problem(server.post(LINKS, {"link_code": code, "subject": name}), 400, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == ["/subject"]
    assert LinkCode.objects.get().used_at is None


def test_guessing_codes_is_limited(server, source):
    answers = [server.post(LINKS, {"link_code": "AAAAAAAA", "subject": "S-1"}).status_code for _ in range(121)]
    assert answers == [404] * 120 + [429]


def test_the_feed_tells_on_off_and_ended_latest_first_in_pages(server, source):
    citizens = [EnrolmentFactory(now=NOW).citizen for _ in range(5)]
    for number, citizen in enumerate(citizens):
        link(citizen, source, f"S-{number}", now=NOW.replace(hour=1 + number))
    switch_source(citizen=citizens[0], source_code="bank", on=False, now=NOW.replace(hour=8))
    unlink_source(citizen=citizens[1], source_code="bank", now=NOW.replace(hour=9))
    seen, following = [], f"{LINKS}?limit=2"
    while following:
        answer = server.get(following).json()
        assert len(answer["results"]) <= 2
        seen += [(one["subject"], one["state"]) for one in answer["results"]]
        back, following = answer["previous"], answer["next"]
    assert seen == [("S-1", "ended"), ("S-0", "off"), ("S-4", "on"), ("S-3", "on"), ("S-2", "on")]
    before = server.get(back).json()["results"]
    assert [one["subject"] for one in before] == ["S-4", "S-3"]
    since = server.get(f"{LINKS}?changed_since=2026-11-23T05:00:00Z").json()["results"]
    assert [one["subject"] for one in since] == ["S-1", "S-0", "S-4"]


def test_links_made_at_one_moment_are_all_told_across_pages(server, source):
    for number in range(7):
        link(EnrolmentFactory(now=NOW).citizen, source, f"S-{number}", now=NOW)
    unlink_source(citizen=Link.objects.get(subject="S-3").enrolment.citizen, source_code="bank", now=NOW)
    seen, following = [], f"{LINKS}?limit=2"
    while following:
        answer = server.get(following).json()
        seen += [one["subject"] for one in answer["results"]]
        following = answer["next"]
    assert sorted(seen) == [f"S-{number}" for number in range(7)]


def test_a_paused_citizens_link_stays_on(server, app, citizen):
    app.post("/api/v1/me/enrolment/pause")
    assert server.get(LINKS).json()["results"][0]["state"] == "on"


def test_a_source_sees_its_own_links_only(server, citizen):
    other = furnisher_client(SourceFactory())
    assert other.get(LINKS).json()["results"] == []
    assert [one["subject"] for one in server.get(LINKS).json()["results"]] == [subject(citizen)]


# -- Entries ------------------------------------------------------------------------------------------------------


def test_a_batch_is_answered_row_by_row(server, citizen):
    rows = [row(subject(citizen), 1), row(subject(citizen), 1), row("nobody", 2), row(subject(citizen), 3, value=121)]
    answer = server.post(ENTRIES, {"entries": rows})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (1, 1)
    assert [(one["index"], one["external_id"], one["code"]) for one in body["rejected"]] == [
        (2, "r2", "not_linked"),
        (3, "r3", "bad_value"),
    ]
    assert body["rejected"][1]["pointer"] == "/entries/3/value"
    assert all(set(one) <= {"index", "external_id", "code", "detail", "pointer"} for one in body["rejected"])
    assert Entry.objects.filter(external_id="r1").count() == 1


def test_fractions_arrive_as_the_digits_that_were_sent(server, citizen):
    text = (
        f'{{"entries": [{{"external_id": "u1", "subject": "{subject(citizen)}", "kind": "credit.utilisation", '
        f'"occurred_on": "2026-10-31", "value": 0.3333}}, {{"external_id": "u2", "subject": "{subject(citizen)}", '
        '"kind": "credit.utilisation", "occurred_on": "2026-10-31", "value": "1.2500"}]}'
    )
    answer = server.post(ENTRIES, text, content_type="application/json")
    assert answer.json()["accepted"] == 2
    assert list(Entry.objects.filter(kind_number=2).order_by("id").values_list("value", flat=True)) == [3333, 12_500]


def test_a_dry_run_stores_nothing(server, citizen):
    before = Entry.objects.count()
    answer = server.post(f"{ENTRIES}?dry_run=1", {"entries": [row(subject(citizen), 1)]})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert Entry.objects.count() == before


def test_too_many_entries_are_413_and_nothing_is_stored(server, citizen):
    before = Entry.objects.count()
    rows = [row(subject(citizen), number) for number in range(10_001)]
    assert_problem(server.post(ENTRIES, {"entries": rows}), 413, "too_many_entries")
    assert Entry.objects.count() == before


def test_a_batch_about_strangers_is_422_and_nothing_is_stored(server, citizen):
    before = Entry.objects.count()
    rows = [row(subject(citizen), number) for number in range(94)] + [row("x", number) for number in range(6)]
    problem = assert_problem(server.post(ENTRIES, {"entries": rows}), 422, "unlinked_batch")
    assert (problem["not_linked"], problem["limit"]) == (6, 5)
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"entries": [', "malformed_body"),
        (b'{"entries": [{"value": NaN}]}', "malformed_body"),
        (b'{"entries": ["\\u0000"]}', "malformed_body"),
        (b'{"entries": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed_body"),
        (b"[]", "invalid_input"),
        (b"{}", "invalid_input"),
        (b'{"entries": {}}', "invalid_input"),
        (b'{"entries": [], "subject": "x"}', "invalid_input"),
    ],
)
def test_a_body_that_is_no_batch_is_400_and_nothing_is_stored(server, citizen, body, code):
    before = Entry.objects.count()
    assert_problem(server.post(ENTRIES, body, content_type="application/json"), 400, code)
    assert Entry.objects.count() == before


def test_a_ten_megabyte_string_is_one_invalid_row(server, citizen):
    rows = [row(subject(citizen), 1, external_id="x" * 10_000_000), row(subject(citizen), 2)]
    body = server.post(ENTRIES, {"entries": rows}).json()
    assert (body["accepted"], [one["code"] for one in body["rejected"]]) == (1, ["invalid"])
    assert body["rejected"][0]["external_id"] is None


def test_an_empty_batch_is_an_answer(server, source):
    body = {"accepted": 0, "duplicates": 0, "rejected": []}
    assert server.post(ENTRIES, {"entries": []}).json() == body


def test_a_retraction_is_204_and_again(server, citizen):
    server.post(ENTRIES, {"entries": [row(subject(citizen), 1)]})
    path = f"{ENTRIES}/r1?subject={subject(citizen)}"
    for _ in range(2):
        answer = server.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
    assert Entry.objects.get(external_id="r1").status == "struck"
    assert_problem(server.delete(f"{ENTRIES}/r9?subject={subject(citizen)}"), 404, "not_found")
    assert_problem(server.delete(f"{ENTRIES}/r1?subject=nobody"), 404, "not_found")
    assert_problem(server.delete(f"{ENTRIES}/r1"), 400, "invalid_input")


# -- Who may ------------------------------------------------------------------------------------------------------


def test_only_a_furnishers_server_may(app, client, source):
    merchant = api_client_of(machine_client().application)
    for caller, status, code in (
        (client, 401, "not_authenticated"),
        (app, 403, "wrong_caller"),
        (merchant, 403, "wrong_caller"),
    ):
        assert_problem(caller.get(LINKS), status, code)
        assert_problem(caller.delete(f"{ENTRIES}/r1?subject=x"), status, code)


def test_a_furnisher_without_a_source_has_nothing_here(db):
    server = api_client_of(machine_client(owner="fur_x", scopes=("source:write",)).application)
    assert_problem(server.get(LINKS), 404, "not_found")
    assert_problem(server.post(ENTRIES, {"entries": []}), 404, "not_found")


def test_p4_nothing_a_furnisher_reads_moves_with_the_score(server, citizen):
    """The same answers, byte for byte, whatever the score is."""

    def asked():
        rows = [row(subject(citizen), 1, value=Decimal(0))]
        return (
            server.get(LINKS).content,
            server.post(f"{ENTRIES}?dry_run=1", {"entries": rows}).content,
        )

    before = asked()
    Entry.objects.all().strike(why="retracted", now=NOW)
    assert asked() == before
