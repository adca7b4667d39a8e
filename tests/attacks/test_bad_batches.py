"""What furnishers may not send: each row is answered with its code, and nothing of a refused one is stored (P2, P3)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scores import catalogue
from scores.forbidden_kinds import NEVER
from scores.services.linking import make_link_code, redeem_link_code
from tests.attacks.stored import changed, everything
from tests.attacks.test_bad_input import problem_of
from tests.factories.right_requests import RIGHT, ROW, send
from tests.factories.scores import EnrolmentFactory
from tests.factories.world import World

pytestmark = pytest.mark.django_db

BATCH = next(right for right in RIGHT if right.path == "sources/entries")
LINKING = next(right for right in RIGHT if (right.method, right.path) == ("POST", "sources/links"))


def rejected(world: World, *rows: Any, raw: bytes | None = None) -> list[tuple[str, str | None]]:
    """Send a batch of which no row may be taken; return each row's code and pointer, having looked at the tables."""
    before = everything()
    answer = send(world, BATCH, body=raw if raw is not None else {"entries": list(rows)})
    assert answer.status_code == 200, answer.content[:300]
    told = answer.json()
    assert (told["accepted"], told["duplicates"]) == (0, 0)
    assert [one["index"] for one in told["rejected"]] == list(range(len(told["rejected"])))
    assert changed(before) == []
    return [(one["code"], one.get("pointer")) for one in told["rejected"]]


def test_10_001_rows_are_too_many_and_10_000_are_judged(world):
    before = everything()
    wrong = [{"external_id": "x"}] * 10_001
    answer = send(world, BATCH, body={"entries": wrong})
    assert problem_of(answer) == (413, "too_many_entries")
    assert answer.json()["limit"] == 10_000
    assert changed(before) == []
    assert set(rejected(world, *wrong[:-1])) == {("invalid", f"/entries/{n}/subject") for n in range(10_000)}


def test_sixteen_mebibytes_are_read_and_one_byte_more_is_too_large(world):
    before, whole = everything(), b'{"entries": []}'
    assert rejected(world, raw=whole + b" " * (16 * 2**20 - len(whole))) == []
    assert problem_of(send(world, BATCH, body=whole + b" " * (16 * 2**20 + 1 - len(whole)))) == (413, "too_large")
    assert changed(before) == []


def test_every_topic_that_can_never_be_a_source_is_an_unknown_kind(world):
    assert len(NEVER) == 10  # P3 names ten
    for words in NEVER.values():
        kinds = [f"{room}.{word}" for word in sorted(words) for room in ("conduct", "credit")]
        rows = [{**ROW, "external_id": f"f{n}", "kind": kind} for n, kind in enumerate(kinds)]
        assert rejected(world, *rows) == [("unknown_kind", f"/entries/{n}/kind") for n in range(len(rows))]


@pytest.mark.parametrize(
    "kind",
    ["", "x", "credit", "credit.", "CREDIT.PAYMENT", "credit.payment ", "credit/payment", "credit.payment\n", "1"],
)
def test_what_is_not_in_the_catalogue_is_an_unknown_kind(world, kind):
    assert rejected(world, {**ROW, "kind": kind}) == [("unknown_kind", "/entries/0/kind")]


def test_every_kind_of_another_furnisher_is_not_allowed(world):
    others = sorted(set(catalogue.CODES) - set(world.source.kinds))
    assert len(others) > 10
    rows = [{**ROW, "external_id": f"o{n}", "kind": kind} for n, kind in enumerate(others)]
    assert {code for code, _ in rejected(world, *rows)} == {"kind_not_allowed"}


VALUES = [
    "121",
    "-3",
    "0.5",
    '"0x10"',
    '"1e2"',
    '" 1"',
    '""',
    "true",
    "null",
    "[]",
    "{}",
    "1e30",
    '"١"',
    '"+1"',
    '"1,0"',
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_its_kind_does_not_allow_is_a_bad_value(world, value):
    raw = json.dumps({"entries": [{**ROW, "value": "HERE"}]}).replace('"HERE"', value).encode()
    assert rejected(world, raw=raw) == [("bad_value", "/entries/0/value")]


def test_a_date_after_today_is_in_the_future_and_one_too_long_ago_too_old(world):
    today = timezone.now().date()
    assert rejected(world, {**ROW, "occurred_on": (today + timedelta(days=1)).isoformat()}) == [
        ("in_the_future", "/entries/0/occurred_on")
    ]
    assert rejected(world, {**ROW, "occurred_on": "9999-12-31"}) == [("in_the_future", "/entries/0/occurred_on")]
    assert rejected(world, {**ROW, "occurred_on": "0001-01-01"}) == [("too_old", "/entries/0/occurred_on")]


DATES = [
    "2026-02-30", "2026-13-01", "0000-01-01", "2026-1-1", "20261031", "2026-W44-6", "2026-10-31T00:00:00Z",
    " 2026-10-31", "٢٠٢٦-١٠-٣١", "31.10.2026", "", 20261031, 0, None, True, [], {},
]  # fmt: skip


@pytest.mark.parametrize("date", DATES, ids=str)
def test_a_date_that_is_none_is_invalid(world, date):
    assert rejected(world, {**ROW, "occurred_on": date}) == [("invalid", "/entries/0/occurred_on")]


NAMES = ["", " ", "a b", "a/b", "ü", "x" * 129, "a\n", "%00", "<b>", 7, None, True, [], {}]


@pytest.mark.parametrize("field", ["external_id", "subject", "replaces"])
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_name_that_is_none_is_invalid(world, field, name):
    assert rejected(world, {**ROW, field: name}) == [("invalid", f"/entries/0/{field}")]


@pytest.mark.parametrize("row", [None, 7, "row", [], True, [ROW]], ids=str)
def test_a_row_that_is_no_object_is_invalid(world, row):
    assert rejected(world, row) == [("invalid", None)]


@pytest.mark.parametrize("field", ["score", "weight", "points", "lapses_on", "status", "citizen", "a/b~c"])
def test_a_row_with_a_field_nobody_asked_for_is_invalid(world, field):
    pointer = field.replace("~", "~0").replace("/", "~1")
    assert rejected(world, {**ROW, field: 1}) == [("invalid", f"/entries/0/{pointer}")]


@pytest.mark.parametrize("field", ["external_id", "subject", "kind", "occurred_on"])
def test_a_row_without_a_field_is_invalid(world, field):
    assert rejected(world, {name: value for name, value in ROW.items() if name != field}) == [
        ("invalid", f"/entries/0/{field}")
    ]


def test_a_replacement_of_nothing_of_itself_or_of_another_subject_is_invalid(world):
    for replaces in ("made-up", "x1", world.entry_of_neighbour.external_id + "9"):
        assert rejected(world, {**ROW, "replaces": replaces}) == [("invalid", "/entries/0/replaces")]


def test_a_subject_nobody_linked_is_not_linked_and_named_nowhere(world, caplog):
    assert rejected(world, {**ROW, "subject": "stranger-99"}) == [("not_linked", "/entries/0/subject")]
    assert "stranger-99" not in caplog.text


def test_a_batch_about_strangers_is_refused_whole(world):
    before = everything()
    # 5 % of a hundred rows is the most; one stranger more and not even the rows that are right are kept.
    own = [{**ROW, "external_id": f"n{n}"} for n in range(94)]
    strangers = [{**ROW, "external_id": f"s{n}", "subject": f"stranger-{n}"} for n in range(6)]
    answer = send(world, BATCH, body={"entries": own + strangers})
    assert problem_of(answer) == (422, "unlinked_batch")
    assert (answer.json()["not_linked"], answer.json()["limit"]) == (6, 5)
    assert "stranger" not in answer.content.decode()
    assert changed(before) == []


def test_one_bad_row_spoils_no_other(world):
    rows = [{**ROW, "external_id": "good-1"}, {**ROW, "kind": "conduct.religion"}, {**ROW, "external_id": "good-2"}]
    answer = send(world, BATCH, body={"entries": rows}).json()
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (2, [1])


def test_a_dry_run_judges_and_stores_nothing(world):
    before = everything()
    answer = send(world, BATCH, path="sources/entries?dry_run=1", body={"entries": [ROW, {**ROW, "kind": "x"}]})
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["code"]) == (1, "unknown_kind")
    assert changed(before) == []


CODES = ["AAAAAAAA", "0", "x" * 8, "AAAA-AAAA", "ОООООООО", "' OR 1=1", "A" * 32]


def test_a_link_code_that_is_wrong_old_used_or_another_source_s_is_one_answer(world):
    def code_of(citizen: Any, source: Any, **options: Any) -> str:
        return make_link_code(citizen=citizen, source_code=source.code, **options).code

    one, two, three = (EnrolmentFactory().citizen for _ in range(3))
    used = code_of(one, world.source)
    redeem_link_code(source=world.source, code=used, subject="used-1")
    old = code_of(two, world.source, now=timezone.now() - timedelta(minutes=15, seconds=1))
    replaced = code_of(three, world.source)
    code_of(three, world.source)
    foreign = code_of(three, world.other_source)
    before, answers = everything(), set()
    for code in (*CODES, used, old, replaced, foreign):
        answer = send(world, LINKING, body={"link_code": code, "subject": "new-9"})
        assert problem_of(answer) == (404, "unknown_link_code"), code
        answers.add(answer.content)
    assert len(answers) == 1
    assert changed(before) == []


@pytest.mark.parametrize("code", [None, 7, "", " ", [], {}, True, "A" * 1000], ids=lambda value: str(value)[:8])
def test_a_link_code_that_is_no_text_is_invalid(world, code):
    before = everything()
    assert problem_of(send(world, LINKING, body={"link_code": code, "subject": "new-9"})) == (400, "invalid_input")
    assert changed(before) == []
