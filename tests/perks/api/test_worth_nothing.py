"""A use is counted when a benefit is given, and never for less (lesson 6)."""

from datetime import timedelta

import pytest
import time_machine

from perks import passes
from perks.models import Perk, Redemption
from perks.tiers import check_benefit
from tests.factories.people import api_client_for
from tests.factories.perks import BranchFactory, PerkFactory, citizen_with, person_of
from tests.factories.scores import NOW
from tests.perks.api.calls import app_of, code_of, scan, take


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def stands(perk: Perk):
    perk = Perk.objects.get(pk=perk.pk)
    (one,) = Redemption.objects.filter(perk=perk)
    return perk.taken_count, perk.budget_spent, one.state, one.counts_for_limits, one.closed_at


@pytest.mark.django_db
def test_a_scan_that_gives_nothing_uses_nothing_up(clock):
    """Lesson 6: at the wrong place, at the wrong hour, from an old picture: it is still there for the right moment."""
    perk = PerkFactory(hours=[{"day": 1, "from": "09:00", "to": "17:00"}], hold_minutes=600)
    here, elsewhere = (BranchFactory(merchant=perk.merchant) for _ in range(2))
    perk.branches.set([here])
    till = api_client_for(person_of(perk.merchant, "cashier"))
    phone = take(app_of(citizen_with()), perk).json()
    before = stands(perk)
    old = passes.shown_pass(phone["pass"], passes.digits_at(phone["seed"], NOW - timedelta(minutes=5)))
    refused = [
        scan(till, code=phone["code"], branch=elsewhere.public_id),
        scan(till, **{"pass": old}, branch=here.public_id),
    ]
    clock.move_to(NOW + timedelta(hours=6))  # the desk has closed
    refused.append(scan(till, code=phone["code"], branch=here.public_id))
    assert [one.json()["outcome"] for one in refused] == ["wrong_branch", "stale_pass", "outside_hours"]
    assert stands(perk) == before
    clock.move_to(NOW + timedelta(hours=1))
    assert scan(till, code=phone["code"], branch=here.public_id).json()["outcome"] == "accepted"


@pytest.mark.django_db
def test_what_was_refused_is_counted_for_nobody(clock):
    """Lesson 6: a taking that is refused leaves the person's limit as it was."""
    perk, app = PerkFactory(stock=0), app_of(citizen_with())
    assert code_of(take(app, perk)) == "sold_out"
    Perk.objects.filter(pk=perk.pk).update(stock=1)
    assert take(app, perk).status_code == 201


@pytest.mark.parametrize(
    ("kind", "benefit"),
    [
        ("discount", {"text": "x", "percent": 0}),
        ("discount", {"text": "x", "amount": {"amount": 0, "currency": "EUR"}}),
        ("gift_card", {"face": {"amount": 0, "currency": "EUR"}}),
        ("deposit_waiver", {"waived_percent": 0}),
        ("visibility_boost", {"boost": "1.00"}),
    ],
)
def test_a_benefit_of_nothing_is_not_offered(kind, benefit):
    """Lesson 6."""
    assert {error.code for error in check_benefit(kind, benefit, currency="EUR")} <= {"out_of_range", "invalid"}
    assert check_benefit(kind, benefit, currency="EUR")
