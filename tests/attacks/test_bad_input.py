"""Whatever is sent to whatever address: a clear problem with a listed code, no page, no 500, and nothing stored."""

import json
from typing import Any

import pytest
from django.db import transaction

from citizen_app.api.codes import catalogue
from tests.architecture.test_house import endpoints
from tests.attacks.stored import changed, everything
from tests.factories.right_requests import RIGHT, Right, send
from tests.factories.world import World

pytestmark = pytest.mark.django_db

FORMS = {
    "me/disputes",
    "me/disputes/{rejected}/appeal",
    "me/deposits/{deposit_claimed}/contest",
    "merchant/deposits/{deposit_returned}/claim",
    "merchant/perks/{perk_published}/images",
}
WITH_BODY = [right for right in RIGHT if right.body is not None]
DEEP = 100_000


def problem_of(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, having looked that it is a whole problem."""
    told = (answer.status_code, answer.headers["Content-Type"], answer.content[:300])
    assert 400 <= answer.status_code < 500, told
    assert answer.headers["Content-Type"] == "application/problem+json", told
    body = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "code", "instance"}, told
    assert (body["code"], body["status"]) in {(code.code, code.status) for code in catalogue()}, told
    assert body["status"] == answer.status_code
    assert body["type"] == f"/docs/errors#{body['code']}"
    return answer.status_code, body["code"]


def codes_of(world: World, rights: list[Right], **changes: Any) -> set[tuple[int, str]]:
    """What these endpoints answer to the same attack."""
    return {problem_of(send(world, right, **changes)) for right in rights}


MALFORMED = {
    "nothing that is JSON": b"{",
    "a word": b"hello",
    "two texts": b"{}{}",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "another encoding": '{"a": 1}'.encode("utf-16"),
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "a number without end": b'{"a": 1e400}',
    "a number with 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a number beyond 64 bits": b'{"a": 9223372036854775808}',
    "NUL": b'{"a": "\\u0000"}',
    "NUL in a name": b'{"\\u0000": 1}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "the same name twice": b'{"a": 1, "a": 2}',
    "100,000 nested arrays": b"[" * DEEP + b"]" * DEEP,
    "100,000 nested objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "33 nested arrays": b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}",
    "a name in single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // ok',
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_cannot_be_read_is_a_malformed_body_everywhere(world, raw):
    before = everything()
    assert codes_of(world, WITH_BODY, body=raw) == {(400, "malformed_body")}
    assert changed(before) == []


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"7", b"true", b"null", b"[{}]"])
def test_a_body_that_is_no_object_is_invalid_everywhere(world, raw):
    before = everything()
    assert codes_of(world, WITH_BODY, body=raw) == {(400, "invalid_input")}
    assert changed(before) == []


def test_a_text_of_ten_megabytes_is_too_large_everywhere(world):
    before, text = everything(), b'{"a": "' + b"x" * 10_000_000 + b'"}'
    small = [right for right in WITH_BODY if right.path != "sources/entries"]
    assert codes_of(world, small, body=text) == {(413, "too_large")}
    batch = next(right for right in WITH_BODY if right.path == "sources/entries")
    assert problem_of(send(world, batch, body=text)) == (400, "invalid_input")  # up to 16 MiB are read there
    assert problem_of(send(world, batch, body=text * 2)) == (413, "too_large")
    assert changed(before) == []


def test_a_field_nobody_asked_for_is_named_everywhere(world):
    before = everything()
    sneaked = {"score": 900, "id": "x", "is_staff": True, "state": "active", "merchant": "mer_x", "created_at": None}
    for right in WITH_BODY:
        for name, value in sneaked.items():
            if name in (right.body or {}):
                continue
            answer = send(world, right, body={**(right.body or {}), name: value})
            assert problem_of(answer) == (400, "invalid_input"), (right, name)
            assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
                (f"/{name}", "unknown_field")
            ]
    assert changed(before) == []


SERVER_S_OWN = {
    *("taken_count", "promised_count", "budget_spent", "in_force", "pending", "revision", "hold_reason", "refusal"),
    *("published_at", "approved_at", "approved_by", "purpose", "easiest_min_score", "is_demo", "code_hash"),
    *("counts_for_limits", "counts_for_stock", "expires_at", "min_score", "citizen", "forgets_citizen", "outcome"),
    *("balance", "face", "moves", "waived_amount", "remainder_amount", "claim_cap", "settled_amount", "due_at"),
    *("token_hash", "pin_hash", "wrong_pins", "revoked_at", "standing", "standing_state", "ramp_taken_count"),
    *("free_count", "given_count", "lapses_on", "status", "source_id", "weight", "value_after", "is_active"),
}
"""Columns that follow from what happens: nobody ever says them, whatever their role."""


def test_what_is_the_server_s_own_to_know_is_asked_of_nobody(world):
    before = everything()
    for right in WITH_BODY:
        answer = send(world, right, body={**(right.body or {}), **dict.fromkeys(SERVER_S_OWN, 1)})
        assert problem_of(answer) == (400, "invalid_input"), right
        named = {error["pointer"] for error in answer.json()["errors"] if error["code"] == "unknown_field"}
        assert named == {f"/{name}" for name in SERVER_S_OWN}, right
    assert changed(before) == []


def test_a_query_nobody_asked_for_is_named_everywhere(world):
    before = everything()
    for right in RIGHT:
        for query in ("format=json", "order=score", "%00=1"):
            path = right.path + ("&" if "?" in right.path else "?") + query
            answer = send(world, right, path=path)
            assert problem_of(answer) == (400, "unknown_parameter"), (right, query)
            assert len(answer.json()["parameters"]) == 1
    assert changed(before) == []


def test_a_method_an_address_does_not_know_is_405_everywhere(world):
    before = everything()
    for path, view in endpoints():
        known = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        right = next(right for right in RIGHT if _same_address(right, path))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"} - known:
            answer = send(world, right, method=method, path=right.path.partition("?")[0])
            assert problem_of(answer) == (405, "method_not_allowed"), (path, method)
            assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == known, (path, method)
    assert changed(before) == []


def _same_address(right: Right, path: str) -> bool:
    from tests.test_access import route

    return route(right.path) == route(path.removeprefix("api/v1/"))


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""],
)
def test_another_media_type_is_415_everywhere(world, media_type):
    before = everything()
    # An empty body has no type to be wrong; `{}` has. Where a file may come along, a form is read.
    rights = [right for right in WITH_BODY if not (media_type.startswith("multipart/") and right.path in FORMS)]
    assert codes_of(world, rights, body=b"{}", content_type=media_type) == {(415, "unsupported_media_type")}
    assert changed(before) == []


def test_an_answer_nobody_can_give_is_406_everywhere(world):
    before = everything()
    answers = codes_of(world, [right for right in RIGHT if right.method == "GET"], headers={"Accept": "text/html"})
    assert answers == {(406, "not_acceptable")}
    assert changed(before) == []


LONG = "x" * 10_001
VALUES = {
    "null": b"null",
    "a boolean": b"true",
    "a negative": b"-1",
    "a fraction": b"0.1",
    "the least of 64 bits": b"-9223372036854775808",
    "an empty text": b'""',
    "10,001 characters": json.dumps(LONG).encode(),
    "a text that turns round": b'"a\\u202eb"',
    "a list": b'[1, "x", null, {}]',
    "an object": b'{"a": {"b": "<script>{{7*7}}"}}',
    "a date far away": b'"9999-12-31"',
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_no_value_of_any_field_breaks_an_endpoint_and_a_refused_one_stores_nothing(world, value):
    before = everything()
    refused = 0
    for right in WITH_BODY:
        for place, raw in _each_with(right.body, value, world.ids):
            undo = transaction.savepoint()
            answer = send(world, right, body=raw)
            if answer.status_code >= 400:
                status, _ = problem_of(answer)
                assert status < 500, (right, place)
                refused += 1
            else:
                # Some of these are right where they stand (a title may be markup); that is not this test's question.
                transaction.savepoint_rollback(undo)
    assert refused > 20
    assert changed(before) == []


def _each_with(body: Any, value: bytes, ids: dict[str, str]) -> list[tuple[str, bytes]]:
    """The body once for each member in it, however deep, with the value in that member's place."""
    from tests.factories.right_requests import filled

    whole, mark = filled(body, ids), "\x01"
    places: list[tuple[str, bytes]] = []

    def walk(inner: Any, pointer: str) -> None:
        names: Any = inner.keys() if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        for name in names:
            kept, inner[name] = inner[name], mark
            places.append((f"{pointer}/{name}", json.dumps(whole).encode().replace(b'"\\u0001"', value)))
            inner[name] = kept
            walk(kept, f"{pointer}/{name}")

    walk(whole, "")
    return places


LISTS = [
    right
    for right in RIGHT
    if right.method == "GET"
    and right.path
    in (
        "me/score/history",
        "me/entries",
        "me/sources",
        "me/inquiries",
        "sources/links",
        "perks",
        "me/redemptions",
        "merchant/perks",
        "merchant/redemptions",
        "merchant/members",
        "merchant/branches",
        "merchant/clients",
    )
]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1e400", "1.5", "abc", "", "%00", "٣", "9" * 400, "1&limit=2"])
def test_a_page_is_one_to_a_hundred_rows_everywhere(world, limit):
    assert codes_of_queries(world, f"limit={limit}") == {(400, "invalid_input")}


def codes_of_queries(world: World, query: str) -> set[tuple[int, str]]:
    return {problem_of(send(world, right, path=f"{right.path}?{query}")) for right in LISTS}


def as_cursor(said: Any) -> str:
    import base64

    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


CURSORS = {
    "a word": "hello",
    "no base64": "%%%",
    "no list": as_cursor({"n": 1}),
    "another way": as_cursor(["sideways", 1]),
    "too few": as_cursor(["n"]),
    "too many": as_cursor(["n", 1, 2, 3, 4]),
    "null": as_cursor(["n", None]),
    "a list": as_cursor(["n", [1]]),
    "a text": as_cursor(["n", "x"]),
    "beyond any key": as_cursor(["n", 2**200]),
    "two of them": as_cursor(["n", "x", "y"]),
    "an instant and a number too large": as_cursor(["n", "2026-11-23T12:00:00Z", 2**70]),
    "a fraction without end": as_cursor(["n", 1e400]),
}


@pytest.mark.parametrize("cursor", CURSORS.values(), ids=CURSORS.keys())
def test_a_cursor_that_was_not_given_out_is_named_everywhere(world, cursor):
    assert codes_of_queries(world, f"cursor={cursor}") == {(400, "invalid_cursor")}


def test_a_cursor_without_end_is_refused_everywhere(world):
    assert codes_of_queries(world, f"cursor={'A' * 20_000}") == {(400, "invalid_input")}


FILTERS = {
    "me/entries": ("kind", "factor", "status"),
    "perks": ("kind", "purpose", "eligible", "near"),
    "me/redemptions": ("state",),
    "merchant/perks": ("state",),
    "merchant/redemptions": ("state", "date"),
    "sources/links": ("changed_since",),
}


@pytest.mark.parametrize("value", ["%00", "x", "-1", "1e400", "%F0%9F%92%A3", "' OR 1=1 --", "a" * 5000, "0,0,0"])
def test_a_filter_that_means_nothing_is_named(world, value):
    before = everything()
    for right in LISTS:
        for name in FILTERS.get(right.path, ()):
            answer = send(world, right, path=f"{right.path}?{name}={value}")
            assert problem_of(answer) == (400, "invalid_input"), (right.path, name)
            assert {error["pointer"] for error in answer.json()["errors"]} == {f"/{name}"}
    assert changed(before) == []


@pytest.mark.parametrize("key", [None, "", " ", "x" * 256, "a b", "ключ", "a\tb"])
def test_a_key_that_is_none_is_refused_wherever_one_is_needed(world, key):
    before = everything()
    needed = [right for right in WITH_BODY if right.method == "POST" and _asks_for_a_key(_view_of(right))]
    assert len(needed) == 12
    headers = {"Idempotency-Key": key} if key is not None else {}
    for right in needed:
        bare = right.path.format(**world.ids)
        client = world.client(right.caller)
        answer = client.post(f"/api/v1/{bare}", {}, format="json", headers=headers)
        expected = "idempotency_key_missing" if key is None else "idempotency_key_invalid"
        assert problem_of(answer) == (400, expected), (right, key)
    assert changed(before) == []


def _asks_for_a_key(view: Any) -> bool:
    return getattr(view.post, "is_idempotent", False)


def _view_of(right: Right) -> Any:
    return next(view for path, view in endpoints() if _same_address(right, path))


CREDENTIALS = {
    "no token": ({"Authorization": "Bearer"}, (401, "not_authenticated")),
    "a made-up token": ({"Authorization": "Bearer made-up"}, (401, "not_authenticated")),
    "a token without end": ({"Authorization": "Bearer " + "x" * 100_000}, (401, "not_authenticated")),
    "another scheme": ({"Authorization": "Basic YTpi"}, (401, "not_authenticated")),
    "a made-up session": ({"X-Session-Token": "made-up"}, (401, "not_authenticated")),
    "a session without a signature": ({"X-Session-Token": "abc:def"}, (401, "not_authenticated")),
    "a session in another alphabet": ({"X-Session-Token": "ключ"}, (401, "not_authenticated")),
    "two of them": ({"Authorization": "Bearer x", "X-Session-Token": "y"}, (400, "two_credentials")),
}


@pytest.mark.parametrize(("headers", "expected"), CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_a_credential_that_is_none_opens_nothing(world, headers, expected):
    before = everything()
    for right in RIGHT:
        assert problem_of(send(world, right, caller="nobody", headers=headers)) == expected, right
    assert changed(before) == []


@pytest.mark.parametrize("stated", ["", "x", '"0"', 'W/"1"', "*" * 5000, "ключ"])
def test_a_change_of_another_version_is_refused(world, stated):
    before = everything()
    changing = [right for right in RIGHT if right.method == "PATCH" and right.path.startswith("merchant/")]
    assert len(changing) >= 3
    assert codes_of(world, changing, headers={"If-Match": stated}) == {(412, "precondition_failed")}
    assert changed(before) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Request-ID": "x" * 10_000},
        {"X-Request-ID": "{{7*7}}\x0b"},
        {"Accept-Language": ",".join(["en-x"] * 2000)},
        {"If-None-Match": "garbage, W/"},
        {"Accept": "application/json;indent=4, */*;q=0.1" + ", x/y" * 500},
        {"Cookie": "a=b; " * 500},
        {"X-Forwarded-For": "not an address"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_odd_headers_change_nothing(world, headers):
    for right in RIGHT:
        if right.method == "GET":
            answer = send(world, right, headers=headers)
            assert answer.status_code == 200, (right, answer.content[:200])
            if "X-Request-ID" in headers:
                assert answer.headers["X-Request-ID"] != headers["X-Request-ID"]
