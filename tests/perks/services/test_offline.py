"""What a till may accept without asking: per perk, and what becomes of what it should not have accepted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.errors import InvalidInput
from perks.models import Perk, Scan
from perks.services.arrivals import desk_facts
from perks.services.offline import POLICIES, against_policy, default_policy
from perks.services.perk_body import read_body
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from perks.services.showing_tills import conflicts, conflicts_count
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    reservation,
)

pytestmark = pytest.mark.django_db
LATE = timedelta(hours=2)


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("discount", "accept"),
        ("priority", "accept"),
        ("deposit_waiver", "arrivals_only"),
        ("gift_card", "refuse"),
        ("visibility_boost", "refuse"),
    ],
)
def test_each_kind_has_its_default(kind, policy):
    assert default_policy(kind) == policy


def test_every_kind_has_a_policy():
    assert set(POLICIES) == set(Perk.Kind.values)


def body(**said):
    return {"kind": "discount", "title": "A drink", "tiers": [open_tier()]} | said


@pytest.mark.parametrize(("kind", "policy"), [("discount", "accept"), ("priority", "accept")])
def test_a_perk_that_says_nothing_takes_its_kind_s(kind, policy):
    assert read_body(body(kind=kind), merchant=MerchantFactory()).perk["offline"] == policy


def test_a_draft_that_becomes_another_kind_takes_the_new_one_s():
    perk = PerkFactory(kind="priority", state="draft", offline="arrivals_only")
    assert read_body({"title": "Other"}, merchant=perk.merchant, perk=perk).perk["offline"] == "arrivals_only"
    assert read_body({"kind": "discount"}, merchant=perk.merchant, perk=perk).perk["offline"] == "accept"


@pytest.mark.parametrize(("kind", "policy"), [("discount", "arrivals_only"), ("discount", "always")])
def test_a_policy_that_is_not_for_its_kind_is_refused(kind, policy):
    with pytest.raises(InvalidInput) as refused:
        read_body(body(kind=kind, offline=policy), merchant=MerchantFactory())
    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/offline"]


def late_scan(redemption, *, now, at, branch=None, nonce="late-scan") -> Scan:
    merchant = redemption.merchant
    return scan_code(
        merchant=merchant,
        by=person_of(merchant, "cashier"),
        shown=Shown(code=secrets_of(redemption).code),
        nonce=nonce,
        branch=branch,
        scanned_at=at,
        now=now,
    )[0]


def test_what_is_never_taken_offline_is_kept_as_a_conflict_and_redeems_nothing():
    now = timezone.now()
    redemption = reservation(perk=PerkFactory(offline="refuse"), now=now)
    scan = late_scan(redemption, now=now + LATE, at=now + timedelta(hours=1))
    redemption.refresh_from_db()
    assert (scan.outcome, redemption.state, redemption.counts_for_stock) == ("conflict", "reserved", True)
    assert conflicts_count(redemption.merchant, since=now) == 1
    [line] = conflicts(redemption.merchant)
    assert (line["first"], line["redemption"]["id"]) == (None, redemption.public_id)
    # Online it is taken as ever, also by a till that says when it scanned.
    assert late_scan(redemption, now=now + LATE, at=now + LATE, nonce="online-scan").outcome == "accepted"


def test_in_a_merchant_s_first_days_nothing_is_taken_offline():
    now = timezone.now()
    merchant = MerchantFactory(approved_at=now - timedelta(days=2))
    redemption = reservation(perk=PerkFactory(merchant=merchant, offline="accept"), now=now)
    [line] = desk_facts(merchant, None, now=now)["perks"]
    assert line["offline"] == "refuse"
    scan = late_scan(redemption, now=now + LATE, at=now + timedelta(hours=1))
    redemption.refresh_from_db()
    assert (scan.outcome, redemption.state) == ("conflict", "reserved")


def test_within_a_minute_a_scan_was_online():
    now = timezone.now()
    redemption = reservation(perk=PerkFactory(offline="refuse"), now=now)
    at = now + timedelta(minutes=5)
    assert late_scan(redemption, now=at + timedelta(seconds=60), at=at).outcome == "accepted"


def test_what_is_over_is_said_rather_than_the_policy():
    now = timezone.now()
    redemption = reservation(perk=PerkFactory(offline="refuse", hold_minutes=10), now=now)
    assert late_scan(redemption, now=now + LATE, at=now + timedelta(minutes=30)).outcome == "expired"


@pytest.fixture
def listed():
    """A priority that only the arrivals list opens, taken yesterday for today."""
    now = timezone.now().replace(hour=12)
    merchant = MerchantFactory()
    branch = BranchFactory(merchant=merchant, zone="UTC")
    perk = PerkFactory(merchant=merchant, kind="priority", offline="arrivals_only", zone="UTC")
    yesterday = now - timedelta(days=1)
    redemption = reservation(citizen_with(), perk, now=yesterday, date=now.date(), branch=branch)
    return redemption, branch, now


def test_on_the_list_it_is_accepted_late(listed):
    redemption, branch, now = listed
    assert late_scan(redemption, now=now + LATE, at=now, branch=branch).outcome == "accepted"


def test_taken_after_it_was_shown_it_was_on_no_list(listed):
    redemption, branch, now = listed
    redemption.taken_at = now + timedelta(minutes=1)
    redemption.save()
    assert late_scan(redemption, now=now + LATE, at=now, branch=branch).outcome == "conflict"


def test_at_another_branch_it_is_on_another_list(listed):
    redemption, _, now = listed
    other = BranchFactory(merchant=redemption.merchant, zone="UTC")
    scan = late_scan(redemption, now=now + LATE, at=now, branch=other)
    redemption.refresh_from_db()
    assert (scan.outcome, redemption.state) == ("conflict", "reserved")


def test_nothing_is_against_a_scan_made_now(listed):
    redemption, branch, now = listed
    from perks.services.desk import Desk

    desk = Desk(by=person_of(redemption.merchant), branch=branch, at=now, now=now)
    redemption.perk.offline = "refuse"
    assert against_policy(redemption, desk) is None


def test_three_days_before_it_was_on_no_list_yet(listed):
    redemption, branch, now = listed
    redemption.date += timedelta(days=3)
    redemption.expires_at += timedelta(days=3)
    redemption.save()
    assert late_scan(redemption, now=now + LATE, at=now, branch=branch).outcome == "conflict"
