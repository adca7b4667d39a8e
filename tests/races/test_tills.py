"""Tills at once: a code pairs one device, a till has one shift, every guess is counted, one upload counts."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from perks.errors import UnknownPairingCode, WrongPin
from perks.models import Scan, Till, TillPairing, TillShift
from perks.services.scans import Shown, scan_code
from perks.services.shifts import open_shift, set_pin
from perks.services.showing import shown_pass
from perks.services.tills import make_pairing, pair_till, token_hash
from tests.factories.perks import MemberFactory, MerchantFactory, PerkFactory, reservation
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]
PIN = "2580"


@pytest.fixture
def merchant():
    return MerchantFactory()


def pairing(merchant):
    return make_pairing(merchant=merchant, by=MemberFactory(merchant=merchant, role="owner").citizen, name="Desk")


def cashier(merchant):
    member = MemberFactory(merchant=merchant)
    set_pin(member=member, pin=PIN)
    return member


def opening(till, member, pin=PIN):
    return lambda: open_shift(till=till, member_id=member.public_id, pin=pin).shift.pk


def test_one_code_shown_to_16_devices_pairs_one(merchant):
    made = pairing(merchant)
    results = at_once(*[lambda: pair_till(code=made.code).till.pk for _ in range(16)])
    assert Counter(map(type, results))[str] == 15
    assert Counter(results)["unknown_pairing_code"] == 15
    assert Till.objects.count() == 1


@pytest.mark.usefixtures("postgresql")
def test_looking_whether_a_code_was_used_pairs_several(merchant):
    """The negative control: read, decide, write."""
    made = pairing(merchant)

    def pair_naively(number):
        found = TillPairing.objects.get(pk=made.pairing.pk)
        if found.used_at is not None:
            raise UnknownPairingCode
        now = timezone.now()
        facts = {"name": "Desk", "shift_minutes": 60, "paired_at": now, "last_seen_at": now}
        Till.objects.create(merchant=merchant, token_hash=token_hash(str(number)), **facts)
        found.used_at = now
        found.save(update_fields=["used_at"])
        return "paired"

    results = at_once(*[lambda number=number: pair_naively(number) for number in range(16)])
    assert Counter(results)["paired"] > 1


def test_eight_people_at_one_till_are_one_shift(merchant):
    till = pair_till(code=pairing(merchant).code).till
    team = [cashier(merchant) for _ in range(8)]
    # Each try is counted until it is known to be right: more than five at a moment may be asked to wait.
    results = at_once(*[opening(till, member) for member in team])
    assert set(map(type, results)) <= {int, str}
    assert {one for one in results if isinstance(one, str)} <= {"rate_limited"}
    opened = [one for one in results if isinstance(one, int)]
    assert len(opened) >= 1
    assert TillShift.objects.count() == len(opened)
    assert TillShift.objects.filter(ended_at=None).count() == 1
    till.refresh_from_db()
    assert till.wrong_pins == []


def test_twenty_guesses_at_once_are_all_counted(merchant):
    till, member = pair_till(code=pairing(merchant).code).till, cashier(merchant)
    results = at_once(*[opening(till, member, f"1{number:03}") for number in range(20)])
    assert Counter(results) == {"wrong_pin": 5, "rate_limited": 15}
    till.refresh_from_db()
    assert len(till.wrong_pins) == 5


@pytest.mark.usefixtures("postgresql")
def test_counting_guesses_without_holding_the_till_lets_more_through(merchant):
    """The negative control: what was read is written back longer."""
    till = pair_till(code=pairing(merchant).code).till

    def guess_naively():
        found = Till.objects.get(pk=till.pk)
        if len(found.wrong_pins) >= 5:
            return "rate_limited"
        found.wrong_pins = [*found.wrong_pins, timezone.now().isoformat()]
        found.save(update_fields=["wrong_pins"])
        raise WrongPin

    results = at_once(*[guess_naively for _ in range(20)])
    assert Counter(results)["wrong_pin"] > 5


def test_d5_three_tills_that_upload_one_pass_at_once_are_one_accepted_and_two_conflicts(merchant):
    now = timezone.now()
    redemption = reservation(perk=PerkFactory(merchant=merchant), now=now)
    # Their clocks differ; each scanned within the half-minute of the same picture.
    shown = Shown(whole_pass=shown_pass(redemption, at=now))
    desks = [(pair_till(code=pairing(merchant).code).till, cashier(merchant).citizen) for _ in range(3)]

    def upload(number, till, person):
        return scan_code(
            merchant=merchant,
            by=person,
            till=till,
            shown=shown,
            nonce=f"upload-{number}",
            scanned_at=now + timedelta(seconds=number),
            now=now + timedelta(hours=1),
        )[0].outcome

    results = at_once(*[lambda number=number, one=one: upload(number, *one) for number, one in enumerate(desks)])
    assert Counter(results) == {"accepted": 1, "conflict": 2}
    assert Counter(Scan.objects.values_list("outcome", flat=True)) == {"accepted": 1, "conflict": 2}
    redemption.refresh_from_db()
    assert (redemption.state, redemption.perk.taken_count) == ("redeemed", 1)
