"""The desk: what is accepted, what is not and why, and that every scan is recorded."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from citizen_app.errors import InvalidInput
from perks import passes
from perks.errors import NonceReused, TypedCodesLocked
from perks.models import Perk, Redemption, Scan
from perks.services.catalogue import approve_perk, edit_perk
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption
from perks.services.scans import Shown, scan_code, told
from perks.services.showing import secrets_of, shown_pass
from perks.services.showing_merchants import scan_answer
from scores.models import Inquiry
from scores.services.enrolment import leave
from tests.factories.people import operator_with
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    person_of,
    reservation,
    server_of,
)

pytestmark = pytest.mark.django_db
UNKNOWN = "00000-00000"


@pytest.fixture
def desk():
    return Desk(MerchantFactory())


class Desk:
    """A till at work: each scan with a nonce of its own."""

    def __init__(self, merchant, role="cashier"):
        self.merchant, self.by, self.number = merchant, person_of(merchant, role), 0

    def scan(self, code=None, whole_pass=None, **options) -> Scan:
        self.number += 1
        nonce = options.pop("nonce", f"{self.by.pk}-nonce-{self.number}")
        options = {"merchant": self.merchant, "by": self.by} | options
        scan, _ = scan_code(shown=Shown(code, whole_pass), nonce=nonce, **options)
        return scan

    def perk(self, **fields) -> Perk:
        return PerkFactory(merchant=self.merchant, **fields)


def code_of(redemption) -> str:
    return secrets_of(redemption).code


def test_a_typed_code_is_redeemed_once(desk):
    citizen = citizen_with(document=True)
    redemption = reservation(citizen, desk.perk())
    scan = desk.scan(code_of(redemption))
    redemption.refresh_from_db()
    assert (scan.outcome, scan.typed, redemption.state) == ("accepted", True, "redeemed")
    assert told(scan) == {
        "id": redemption.public_id,
        "title": "Late check-out",
        "benefit": {"text": "A coffee"},
        "terms": "Until 14:00, on the day you leave.",
        "first_name": citizen.first_name,
        "state": "redeemed",
    }
    again = desk.scan(code_of(redemption))
    assert again.outcome == "already_redeemed"
    assert again.detail["text"].startswith("It was used on ")
    assert Scan.objects.count() == 2


def test_a_pass_is_redeemed_and_a_picture_of_it_dies(desk):
    now = timezone.now()
    redemption = reservation(perk=desk.perk(), now=now)
    shown = shown_pass(redemption, at=now)
    stale = desk.scan(whole_pass=shown, now=now + timedelta(seconds=90))
    assert (stale.outcome, stale.typed, told(stale)) == ("stale_pass", False, None)
    assert desk.scan(whole_pass=shown, now=now + timedelta(seconds=29)).outcome == "accepted"


def test_codes_are_read_as_people_write_them(desk):
    redemption = reservation(perk=desk.perk())
    typed = f"  {code_of(redemption).lower().replace('-', ' ')} ".replace("0", "o").replace("1", "l")
    assert desk.scan(typed).outcome == "accepted"


def test_an_unknown_code_is_recorded_and_tells_nothing(desk):
    scan = desk.scan(UNKNOWN)
    assert (scan.outcome, scan.redemption, told(scan)) == ("unknown_code", None, None)
    assert desk.scan(whole_pass="CA1:nonsense.123456").outcome == "unknown_code"


def test_another_merchants_code_is_recorded_as_such_and_answered_as_unknown(desk):
    redemption = reservation()
    scan = desk.scan(code_of(redemption))
    unknown = desk.scan(UNKNOWN)
    assert scan.outcome == "wrong_merchant"
    assert scan.redemption is None
    assert {**scan_answer(scan), "id": ""} == {**scan_answer(unknown), "id": ""}
    assert list(scan_answer(scan)) == list(scan_answer(unknown))
    redemption.refresh_from_db()
    assert redemption.state == "reserved"
    assert not Inquiry.objects.exists()


def test_the_same_nonce_and_body_is_the_same_scan(desk):
    redemption = reservation(perk=desk.perk())
    first = desk.scan(code_of(redemption), nonce="one-and-the-same")
    again, is_new = scan_code(
        merchant=desk.merchant, by=desk.by, shown=Shown(code_of(redemption)), nonce="one-and-the-same"
    )
    assert (again.pk, is_new) == (first.pk, False)
    assert scan_answer(again) == scan_answer(first)
    assert Scan.objects.count() == 1


@pytest.mark.parametrize("change", ["code", "till", "scanned_at"])
def test_the_same_nonce_with_another_body_is_refused(desk, change):
    desk.scan(UNKNOWN, nonce="one-and-the-same")
    options = {"merchant": desk.merchant, "by": desk.by, "shown": Shown(UNKNOWN), "nonce": "one-and-the-same"}
    options |= {
        "code": {"shown": Shown("11111-11111")},
        "till": {"by": person_of(desk.merchant)},
        "scanned_at": {"scanned_at": timezone.now()},
    }[change]
    with pytest.raises(NonceReused):
        scan_code(**options)
    assert Scan.objects.count() == 1


def test_a_nonce_is_the_merchants_own():
    for merchant in (MerchantFactory(), MerchantFactory()):
        assert Desk(merchant).scan(UNKNOWN, nonce="the-same-nonce").outcome == "unknown_code"


def test_time_is_judged_at_the_moment_of_the_scan(desk):
    now = timezone.now()
    redemption = reservation(perk=desk.perk(hold_minutes=60), now=now)
    late = now + timedelta(hours=2)
    expired = desk.scan(code_of(redemption), now=late)
    assert (expired.outcome, expired.detail["state"]) == ("expired", "expired")
    uploaded = desk.scan(code_of(redemption), now=late, scanned_at=now + timedelta(minutes=59))
    assert uploaded.outcome == "accepted"


def test_a_scan_made_in_time_counts_again_what_its_expiry_had_returned(desk):
    now, perk = timezone.now(), desk.perk(hold_minutes=60, stock=1, limit_per_day=1)
    redemption = reservation(perk=perk, now=now)
    late = now + timedelta(hours=2)
    expire_redemptions(now=late)
    assert Perk.objects.get().taken_count == 0
    scan = desk.scan(code_of(redemption), now=late, scanned_at=now + timedelta(minutes=30))
    redemption.refresh_from_db()
    assert (scan.outcome, redemption.state, Perk.objects.get().taken_count) == ("accepted", "redeemed", 1)
    assert perk.days.get().taken_count == 1


def test_a_late_upload_is_expired_when_what_it_returned_is_gone(desk):
    now, perk = timezone.now(), desk.perk(hold_minutes=60, stock=1)
    redemption = reservation(perk=perk, now=now)
    late = now + timedelta(hours=2)
    expire_redemptions(now=late)
    reservation(perk=perk, now=late)
    scan = desk.scan(code_of(redemption), now=late, scanned_at=now + timedelta(minutes=30))
    redemption.refresh_from_db()
    assert (scan.outcome, redemption.state, Perk.objects.get().taken_count) == ("expired", "expired", 1)


def test_two_offline_tills_one_is_accepted_and_the_other_is_a_conflict(desk):
    """Lesson 16."""
    now = timezone.now()
    redemption = reservation(perk=desk.perk(), now=now)
    other = Desk(desk.merchant)
    noon = now + timedelta(hours=1)
    assert desk.scan(code_of(redemption), now=noon, scanned_at=now + timedelta(minutes=20)).outcome == "accepted"
    conflict = other.scan(code_of(redemption), now=noon, scanned_at=now + timedelta(minutes=10))
    assert conflict.outcome == "conflict"
    assert Scan.objects.filter(outcome="accepted").count() == 1


def test_a_till_that_knew_of_the_other_s_scan_made_no_conflict(desk):
    now = timezone.now()
    redemption = reservation(perk=desk.perk(), now=now)
    first = now + timedelta(hours=1)
    assert desk.scan(code_of(redemption), now=first, scanned_at=now + timedelta(minutes=20)).outcome == "accepted"
    later = desk.scan(code_of(redemption), now=first + timedelta(hours=1), scanned_at=first)
    assert later.outcome == "already_redeemed"
    unknown = desk.scan(code_of(redemption), now=first + timedelta(hours=1), scanned_at=first - timedelta(seconds=1))
    assert unknown.outcome == "conflict"


def test_a_late_upload_is_paid_from_the_budget_again_or_refused_when_that_is_spent(desk):
    tier = {"min_score": None, "benefit": {"text": "5 euros off", "amount": {"amount": 500, "currency": "EUR"}}}
    now, perk = timezone.now(), desk.perk(hold_minutes=60, tiers=[tier], budget_amount=900, budget_currency="EUR")
    late, in_time = now + timedelta(hours=2), now + timedelta(minutes=30)
    redemption = reservation(perk=perk, now=now)
    expire_redemptions(now=late)
    assert Perk.objects.get().budget_spent == 0
    other = reservation(perk=perk, now=late)
    assert desk.scan(code_of(redemption), now=late, scanned_at=in_time).outcome == "expired"
    assert Perk.objects.get().budget_spent == 500
    cancel_redemption(redemption=other, now=late)
    assert desk.scan(code_of(redemption), now=late, scanned_at=in_time).outcome == "accepted"
    assert (Perk.objects.get().budget_spent, Perk.objects.get().taken_count) == (500, 1)


def test_at_the_very_end_of_its_time_it_is_over(desk):
    redemption = reservation(perk=desk.perk())
    assert desk.scan(code_of(redemption), now=redemption.expires_at).outcome == "expired"
    just_before = redemption.expires_at - timedelta(microseconds=1)
    assert desk.scan(code_of(redemption), now=just_before).outcome == "accepted"


@pytest.mark.parametrize(("ago", "is_refused"), [(-61, True), (-59, False), (72 * 3600, False), (72 * 3600 + 1, True)])
def test_a_scan_is_uploaded_within_72_hours_by_a_clock_that_is_right(desk, ago, is_refused):
    now = timezone.now()
    options = {"code": UNKNOWN, "now": now, "scanned_at": now - timedelta(seconds=ago)}
    if is_refused:
        with pytest.raises(InvalidInput):
            desk.scan(**options)
        assert not Scan.objects.exists()
    else:
        assert desk.scan(**options).outcome == "unknown_code"


def test_cancelled_and_reversed_codes_open_nothing(desk):
    cancelled = cancel_redemption(redemption=reservation(perk=desk.perk()))
    assert desk.scan(code_of(cancelled)).outcome == "cancelled"
    now = timezone.now()
    used = reservation(perk=desk.perk(), now=now)
    desk.scan(code_of(used), now=now)
    reverse_redemption(redemption=used, by=desk.by, reason="No room.", now=now + timedelta(hours=1))
    assert desk.scan(code_of(used)).outcome == "reversed"


def test_with_several_branches_the_scan_names_one(desk):
    here, there = BranchFactory(merchant=desk.merchant), BranchFactory(merchant=desk.merchant, name="Évora")
    perk = desk.perk()
    perk.branches.set([there])
    redemption = reservation(perk=perk)
    with pytest.raises(InvalidInput) as refused:
        desk.scan(code_of(redemption))
    assert refused.value.facts["errors"][0]["pointer"] == "/branch"
    wrong = desk.scan(code_of(redemption), branch=here)
    assert (wrong.outcome, wrong.detail["text"]) == ("wrong_branch", "It is valid at: Évora.")
    assert told(wrong)["first_name"] is None
    assert desk.scan(code_of(redemption), branch=there).outcome == "accepted"


def test_with_one_branch_it_is_that_one(desk):
    branch = BranchFactory(merchant=desk.merchant)
    assert desk.scan(code_of(reservation(perk=desk.perk()))).branch == branch


def test_hours_are_those_on_the_branchs_wall(desk):
    branch = BranchFactory(merchant=desk.merchant, zone="America/Sao_Paulo")
    noon = timezone.now().replace(hour=12, minute=0)  # nine in São Paulo
    perk = desk.perk(hours=[{"day": day, "from": "09:00", "to": "10:00"} for day in range(1, 8)])
    redemption = reservation(perk=perk, now=noon - timedelta(hours=2))
    early = desk.scan(code_of(redemption), branch=branch, now=noon - timedelta(minutes=1))
    assert early.outcome == "outside_hours"
    assert desk.scan(code_of(redemption), branch=branch, now=noon).outcome == "accepted"


def test_priority_is_given_on_its_day_only(desk):
    branch = BranchFactory(merchant=desk.merchant)
    now = timezone.now().replace(year=2026, month=7, day=1, hour=12)
    perk = desk.perk(kind="priority")
    redemption = reservation(perk=perk, now=now, date=date(2026, 7, 3), branch=branch)
    assert desk.scan(code_of(redemption), now=now).outcome == "outside_hours"
    assert desk.scan(code_of(redemption), now=now + timedelta(days=3)).outcome == "expired"
    assert desk.scan(code_of(redemption), now=now + timedelta(days=2)).outcome == "accepted"


def test_a_suspended_merchant_may_still_scan_what_was_reserved(desk):
    redemption = reservation(perk=desk.perk())
    desk.merchant.state = "suspended"
    desk.merchant.save()
    assert desk.scan(code_of(redemption)).outcome == "accepted"


# Who asked (P9)


def test_each_scan_that_finds_something_is_an_inquiry(desk):
    citizen = citizen_with()
    redemption = reservation(citizen, desk.perk())
    desk.scan(code_of(redemption))
    (inquiry,) = Inquiry.objects.filter(enrolment_id=citizen.pk)
    assert (inquiry.asker_kind, inquiry.asker_id, inquiry.asker_name) == (
        "merchant",
        desk.merchant.public_id,
        desk.merchant.name,
    )
    assert (inquiry.what, inquiry.count) == ("scan", 1)
    assert "Late check-out" in inquiry.about
    desk.scan(code_of(redemption))
    inquiry.refresh_from_db()
    assert inquiry.count == 2


def test_what_somebody_reserved_before_leaving_is_honoured(desk):
    citizen = citizen_with()
    redemption = reservation(citizen, desk.perk())
    receipt = leave(citizen=citizen)
    assert any(redemption.public_id in kept.what for kept in receipt.kept)
    assert desk.scan(code_of(redemption)).outcome == "accepted"
    assert not Inquiry.objects.exists()


# Guessing


def test_five_wrong_codes_at_a_till_stop_typing_there_and_passes_go_on(desk):
    """Lesson 15."""
    now = timezone.now()
    redemption = reservation(perk=desk.perk(), now=now)
    for second in range(5):
        desk.scan(UNKNOWN, now=now + timedelta(seconds=second))
    with pytest.raises(TypedCodesLocked) as refused:
        desk.scan(code_of(redemption), now=now + timedelta(seconds=10))
    assert refused.value.facts["retry_after"] == 590
    assert Desk(desk.merchant).scan(UNKNOWN, now=now).outcome == "unknown_code"
    assert desk.scan(whole_pass=shown_pass(redemption, at=now), now=now).outcome == "accepted"
    assert desk.scan(code_of(redemption), now=now + timedelta(minutes=10, seconds=1)).outcome == "already_redeemed"


def test_fifty_wrong_codes_in_a_day_stop_typing_at_the_merchant():
    """Lesson 15."""
    merchant, now = MerchantFactory(), timezone.now()
    for _ in range(10):
        till = Desk(merchant)
        for _ in range(5):
            till.scan(UNKNOWN, now=now)
    with pytest.raises(TypedCodesLocked):
        Desk(merchant).scan(UNKNOWN, now=now + timedelta(hours=23))
    assert Desk(merchant).scan(UNKNOWN, now=now + timedelta(hours=24)).outcome == "unknown_code"
    assert Desk(MerchantFactory()).scan(UNKNOWN, now=now).outcome == "unknown_code"


def test_another_merchants_code_counts_as_a_wrong_one(desk):
    redemption = reservation()
    for _ in range(5):
        desk.scan(code_of(redemption))
    with pytest.raises(TypedCodesLocked):
        desk.scan(UNKNOWN)


def test_right_codes_never_lock_a_till(desk):
    redemption = reservation(perk=desk.perk())
    for _ in range(7):
        desk.scan(code_of(redemption))
    assert Scan.objects.filter(outcome="already_redeemed").count() == 6


def test_a_server_is_a_till_too():
    merchant = MerchantFactory()
    redemption, server = reservation(perk=PerkFactory(merchant=merchant)), server_of(merchant).application
    scan, _ = scan_code(merchant=merchant, by=server, shown=Shown(code_of(redemption)), nonce="server-1")
    assert (scan.outcome, scan.till, scan.scanned_by) == ("accepted", f"client:{server.client_id}", None)


# Keys


def test_codes_and_passes_of_the_previous_server_key_still_open(desk, settings):
    now = timezone.now()
    first, second = reservation(perk=desk.perk(), now=now), reservation(perk=desk.perk(), now=now)
    typed, shown = code_of(first), shown_pass(second, at=now)
    settings.SERVER_KEY_PREVIOUS, settings.SERVER_KEY = (
        settings.SERVER_KEY,
        "another master secret, long enough to be one",
    )
    assert code_of(first) == typed
    assert desk.scan(typed, now=now).outcome == "accepted"
    assert desk.scan(whole_pass=shown, now=now).outcome == "accepted"


def test_a_pass_signed_by_somebody_else_is_unknown(desk):
    now = timezone.now()
    redemption = reservation(perk=desk.perk(), now=now)
    forged = passes.sign_pass(
        passes.signer_from(bytes(32)),
        redemption_id=redemption.pk,
        merchant_id=desk.merchant.pk,
        perk_id=redemption.perk_id,
        valid_until=redemption.expires_at,
    )
    digits = passes.digits_at(secrets_of(redemption).seed, now)
    assert desk.scan(whole_pass=passes.shown_pass(forged, digits), now=now).outcome == "unknown_code"
    assert Redemption.objects.get().state == "reserved"


@pytest.mark.parametrize(
    "limits",
    [
        {"limit_per_citizen": 1},
        {"limit_per_citizen": None, "limit_per_citizen_day": 1},
        {"limit_per_citizen": None, "limit_per_citizen_week": 1},
        {"limit_per_citizen": None, "limit_per_citizen_month": 1},
        {"limit_per_citizen": None, "limit_per_day": 1},
    ],
)
def test_a_late_upload_is_expired_when_a_limit_has_been_used_up_since(desk, limits):
    now = timezone.now().replace(hour=10)
    perk, citizen = desk.perk(hold_minutes=60, stock=5, **limits), citizen_with()
    first = reservation(citizen, perk, now=now)
    late = now + timedelta(minutes=61)
    expire_redemptions(now=late)
    second = reservation(citizen, perk, now=late)
    scan = desk.scan(code_of(first), now=late, scanned_at=now + timedelta(minutes=30))
    assert scan.outcome == "expired"
    first.refresh_from_db()
    perk.refresh_from_db()
    assert (first.state, first.counts_for_limits, perk.taken_count) == ("expired", False, 1)
    cancel_redemption(redemption=second, now=late)
    assert desk.scan(code_of(first), now=late, scanned_at=now + timedelta(minutes=30)).outcome == "accepted"
    perk.refresh_from_db()
    assert perk.taken_count == 1
    assert [day.taken_count for day in perk.days.all()] == ([1] if perk.limit_per_day else [])


def test_what_was_reserved_is_honoured_on_the_terms_and_benefit_of_then(desk):
    owner, operator = desk.by, operator_with("merchants")
    perk = desk.perk(tiers=[{"min_score": None, "benefit": {"text": "A drink"}}], terms="Until ten.")
    redemption = reservation(perk=perk)
    changed = {"tiers": [{"min_score": None, "benefit": {"text": "A nut"}}], "terms": "Never."}
    edit_perk(perk=perk, by=owner, body=changed)
    taken_meanwhile = reservation(perk=perk)
    perk.refresh_from_db()
    approve_perk(perk=perk, by=operator)
    taken_after = reservation(perk=perk)
    read = [told(desk.scan(code_of(one))) for one in (redemption, taken_meanwhile, taken_after)]
    assert [(one["benefit"]["text"], one["terms"]) for one in read] == [
        ("A drink", "Until ten."),
        ("A drink", "Until ten."),
        ("A nut", "Never."),
    ]
