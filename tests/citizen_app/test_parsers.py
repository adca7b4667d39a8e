"""Bodies are read within bounds; what cannot be read is 400 (or 413), never 500, and numbers stay exact."""

from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace

import pytest

from citizen_app.api.parsers import BoundedJSONParser, CodeFileParser, IngestionJSONParser, NDJSONParser, parsed
from citizen_app.api.problems import MalformedBody
from citizen_app.errors import TooLarge

pytestmark = pytest.mark.urls("tests.citizen_app.rooms")
MEBIBYTE = 1024 * 1024


def post(client, body, path="/api/echo", content_type="application/json"):
    return client.post(path, body, content_type=content_type)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": ', "line 1, column 7"),
        (b"", "line 1, column 1"),
        (b"   ", "column 4"),
        (b'{"a": 1} {"b": 2}', "Extra data"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 01}', "Not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 9223372036854775808}', "64 bits"),
        (b'{"a": -9223372036854775809}', "64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"a": 1e999999999}', "too many digits"),
        (b'{"a": 0.' + b"1" * 60 + b"}", "too many digits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"x": {"a": 1, "\\u0061": 2}}', "twice"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": "\x00"}', "Invalid control character"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": ["\\udc00x"]}', "surrogate"),
        (b'{"a": "\xff"}', "byte at 7"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 32"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deeper than 32"),
    ],
)
def test_what_cannot_be_read_is_400_and_says_where(client, body, says):
    if not body:
        with pytest.raises(MalformedBody, match=says):
            parsed(body)
        return
    response = post(client, body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
    assert says in response.json()["detail"]


def test_thirty_two_levels_are_read_and_one_more_is_not():
    assert parsed(b"[" * 32 + b"]" * 32)
    with pytest.raises(MalformedBody):
        parsed(b"[" * 33 + b"]" * 33)


def test_numbers_are_exact():
    assert parsed(b'{"a": 9223372036854775807, "b": 0.1, "c": -0.30, "d": 1e3}') == {
        "a": 2**63 - 1,
        "b": Decimal("0.1"),
        "c": Decimal("-0.30"),
        "d": Decimal("1e3"),
    }
    assert isinstance(parsed(b"1.0"), Decimal)
    assert parsed(b"[true, false, null]") == [True, False, None]


def test_a_whole_emoji_in_escapes_is_read():
    assert parsed(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_an_absent_body_is_an_empty_object(client):
    assert post(client, b"").json()["said"] == {}


def test_one_mebibyte_is_read_and_a_byte_more_is_not(client):
    whole = b'"' + b"a" * (MEBIBYTE - 2) + b'"'
    assert post(client, whole).status_code == 200
    response = post(client, whole + b" ")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert response.json()["most_bytes"] == MEBIBYTE


def test_a_body_longer_than_it_says_is_cut_where_it_said(client):
    response = client.post("/api/echo", b'{"a": 1}', content_type="application/json", CONTENT_LENGTH="5")
    assert response.json()["code"] == "malformed_body"
    response = client.post("/api/echo", b"{}", content_type="application/json", CONTENT_LENGTH="99999999999")
    assert response.json()["code"] == "too_large"


def test_a_furnisher_s_batch_may_have_sixteen(client):
    assert (BoundedJSONParser.most_bytes, IngestionJSONParser.most_bytes) == (MEBIBYTE, 16 * MEBIBYTE)
    assert post(client, b'"' + b"a" * (2 * MEBIBYTE) + b'"', "/api/big-echo").status_code == 200


def test_a_ten_megabyte_text_is_refused(client):
    assert post(client, b'{"a": "' + b"x" * 10_000_000 + b'"}').status_code == 413


def lines_of(body, *, stated):
    context = {"request": SimpleNamespace(META={"CONTENT_LENGTH": str(stated)})}
    return NDJSONParser().parse(BytesIO(body), parser_context=context)


def test_lines_are_read_one_at_a_time():
    body = b'{"a": 1}\n' * 100_000
    stream = BytesIO(body)
    rows = iter(NDJSONParser().parse(stream, parser_context=None))
    assert next(rows) == {"a": 1}
    assert stream.tell() == 65_536  # and no more of the body than that
    assert sum(1 for _ in rows) == 99_999


def test_lines_cut_off_at_the_end_of_one_are_not_taken_for_the_whole_body():
    whole = b"1\n2\n"
    assert list(lines_of(whole, stated=4)) == [1, 2]
    with pytest.raises(MalformedBody, match="stated length"):
        list(lines_of(whole, stated=5))


def test_lines_beyond_the_bound_are_too_large_whatever_was_stated():
    with pytest.raises(TooLarge):
        lines_of(b"", stated=16 * MEBIBYTE + 1)
    with pytest.raises(TooLarge):
        list(lines_of((b"[" + b" " * 1021 + b"]\n") * 17 * 1024, stated=1))


def test_a_file_of_codes_that_was_cut_off_between_two_lines_is_not_whole():
    body = CodeFileParser.Body(BytesIO(b"A1\nB2\n"), most_bytes=100, stated=9)
    with pytest.raises(MalformedBody):
        body.lines().read()
    assert CodeFileParser.Body(BytesIO(b"A1\nB2\n"), most_bytes=100, stated=6).lines().read() == b"A1\nB2\n"


def test_a_file_of_codes_is_read_to_its_bound():
    with pytest.raises(TooLarge):
        CodeFileParser.Body(BytesIO(b"x" * 101), most_bytes=100, stated=None).lines().read()
    assert len(CodeFileParser.Body(BytesIO(b"x" * 100), most_bytes=100, stated=None).lines().read()) == 100
