"""Deposit agreements as their two parties and the operators read them. Nothing of it says anything of a score (P4)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch

from perks import holds
from perks.models import DepositAgreement, DepositFile, DepositHold, HoldDispute, HoldRefund, Redemption
from perks.services.deposit_steps import State, settled_at, state_at
from perks.services.holds import may_hold
from perks.services.perk_body import money

FileUrl = Callable[[DepositAgreement, DepositFile], str]


def with_what_agreements_show(agreements: Any) -> Any:
    """Everything their lines read, in a constant number of statements."""
    return agreements.select_related(
        "redemption__perk", "redemption__version", "redemption__branch", "merchant", "citizen"
    ).prefetch_related(
        Prefetch("files", queryset=DepositFile.objects.order_by("pk")),
        Prefetch("holds", queryset=DepositHold.objects.order_by("number")),
        Prefetch("holds__refunds", queryset=HoldRefund.objects.order_by("pk")),
        Prefetch("holds__disputes", queryset=HoldDispute.objects.order_by("pk")),
    )


def terms_of(agreement: DepositAgreement) -> dict[str, Any]:
    """The frozen terms, itemised."""
    currency = agreement.currency
    return {
        "class": agreement.vehicle_class,
        "full": money(agreement.full_amount, currency),
        "waived": money(agreement.waived_amount, currency),
        "waived_percent": agreement.waived_percent,
        "remainder": money(agreement.remainder_amount, currency),
        "remainder_items": [{**item, "amount": money(item["amount"], currency)} for item in agreement.remainder_items],
        "claim_cap": money(agreement.claim_cap, currency),
    }


def deposit_of_redemption(redemption: Redemption, *, now: datetime) -> dict[str, Any] | None:
    """The agreement of a redemption, in its citizen's answers: id, state, days and terms."""
    agreement = getattr(redemption, "deposit", None)
    if agreement is None:
        return None
    return {
        "id": agreement.public_id,
        "state": state_at(agreement, now),
        "until": agreement.until.isoformat(),
        **terms_of(agreement),
    }


def agreement_lines(
    agreements: Sequence[DepositAgreement], *, now: datetime, file_url: FileUrl
) -> list[dict[str, Any]]:
    """Agreements as their citizen reads them."""
    return [agreement_line(one, now=now, file_url=file_url) for one in agreements]


def agreement_line(agreement: DepositAgreement, *, now: datetime, file_url: FileUrl) -> dict[str, Any]:
    """One agreement as its citizen reads it."""
    merchant = agreement.merchant
    return _line(agreement, now=now, file_url=file_url) | {
        "merchant": {"id": merchant.public_id, "name": merchant.name},
    }


def merchant_agreement_line(agreement: DepositAgreement, *, now: datetime, file_url: FileUrl) -> dict[str, Any]:
    """One agreement as its merchant reads it: a first name appears once it was picked up."""
    citizen = agreement.citizen
    named = citizen is not None and agreement.picked_up_at is not None
    return _line(agreement, now=now, file_url=file_url) | {
        "first_name": citizen.first_name if citizen is not None and named else None,
        "disputes": _disputes(agreement),
    }


def _line(agreement: DepositAgreement, *, now: datetime, file_url: FileUrl) -> dict[str, Any]:
    redemption, branch = agreement.redemption, agreement.redemption.branch
    state = state_at(agreement, now)
    is_filed = state == agreement.state
    owed = settled_at(agreement, now)
    return {
        "id": agreement.public_id,
        "state": state,
        "redemption": redemption.public_id,
        "perk": redemption.perk.public_id,
        "title": redemption.version.title,
        "terms": redemption.version.terms,
        "date": redemption.date.isoformat() if redemption.date else None,
        "until": agreement.until.isoformat(),
        "zone": agreement.zone,
        "branch": {"id": branch.public_id, "name": branch.name} if branch else None,
        "booking_reference": redemption.booking_reference or None,
        **terms_of(agreement),
        "expires_at": instant(redemption.expires_at),
        "offered_at": instant(agreement.offered_at),
        "accepted_at": instant(agreement.accepted_at),
        "picked_up_at": instant(agreement.picked_up_at),
        "returned_at": instant(agreement.returned_at),
        "late_days": agreement.late_days,
        "claim_until": _until(agreement, State.RETURNED, state),
        "contest_until": _until(agreement, State.CLAIMED, state),
        "closes_itself_at": _until(agreement, State.ACTIVE, state),
        "claim": _claim(agreement, file_url),
        "contest": _contest(agreement, file_url),
        "settled": None if owed is None else money(owed, agreement.currency),
        "decided_because": agreement.decision_reason or None,
        "ended_at": instant(agreement.ended_at if is_filed else agreement.due_at),
        "hold_expires_at": instant(agreement.hold_expires_at),
        "hold": _hold(agreement),
        "refunds": _refunds(agreement),
        "may_hold": may_hold(agreement, now),
    }


def _until(agreement: DepositAgreement, state: str, reads: str) -> str | None:
    return instant(agreement.due_at) if reads == state else None


def _claim(agreement: DepositAgreement, file_url: FileUrl) -> dict[str, Any] | None:
    if agreement.claimed_at is None:
        return None
    currency = agreement.currency
    return {
        "at": instant(agreement.claimed_at),
        "amount": money(agreement.claimed_amount, currency),
        "items": [{"text": item["text"], "amount": money(item["amount"], currency)} for item in agreement.claim_items],
        "photographs": _files(agreement, DepositFile.By.MERCHANT, file_url),
    }


def _contest(agreement: DepositAgreement, file_url: FileUrl) -> dict[str, Any] | None:
    if agreement.contested_at is None:
        return None
    return {
        "at": instant(agreement.contested_at),
        "statement": agreement.contest_statement,
        "evidence": _files(agreement, DepositFile.By.CITIZEN, file_url),
    }


def shown_hold(agreement: DepositAgreement) -> DepositHold | None:
    """The hold that counts: the one that holds or was charged, else the last that was asked for."""
    attempts = list(agreement.holds.all())
    counting = [one for one in attempts if one.state in (*holds.HOLDING, holds.CAPTURED)]
    return next(iter(reversed(counting or attempts)), None)


def _hold(agreement: DepositAgreement) -> dict[str, Any] | None:
    hold = shown_hold(agreement)
    if hold is None:
        return None
    currency = hold.currency
    return {
        "state": hold.state,
        "amount": money(hold.amount, currency),
        "captured": money(hold.captured_amount, currency),
        "refunded": money(hold.refunded_amount, currency),
        "capture_before": instant(hold.capture_before),
        "renews_itself": hold.renews_itself,
    }


def _refunds(agreement: DepositAgreement) -> list[dict[str, Any]]:
    return [
        {
            "id": refund.public_id,
            "state": refund.state,
            "amount": money(refund.amount, hold.currency),
            "reason": refund.reason or None,
            "at": instant(refund.decided_at),
        }
        for hold in agreement.holds.all()
        for refund in hold.refunds.all()
    ]


def _disputes(agreement: DepositAgreement) -> list[dict[str, Any]]:
    return [
        {
            "status": dispute.status,
            "amount": money(dispute.amount, hold.currency),
            "due_by": instant(dispute.due_by),
            "opened_at": instant(dispute.opened_at),
        }
        for hold in agreement.holds.all()
        for dispute in hold.disputes.all()
    ]


def _files(agreement: DepositAgreement, by: str, file_url: FileUrl) -> list[dict[str, Any]]:
    return [
        {
            "id": file.public_id,
            "content_type": file.content_type,
            "size": file.size,
            "url": file_url(agreement, file),
        }
        for file in agreement.files.all()
        if file.by == by
    ]


def instant(at: datetime | None) -> str | None:
    """Write a moment as the API does: UTC, RFC 3339."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
