"""Places where a merchant's perks are honoured, each with its own clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.models import Citizen, OAuthApplication
from perks.errors import BranchInUse
from perks.models import Branch, Merchant, Redemption


@transaction.atomic
def add_branch(
    *,
    merchant: Merchant,
    by: Citizen | OAuthApplication,
    name: str,
    zone: str,
    address: str = "",
    iata: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
) -> Branch:
    """Open a place: `zone` is its IANA time zone, `iata` its airport's code where it is in one."""
    branch = Branch(
        merchant=merchant, name=name, zone=zone, address=address, iata=iata, latitude=latitude, longitude=longitude
    )
    _check(branch)
    branch.save(force_insert=True)
    audit.record(by=by, action="branch.add", on=branch.public_id, merchant=merchant.public_id)
    return branch


@transaction.atomic
def change_branch(*, branch: Branch, by: Citizen | OAuthApplication, changes: Mapping[str, Any]) -> Branch:
    """Change what is known of a place; reservations keep the expiry they were given."""
    for name, value in changes.items():
        setattr(branch, name, value)
    _check(branch)
    branch.save(update_fields=list(changes))
    audit.record(by=by, action="branch.change", on=branch.public_id, fields=sorted(changes))
    return branch


@transaction.atomic
def close_branch(*, branch: Branch, by: Citizen | OAuthApplication, now: datetime | None = None) -> None:
    """Close a place for good; refused while somebody holds a reservation for it."""
    now = now or timezone.now()
    held = Redemption.objects.filter(branch=branch, state=Redemption.State.RESERVED, expires_at__gt=now)
    if held.exists():
        raise BranchInUse
    if Branch.objects.filter(pk=branch.pk, closed_at=None).update(closed_at=now):
        audit.record(by=by, action="branch.close", on=branch.public_id)


def _check(branch: Branch) -> None:
    """Refuse a branch that is not right in itself; what is null says nothing and is not looked at."""
    unsaid = [one.name for one in Branch._meta.concrete_fields if one.null and getattr(branch, one.attname) is None]
    branch.full_clean(exclude=unsaid)
