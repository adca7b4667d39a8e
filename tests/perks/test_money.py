"""Money as people write it: exact in every currency's own decimals."""

from decimal import Decimal

import pytest

from perks.money import minor_units, written


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("12.5", "EUR", 1250), ("0.01", "EUR", 1), ("1250", "JPY", 1250), ("1.234", "KWD", 1234), ("0", "EUR", 0)],
)
def test_it_is_stored_in_minor_units_and_read_back_the_same(text, currency, amount):
    money = minor_units(Decimal(text), currency)
    assert money == {"amount": amount, "currency": currency}
    assert written(money) == Decimal(text)


def test_no_amount_stays_none():
    assert written(None) is None
