"""Files of codes: what is read from a line, and what is not."""

import io

import pytest

from perks.code_files import ALPHABET, MOST_CODES, is_code, make_code, read_codes


def read(raw: bytes) -> list[tuple[int, str | None]]:
    return list(read_codes(io.BytesIO(raw)))


def test_one_code_a_line_in_the_ways_spreadsheets_write_it():
    assert read(b'A1\r\nB2\n\n  C3  \n"D4"\nE5') == [(1, "A1"), (2, "B2"), (4, "C3"), (5, "D4"), (6, "E5")]


@pytest.mark.parametrize("header", [b"code", b"Codes", b'"Voucher code"', b"\xef\xbb\xbfcoupon_code"])
def test_a_header_is_no_code(header):
    assert read(header + b"\nA1\n") == [(2, "A1")]


def test_a_header_further_down_is_a_line_like_any():
    assert read(b"A1\ncode\n") == [(1, "A1"), (2, "code")]


@pytest.mark.parametrize(
    "wrong",
    [b"=1+1", b"+49", b"-x", b"@a", b"a b", b"a,b", b"a;b", b"\xff\xfe", b"a\x00b", "é".encode(), b"a" * 65, b"'x"],
)
def test_what_is_no_code_is_told_by_its_line_alone(wrong):
    assert read(b"A1\n" + wrong + b"\nB2\n") == [(1, "A1"), (2, None), (3, "B2")]


def test_a_line_without_end_is_one_wrong_line_and_never_held():
    assert read(b"A1\n" + b"x" * 5_000_000 + b"\nB2\n") == [(1, "A1"), (2, None), (3, "B2")]
    assert read(b"x" * 2048) == [(1, None)]


def test_a_generated_code_is_one_that_could_be_uploaded():
    code = make_code("SPA-", 12)
    assert is_code(code)
    assert len(code) == 16
    assert set(code.removeprefix("SPA-")) <= set(ALPHABET)
    assert MOST_CODES == 1_000_000
