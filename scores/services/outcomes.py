"""What other rooms are told of a dispute's end, through the outbox: they are never called, and may be away (P7)."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from citizen_app.outbox import enqueue

DISPUTE_WON: Final = "dispute.won"
DISPUTE_WITHDRAWN: Final = "dispute.withdrawn"
DISPUTE_REJECTED: Final = "dispute.rejected"


def tell_dispute_won(
    *, citizen_id: int, dispute_id: str, entry_ids: Collection[int], corrected_ids: Collection[int] = ()
) -> None:
    """Say, in the transaction that ends it, that a dispute was won: upheld, lapsed unanswered, withdrawn or corrected.

    `dispute_id` is the public id; `entry_ids` are the records that were wrong and are struck by now, `corrected_ids`
    those that came in the place of some of them (`Entry.replaces`).
    """
    enqueue(
        DISPUTE_WON,
        citizen_id=citizen_id,
        dispute_id=dispute_id,
        entry_ids=sorted(entry_ids),
        corrected_ids=sorted(corrected_ids),
    )


def tell_dispute_withdrawn(
    *, citizen_id: int, dispute_id: str, entry_ids: Collection[int], opened_at: datetime
) -> None:
    """Say, in the transaction that ends it, that the citizen took a dispute back, open since `opened_at`."""
    enqueue(
        DISPUTE_WITHDRAWN,
        citizen_id=citizen_id,
        dispute_id=dispute_id,
        entry_ids=sorted(entry_ids),
        opened_at=opened_at.isoformat(),
    )


def tell_dispute_rejected(*, citizen_id: int) -> None:
    """Say, in the transaction that ends it, that a dispute was decided against the citizen."""
    enqueue(DISPUTE_REJECTED, citizen_id=citizen_id)
