"""Tills: paired once, opened by a PIN, closed at the next request once anything of it is taken away."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.errors import InvalidInput, RateLimited
from perks.errors import PinLocked, UnknownPairingCode, WrongPin
from perks.models import Member, MemberPin, Scan, Till, TillPairing, TillShift
from perks.services.branches import close_branch
from perks.services.redemptions import reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.shifts import cashiers_of, end_shift, open_shift, set_pin, shift_of, who_scanned
from perks.services.showing import secrets_of
from perks.services.team import remove_member
from perks.services.tills import make_pairing, pair_till, revoke_till, till_of
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, reservation

pytestmark = pytest.mark.django_db
PIN = "2580"


@pytest.fixture
def merchant():
    return MerchantFactory()


def a_till(merchant, name="Desk 1", **options):
    owner = MemberFactory(merchant=merchant, role="owner").citizen
    return pair_till(code=make_pairing(merchant=merchant, by=owner, name=name, **options).code)


def a_cashier(merchant, pin=PIN, **fields) -> Member:
    member = MemberFactory(merchant=merchant, **fields)
    set_pin(member=member, pin=pin)
    return member


def test_a_code_pairs_one_device_within_ten_minutes(merchant):
    now = timezone.now()
    owner = MemberFactory(merchant=merchant, role="owner").citizen
    made = make_pairing(merchant=merchant, by=owner, name="Desk 1", now=now)
    typed = made.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    paired = pair_till(code=typed, name="The tablet", now=now + timedelta(minutes=9))
    assert (paired.till.name, paired.till.merchant, paired.token[:5]) == ("The tablet", merchant, "till_")
    assert till_of(paired.token) == paired.till
    old = make_pairing(merchant=merchant, by=owner, name="Desk 2", now=now)
    for code, at in ((made.code, now), (old.code, now + timedelta(minutes=10)), ("0000-0000", now), ("", now)):
        with pytest.raises(UnknownPairingCode):
            pair_till(code=code, now=at)
    assert Till.objects.count() == 1


def test_neither_code_nor_token_is_kept(merchant):
    owner = MemberFactory(merchant=merchant, role="owner").citizen
    made = make_pairing(merchant=merchant, by=owner, name="Desk 1")
    paired = pair_till(code=made.code)
    shift = open_shift(till=paired.till, member_id=a_cashier(merchant).public_id, pin=PIN)
    kept = str([*TillPairing.objects.values(), *Till.objects.values(), *TillShift.objects.values()])
    kept += str([*MemberPin.objects.values()])
    for secret in (made.code, made.code.replace("-", ""), paired.token, shift.token, PIN + "'"):
        assert secret not in kept
    assert all(secret not in repr((made, paired, shift)) for secret in (made.code, paired.token, shift.token))


def test_with_several_branches_a_till_is_told_where_it_stands(merchant):
    here = BranchFactory(merchant=merchant)
    assert a_till(merchant).till.branch == here
    there = BranchFactory(merchant=merchant)
    with pytest.raises(InvalidInput) as refused:
        a_till(merchant)
    assert refused.value.facts["errors"][0]["pointer"] == "/branch"
    assert a_till(merchant, branch=there).till.branch == there


def test_a_revoked_till_and_its_shift_open_nothing(merchant):
    paired = a_till(merchant)
    shift = open_shift(till=paired.till, member_id=a_cashier(merchant).public_id, pin=PIN)
    revoke_till(till=paired.till, by=MemberFactory(merchant=merchant, role="manager").citizen)
    assert (till_of(paired.token), shift_of(shift.token)) == (None, None)
    assert TillShift.objects.get().ended_at is not None


def test_a_shift_that_is_opened_while_its_till_is_revoked_opens_nothing(merchant):
    paired, member = a_till(merchant), a_cashier(merchant)
    revoke_till(till=paired.till, by=MemberFactory(merchant=merchant, role="manager").citizen)
    # The till was read before it was revoked: somebody was typing a PIN.
    shift = open_shift(till=paired.till, member_id=member.public_id, pin=PIN)
    assert shift_of(shift.token) is None


def test_a_till_of_a_closed_branch_opens_nothing(merchant):
    branch = BranchFactory(merchant=merchant)
    paired = a_till(merchant)
    shift = open_shift(till=paired.till, member_id=a_cashier(merchant).public_id, pin=PIN)
    close_branch(branch=branch, by=MemberFactory(merchant=merchant, role="owner").citizen)
    assert (till_of(paired.token), shift_of(shift.token)) == (None, None)


def test_a_till_says_when_it_was_last_here_to_the_minute(merchant):
    paired = a_till(merchant)
    seen = Till.objects.get().last_seen_at
    assert till_of(paired.token, now=seen + timedelta(seconds=59)) == paired.till
    assert Till.objects.get().last_seen_at == seen
    assert till_of(paired.token, now=seen + timedelta(seconds=60)) == paired.till
    assert Till.objects.get().last_seen_at == seen + timedelta(seconds=60)


@pytest.mark.parametrize("end", ["time", "leave", "next", "remove", "role", "pin", "account"])
def test_a_shift_ends_with_its_time_its_person_or_the_next_one(merchant, end):
    now = timezone.now()
    paired, member = a_till(merchant, shift_minutes=30), a_cashier(merchant)
    shift = open_shift(till=paired.till, member_id=member.public_id, pin=PIN, now=now)
    assert shift_of(shift.token, now=now + timedelta(minutes=29)) == shift.shift
    match end:
        case "time":
            now += timedelta(minutes=30)
        case "leave":
            end_shift(till=paired.till)
        case "next":
            open_shift(till=paired.till, member_id=a_cashier(merchant).public_id, pin=PIN)
        case "remove":
            remove_member(member=member, by=MemberFactory(merchant=merchant, role="owner").citizen)
        case "role":
            Member.objects.filter(pk=member.pk).update(role="manager")
        case "pin":
            set_pin(member=member, pin="1590")
        case "account":
            member.citizen.is_active = False
            member.citizen.save()
    assert shift_of(shift.token, now=now) is None
    assert till_of(paired.token) == paired.till


def test_wrong_pins_are_all_alike_and_five_lock_the_till(merchant):
    now = timezone.now()
    paired, member = a_till(merchant), a_cashier(merchant)
    without, stranger = MemberFactory(merchant=merchant), a_cashier(MerchantFactory())
    for who in (member.public_id, without.public_id, stranger.public_id, "mem_0000000000000", "x"):
        pin = "0000" if who == member.public_id else PIN
        with pytest.raises(WrongPin):
            open_shift(till=paired.till, member_id=who, pin=pin, now=now)
    for pin in (PIN, "0000"):
        with pytest.raises(PinLocked) as locked:
            open_shift(till=paired.till, member_id=member.public_id, pin=pin, now=now + timedelta(minutes=9))
        assert locked.value.facts["retry_after"] == 60
    assert not TillShift.objects.exists()
    # Another till is open to them, and this one is after ten minutes.
    assert open_shift(till=a_till(merchant).till, member_id=member.public_id, pin=PIN, now=now)
    assert open_shift(till=paired.till, member_id=member.public_id, pin=PIN, now=now + timedelta(minutes=10))


def test_a_right_pin_between_does_not_hide_wrong_ones(merchant):
    now = timezone.now()
    paired, own, other = a_till(merchant), a_cashier(merchant), a_cashier(merchant, role="manager")
    for number in range(5):
        with pytest.raises(WrongPin):
            open_shift(till=paired.till, member_id=other.public_id, pin=f"000{number}", now=now)
        if number < 4:
            open_shift(till=paired.till, member_id=own.public_id, pin=PIN, now=now)
    with pytest.raises(RateLimited):
        open_shift(till=paired.till, member_id=own.public_id, pin=PIN, now=now)


def test_one_member_is_not_guessed_at_many_tills(merchant):
    now, member = timezone.now(), a_cashier(merchant)
    for number in range(20):
        with pytest.raises(WrongPin):
            open_shift(till=a_till(merchant).till, member_id=member.public_id, pin=f"1{number:03}", now=now)
    with pytest.raises(PinLocked):
        open_shift(till=a_till(merchant).till, member_id=member.public_id, pin=PIN, now=now)


@pytest.mark.parametrize("pin", ["0000", "1234", "9876", "7777", "890123"])
def test_a_pin_somebody_tries_first_is_refused(merchant, pin):
    member = MemberFactory(merchant=merchant)
    with pytest.raises(InvalidInput):
        set_pin(member=member, pin=pin)
    assert not MemberPin.objects.exists()


def test_a_pin_holds_while_the_server_key_is_rotated(merchant, settings):
    paired, member = a_till(merchant), a_cashier(merchant)
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = "another " * 8, settings.SERVER_KEY
    assert open_shift(till=paired.till, member_id=member.public_id, pin=PIN)
    assert till_of(paired.token) == paired.till


def test_a_till_names_who_has_a_pin_and_nobody_else(merchant):
    paired, member = a_till(merchant), a_cashier(merchant)
    MemberFactory(merchant=merchant)
    a_cashier(MerchantFactory())
    assert cashiers_of(paired.till) == [{"id": member.public_id, "first_name": member.citizen.first_name}]


def scan_on(paired, shift, redemption, **options) -> Scan:
    return scan_code(
        merchant=paired.till.merchant,
        by=shift.member.citizen,
        till=paired.till,
        shown=Shown(code=secrets_of(redemption).code),
        **{"nonce": "a-nonce-of-the-till"} | options,
    )[0]


def test_a_scan_is_by_a_person_on_a_till_and_sent_again_by_the_next_it_is_the_same(merchant):
    paired, ana, rui = a_till(merchant), a_cashier(merchant), a_cashier(merchant)
    redemption = reservation(perk=PerkFactory(merchant=merchant))
    shift = open_shift(till=paired.till, member_id=ana.public_id, pin=PIN).shift
    scan = scan_on(paired, shift, redemption)
    assert (scan.outcome, scan.till, scan.scanned_by) == ("accepted", paired.till.actor, ana.citizen)
    next_shift = open_shift(till=paired.till, member_id=rui.public_id, pin=PIN).shift
    assert scan_on(paired, next_shift, redemption) == scan
    assert Scan.objects.count() == 1


def test_who_scanned_on_a_till_undoes_it_and_nobody_else_there(merchant):
    paired, ana, rui = a_till(merchant), a_cashier(merchant), a_cashier(merchant)
    redemption = reservation(perk=PerkFactory(merchant=merchant))
    scan_on(paired, open_shift(till=paired.till, member_id=ana.public_id, pin=PIN).shift, redemption)
    with pytest.raises(Exception, match="own scans"):
        reverse_redemption(redemption=redemption, by=rui.citizen, only_own_undo=True)
    redemption.refresh_from_db()
    assert redemption.state == "redeemed"
    assert reverse_redemption(redemption=redemption, by=ana.citizen, only_own_undo=True).state == "reserved"


def test_a_late_scan_is_of_the_shift_that_made_it(merchant):
    now = timezone.now()
    paired, ana, rui = a_till(merchant), a_cashier(merchant), a_cashier(merchant)
    first = open_shift(till=paired.till, member_id=ana.public_id, pin=PIN, now=now).shift
    later = now + timedelta(hours=1)
    second = open_shift(till=paired.till, member_id=rui.public_id, pin=PIN, now=later).shift
    within, after = now + timedelta(minutes=10), later + timedelta(minutes=1)
    assert who_scanned(shift=second, earlier=first.public_id, scanned_at=within) == ana.citizen
    elsewhere = open_shift(till=a_till(merchant).till, member_id=ana.public_id, pin=PIN, now=now).shift
    for earlier, at in (
        (first.public_id, after),
        (first.public_id, None),
        (None, within),
        (elsewhere.public_id, within),
        ("shift_x", within),
        ("shift_0000000000000", within),
    ):
        assert who_scanned(shift=second, earlier=earlier, scanned_at=at) == rui.citizen


def test_lesson_15_five_wrong_codes_lock_the_till_and_not_the_one_beside_it(merchant):
    paired, beside, ana = a_till(merchant), a_till(merchant), a_cashier(merchant)
    redemption = reservation(perk=PerkFactory(merchant=merchant))
    shift = open_shift(till=paired.till, member_id=ana.public_id, pin=PIN).shift
    options = {"merchant": merchant, "by": ana.citizen}
    for number in range(5):
        shown = Shown(code="00000-00000")
        assert scan_code(till=paired.till, shown=shown, nonce=f"guess-{number}", **options)[0].outcome == "unknown_code"
    with pytest.raises(RateLimited):
        scan_on(paired, shift, redemption)
    assert Scan.objects.count() == 5
    assert scan_on(beside, shift, redemption).outcome == "accepted"
