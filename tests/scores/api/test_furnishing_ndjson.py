"""Entries sent as newline-delimited JSON: the same answer as a JSON body's, row by row, and all or nothing to read."""

import json

import pytest

from citizen_app.exact_json import LONGEST_LINE
from scores.models import Entry
from tests.factories.scores import row
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
ENTRIES = "/api/v1/sources/entries"
NDJSON = "application/x-ndjson"


def subject(citizen):
    return f"subject-{citizen.pk}"


def post(server, *lines, path=ENTRIES, content_type=NDJSON, end="\n", **options):
    raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + end.encode()
    return server.generic("POST", path, raw, content_type=content_type, **options)


def stored():
    return set(Entry.objects.filter(link__source__code="bank").values_list("external_id", flat=True))


def test_lines_are_answered_row_by_row_like_a_json_batch(server, citizen):
    before = stored()
    rows = [row(subject(citizen), 1), row(subject(citizen), 1), row("nobody", 2), row(subject(citizen), 3, value=121)]
    answers = [
        post(server, *rows, path=f"{ENTRIES}?dry_run=1").json(),
        server.post(f"{ENTRIES}?dry_run=1", {"entries": rows}).json(),
    ]
    assert stored() == before
    answers.append(post(server, *rows).json())
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["accepted"], answers[0]["duplicates"]) == (1, 1)
    assert [(one["index"], one["external_id"], one["code"], one["pointer"]) for one in answers[0]["rejected"]] == [
        (2, "r2", "not_linked", "/entries/2/subject"),
        (3, "r3", "bad_value", "/entries/3/value"),
    ]
    assert stored() == before | {"r1"}
    again = server.post(ENTRIES, {"entries": rows[:1]}).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)


@pytest.mark.parametrize("content_type", ["application/x-ndjson; charset=utf-8", "Application/X-NDJSON"])
def test_blank_lines_are_no_rows_and_the_last_line_needs_no_end(server, citizen, content_type):
    lines = [b"", b"  \t\r", json.dumps(row(subject(citizen), 1)).encode() + b"\r", b"", {"external_id": "x"}]
    answer = post(server, *lines, end="", content_type=content_type).json()
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (1, [1])


@pytest.mark.parametrize("body", [b"", b"\n", b"\n \n\n"])
def test_no_line_is_an_empty_batch(server, source, body):
    answer = server.generic("POST", ENTRIES, body, content_type=NDJSON)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 0, "rejected": []})


MALFORMED = {
    "cut off": (b'{"external_id": ', "column"),
    "two values": (b"{} {}", "Extra data"),
    "not UTF-8": (b'{"external_id": "\xff"}', "UTF-8: the byte at 17"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "a float that is none": (b'{"value": NaN}', "NaN"),
    "a number beyond 64 bits": (b'{"value": 9223372036854775808}', "64 bits"),
    "too many digits": (b'{"value": 0.' + b"1" * 60 + b"}", "too many digits"),
    "a member twice": (b'{"kind": 1, "kind": 1}', "twice"),
    "NUL in an escape": (b'{"kind": "\\u0000"}', "NUL"),
    "NUL": (b'{"kind": "\x00"}', "control character"),
    "half a surrogate pair": (b'{"kind": "\\ud800"}', "surrogate"),
    "33 levels": (b"[" * 33 + b"]" * 33, "deeper than 32"),
    "very many levels": (b"[" * 60_000, "deeper than 32"),
    "too long": (b'"' + b"x" * LONGEST_LINE + b'"', "65,536 bytes"),
    "the start of a longer array": (b'{"entries": [', "column"),
}


@pytest.mark.parametrize(("line", "says"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_line_that_cannot_be_read_is_400_with_its_number_and_nothing_is_stored(server, citizen, line, says):
    before = stored()
    rows = [row(subject(citizen), number) for number in range(3)]
    problem = assert_problem(post(server, *rows, b"", line, row(subject(citizen), 9)), 400, "malformed_body")
    assert problem["line"] == 5
    assert problem["detail"].startswith("Line 5: ")
    assert says in problem["detail"]
    assert stored() == before


def test_a_line_of_the_longest_length_and_32_levels_are_rows(server, source):
    longest = b'"' + b"x" * (LONGEST_LINE - 3) + b'"'
    answer = post(server, longest, b"[" * 32 + b"]" * 32).json()
    assert [(one["index"], one["code"]) for one in answer["rejected"]] == [(0, "invalid"), (1, "invalid")]


def test_fractions_arrive_as_the_digits_that_were_sent(server, citizen):
    line = json.dumps(row(subject(citizen), 1, kind="credit.utilisation")).replace('"value": 0', '"value": 0.3333')
    assert post(server, line.encode()).json()["accepted"] == 1
    assert Entry.objects.get(external_id="r1").value == 3333


def test_10_001_lines_are_too_many_and_what_follows_is_not_read(server, citizen):
    before = stored()
    rows = [row(subject(citizen), number) for number in range(10_001)]
    problem = assert_problem(post(server, *rows, b"never read"), 413, "too_many_entries")
    assert problem["limit"] == 10_000
    assert stored() == before


def test_sixteen_mebibytes_are_read_and_one_byte_more_is_too_large(server, source):
    lines = b"{}\n" + (b" " * (2**16 - 1) + b"\n") * 255
    lines += b" " * (16 * 2**20 - len(lines))
    assert len(lines) == 16 * 2**20
    assert len(server.generic("POST", ENTRIES, lines, content_type=NDJSON).json()["rejected"]) == 1
    assert_problem(server.generic("POST", ENTRIES, lines + b" ", content_type=NDJSON), 413, "too_large")
    # Whoever states less is read no further than that.
    lying = server.generic("POST", ENTRIES, lines + b" ", content_type=NDJSON, CONTENT_LENGTH="3")
    assert len(lying.json()["rejected"]) == 1


def test_a_batch_about_strangers_is_422_and_nothing_is_stored(server, citizen):
    before = stored()
    rows = [row(subject(citizen), number) for number in range(94)] + [row("x", number) for number in range(6)]
    problem = assert_problem(post(server, *rows), 422, "unlinked_batch")
    assert (problem["not_linked"], problem["limit"]) == (6, 5)
    assert stored() == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/ndjson", "application/x-www-form-urlencoded", "x"])
def test_another_content_type_is_415(server, citizen, content_type):
    before = stored()
    assert_problem(post(server, row(subject(citizen), 1), content_type=content_type), 415, "unsupported_media_type")
    assert stored() == before


def test_lines_in_a_json_body_are_malformed(server, citizen):
    two = [row(subject(citizen), 1), row(subject(citizen), 2)]
    assert_problem(post(server, *two, content_type="application/json"), 400, "malformed_body")
