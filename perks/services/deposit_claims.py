"""A damage claim: at most one, never above the cap, open to contest before anything is owed, decided by a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired, is_operator
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OperatorRole
from citizen_app.uploads import Uploaded
from perks import deposits
from perks.errors import ClaimAboveCap, ClaimTooLate, ContestTooLate, OwnAgreement
from perks.models import DepositAgreement, DepositFile, Merchant
from perks.services.deposit_files import MOST_FILES, add_files, kept
from perks.services.deposit_steps import State, move, state_at
from perks.services.deposits import settle
from perks.services.merchants import require_outsider
from perks.services.perk_body import money
from scores import assessments

MOST_ITEMS: Final = 20
LONGEST_ITEM: Final = 200


def claim_damage(
    *,
    agreement: DepositAgreement,
    by: Citizen,
    items: Sequence[Mapping[str, Any]],
    photographs: Sequence[Uploaded] = (),
    now: datetime | None = None,
) -> DepositAgreement:
    """Claim a damage within 72 hours of the return: `items` of `{text, amount: money}`, at most the cap in all.

    The citizen can contest it for 72 hours. Raises `InvalidInput`, `ClaimAboveCap`, `ClaimTooLate`, `WrongState` where
    it is not returned or was claimed before, and what a photograph is refused for.
    """
    now = now or timezone.now()
    read = _read_items(items, agreement.currency)
    total = sum(one["amount"] for one in read)
    _check_number(photographs, "photographs")
    with kept(photographs) as files, transaction.atomic():
        held = DepositAgreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
        if held.state != State.RETURNED:
            raise WrongState(f"What is {state_at(held, now)} cannot be claimed for.")
        if held.due_at is None or held.due_at <= now:
            raise ClaimTooLate
        if total > held.claim_cap:
            cap, claimed = money(held.claim_cap, held.currency), money(total, held.currency)
            raise ClaimAboveCap(cap=cap, claimed=claimed)
        if not move(
            agreement,
            "claim",
            now=now,
            where=Q(due_at__gt=now),
            claimed_at=now,
            claim_items=read,
            claimed_amount=total,
            due_at=now + deposits.CONTEST_TIME,
        ):
            raise WrongState
        add_files(agreement, files, by=DepositFile.By.MERCHANT, now=now)
        audit.record(by=by, action="deposit.claim", on=agreement.public_id, items=len(read), files=len(files))
    return agreement


def contest_claim(
    *,
    agreement: DepositAgreement,
    by: Citizen,
    statement: str,
    evidence: Sequence[Uploaded] = (),
    now: datetime | None = None,
) -> DepositAgreement:
    """Object to a claim within its 72 hours: nothing is owed before an operator has decided.

    Raises `ContestTooLate`, `WrongState` where there is no open claim, and what a file is refused for.
    """
    now = now or timezone.now()
    _check_number(evidence, "evidence")
    if not statement.strip():
        raise InvalidInput(FieldError("/statement", "required", "Say what is wrong with the claim."))
    with kept(evidence) as files, transaction.atomic():
        if not move(
            agreement,
            "contest",
            now=now,
            where=Q(due_at__gt=now),
            contested_at=now,
            contest_statement=statement,
            due_at=None,
        ):
            agreement.refresh_from_db()
            if agreement.claimed_at is not None and agreement.contested_at is None:
                raise ContestTooLate
            raise WrongState(f"What is {state_at(agreement, now)} cannot be contested.")
        add_files(agreement, files, by=DepositFile.By.CITIZEN, now=now)
        audit.record(by=by, action="deposit.contest", on=agreement.public_id, files=len(files))
    return agreement


@transaction.atomic
def decide_claim(
    *, agreement: DepositAgreement, by: Citizen, amount: int, reason: str, now: datetime | None = None
) -> DepositAgreement:
    """Decide a contested claim at an amount from nothing to what was claimed, in minor units; both sides read why.

    Raises `RoleRequired`, `OwnAgreement` and `OwnMerchant` for operators who are a party, `InvalidInput` for an amount
    outside the claim or no reason, and `WrongState` where nothing is contested.
    """
    now = now or timezone.now()
    require_impartial(agreement, by)
    if not reason.strip():
        raise InvalidInput(FieldError("/reason", "required", "Both sides read why."))
    claimed = agreement.claimed_amount or 0
    if not 0 <= amount <= claimed:
        raise InvalidInput(FieldError("/amount", "out_of_range", f"From 0 to {claimed}, what is claimed."))
    still = Q(state=State.CONTESTED, claimed_amount__gte=amount)
    if not settle(agreement, amount, now=now, where=still, decision_reason=reason, decided_by=by):
        agreement.refresh_from_db()
        raise WrongState(f"What is {state_at(agreement, now)} cannot be decided.")
    audit.record(by=by, action="deposit.decide", on=agreement.public_id)
    return agreement


@transaction.atomic
def open_claim(*, agreement: DepositAgreement, by: Citizen, now: datetime | None = None) -> None:
    """Let an operator read a contested claim and what was added to it; its citizen sees that they did (P9)."""
    now = now or timezone.now()
    require_impartial(agreement, by)
    audit.record(by=by, action="deposit.read", on=agreement.public_id)
    if agreement.citizen is not None:
        assessments.tell_file_opened(
            citizen=agreement.citizen,
            by=by,
            role=OperatorRole.Role.DISPUTES,
            about=f"The damage claim you contested ({agreement.public_id})",
            reason="You contested the claim, so that a person here decides.",
            now=now,
        )


def require_impartial(agreement: DepositAgreement, by: Citizen) -> None:
    """Refuse everybody but an operator for disputes who is not its citizen and was never of its merchant's team."""
    if not is_operator(by, OperatorRole.Role.DISPUTES):
        raise RoleRequired
    if agreement.citizen_id == by.pk:
        raise OwnAgreement
    require_outsider(by, Merchant(pk=agreement.merchant_id))


def _read_items(items: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """The items as they are kept: a text, and an amount in the currency the cap was accepted in."""
    if not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidInput(FieldError("/items", "out_of_range", f"Name 1 to {MOST_ITEMS} items."))
    errors: list[FieldError] = []
    for place, item in enumerate(items):
        text = item.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_ITEM:
            sentence = f"What the damage is, in at most {LONGEST_ITEM} characters."
            errors.append(FieldError(f"/items/{place}/text", "invalid" if text else "required", sentence))
        errors += deposits.check_money(item.get("amount"), f"/items/{place}/amount", currency=currency)
    if errors:
        raise InvalidInput(*errors)
    return [{"text": item["text"], "amount": item["amount"]["amount"]} for item in items]


def _check_number(files: Sequence[Uploaded], name: str) -> None:
    if len(files) > MOST_FILES:
        raise InvalidInput(FieldError(f"/{name}", "out_of_range", f"At most {MOST_FILES} files."))
