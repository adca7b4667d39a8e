"""The arithmetic of deposits: every step only takes away, and parts always make the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perks import deposits
from perks.deposits import Item

AMOUNTS = st.integers(1, 10**12)
ITEMS = st.lists(st.builds(Item, st.just("fuel"), st.just("Fuel"), AMOUNTS), max_size=8)


def money(amount):
    return {"amount": amount, "currency": "EUR"}


def deposit(**changes):
    return {
        "classes": [{"code": "compact", "full": money(50_000), "claim_cap": money(30_000)}],
        "remainder_items": [{"code": "fuel", "title": "Fuel", "amount": money(5_000)}],
        "max_days": 14,
    } | changes


def codes(raw):
    return [(error.pointer, error.code) for error in deposits.check_deposit(raw, currency="EUR")]


@given(AMOUNTS, st.integers(1, 100))
def test_the_waived_part_is_within_the_deposit_and_grows_with_the_percentage(full, percent):
    waived = deposits.waived_part(full, percent)
    assert 0 <= waived <= full
    assert waived <= deposits.waived_part(full, min(100, percent + 1))
    assert waived * 100 <= full * percent < (waived + 1) * 100
    assert deposits.waived_part(full, 100) == full


@given(st.integers(0, 10**12), ITEMS)
def test_what_is_left_is_exactly_its_items_none_above_its_own_amount(remainder, items):
    parts = deposits.itemised(remainder, items)
    assert sum(part.amount for part in parts) == remainder
    assert all(part.amount > 0 for part in parts)
    named = [part for part in parts if part.code != deposits.REST]
    assert all(part.amount <= item.amount for part, item in zip(named, items, strict=False))
    assert sum(part.code == deposits.REST for part in parts) <= 1


@given(AMOUNTS, st.integers(0, 10**12), st.integers(1, 100), ITEMS)
def test_terms_add_up_and_never_go_above_what_the_version_says(full, cap, percent, items):
    rows = [{"code": one.code, "title": one.title, "amount": money(one.amount)} for one in items]
    version = deposit(classes=[{"code": "van", "full": money(full), "claim_cap": money(cap)}], remainder_items=rows)
    terms = deposits.terms_for(version, "van", percent)
    assert terms.waived + terms.remainder == terms.full == full
    assert terms.claim_cap == cap
    assert sum(item.amount for item in terms.items) == terms.remainder
    assert deposits.leaves_a_remainder(version, [percent]) == (terms.remainder > 0)


def test_a_fraction_of_a_unit_stays_in_what_is_left():
    assert deposits.waived_part(90_001, 50) == 45_000
    assert deposits.waived_part(1, 99) == 0


def test_the_smallest_tier_decides_whether_something_is_left():
    assert deposits.leaves_a_remainder(deposit(), [50, 100])
    assert not deposits.leaves_a_remainder(deposit(), [100])


@pytest.mark.parametrize(
    ("full", "percents", "wrong"),
    [(5_000, [50, 100], []), (5_000, [99, 100], []), (4_900, [98, 99], [1]), (100, [50, 51, 100], [1]), (1, [99], [0])],
)
def test_what_is_left_is_nothing_or_as_much_as_a_card_can_hold(full, percents, wrong):
    terms = deposit(classes=[{"code": "a", "full": money(full), "claim_cap": money(0)}])
    tiers = [{"benefit": {"waived_percent": percent}} for percent in percents]
    told = deposits.check_remainders(terms, tiers, least=50)
    assert [(error.pointer, error.code) for error in told] == [
        (f"/tiers/{place}/benefit/waived_percent", "out_of_range") for place in wrong
    ]


def test_an_unknown_class_has_no_terms():
    with pytest.raises(KeyError):
        deposits.terms_for(deposit(), "yacht", 100)


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        (deposit(), []),
        (deposit(remainder_items=[]), []),
        ("x", [("/deposit", "invalid")]),
        ({}, [("/deposit/classes", "required"), ("/deposit/max_days", "required")]),
        (deposit(extra=1), [("/deposit/extra", "unknown_field")]),
        (deposit(classes=[]), [("/deposit/classes", "out_of_range")]),
        (deposit(classes=[{"code": str(n), "full": money(1), "claim_cap": money(0)} for n in range(11)]),
         [("/deposit/classes", "out_of_range")]),
        (deposit(classes=["x"]), [("/deposit/classes/0", "invalid")]),
        (deposit(classes=[{"code": "a", "full": money(1), "claim_cap": money(1)},
                          {"code": "A", "full": money(1), "claim_cap": money(1)}]),
         [("/deposit/classes/1/code", "invalid")]),
        (deposit(classes=[{"code": "a\n", "full": money(0), "claim_cap": money(-1)}]),
         [("/deposit/classes/0/code", "invalid"), ("/deposit/classes/0/full/amount", "out_of_range"),
          ("/deposit/classes/0/claim_cap/amount", "out_of_range")]),
        (deposit(classes=[{"code": "a", "full": {"amount": 1.5, "currency": "USD"}}]),
         [("/deposit/classes/0/full/amount", "invalid"), ("/deposit/classes/0/full/currency", "invalid"),
          ("/deposit/classes/0/claim_cap", "required")]),
        (deposit(remainder_items=[{"code": "fuel", "amount": money(True)}]),
         [("/deposit/remainder_items/0/title", "required"), ("/deposit/remainder_items/0/amount/amount", "invalid")]),
        (deposit(max_days=0), [("/deposit/max_days", "out_of_range")]),
        (deposit(max_days=366), [("/deposit/max_days", "out_of_range")]),
        (deposit(max_days=True), [("/deposit/max_days", "invalid")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_deposit_terms_is_named_where_it_is(raw, wrong):
    assert codes(raw) == wrong
