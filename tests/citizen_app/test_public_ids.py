"""Names of rows: opaque, typed, and read back exactly or not at all."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_app.public_ids import ALPHABET, integer_of, public_id_of, uuid7, uuid_of


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_a_uuid_comes_back(value):
    key = UUID(int=value)
    name = public_id_of("perk", key)
    assert uuid_of("perk", name) == key
    assert len(name) == len("perk_") + 26


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_bigint_comes_back(key):
    name = public_id_of("ent", key)
    assert integer_of("ent", name) == key
    assert len(name) == len("ent_") + 13


@given(st.text(max_size=40))
def test_nothing_else_is_read(text):
    for read in (uuid_of, integer_of):
        found = read("perk", text)
        assert found is None or public_id_of("perk", found) == text
        assert read("perk", f"perk_{text}") is None or set(text) <= set(ALPHABET)


@pytest.mark.parametrize("other", [None, 5, b"perk_x", [], "", "perk_", "ent_0000000000000", "PERK_0000000000000"])
def test_another_type_is_not_this_one(other):
    assert uuid_of("perk", other) is None
    assert integer_of("perk", other) is None


def test_one_name_per_row():
    name = public_id_of("perk", UUID(int=1))
    assert uuid_of("perk", name.upper()) is None
    assert uuid_of("perk", name.replace("0", "o")) is None
    assert uuid_of("perk", f"{name} ") is None
    assert uuid_of("perk", "perk_" + "z" * 26) is None  # beyond 128 bits
    assert integer_of("ent", "ent_" + "z" * 13) is None  # beyond 64 bits


def test_neighbours_do_not_look_alike():
    one, two = public_id_of("ent", 1), public_id_of("ent", 2)
    assert sum(a != b for a, b in zip(one[4:], two[4:], strict=True)) >= 6


def test_uuids_of_version_seven_are_in_order_of_time():
    made = [uuid7() for _ in range(100)]
    assert {key.version for key in made} == {7}
    assert {key.variant for key in made} == {"specified in RFC 4122"}
    stamps = [key.int >> 80 for key in made]
    assert stamps == sorted(stamps)
    assert len(set(made)) == 100


def test_uuid7_carries_the_moment(monkeypatch):
    monkeypatch.setattr("citizen_app.public_ids.time.time_ns", lambda: 1_790_000_000_123_456_789)
    assert uuid7().int >> 80 == 1_790_000_000_123
