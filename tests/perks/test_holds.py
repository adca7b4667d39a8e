"""What Stripe says of a hold, in any order and any number of times."""

from datetime import timedelta
from itertools import product

import pytest

from perks import holds
from tests.factories.scores import NOW

LATER = NOW + timedelta(days=7)


def said(status, *, received=0, capture_before=LATER, lapsed=False):
    return holds.Reading("pi_1", status, received, capture_before, lapsed)


@pytest.mark.parametrize(
    ("state", "status", "becomes"),
    [
        ("requested", "requires_payment_method", "requested"),
        ("requested", "requires_action", "action"),
        ("action", "requires_payment_method", "requested"),  # the bank's question was not answered
        ("requested", "requires_capture", "held"),
        ("action", "requires_capture", "held"),
        ("held", "requires_capture", "held"),
        ("capturing", "requires_capture", "capturing"),
        ("releasing", "requires_capture", "releasing"),
        ("released", "requires_capture", "released"),
        ("capturing", "succeeded", "captured"),
        ("held", "succeeded", "captured"),  # by the merchant, at Stripe
        ("expired", "succeeded", "captured"),  # Stripe knows better
        ("requested", "canceled", "failed"),
        ("held", "canceled", "released"),
        ("capturing", "canceled", "released"),
        ("releasing", "canceled", "released"),
        ("expired", "canceled", "expired"),
        ("requested", "processing", "requested"),
    ],
)
def test_a_hold_is_what_stripe_says_of_it(state, status, becomes):
    assert holds.state_after(state, said(status), NOW) == becomes


@pytest.mark.parametrize("state", ["requested", "held", "capturing"])
def test_what_was_not_captured_in_its_time_has_run_out_and_is_never_called_captured(state):
    assert holds.state_after(state, said("requires_capture", capture_before=NOW), NOW) == "expired"


@pytest.mark.parametrize("state", ["held", "capturing"])
def test_what_the_bank_let_go_by_itself_has_run_out(state):
    assert holds.state_after(state, said("canceled", lapsed=True), NOW) == "expired"


def test_what_is_over_is_reopened_by_nothing_and_a_second_reading_changes_nothing():
    statuses = ["requires_payment_method", "requires_action", "requires_capture", "canceled", "succeeded", "processing"]
    for state, status in product(holds.STATES, statuses):
        once = holds.state_after(state, said(status, received=1), NOW)
        assert holds.state_after(once, said(status, received=1), NOW) == once
        if state not in holds.OPEN:
            assert once not in holds.OPEN


def test_what_was_held_is_charged_let_go_or_still_held():
    for state, was_held in product(holds.STATES, [True, False]):
        captured = 120 if state == "captured" else 0
        sums = holds.sums_of(state, amount=250, was_held=was_held, captured=captured, given_back=0, taken_back=0)
        still = sums["held"] - sums["captured"] - sums["let_go"]
        if was_held:
            assert still == (250 if state in holds.OPEN else 0)


def test_never_more_is_captured_than_is_held_nor_than_was_settled():
    assert (holds.captured_of(300, 250), holds.captured_of(120, 250), holds.captured_of(0, 250)) == (250, 120, 0)


def test_the_least_that_is_held_is_stripe_s_own_by_currency():
    said = {currency: holds.least_held(currency) for currency in ("EUR", "GBP", "CZK", "JPY", "XXX")}
    assert said == {"EUR": 50, "GBP": 30, "CZK": 1500, "JPY": 50, "XXX": 1}
