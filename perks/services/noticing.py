"""What a citizen is told of their codes: promised beside the taking and the scan, told once those have committed."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.models import OutboxMessage
from citizen_app.notifying import notify
from citizen_app.outbox import promise
from perks.models import Redemption
from perks.services.desk import said
from perks.services.notices import CODE_USED, RESERVATION_ENDS

USED_TOPIC: Final = "code.used"
ENDS_TOPIC: Final = "reservation.ends"
LEADS: Final = ((timedelta(days=2), timedelta(days=1)), (timedelta(hours=4), timedelta(hours=1)))
"""How long before its end a reservation is told of, by how long it is held at least; a shorter one is not."""


def used(redemption: Redemption, *, nonce: str) -> OutboxMessage:
    """The promise to tell a citizen that a scan accepted their code; written beside the scan."""
    told = hashlib.sha256(nonce.encode()).hexdigest()[:32]
    return promise(USED_TOPIC, redemption=redemption.public_id, scan=told)


def tell_used(*, redemption: str, scan: str) -> None:
    """Tell it, once for each scan. Safe twice."""
    _tell(redemption, CODE_USED, cause=f"{CODE_USED}:{redemption}:{scan}")


def ends(redemption: Redemption, *, now: datetime) -> OutboxMessage | None:
    """The promise to tell a citizen in time that what they reserve runs out; none of what is held for an hour."""
    held_for = redemption.expires_at - now
    lead = next((lead for at_least, lead in LEADS if held_for >= at_least), None)
    if lead is None or redemption.state != Redemption.State.RESERVED:
        return None
    return promise(ENDS_TOPIC, due_at=redemption.expires_at - lead, redemption=redemption.public_id)


def tell_end(*, redemption: str, now: datetime | None = None) -> None:
    """Tell it, while it is still reserved. Safe twice."""
    still = Redemption.objects.filter(state=Redemption.State.RESERVED, expires_at__gt=now or timezone.now())
    if still.filter(pk=Redemption.key_of(redemption)).exists():
        _tell(redemption, RESERVATION_ENDS, cause=f"{RESERVATION_ENDS}:{redemption}")


@transaction.atomic
def _tell(redemption: str, event: str, *, cause: str) -> None:
    found = Redemption.objects.select_related("citizen", "merchant", "version").filter(pk=Redemption.key_of(redemption))
    one = found.first()
    if one is None or one.citizen is None:
        return
    facts = {
        "merchant": one.merchant.name,
        "perk": one.version.title,
        "until": said(one.expires_at, one.branch.zone if one.branch else one.citizen.zone),
    }
    notify(one.citizen, event, about=one.public_id, facts=facts, cause=cause)
