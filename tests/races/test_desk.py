"""One code, many tills, and everything else that can happen to it at the same moment: one legal outcome."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import OutboxMessage
from perks.models import Member, Redemption, Scan
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption, take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from scores.models import Inquiry
from scores.services.enrolment import leave
from tests.factories.perks import MemberFactory, MerchantFactory, PerkFactory, citizen_with, person_of, reservation
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def code_of(redemption):
    return Shown(code=secrets_of(redemption).code)


def scan(redemption, till, *, nonce, **options):
    shown, merchant = code_of(redemption), redemption.merchant
    return lambda: scan_code(merchant=merchant, by=till, shown=shown, nonce=nonce, **options)[0].outcome


def told(event):
    return OutboxMessage.objects.filter(topic="webhook", payload__type=event).count()


@pytest.mark.usefixtures("crowd")
def test_one_code_at_64_tills_is_accepted_once_and_recorded_64_times():
    redemption = reservation()
    tills = MemberFactory.create_batch(64, merchant=redemption.merchant)
    results = at_once(*[scan(redemption, till.citizen, nonce=f"nonce-{till.pk}") for till in tills])
    assert Counter(results) == {"accepted": 1, "already_redeemed": 63}
    assert Counter(Scan.objects.values_list("outcome", flat=True)) == {"accepted": 1, "already_redeemed": 63}
    redemption.refresh_from_db()
    assert redemption.state == "redeemed"
    assert told("redemption.redeemed") == 1
    assert Inquiry.objects.get(what="scan").count == 64


def test_the_code_of_somebody_who_left_is_accepted_once_too():
    # Without an enrolment to hold, the redemption's own row decides.
    citizen = citizen_with()
    redemption = reservation(citizen)
    leave(citizen=citizen)
    tills = MemberFactory.create_batch(16, merchant=redemption.merchant)
    results = at_once(*[scan(redemption, till.citizen, nonce=f"nonce-{till.pk}") for till in tills])
    assert Counter(results) == {"accepted": 1, "already_redeemed": 15}
    assert told("redemption.redeemed") == 1


@pytest.mark.usefixtures("crowd")
def test_one_nonce_sent_32_times_is_one_scan():
    """Lesson 3."""
    redemption = reservation()
    till = person_of(redemption.merchant, "cashier")
    shown, merchant = code_of(redemption), redemption.merchant
    results = at_once(*[lambda: scan_code(merchant=merchant, by=till, shown=shown, nonce="the-same-nonce")] * 32)
    assert [scanned.outcome for scanned, _ in results] == ["accepted"] * 32
    assert Counter(is_new for _, is_new in results) == {True: 1, False: 31}
    assert len({scanned.pk for scanned, _ in results}) == Scan.objects.count() == 1
    assert told("redemption.redeemed") == 1
    assert Inquiry.objects.get(what="scan").count == 1


def test_one_nonce_at_two_tills_is_one_scan_and_a_mistake():
    redemption = reservation()
    tills = [person_of(redemption.merchant, "cashier") for _ in range(8)]
    results = at_once(*[scan(redemption, till, nonce="the-same-nonce") for till in tills])
    assert Counter(results) == {"accepted": 1, "nonce_reused": 7}
    assert Scan.objects.count() == 1


def test_cancelled_scanned_expired_and_taken_by_others_there_is_one_legal_outcome_each():
    # A scan made in time but uploaded late meets the end of the hold, its filing, the citizen's change of mind and
    # others who wait for the place.
    merchant, now = MerchantFactory(), timezone.now()
    perk = PerkFactory(merchant=merchant, stock=4)
    held = [reservation(perk=perk, now=now) for _ in range(4)]
    over = held[0].expires_at + timedelta(minutes=1)
    till = person_of(merchant)

    def cancel(redemption):
        in_time = redemption.expires_at - timedelta(seconds=1)
        return lambda: cancel_redemption(redemption=Redemption.objects.get(pk=redemption.pk), now=in_time).state

    def upload(redemption):
        return scan(redemption, till, nonce=f"late-{redemption.pk}", scanned_at=now + timedelta(hours=1), now=over)

    def take(citizen):
        return lambda: bool(take_perk(citizen=citizen, perk=perk, now=over))

    results = at_once(
        *[cancel(one) for one in held],
        *[upload(one) for one in held],
        *[lambda: expire_redemptions(now=over)] * 3,
        *[take(citizen_with()) for _ in range(6)],
    )
    cancelled, scanned, expired, taken = results[:4], results[4:8], results[8:11], results[11:]
    assert set(taken) <= {True, "sold_out"}
    for one, was_cancelled, outcome in zip(held, cancelled, scanned, strict=True):
        one.refresh_from_db()
        assert (one.state, was_cancelled, outcome) in {
            ("cancelled", "cancelled", "cancelled"),
            ("redeemed", "wrong_state", "accepted"),  # also out of `expired`, while there was still one
            ("expired", "wrong_state", "expired"),  # uploaded after somebody else had taken the place
        }, (one.state, was_cancelled, outcome)
        events = OutboxMessage.objects.filter(payload__object__id=one.public_id).order_by("payload__sequence")
        said = [(event.payload["sequence"], event.payload["type"]) for event in events]
        assert [sequence for sequence, _ in said] == list(range(1, one.sequence + 1))
        assert said[-1][1] == f"redemption.{one.state}"
    assert sum(expired) == told("redemption.expired")
    perk.refresh_from_db()
    assert perk.taken_count == Redemption.objects.filter(perk=perk, counts_for_stock=True).count() <= 4


def test_a_scan_is_taken_back_once():
    redemption = reservation()
    scan(redemption, person_of(redemption.merchant), nonce="nonce-of-scan")()
    manager = person_of(redemption.merchant, "manager")
    results = at_once(*[lambda: reverse_redemption(redemption=redemption, by=manager).state] * 8)
    assert Counter(results) == {"reserved": 1, "wrong_state": 7}
    assert Scan.objects.filter(undone_at=None).count() == 0
    redemption.refresh_from_db()
    assert (redemption.state, redemption.sequence) == ("reserved", 3)


def test_a_redemption_is_reversed_and_its_place_given_back_once():
    """Lesson 2."""
    perk = PerkFactory(stock=1, release_on_reversal="all")
    redemption = reservation(perk=perk)
    scan(redemption, person_of(redemption.merchant), nonce="nonce-of-scan")()
    manager, later = person_of(redemption.merchant, "manager"), timezone.now() + timedelta(hours=1)
    reverse = [lambda: reverse_redemption(redemption=redemption, by=manager, reason="Closed", now=later).state] * 8
    assert Counter(at_once(*reverse)) == {"reversed": 1, "wrong_state": 7}
    perk.refresh_from_db()
    assert perk.taken_count == 0
    assert told("redemption.reversed") == 1


def test_wrong_codes_typed_at_the_same_moment_are_five_and_then_only_passes():
    merchant = MerchantFactory()
    till = person_of(merchant, Member.Role.CASHIER)
    guesses = [
        lambda number=number: (
            scan_code(merchant=merchant, by=till, shown=Shown(code=f"AAAAA-AAAA{number}"), nonce=f"guess-{number:04}")[
                0
            ].outcome
        )
        for number in range(16)
    ]
    assert Counter(at_once(*guesses)) == {"unknown_code": 5, "rate_limited": 11}
    assert Scan.objects.count() == 5
