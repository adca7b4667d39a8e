"""Events a merchant's systems will hear of: promised in the transaction of their cause, with no score and no person."""

from datetime import UTC, datetime
from typing import Any, Final

from citizen_app.outbox import enqueue
from perks.models import Branch, Merchant, Perk, Redemption

TOPIC: Final = "webhook"


def tell_redemption(redemption: Redemption, *, now: datetime) -> None:
    """Promise `redemption.<state>` to the merchant; `sequence` orders the events of one redemption."""
    facts: dict[str, Any] = {"perk": Perk(pk=redemption.perk_id).public_id}
    if redemption.branch_id is not None:
        facts["branch"] = Branch(pk=redemption.branch_id).public_id
    _tell(
        f"redemption.{redemption.state}",
        merchant_id=redemption.merchant_id,
        kind="redemption",
        public_id=redemption.public_id,
        state=redemption.state,
        sequence=redemption.sequence,
        now=now,
        **facts,
    )


def tell_perk(perk: Perk, event: str, *, now: datetime) -> None:
    """Promise `perk.<event>` (published, paused, sold_out) to the merchant."""
    Perk.objects.filter(pk=perk.pk).update(sequence=perk.sequence + 1)
    perk.sequence += 1
    _tell(
        f"perk.{event}",
        merchant_id=perk.merchant_id,
        kind="perk",
        public_id=perk.public_id,
        state=perk.state,
        sequence=perk.sequence,
        now=now,
    )


def _tell(
    event: str, *, merchant_id: Any, kind: str, public_id: str, state: str, sequence: int, now: datetime, **facts: Any
) -> None:
    enqueue(
        TOPIC,
        type=event,
        at=now.astimezone(UTC).isoformat(),
        merchant=Merchant(pk=merchant_id).public_id,
        sequence=sequence,
        object={"kind": kind, "id": public_id, "state": state},
        **facts,
    )
