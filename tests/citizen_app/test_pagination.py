"""Lists in pages: every row once, whatever arrives meanwhile, at a constant cost."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from citizen_app.models import AuditEvent
from tests.citizen_app.rooms import a_person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.citizen_app.rooms")]
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def header():
    return token_of(a_person())


def write(count, *, at=START, step=timedelta(minutes=1)):
    return [
        AuditEvent.objects.create(actor="system", action="book", object=str(number), at=at + step * number)
        for number in range(count)
    ]


def ids(answer):
    return [row["id"] for row in answer["results"]]


def test_a_page_is_newest_first_and_has_twenty_five_rows_unless_said(client, header):
    rows = write(30)
    answer = client.get("/api/book", headers=header).json()
    assert list(answer) == ["next", "previous", "results"]
    assert ids(answer) == [row.pk for row in reversed(rows)][:25]
    assert answer["previous"] is None
    assert answer["next"].startswith("http://testserver/api/book?cursor=")


@pytest.mark.parametrize(
    "step",
    [timedelta(minutes=1), timedelta(0), timedelta(minutes=-1), timedelta(microseconds=3)],
    ids=["each its moment", "all at once", "written backwards", "within a millisecond"],
)
@pytest.mark.parametrize("limit", [1, 3, 7, 10])
def test_following_next_and_previous_meets_every_row_once(client, header, step, limit):
    written = write(10, at=START + timedelta(microseconds=956_387), step=step)
    rows = [row.pk for row in (written if step < timedelta(0) else reversed(written))]
    url, forward, pages = f"/api/book?limit={limit}", [], []
    while url:
        answer = client.get(url, headers=header).json()
        assert len(answer["results"]) <= limit
        forward += ids(answer)
        pages.append(answer)
        url = answer["next"]
    assert forward == rows
    url, backward = pages[-1]["previous"], ids(pages[-1])
    while url:
        answer = client.get(url, headers=header).json()
        backward = ids(answer) + backward
        url = answer["previous"]
    assert backward == rows


def test_rows_that_arrive_meanwhile_move_nothing(client, header):
    rows = [row.pk for row in reversed(write(6))]
    first = client.get("/api/book?limit=3", headers=header).json()
    write(4, at=START + timedelta(days=1))
    second = client.get(first["next"], headers=header).json()
    assert ids(first) + ids(second) == rows


def test_an_empty_list_is_a_page(client, header):
    assert client.get("/api/book", headers=header).json() == {"next": None, "previous": None, "results": []}


def test_the_last_full_page_has_no_next(client, header):
    write(5)
    answer = client.get("/api/book?limit=5", headers=header).json()
    assert (len(answer["results"]), answer["next"]) == (5, None)


def test_a_page_costs_one_query_however_deep(client, header, django_assert_num_queries):
    write(60)
    client.get("/api/book", headers=header)
    for limit in (1, 50):
        with django_assert_num_queries(2):  # the person, the page
            answer = client.get(f"/api/book?limit={limit}", headers=header).json()
        with django_assert_num_queries(2):
            client.get(answer["next"], headers=header)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1.5", "1e2"])
def test_a_limit_outside_of_one_to_a_hundred_is_refused(client, header, limit):
    answer = client.get(f"/api/book?limit={limit}", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/limit"


def written(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%00",
        "é",
        "a",
        base64.urlsafe_b64encode(b"[" * 400).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b"5").decode(),
        written(),
        written("n"),
        written("n", "2026-11-01T00:00:00Z"),
        written("x", "2026-11-01T00:00:00Z", 5),
        written("n", "yesterday", 5),
        written("n", "2026-11-01T00:00:00Z", "five"),
        written("n", "2026-11-01T00:00:00Z", None),
        written("n", None, 5),
        written("n", "2026-11-01T00:00:00Z", [5]),
        written("n", "2026-11-01T00:00:00Z", 2**70),
        written("n", "9999-99-99T00:00:00Z", 5),
        written("n", ["2026"], {"a": 1}),
        written("n", "2026-11-01T00:00:00Z", 1e400),
    ],
)
def test_a_cursor_nobody_gave_out_is_refused(client, header, cursor):
    answer = client.get(f"/api/book?cursor={cursor}", headers=header)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_cursor", "invalid_input"}


def test_a_cursor_given_twice_is_refused(client, header):
    assert client.get("/api/book?cursor=a&cursor=b", headers=header).json()["code"] == "invalid_input"
