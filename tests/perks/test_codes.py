"""The typed code: what is caught, what is forgiven, and that it says nothing."""

import hashlib
import hmac
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_app.public_ids import uuid7
from perks.codes import (
    ALPHABET,
    LAST_ATTEMPT,
    check_character,
    derive_code,
    format_code,
    hash_code,
    normalise,
)

KEY = bytes(range(32))
REDEMPTION = UUID("018bcfe5-687b-7fff-8fff-ffffffffffff")
SOME_S = "S00000000" + check_character("S00000000")
SOME_CODES = [derive_code(KEY, UUID(int=number), 0) for number in range(12)]


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("000000000", "0"),
        ("000000001", "Y"),  # 1 doubled is 2, and 30 is missing to 32
        ("00000000Z", "1"),  # 31 doubled is 62 = 1·32 + 30, whose digits add up to 31
        ("000000010", "Z"),  # not doubled
        ("100000000", "Y"),  # doubled again: nine characters, every other one from the right
        ("ZZZZZZZZZ", "9"),  # 9·31 = 279 = 8·32 + 23, and 9 is missing
    ],
)
def test_check_character_is_luhns_modulo_32(body, check):
    assert check_character(body) == check
    assert normalise(body + check) == body + check


def test_a_code_is_always_the_same_and_never_changes_between_releases():
    message = b"citizen-app/redemption-code/1" + REDEMPTION.bytes + b"\x00\x07"
    first_45_bits = int.from_bytes(hmac.new(KEY, message, hashlib.sha256).digest(), "big") >> 256 - 45
    value = 0
    code = derive_code(KEY, REDEMPTION, 7)
    for character in code[:9]:
        value = value * 32 + ALPHABET.index(character)
    assert value == first_45_bits
    assert derive_code(KEY, REDEMPTION, 7) == code


def test_another_key_redemption_or_attempt_gives_another_code():
    codes = {derive_code(KEY, REDEMPTION, attempt) for attempt in range(50)}
    codes |= {derive_code(KEY, UUID(int=number), 0) for number in range(50)}
    codes |= {derive_code(bytes([number]) * 32, REDEMPTION, 0) for number in range(50)}
    assert len(codes) == 150


@pytest.mark.parametrize("attempt", [-1, LAST_ATTEMPT + 1])
def test_an_attempt_out_of_range_is_refused(attempt):
    with pytest.raises(ValueError, match="attempt"):
        derive_code(KEY, REDEMPTION, attempt)


def test_every_place_of_a_code_uses_the_whole_alphabet():
    codes = [derive_code(KEY, UUID(int=number), 0) for number in range(1_000)]
    assert all({code[place] for code in codes} == set(ALPHABET) for place in range(10))


def test_every_single_character_typo_is_caught():
    tried = 0
    for code in SOME_CODES:
        for place, right in enumerate(code):
            for wrong in ALPHABET.replace(right, ""):
                assert normalise(code[:place] + wrong + code[place + 1 :]) is None
                tried += 1
    assert tried == 12 * 10 * 31


def test_every_swap_of_neighbours_is_caught_but_zero_with_z():
    caught = missed = 0
    for left in ALPHABET:
        for right in ALPHABET.replace(left, ""):
            body = f"7{left}{right}4K2M9X"
            swapped = f"7{right}{left}4K2M9X" + check_character(body)
            if normalise(swapped) is None:
                caught += 1
            else:
                assert {left, right} == {"0", "Z"}
                missed += 1
    assert (caught, missed) == (32 * 31 - 2, 2)


def test_a_missing_or_added_character_is_caught():
    for code in SOME_CODES:
        for place in range(10):
            assert normalise(code[:place] + code[place + 1 :]) is None
            assert normalise(code[:place] + "7" + code[place:]) is None


@pytest.mark.parametrize("code", SOME_CODES)
def test_a_code_is_read_as_it_is_shown(code):
    shown = format_code(code)
    assert (len(shown), shown[5], shown.replace("-", "")) == (11, "-", code)
    assert normalise(shown) == code


def test_case_spaces_and_hyphens_do_not_matter():
    code = SOME_CODES[0]
    spread = " ".join(code.lower())
    assert normalise(spread) == code
    assert normalise(f"\t{code[:5]} – {code[5:]}\n") == code
    assert normalise("-".join(code)) == code
    assert normalise(code[:5] + "\u00a0\u2011\u2212" + code[5:]) == code


def test_look_alikes_are_read_as_the_digits_they_look_like():
    body = "0101010AB"
    code = body + check_character(body)
    for typed in ("OIOIOIOAB", "OLOLOLOAB", "oloiolOab", "O1o10L0AB"):
        assert normalise(typed + code[9]) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "UUUUU-UUUUU",  # no code holds a U
        "0000000000" + " " * 60,  # nobody types this; refused before it is looked at
        "000000000\u0660",  # an Arabic zero
        "00000000ıY",  # a letter whose capital is an I; with an I it would be a code
        "\u017f" + SOME_S[1:],  # a letter whose capital is an S; likewise
        "00000\x0000000",
        "CA1:0000000000",
    ],
)
def test_what_cannot_be_a_code_is_none(text):
    assert normalise("00000000iY") is not None
    assert normalise(SOME_S) is not None
    assert normalise(text) is None


@given(st.one_of(st.text(), st.text(alphabet=ALPHABET + "oilOIL- ", min_size=8, max_size=14)))
def test_any_text_is_a_code_or_none(text):
    code = normalise(text)
    assert code is None or (len(code) == 10 and set(code) <= set(ALPHABET) and check_character(code[:9]) == code[9])


def test_one_text_in_32_of_the_right_shape_passes_the_check():
    """The check character is no secret: 32 candidates share a body, exactly one of them is a code."""
    assert sum(normalise("7K4M2X9QW" + last) is not None for last in ALPHABET) == 1


def test_the_search_column_holds_a_keyed_hash():
    code = SOME_CODES[0]
    assert hash_code(KEY, code) == hmac.new(KEY, code.encode(), hashlib.sha256).hexdigest()
    assert hash_code(KEY, code) != hash_code(KEY[::-1], code)


def test_codes_of_neighbouring_redemptions_have_nothing_in_common():
    codes = sorted(derive_code(KEY, uuid7(), 0) for _ in range(200))
    assert all(one[:5] != other[:5] for one, other in pairwise(codes))
