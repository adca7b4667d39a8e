"""Merchants whose people act at the same moment: thresholds stay rationed, seats and owners counted."""

from collections import Counter
from itertools import pairwise

import pytest

from perks.models import Invitation, Member, Perk, ThresholdUse
from perks.services.catalogue import publish_perk
from perks.services.merchants import approve_merchant
from perks.services.team import accept_invitation, invite_member, remove_member
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import MemberFactory, MerchantFactory, PerkFactory, person_of, scored_tier
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def test_thresholds_too_close_to_each_other_are_not_both_published():
    merchant = MerchantFactory()
    manager = person_of(merchant, "manager")
    perks = [
        PerkFactory(merchant=merchant, state=Perk.State.APPROVED, tiers=[scored_tier(600 + 10 * step)])
        for step in range(8)
    ]
    results = at_once(*[lambda perk=perk: publish_perk(perk=perk, by=manager).state for perk in perks])
    assert set(results) == {"published", "thresholds_too_close"}
    used = sorted(ThresholdUse.objects.values_list("min_score", flat=True))
    assert len(used) == results.count("published") == Perk.objects.filter(state="published").count()
    assert all(after - before >= 40 for before, after in pairwise(used))


def test_a_perk_published_8_times_is_published_once():
    perk = PerkFactory(state=Perk.State.APPROVED, tiers=[scored_tier(600)])
    manager = person_of(perk.merchant, "manager")
    results = at_once(*[lambda: publish_perk(perk=perk, by=manager).state] * 8)
    assert Counter(results) == {"published": 1, "wrong_state": 7}
    assert ThresholdUse.objects.count() == 1


def test_owners_who_remove_each_other_leave_one():
    merchants = MerchantFactory.create_batch(8)
    pairs = [MemberFactory.create_batch(2, merchant=merchant, role=Member.Role.OWNER) for merchant in merchants]
    results = at_once(
        *[
            lambda seat=seat, other=other: remove_member(member=seat, by=other.citizen)
            for one, two in pairs
            for seat, other in ((one, two), (two, one))
        ]
    )
    assert Counter(results) == {None: 8, "last_owner": 8}
    for merchant in merchants:
        assert Member.objects.filter(merchant=merchant, role=Member.Role.OWNER).count() == 1


def test_an_invitation_accepted_8_times_is_one_seat():
    merchant, guest, tokens = MerchantFactory(), CitizenFactory(verified=True), []
    invite_member(
        merchant=merchant,
        email=guest.email,
        role="cashier",
        by=person_of(merchant),
        link=lambda token: tokens.append(token) or f"https://example.org/{token}",
    )
    results = at_once(*[lambda: accept_invitation(token=tokens[0], by=guest).role] * 8)
    assert Counter(results) == {"cashier": 1, "invitation_over": 7}
    assert Member.objects.filter(citizen=guest).count() == 1
    assert Invitation.objects.exclude(accepted_at=None).count() == 1


def test_a_merchant_approved_by_several_operators_is_approved_once():
    merchant = MerchantFactory(state="pending", approved_at=None)
    operators = [operator_with("merchants") for _ in range(4)]
    results = at_once(*[lambda one=one: approve_merchant(merchant=merchant, by=one).state for one in operators])
    assert Counter(results) == {"active": 1, "wrong_state": 3}
