"""Opening the demo's merchants: each with its owner, branches, approval and perks, in one transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from citizen_app import audit
from citizen_app.accounts.demo import demo_account
from citizen_app.models import Citizen
from perks.models import Member, Merchant
from perks.sample.reading import Spec, merchants, perk_body, perks, shown_name
from perks.services.branches import add_branch
from perks.services.catalogue import approve_perk, draft_perk, publish_perk, submit_perk
from perks.services.merchants import apply_as_merchant, approve_merchant

LET_IN_AGO = timedelta(days=120)
WITH_DESK = "melia"
"""The merchant whose owner and cashier a visitor can sign in as."""
OTHER_DESKS = {
    "hertz": "a car rental: deposit waivers and claims",
    "corte-ingles": "a shop: gift cards",
    "evenly": "a dating app: boosts",
}
"""Merchants whose owner a visitor can sign in as too, and what there is to see at each."""


def missing_merchants() -> list[Spec]:
    """The demo's merchants that are not there yet; one that a visitor has closed since stays closed.

    The last of the file come first: lists show the newest perks first, and so those of the first merchant.
    """
    there = set(Merchant.objects.filter(is_demo=True).values_list("name", flat=True))
    return [merchant for merchant in reversed(merchants()) if shown_name(merchant) not in there]


def email_of_owner(merchant: str) -> str:
    """The one with a desk has the visitor's own owner; `merchant` is a key of the sample."""
    return "owner" if merchant == WITH_DESK else f"owner.{merchant}"


@transaction.atomic
def open_merchant(spec: Spec, *, operator: Citizen, now: datetime) -> Merchant:
    """Let a demo merchant apply, be approved, and publish its perks; `operator` decides, as on a real deployment."""
    owner = demo_account(email_of_owner(spec["key"]), first_name="Olga")
    # Let in long ago: what a new merchant may not do yet would leave half of the demo out.
    since = now - LET_IN_AGO
    merchant = apply_as_merchant(
        by=owner, name=shown_name(spec), sector=spec["sector"], country=spec["country"], now=since
    )
    Merchant.objects.filter(pk=merchant.pk).update(is_demo=True)
    branch_ids = {
        branch["key"]: add_branch(merchant=merchant, by=owner, **_facts_of(branch)).public_id
        for branch in spec["branches"]
    }
    merchant = approve_merchant(merchant=merchant, by=operator, now=since)
    for perk in reversed(_perks_of(spec)):
        today = now.astimezone(UTC).date()
        body = perk_body(perk, loaded_on=today, branch_ids=branch_ids, currency=settings.CURRENCY)
        drafted = draft_perk(merchant=merchant, by=owner, body=body, is_demo=True, now=now)
        submitted = submit_perk(perk=drafted, by=owner)
        approved = approve_perk(perk=submitted, by=operator, now=now)
        publish_perk(perk=approved, by=owner, now=now)
    return merchant


def seat_cashier(*, cashier: Citizen, merchant: Merchant, now: datetime) -> Member:
    """Give the demo's cashier a seat without an invitation: no mail reaches an address nobody has. Safe twice."""
    seat, is_new = Member.objects.get_or_create(
        merchant=merchant, citizen=cashier, defaults={"role": Member.Role.CASHIER, "since": now}
    )
    if is_new:
        audit.record(by=None, action="member.join", on=merchant.public_id, role=seat.role)
    return seat


def _facts_of(branch: Spec) -> dict[str, Any]:
    return {name: value for name, value in branch.items() if name != "key"}


def _perks_of(merchant: Spec) -> list[Spec]:
    return [perk for perk in perks() if perk["merchant"] == merchant["key"]]
