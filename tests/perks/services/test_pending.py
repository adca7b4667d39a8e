"""P7: money reached only thanks to an open dispute waits until that ended well, or its thirty days have passed."""

from datetime import timedelta

import pytest
import time_machine

from citizen_app.errors import WrongState
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from perks.models import GiftCard, Perk, Redemption, UsageMark
from perks.services.deposits import accept_deposit
from perks.services.pending import honour_what_waited
from perks.services.redemptions import is_shown, take_perk
from scores.models import Enrolment
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.opening import withdraw_dispute
from scores.services.enrolment import leave
from tests.factories.deposits import waiver_perk
from tests.factories.disputes import dispute_of, rejected
from tests.factories.perks import MerchantFactory, PerkFactory, scored_tier
from tests.factories.scores import NOW
from tests.factories.wronged import wronged

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def disputing():
    """Somebody with a document at 580, who stands at 616 while they dispute the record that keeps them there."""
    citizen, wrong = wronged()
    Enrolment.objects.filter(pk=citizen.pk).update(person_key="theirs", document_checked_at=NOW)
    return citizen, dispute_of(citizen, wrong, now=NOW + HOUR)


def waiver(min_score=600, **fields):
    """For travel, as what they dispute is: a hotel that waives its deposit."""
    tiers = [{"min_score": min_score, "benefit": {"waived_percent": 100}}]
    return waiver_perk(MerchantFactory(), tiers=tiers, stock=5, **fields)


def take(citizen, perk=None, now=NOW + 2 * HOUR):
    """A waiver is for a day after the dispute's thirty."""
    perk, day = perk or waiver(), (NOW + 45 * DAY).date()
    branch = perk.merchant.branches.get()
    return take_perk(citizen=citizen, perk=perk, date=day, until=day, branch=branch, vehicle_class="compact", now=now)


def card(min_score=600):
    tiers = [{"min_score": min_score, "benefit": {"face": {"amount": 1000, "currency": "EUR"}, "lives_months": 24}}]
    return PerkFactory(kind="gift_card", tiers=tiers, stock=5, budget_amount=5000, budget_currency="EUR")


def deliver(at):
    OutboxMessage.objects.update(due_at=at)
    with time_machine.travel(at, tick=False):
        run_due()


def stands():
    return Redemption.objects.values_list("state", "pending_until").get()


def test_it_is_reserved_and_nothing_can_be_shown():
    citizen, dispute = disputing()
    redemption = take(citizen)
    assert (redemption.state, redemption.pending_until.date()) == ("reserved", dispute.due_on + DAY)
    assert not is_shown(redemption, NOW + 3 * HOUR)


def test_what_is_reached_without_the_doubt_waits_for_nothing():
    citizen, _ = disputing()
    redemption = take(citizen, waiver(560))
    assert redemption.pending_until is None
    assert is_shown(redemption, NOW + 3 * HOUR)


def test_other_kinds_are_given_at_once():
    citizen, _ = disputing()
    perk = PerkFactory(tiers=[scored_tier(600)])
    assert take_perk(citizen=citizen, perk=perk, now=NOW + 2 * HOUR).pending_until is None


def test_its_terms_cannot_be_accepted_nor_anything_picked_up_meanwhile():
    citizen, _ = disputing()
    redemption = take(citizen)
    with pytest.raises(WrongState, match="dispute"):
        accept_deposit(agreement=redemption.deposit, by=citizen, now=NOW + 3 * HOUR)
    redemption.deposit.refresh_from_db()
    assert redemption.deposit.state == "offered"


def test_a_card_is_issued_only_once_it_is_honoured():
    citizen, dispute = disputing()
    perk = card()
    redemption = take_perk(citizen=citizen, perk=perk, now=NOW + 2 * HOUR)
    assert (redemption.state, GiftCard.objects.exists()) == ("reserved", False)
    answer_dispute(dispute=dispute, position="withdraw", now=NOW + DAY)
    deliver(NOW + DAY)
    assert stands() == ("redeemed", None)
    assert (GiftCard.objects.get().balance, Perk.objects.get().budget_spent) == (1000, 1000)


def test_a_card_that_is_not_honoured_was_never_issued_and_returns_its_money():
    citizen, dispute = disputing()
    take_perk(citizen=citizen, perk=card(), now=NOW + 2 * HOUR)
    rejected(dispute)
    deliver(NOW + 3 * DAY)
    assert stands() == ("cancelled", None)
    assert (GiftCard.objects.exists(), Perk.objects.get().budget_spent) == (False, 0)


def test_it_is_honoured_when_the_dispute_ends_well():
    citizen, dispute = disputing()
    take(citizen)
    answer_dispute(dispute=dispute, position="withdraw", now=NOW + DAY)
    deliver(NOW + DAY)
    assert stands() == ("reserved", None)


def test_it_is_given_back_whole_when_the_dispute_is_decided_against_its_citizen():
    citizen, dispute = disputing()
    take(citizen, waiver(release_on_cancel="nothing"))
    rejected(dispute)
    deliver(NOW + 3 * DAY)
    assert stands() == ("cancelled", None)
    assert Perk.objects.get().taken_count == 0


def test_it_is_given_back_when_the_dispute_is_taken_back():
    citizen, dispute = disputing()
    take(citizen)
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW + DAY)
    deliver(NOW + DAY)
    assert stands()[0] == "cancelled"


def test_it_is_honoured_when_the_thirty_days_pass():
    citizen, _ = disputing()
    pending = take(citizen).pending_until
    assert honour_what_waited(now=pending - timedelta(seconds=1)) == 0
    assert honour_what_waited(now=pending) == 1
    assert stands() == ("reserved", None)
    assert honour_what_waited(now=pending) == 0


def test_leaving_gives_it_back():
    citizen, _ = disputing()
    take(citizen, waiver(limit_per_citizen=1))
    leave(citizen=citizen, now=NOW + DAY)
    assert not UsageMark.objects.exists()  # nothing of it was had
    assert stands() == ("cancelled", None)
    assert Perk.objects.get().taken_count == 0
