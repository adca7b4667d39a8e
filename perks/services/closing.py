"""A merchant that stops: its perks and its plan end, what is reserved is honoured, its register numbers are free."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import WrongState
from citizen_app.models import Citizen
from perks import states
from perks.models import Merchant, Perk
from perks.services.catalogue import end_perk
from perks.services.clients import withdraw_apps
from perks.services.merchants import require_impartial_operator
from perks.services.plans import end_plans
from perks.services.registered import refresh_standing, release_numbers

OPEN = (Merchant.State.ACTIVE, Merchant.State.SUSPENDED)


@transaction.atomic
def close_merchant(*, merchant: Merchant, by: Citizen, reason: str, now: datetime | None = None) -> Merchant:
    """Close a merchant for good: its perks end for everybody, and its desk still honours what is reserved.

    Its apps are over, and everybody's connection to them; its servers go on, for the desk. Its plan ends now: what it
    used is invoiced at last, and what its desk honours from here on is not.
    """
    now = now or timezone.now()
    require_impartial_operator(by, merchant)
    if not Merchant.objects.filter(pk=merchant.pk, state__in=OPEN).update(state=Merchant.State.CLOSED, refusal=reason):
        raise WrongState(f"A merchant that is {merchant.state} cannot be closed.")
    for perk in Perk.objects.filter(merchant=merchant, state__in=states.PERK.sources("end")).order_by("pk"):
        end_perk(perk=perk, by=by, now=now)
    end_plans(merchant)
    withdraw_apps(merchant=merchant, by=by)
    release_numbers(merchant)
    refresh_standing(merchant, now=now)
    audit.record(by=by, action="merchant.close", on=merchant.public_id)
    merchant.refresh_from_db()
    return merchant
