"""Enterprises: applying, being let in by an operator, and being suspended."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired, is_operator
from citizen_app.errors import WrongState
from citizen_app.models import AuditEvent, Citizen, OperatorRole
from perks.errors import OwnMerchant
from perks.models import Member, Merchant
from perks.services.registered import confirm_numbers, state_number

_JOINS: Final = ("merchant.apply", "member.join")
"""What somebody did who was in a merchant's team, whether they still are or not."""


@transaction.atomic
def apply_as_merchant(
    *,
    by: Citizen,
    name: str,
    sector: str,
    country: str,
    website: str = "",
    contact_person: str = "",
    registry_number: str = "",
    registry: str = "",
    now: datetime | None = None,
) -> Merchant:
    """Ask to offer perks: the one who asks is the first owner, and an operator decides.

    The sector (`Merchant.Sector`) fixes the purpose of every perk the merchant will have. `registry` is the register
    that knows it under `registry_number`; without it, the country's register of companies.
    """
    now = now or timezone.now()
    merchant = Merchant.objects.create(
        name=name,
        sector=Merchant.Sector(sector),
        country=country,
        website=website,
        contact_person=contact_person,
        applied_at=now,
    )
    Member.objects.create(merchant=merchant, citizen=by, role=Member.Role.OWNER, since=now)
    if registry_number:
        state_number(merchant=merchant, number=registry_number, register=registry, by=by, now=now)
    audit.record(by=by, action="merchant.apply", on=merchant.public_id, sector=sector)
    return merchant


@transaction.atomic
def approve_merchant(*, merchant: Merchant, by: Citizen | None, now: datetime | None = None) -> Merchant:
    """Let a merchant offer perks, and take its registry numbers as true; `by` None is a set-up command.

    Raises `WrongState` unless it is pending, and `RegistryNumberTaken`.
    """
    approved = _decide(merchant, by, "approve", {Merchant.State.PENDING}, Merchant.State.ACTIVE, now=now)
    confirm_numbers(merchant=approved, by=by, now=now)
    return approved


@transaction.atomic
def refuse_merchant(*, merchant: Merchant, by: Citizen, reason: str, now: datetime | None = None) -> Merchant:
    """Turn an application down, with the reason its people read."""
    return _decide(merchant, by, "refuse", {Merchant.State.PENDING}, Merchant.State.CLOSED, reason=reason, now=now)


@transaction.atomic
def suspend_merchant(*, merchant: Merchant, by: Citizen, reason: str, now: datetime | None = None) -> Merchant:
    """Stop a merchant's perks from being taken; what is reserved can still be scanned."""
    return _decide(merchant, by, "suspend", {Merchant.State.ACTIVE}, Merchant.State.SUSPENDED, reason=reason, now=now)


@transaction.atomic
def reinstate_merchant(*, merchant: Merchant, by: Citizen, now: datetime | None = None) -> Merchant:
    """Let a suspended merchant's perks be taken again."""
    return _decide(merchant, by, "reinstate", {Merchant.State.SUSPENDED}, Merchant.State.ACTIVE, now=now)


def require_impartial_operator(by: Citizen, merchant: Merchant) -> None:
    """Refuse whoever is no operator for merchants, or belongs to this one's team, or ever has.

    Otherwise whoever wrote a perk could leave the team and approve it.
    """
    if not is_operator(by, OperatorRole.Role.MERCHANTS):
        raise RoleRequired("Operators for merchants decide on merchants and their perks.")
    require_outsider(by, merchant)


def require_outsider(by: Citizen, merchant: Merchant) -> None:
    """Refuse whoever is in a merchant's team, or has been."""
    if Member.objects.filter(merchant=merchant, citizen=by).exists():
        raise OwnMerchant
    acts = AuditEvent.objects.filter(object=merchant.public_id, actor=audit.actor_of(by))
    if acts.filter(action__in=_JOINS).exists():
        raise OwnMerchant("You were in this merchant's team, so you cannot decide on it.")


def _decide(
    merchant: Merchant,
    by: Citizen | None,
    action: str,
    leaves: set[str],
    becomes: str,
    *,
    reason: str = "",
    now: datetime | None,
) -> Merchant:
    if by is not None:
        require_impartial_operator(by, merchant)
    changes: dict[str, object] = {"state": becomes, "refusal": reason}
    if action == "approve":
        changes["approved_at"] = now or timezone.now()
    if not Merchant.objects.filter(pk=merchant.pk, state__in=leaves).update(**changes):
        raise WrongState(f"A merchant that is {merchant.state} cannot be moved by {action!r}.")
    audit.record(by=by, action=f"merchant.{action}", on=merchant.public_id)
    merchant.refresh_from_db()
    return merchant
