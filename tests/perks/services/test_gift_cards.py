"""Gift cards: issued when taken, charged in parts, refunded to themselves, undone, taken back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.accounts.operators import RoleRequired
from citizen_app.errors import InvalidInput, RateLimited, WrongState
from citizen_app.invariants import broken
from citizen_app.models import OutboxMessage
from perks.errors import GiftCardInUse, GiftCardOver, NonceReused, RefundAboveCharge, TakeRefused
from perks.hours import months_after
from perks.models import GiftCard, GiftCardPosting, Perk, Redemption, Scan
from perks.services.gift_cards import refund_charge
from perks.services.make_goods import take_make_good
from perks.services.redemptions import cancel_redemption, is_shown, reverse_redemption, take_perk
from perks.services.scans import Shown, scan_code, told
from perks.services.showing import secrets_of
from perks.services.showing_merchants import scan_answer
from tests.factories.gift_cards import balance_of, card_perk, card_tier, charge, scan_card, taken_card
from tests.factories.perks import BranchFactory, citizen_with, make_good_for, person_of, reservation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sound():
    yield
    # The scores of the people here are put in place by hand.
    assert {sentence: facts for sentence, facts in broken().items() if facts and "score" not in sentence} == {}


def postings(card):
    rows = GiftCardPosting.objects.filter(card=card).order_by("number")
    return [(one.kind, one.amount, one.balance_after) for one in rows]


def told_events():
    return [one.payload["type"] for one in OutboxMessage.objects.filter(topic="webhook").order_by("id")]


def test_taking_issues_a_card_that_lives_its_months():
    now = timezone.now()
    card = taken_card(2500, months=3, now=now)
    redemption = card.redemption
    assert (card.face, card.balance, card.currency, card.citizen) == (2500, 2500, "EUR", redemption.citizen)
    assert card.expires_at == redemption.expires_at == months_after(now, 3, "Europe/Lisbon")
    assert redemption.state == "redeemed"
    assert redemption.closed_at == now
    assert postings(card) == [("issue", 2500, 2500)]
    assert is_shown(redemption, now)
    assert told_events() == ["redemption.redeemed"]


def test_a_card_needs_a_checked_document_and_takes_nothing_without():
    perk = card_perk(budget_amount=5000, budget_currency="EUR")
    with pytest.raises(TakeRefused) as refusal:
        take_perk(citizen=citizen_with(), perk=perk)
    assert refusal.value.code == "document_needed"
    perk.refresh_from_db()
    assert (perk.taken_count, perk.budget_spent) == (0, 0)
    assert not GiftCard.objects.exists()
    assert not GiftCardPosting.objects.exists()


def test_the_budget_is_money_and_the_best_tier_reached_is_issued():
    perk = card_perk(tiers=[card_tier(1000), card_tier(2500, min_score=640)], budget_amount=3000, budget_currency="EUR")
    rich, other = citizen_with(700, document=True), citizen_with(700, document=True)
    assert taken_card(citizen=rich, perk=perk).face == 2500
    with pytest.raises(TakeRefused) as refusal:
        take_perk(citizen=other, perk=perk)
    assert refusal.value.code == "budget_spent"
    perk.refresh_from_db()
    assert (perk.taken_count, perk.budget_spent, GiftCard.objects.count()) == (1, 2500, 1)


def test_it_is_charged_in_parts_until_nothing_is_left():
    card = taken_card(2500)
    first = scan_card(card, 1000)
    assert (first.outcome, balance_of(card)) == ("accepted", 1500)
    answer = scan_answer(first)["gift_card"]
    assert answer == {
        "id": card.public_id,
        "charge": GiftCardPosting.objects.get(scan=first).public_id,
        "amount": {"amount": 1000, "currency": "EUR"},
        "balance": {"amount": 1500, "currency": "EUR"},
    }
    too_much = scan_card(card, 1501)
    assert (too_much.outcome, balance_of(card)) == ("insufficient_balance", 1500)
    assert scan_answer(too_much)["gift_card"] == {
        "id": card.public_id,
        "charge": None,
        "amount": None,
        "balance": {"amount": 1500, "currency": "EUR"},
    }
    assert scan_card(card, 1500).outcome == "accepted"
    card.refresh_from_db()
    assert card.balance == 0
    assert not is_shown(Redemption.objects.get(), timezone.now())
    assert scan_card(card, 1).outcome == "insufficient_balance"
    assert postings(card) == [("issue", 2500, 2500), ("charge", 1000, 1500), ("charge", 1500, 0)]
    assert told_events() == ["redemption.redeemed", "gift_card.charged", "gift_card.charged"]
    # A scan says what it said then, whatever followed.
    assert scan_answer(first)["gift_card"]["balance"]["amount"] == 1500


def test_the_same_nonce_charges_once():
    card = taken_card(2500)
    cashier = person_of(card.merchant, "cashier")
    scans = {scan_card(card, 1000, by=cashier, nonce="same-nonce").pk for _ in range(3)}
    assert (len(scans), balance_of(card)) == (1, 1500)
    with pytest.raises(NonceReused):
        scan_card(card, 900, by=cashier, nonce="same-nonce")
    assert balance_of(card) == 1500


def test_a_card_without_an_amount_and_an_amount_without_a_card_are_refused():
    card = taken_card(2500)
    with pytest.raises(InvalidInput) as refusal:
        scan_card(card, None)
    assert refusal.value.facts["errors"][0] | {"detail": ""} == {"pointer": "/amount", "code": "required", "detail": ""}
    held = reservation()
    with pytest.raises(InvalidInput) as refusal:
        scan_card(GiftCard(redemption=held, merchant=held.merchant), 100)
    assert refusal.value.facts["errors"][0]["pointer"] == "/amount"
    held.refresh_from_db()
    assert (held.state, balance_of(card), Scan.objects.count()) == ("reserved", 2500, 0)


def test_another_merchants_desk_learns_nothing_of_a_card():
    card, stranger = taken_card(2500), taken_card(100)
    scan, _ = scan_code(
        merchant=stranger.merchant,
        by=person_of(stranger.merchant),
        shown=Shown(code=secrets_of(card.redemption).code, amount=100),
        nonce="nonce-stranger",
    )
    assert (scan.outcome, scan_answer(scan)["outcome"], balance_of(card)) == ("wrong_merchant", "unknown_code", 2500)
    assert scan_answer(scan)["gift_card"] is None
    assert told(scan) is None


def test_a_scan_made_offline_is_kept_and_never_charged():
    card, now = taken_card(2500), timezone.now()
    late = scan_card(card, 1000, scanned_at=now - timedelta(minutes=5), now=now)
    assert (late.outcome, balance_of(card)) == ("conflict", 2500)
    assert scan_answer(late)["gift_card"] is None
    assert "online only" in late.detail["text"]
    # A till that sends its own clock with each scan is not offline.
    assert scan_card(card, 1000, scanned_at=now - timedelta(seconds=5), now=now).outcome == "accepted"


def test_no_card_is_charged_offline_whatever_its_perk_says():
    card, now = taken_card(2500), timezone.now()
    Perk.objects.update(offline="accept")  # nobody may write this of a card
    late = scan_card(card, 1000, scanned_at=now - timedelta(seconds=61), now=now)
    assert (late.outcome, balance_of(card), postings(card)) == ("conflict", 2500, [("issue", 2500, 2500)])
    assert scan_card(card, 1000, scanned_at=now - timedelta(seconds=60), now=now).outcome == "accepted"


def test_a_card_of_another_currency_than_today_s_is_neither_charged_nor_refunded(settings):
    card = taken_card(2500)
    taken = charge(card, 1000)
    settings.CURRENCY = "USD"
    with pytest.raises(InvalidInput) as refusal:
        scan_card(card, 100)
    assert [one["pointer"] for one in refusal.value.facts["errors"]] == ["/amount/currency"]
    with pytest.raises(InvalidInput) as refusal:
        refund_charge(card=card, charge=taken, amount=100, by=person_of(card.merchant))
    assert [one["pointer"] for one in refusal.value.facts["errors"]] == ["/amount/currency"]
    assert (balance_of(card), Scan.objects.count()) == (1500, 1)


def test_it_is_charged_at_the_branches_and_hours_of_its_perk():
    perk = card_perk()
    here, elsewhere = BranchFactory(merchant=perk.merchant), BranchFactory(merchant=perk.merchant)
    perk.branches.set([here])
    card = taken_card(perk=perk)
    assert scan_card(card, 100, branch=elsewhere).outcome == "wrong_branch"
    assert scan_card(card, 100, branch=here).outcome == "accepted"
    assert balance_of(card) == 2400


def test_asking_for_more_than_it_holds_is_slowed_down_and_what_it_holds_is_still_charged():
    """Lesson 15."""
    card, now = taken_card(2500), timezone.now()
    for _ in range(5):
        assert scan_card(card, 9999, now=now).outcome == "insufficient_balance"
    with pytest.raises(RateLimited) as refusal:
        scan_card(card, 9999, now=now)
    assert 0 < refusal.value.facts["retry_after"] <= 600
    assert Scan.objects.count() == 5
    assert scan_card(card, 2500, now=now).outcome == "accepted"
    assert scan_card(card, 9999, now=now + timedelta(minutes=11)).outcome == "insufficient_balance"


def test_after_its_time_it_is_expired():
    now = timezone.now()
    card = taken_card(2500, months=1, now=now)
    assert scan_card(card, 100, now=card.expires_at - timedelta(seconds=1)).outcome == "accepted"
    assert scan_card(card, 100, now=card.expires_at).outcome == "expired"
    assert balance_of(card) == 2400


def test_a_refund_goes_back_onto_the_card_and_never_above_its_charge():
    """Lesson 13."""
    card = taken_card(2500)
    owner = person_of(card.merchant)
    one, two = charge(card, 1000), charge(card, 1500)
    refund_charge(card=card, charge=one, amount=400, by=owner)
    with pytest.raises(RefundAboveCharge) as refusal:
        refund_charge(card=card, charge=one, amount=601, by=owner)
    assert refusal.value.facts["left"] == {"amount": 600, "currency": "EUR"}
    assert balance_of(card) == 400
    refund_charge(card=card, charge=one, amount=600, by=owner)
    refund_charge(card=card, charge=two, amount=1500, by=owner)
    assert balance_of(card) == 2500
    with pytest.raises(RefundAboveCharge):
        refund_charge(card=card, charge=two, amount=1, by=owner)
    assert told_events()[-3:] == ["gift_card.refunded"] * 3


def test_a_refund_is_of_a_charge_of_the_same_card():
    card, other = taken_card(2500), taken_card(2500)
    taken, issue = charge(other, 1000), GiftCardPosting.objects.get(card=card)
    for wrong in (taken, issue):
        with pytest.raises(InvalidInput) as refusal:
            refund_charge(card=card, charge=wrong, amount=1, by=person_of(card.merchant))
        assert refusal.value.facts["errors"][0]["pointer"] == "/charge"
    assert (balance_of(card), balance_of(other)) == (2500, 1500)


def test_nothing_is_refunded_to_a_card_that_is_over():
    card = taken_card(2500, months=1)
    taken = charge(card, 1000)
    with pytest.raises(GiftCardOver) as refusal:
        refund_charge(card=card, charge=taken, amount=1, by=person_of(card.merchant), now=card.expires_at)
    assert (refusal.value.facts["state"], balance_of(card)) == ("expired", 1500)


def test_of_a_card_whose_time_is_over_nothing_is_undone_or_taken_back():
    spent, unspent = taken_card(2500, months=1), taken_card(2500, months=1)
    over = max(spent.expires_at, unspent.expires_at)
    charge(spent, 1000, now=spent.expires_at - timedelta(minutes=1))
    for card in (spent, unspent):
        before = postings(card)
        with pytest.raises(GiftCardOver) as refusal:
            reverse_redemption(redemption=card.redemption, by=person_of(card.merchant), reason="Late.", now=over)
        assert (refusal.value.facts["state"], postings(card)) == ("expired", before)
        card.redemption.refresh_from_db()
        assert (GiftCard.objects.get(pk=card.pk).state, card.redemption.state) == ("open", "redeemed")
    assert not Scan.objects.filter(undone_at__isnull=False).exists()


def test_the_last_charge_is_undone_within_ten_minutes_by_its_own_till():
    card, now = taken_card(2500), timezone.now()
    mine, other = person_of(card.merchant, "cashier"), person_of(card.merchant, "cashier")
    first = scan_card(card, 700, by=mine, now=now)
    last = scan_card(card, 300, by=mine, now=now)
    back = {"redemption": card.redemption, "now": now + timedelta(minutes=9)}
    with pytest.raises(RoleRequired):
        reverse_redemption(by=other, only_own_undo=True, **back)
    with pytest.raises(WrongState):
        reverse_redemption(by=mine, only_own_undo=True, scan_id=first.public_id, **back)
    assert balance_of(card) == 1500
    reverse_redemption(by=mine, only_own_undo=True, scan_id=last.public_id, **back)
    assert balance_of(card) == 1800
    # A second tap on the same button does not take the charge before it back.
    with pytest.raises(WrongState):
        reverse_redemption(by=mine, only_own_undo=True, scan_id=last.public_id, **back)
    assert balance_of(card) == 1800
    reverse_redemption(by=mine, only_own_undo=True, **back)
    assert balance_of(card) == 2500
    assert Redemption.objects.get().state == "redeemed"
    assert set(Scan.objects.values_list("undone_at", flat=True)) == {back["now"]}
    assert postings(card)[-2:] == [("reverse", 300, 1800), ("reverse", 700, 2500)]


def test_after_ten_minutes_or_a_refund_there_is_nothing_to_undo():
    card, now = taken_card(2500), timezone.now()
    cashier, owner = person_of(card.merchant, "cashier"), person_of(card.merchant)
    taken = charge(card, 700, by=cashier, now=now)
    later = now + timedelta(minutes=10)
    with pytest.raises(RoleRequired):
        reverse_redemption(redemption=card.redemption, by=cashier, only_own_undo=True, now=later)
    with pytest.raises(WrongState):
        reverse_redemption(redemption=card.redemption, by=owner, scan_id=taken.scan.public_id, reason="x", now=later)
    refund_charge(card=card, charge=taken, amount=1, by=owner, now=now)
    with pytest.raises(WrongState):
        reverse_redemption(redemption=card.redemption, by=owner, now=now)
    assert balance_of(card) == 1801


def test_a_card_of_which_nothing_is_spent_can_be_taken_back_whole_with_a_reason():
    perk = card_perk(budget_amount=9000, budget_currency="EUR", release_on_reversal="all")
    card, now = taken_card(perk=perk), timezone.now()
    owner = person_of(card.merchant)
    taken = charge(card, 500, now=now)
    later = now + timedelta(minutes=11)
    with pytest.raises(GiftCardInUse) as refusal:
        reverse_redemption(redemption=card.redemption, by=owner, reason="A mistake.", now=later)
    assert refusal.value.facts["balance"] == {"amount": 2000, "currency": "EUR"}
    refund_charge(card=card, charge=taken, amount=500, by=owner, now=later)
    with pytest.raises(InvalidInput):
        reverse_redemption(redemption=card.redemption, by=owner, now=later)
    assert balance_of(card) == 2500
    reverse_redemption(redemption=card.redemption, by=owner, reason="A mistake.", now=later)
    card.refresh_from_db()
    perk.refresh_from_db()
    assert (card.state, card.balance, Redemption.objects.get().state) == ("reversed", 0, "reversed")
    assert (perk.taken_count, perk.budget_spent) == (0, 0)
    assert scan_card(card, 1, now=later).outcome == "reversed"
    with pytest.raises(GiftCardOver):
        refund_charge(card=card, charge=taken, amount=1, by=owner, now=later)


def test_a_citizen_does_not_cancel_a_card():
    card = taken_card()
    with pytest.raises(WrongState):
        cancel_redemption(redemption=card.redemption)
    assert balance_of(card) == 2500


def test_a_gift_card_is_made_good_like_any_perk():
    perk = card_perk(budget_amount=2500, budget_currency="EUR")
    make_good = make_good_for(citizen_with(document=True), perk, cost=2500)
    redemption = take_make_good(make_good=make_good)
    assert redemption.gift_card.balance == 2500
    perk.refresh_from_db()
    assert perk.budget_spent == 2500
    assert Perk.objects.get().taken_count == 1
