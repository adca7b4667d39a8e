"""Gift cards by themselves: notices before the end, the end, and what leaving makes of a card."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from citizen_app.invariants import broken
from citizen_app.outbox import run_due, run_sweeps
from perks.models import GiftCard, GiftCardPosting, Redemption
from perks.services.gift_card_sweeps import expire_gift_cards, warn_before_expiry
from perks.services.scans import Shown, scan_code, told
from scores.services.enrolment import leave
from tests.factories.gift_cards import balance_of, card_perk, charge, scan_card, taken_card
from tests.factories.perks import person_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sound():
    yield
    assert {sentence: facts for sentence, facts in broken().items() if facts and "score" not in sentence} == {}


def kinds(card):
    return list(GiftCardPosting.objects.filter(card=card).order_by("number").values_list("kind", flat=True))


def test_what_was_not_spent_in_time_leaves_the_card_once():
    card = taken_card(2500, months=1)
    charge(card, 1000)
    assert expire_gift_cards(now=card.expires_at - timedelta(seconds=1)) == 0
    assert [expire_gift_cards(now=card.expires_at) for _ in range(3)] == [1, 0, 0]
    card.refresh_from_db()
    assert (card.state, card.balance, kinds(card)) == ("expired", 0, ["issue", "charge", "expire"])
    assert Redemption.objects.get().state == "redeemed"  # it was used


def test_a_card_that_is_spent_ends_without_a_posting():
    card = taken_card(2500, months=1)
    charge(card, 2500)
    assert expire_gift_cards(now=card.expires_at) == 1
    card.refresh_from_db()
    assert (card.state, kinds(card)) == ("expired", ["issue", "charge"])


@pytest.mark.parametrize(
    ("policy", "left"), [("all", (0, 0, True)), ("stock", (0, 2500, True)), ("nothing", (1, 2500, True))]
)
def test_a_card_on_which_nothing_was_spent_was_not_used(policy, left):
    perk = card_perk(2500, months=1, budget_amount=9000, budget_currency="EUR", release_on_expiry=policy)
    card = taken_card(perk=perk)
    assert expire_gift_cards(now=card.expires_at) == 1
    perk.refresh_from_db()
    redemption = Redemption.objects.get()
    assert (perk.taken_count, perk.budget_spent, redemption.state == "expired") == left
    assert scan_card(card, 1, now=card.expires_at + timedelta(days=1)).outcome == "expired"


def test_the_sweep_runs_with_the_others():
    card = taken_card(2500, months=1)
    counts = run_sweeps(card.expires_at + timedelta(minutes=1))
    assert counts["perks.expire_gift_cards"] == 1
    assert balance_of(card) == 0


def send():
    with time_machine.travel(timezone.now()):
        run_due()
    sent, mail.outbox[:] = list(mail.outbox), []
    return sent


def test_its_citizen_is_told_30_and_7_days_before_its_end_once_each():
    card = taken_card(2500, months=24)
    charge(card, 1000)
    steps = [(31, 0), (30, 1), (29, 0), (8, 0), (7, 1), (6, 0), (1, 0)]
    for days, number in steps:
        at = card.expires_at - timedelta(days=days)
        assert (days, sum(warn_before_expiry(now=at) for _ in range(2))) == (days, number)
    letters = send()
    assert [letter.to for letter in letters] == [[card.citizen.email]] * 2
    assert "15.00 EUR" in letters[0].body
    assert card.merchant.name in letters[0].subject


def test_nobody_is_told_of_a_card_just_taken_or_spent_or_over_and_a_late_sweep_tells_once():
    month, spent, late = taken_card(months=1), taken_card(), taken_card()
    assert warn_before_expiry(now=month.issued_at + timedelta(days=1)) == 0
    charge(spent, 2500)
    at = late.expires_at - timedelta(days=3)
    GiftCard.objects.filter(pk=month.pk).update(state="open")
    assert warn_before_expiry(now=at) == 1  # `late`, of its last week only
    assert warn_before_expiry(now=late.expires_at) == 0
    assert GiftCard.objects.get(pk=late.pk).notice_days == 7


def test_leaving_makes_a_code_of_the_card_that_whoever_shows_it_can_spend():
    card, empty = taken_card(2500), taken_card()
    citizen = card.citizen
    GiftCard.objects.filter(pk=empty.pk)  # somebody else's stays theirs
    charge(card, 1000)
    receipt = leave(citizen=citizen)
    assert receipt.erased["gift_cards"] == 1
    kept = next(one for one in receipt.kept if "gift card" in one.what)
    assert "15.00 EUR" in kept.what
    assert kept.until == card.expires_at
    (code,) = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", kept.what)
    card.refresh_from_db()
    assert (card.citizen_id, card.redemption.citizen_id, card.balance) == (None, None, 1500)
    assert GiftCard.objects.get(pk=empty.pk).citizen_id == empty.citizen_id
    scan, _ = scan_code(
        merchant=card.merchant,
        by=person_of(card.merchant, "cashier"),
        shown=Shown(code=code, amount=1500),
        nonce="nonce-bearer",
    )
    assert (scan.outcome, balance_of(card), told(scan)["first_name"]) == ("accepted", 0, None)


def test_leaving_says_nothing_of_cards_that_are_spent_or_over():
    citizen = (spent := taken_card()).citizen
    over = taken_card(citizen=citizen, months=1)
    charge(spent, 2500)
    receipt = leave(citizen=citizen, now=over.expires_at)
    assert not [one for one in receipt.kept if "with the code" in one.what]
    assert receipt.erased["gift_cards"] == 2
    assert not GiftCard.objects.exclude(citizen=None).exists()


def test_no_notice_goes_to_somebody_who_left():
    card = taken_card()
    leave(citizen=card.citizen)
    assert warn_before_expiry(now=card.expires_at - timedelta(days=7)) == 0
