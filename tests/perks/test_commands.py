"""The set-up commands: one JSON object, the same rules as elsewhere, not on a real deployment."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from perks.models import Member, Merchant, Perk, Redemption
from tests.factories.people import operator_with
from tests.factories.perks import PerkFactory, reservation

pytestmark = pytest.mark.django_db


def run(*words: str) -> dict:
    out = StringIO()
    call_command(*words, stdout=out)
    return json.loads(out.getvalue())


def test_a_merchant_is_made_once_and_approved():
    words = ("create_merchant", "Aurora", "--sector", "airport", "--owner", "ana@example.org")
    first = run(*words)
    assert (first["state"], first["purpose"], first["created"]) == ("pending", "travel", True)
    again = run(*words, "--approve", "--session")
    assert (again["id"], again["state"], again["created"]) == (first["id"], "active", False)
    assert again["session_token"]
    assert Member.objects.get().citizen.email == "ana@example.org"


def test_operators_decide_by_their_address():
    operator = operator_with("merchants")
    merchant = run("create_merchant", "Aurora", "--sector", "hotel", "--owner", "ana@example.org")
    assert run("approve", "merchant", merchant["id"], "--by", operator.email) == {
        "id": merchant["id"],
        "state": "active",
    }
    perk = PerkFactory(state="review")
    assert run("refuse", "perk", perk.public_id, "--by", operator.email, "--reason", "Say more.")["state"] == "draft"
    with pytest.raises(CommandError, match="wrong_state"):
        run("approve", "perk", perk.public_id, "--by", operator.email)
    with pytest.raises(CommandError, match="role_required"):
        run("approve", "merchant", merchant["id"], "--by", "ana@example.org")
    with pytest.raises(CommandError, match="There is no perk"):
        run("approve", "perk", "perk_none", "--by", operator.email)


@pytest.mark.parametrize(
    "words",
    [
        ("create_merchant", "Aurora", "--sector", "hotel", "--owner", "ana@example.org"),
        ("approve", "perk", "perk_x", "--by", "ana@example.org"),
        ("refuse", "perk", "perk_x", "--by", "ana@example.org", "--reason", "No."),
    ],
)
def test_they_are_refused_on_a_real_deployment(settings, words):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="PRODUCTION"):
        run(*words)
    assert not Merchant.objects.exists()


def test_expire_redemptions_gives_back_what_ran_out():
    perk = PerkFactory(hold_minutes=10)
    reservation(perk=perk, now=timezone.now() - timedelta(hours=1))
    reservation(perk=perk)
    assert run("expire_redemptions") == {"expired": 1}
    assert run("expire_redemptions") == {"expired": 0}
    assert sorted(Redemption.objects.values_list("state", flat=True)) == ["expired", "reserved"]
    assert Perk.objects.get().taken_count == 1
