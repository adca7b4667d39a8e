"""What others will hear of a merchant's doings: promised in the cause's transaction, with no score and no person."""

from datetime import datetime
from typing import Any, Final

from citizen_app.models import Connection, OutboxMessage
from citizen_app.outbox import promise
from citizen_app.public_ids import public_id_of
from citizen_app.webhooks.events import event
from perks.models import Branch, DepositAgreement, GiftCard, Merchant, Perk, Redemption

COUNT_USE: Final = "count_use"


def tell_redemption(redemption: Redemption, *, now: datetime) -> None:
    """Promise `redemption.<state>` to the merchant; `sequence` orders the events of one redemption."""
    event_of(redemption, now=now).save(force_insert=True)


def event_of(redemption: Redemption, *, now: datetime) -> OutboxMessage:
    """The same promise, for a caller that writes its row beside others."""
    facts: dict[str, Any] = {"perk": public_id_of(Perk.prefix, redemption.perk_id)}
    if redemption.branch_id is not None:
        facts["branch"] = public_id_of(Branch.prefix, redemption.branch_id)
    return _event(
        f"redemption.{redemption.state}",
        merchant_id=redemption.merchant_id,
        kind="redemption",
        public_id=redemption.public_id,
        state=redemption.state,
        sequence=redemption.sequence,
        now=now,
        **facts,
    )


def use_of(redemption: Redemption, *, due_at: datetime) -> OutboxMessage:
    """Promise to count a redemption that was scanned for its merchant's bill, once the scan can't be undone."""
    return promise(COUNT_USE, due_at=due_at, redemption=redemption.public_id)


def tell_gift_card(card: GiftCard, what: str, *, now: datetime) -> None:
    """Promise `gift_card.<what>` (charged, refunded) to the merchant."""
    card.sequence += 1
    GiftCard.objects.filter(pk=card.pk).update(sequence=card.sequence)
    _event(
        f"gift_card.{what}",
        merchant_id=card.merchant_id,
        kind="gift_card",
        public_id=card.public_id,
        state=card.state,
        sequence=card.sequence,
        now=now,
    ).save(force_insert=True)


def tell_deposit(agreement: DepositAgreement, what: str, *, now: datetime) -> None:
    """Promise `deposit.<what>` to the merchant; `sequence` orders the events of one agreement."""
    redemption = agreement.redemption
    facts: dict[str, Any] = {"perk": public_id_of(Perk.prefix, redemption.perk_id)}
    if redemption.branch_id is not None:
        facts["branch"] = public_id_of(Branch.prefix, redemption.branch_id)
    _event(
        f"deposit.{what}",
        merchant_id=agreement.merchant_id,
        kind="deposit",
        public_id=agreement.public_id,
        state=agreement.state,
        sequence=agreement.sequence,
        now=now,
        **facts,
    ).save(force_insert=True)


def tell_perk(perk: Perk, what: str, *, now: datetime) -> None:
    """Promise `perk.<what>` (published, paused, sold_out) to the merchant."""
    Perk.objects.filter(pk=perk.pk).update(sequence=perk.sequence + 1)
    perk.sequence += 1
    _event(
        f"perk.{what}",
        merchant_id=perk.merchant_id,
        kind="perk",
        public_id=perk.public_id,
        state=perk.state,
        sequence=perk.sequence,
        now=now,
    ).save(force_insert=True)


def tell_standing(merchant: Merchant, *, now: datetime) -> None:
    """Promise `standing.changed` to the merchant whose standing has changed (`good` or `suspended`)."""
    _event(
        "standing.changed",
        merchant_id=merchant.pk,
        kind="merchant",
        public_id=merchant.public_id,
        state=merchant.standing_state,
        sequence=merchant.sequence,
        now=now,
    ).save(force_insert=True)


def tell_connection(connection: Connection, *, subject: str, now: datetime) -> None:
    """Promise `connection.created` or `connection.revoked` to the app, and never why it ended.

    `object.id` is what the app itself calls the person, and nothing else in it is about them. Somebody may connect
    again and is called the same then: `sequence` goes on.
    """
    is_new = connection.ended_at is None
    what, state = ("created", "running") if is_new else ("revoked", "ended")
    so_far = Connection.objects.filter(citizen=connection.citizen_id, application=connection.application_id).count()
    _event(
        f"connection.{what}",
        merchant_id=Merchant.key_of(connection.application.owner),
        kind="connection",
        public_id=subject,
        state=state,
        sequence=2 * so_far - is_new,
        now=now,
        client=connection.application.client_id,
    ).save(force_insert=True)


def _event(
    event_type: str,
    *,
    merchant_id: Any,
    kind: str,
    public_id: str,
    state: str,
    sequence: int,
    now: datetime,
    **facts: Any,
) -> OutboxMessage:
    merchant = public_id_of(Merchant.prefix, merchant_id)
    return event(
        event_type, kind=kind, public_id=public_id, state=state, sequence=sequence, now=now, merchant=merchant, **facts
    )
