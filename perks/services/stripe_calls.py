"""Calls to Stripe: decided in the transaction of their cause, performed outside of any, applied in one of their own.

The row is first and Stripe second, with the row's key on every try, so that an answer lost on the way back costs
nothing: the next try is told the first one's answer. Stripe forgets a key after a day, so a call is not sent again once
it is older than `OLDEST`: a person looks what became of it. A failure that Stripe keeps under a key comes back for the
key's life, so the object is looked for before the call is made under the key's successor.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from citizen_app import outbox
from citizen_app.dead_letters import advises
from perks.errors import BillingUnavailable
from perks.models import StripeCall
from perks.payments.client import KeptFailure, Rejected, Transient

log = structlog.get_logger(__name__)

TOPIC: Final = "stripe_call"
OLDEST: Final = timedelta(hours=20)
TOO_OLD: Final = "too_old_to_send_again"
LOST: Final = "failed_at_stripe_and_not_found_there"
DOOR_FIRST: Final = timedelta(minutes=1)
"""How long the outbox leaves a call to the door that wants its answer."""

Perform = Callable[[StripeCall], Any]
Apply = Callable[[StripeCall, Any], None]
Refuse = Callable[[StripeCall, Rejected], None]


@dataclass(frozen=True)
class _Operation:
    perform: Perform
    apply: Apply
    reread: Perform | None
    refuse: Refuse | None
    benign: frozenset[str]
    ages: bool


_operations: dict[str, _Operation] = {}


def performs(
    operation: str,
    *,
    apply: Apply,
    benign: Collection[str] = frozenset(),
    reread: Perform | None = None,
    refuse: Refuse | None = None,
    ages: bool = True,
) -> Callable[[Perform], Perform]:
    """Register how an operation is performed: `perform(call)` asks Stripe under `call.sent_key`, in no transaction.

    `apply(call, result)` then writes what came of it, in one transaction with the call's end; safe after an event has
    told the same. A refusal whose code is `benign` means that it is so already: `reread(call)` (None: not there) is
    applied instead. Any other refusal is told to `refuse(call, error)` in the call's transaction; an operation without
    one leaves it to a person. `ages=False` is for what Stripe takes once by a name of its own, however late.
    """

    def register(perform: Perform) -> Perform:
        if operation in _operations:
            raise ValueError(f"Two ways to perform one operation: {operation}")
        _operations[operation] = _Operation(perform, apply, reread, refuse, frozenset(benign), ages)
        return perform

    return register


def decide(
    *, key: str, operation: str, account: str = "", due_at: datetime | None = None, **arguments: Any
) -> StripeCall:
    """Decide on a call in the caller's transaction; the outbox makes it. The same key is the same call.

    `due_at` leaves it to somebody else until then (`call_now`).
    """
    call, is_new = StripeCall.objects.get_or_create(
        key=key, defaults={"operation": operation, "account": account, "arguments": arguments}
    )
    if is_new:
        outbox.enqueue(TOPIC, due_at=due_at, call_id=call.pk)
    return call


def call_now(call: StripeCall) -> StripeCall:
    """Make a decided call at once, for a door that needs the answer: `call.result`, or the call is refused or stuck.

    Raises `BillingUnavailable` when Stripe does not answer; the call stays decided, and the next try is the same one.
    """
    require_no_transaction()
    try:
        call = _make(call.pk)
        if call.state == StripeCall.State.DONE and call.result is None:
            reread = _operations[call.operation].reread
            call.result = reread(call) if reread else None
    except Transient as error:
        log.warning("stripe.away", operation=call.operation, call=call.pk)
        raise BillingUnavailable from error
    return call


@outbox.handles(TOPIC)
def make_call(*, call_id: int) -> None:
    """Make a decided call; Stripe's absence is the outbox's to wait for. Safe twice."""
    if not StripeCall.objects.filter(pk=call_id).exists():
        return  # finished long ago, and pruned
    call = _make(call_id)
    if call.state == StripeCall.State.STUCK:
        raise outbox.DeadLetter(call.error_code)


@advises(TOPIC)
def what_to_do(payload: Mapping[str, Any], reason: str) -> str:
    """Where an operator looks at Stripe, and what they do then."""
    call = StripeCall.objects.filter(pk=payload["call_id"]).first()
    if call is None or call.state in (StripeCall.State.DONE, StripeCall.State.REFUSED):
        return "It was finished in another way meanwhile: give it up."
    where = f"account {call.account}" if call.account else "the platform’s account"
    find = f"“{call.operation}”: look for the key {call.sent_key} in Stripe’s log of {where}."
    if call.state == StripeCall.State.PENDING:
        return f"{find} Stripe did not answer. Once it does, try again: the same key never does it twice."
    return (
        f"{find} It is not sent again by itself. If Stripe has not done it and it is still wanted, "
        "do it there by hand: its event brings it here. Then give this up."
    )


def _make(call_id: int, *, now: datetime | None = None) -> StripeCall:
    call = StripeCall.objects.get(pk=call_id)
    if call.state != StripeCall.State.PENDING:
        return call
    operation = _operations[call.operation]
    now = now or timezone.now()
    if operation.ages and call.first_sent_at is not None and now - call.first_sent_at > OLDEST:
        return _close(call, StripeCall.State.STUCK, error_code=TOO_OLD)
    if call.first_sent_at is None:
        StripeCall.objects.filter(pk=call.pk, first_sent_at=None).update(first_sent_at=now)
    try:
        result = operation.perform(call)
    except KeptFailure:
        return _look_for(call, operation)
    except Rejected as error:
        return _refused(call, operation, error)
    return _close(call, StripeCall.State.DONE, apply=operation.apply, result=result)


def _look_for(call: StripeCall, operation: _Operation) -> StripeCall:
    """Stripe failed and keeps saying so under this key: what was asked for may be there, or not."""
    if operation.reread is None:
        return _close(call, StripeCall.State.STUCK, error_code=LOST)
    found = operation.reread(call)
    if found is not None:
        return _close(call, StripeCall.State.DONE, apply=operation.apply, result=found)
    # A fresh key lives a day from now on.
    StripeCall.objects.filter(pk=call.pk, mint=call.mint).update(mint=call.mint + 1, first_sent_at=None)
    raise Transient("The next try is made under the key's successor.")


def _refused(call: StripeCall, operation: _Operation, error: Rejected) -> StripeCall:
    if error.code in operation.benign:
        result = operation.reread(call) if operation.reread else None
        return _close(call, StripeCall.State.DONE, apply=operation.apply, result=result)
    log.warning("stripe.refused", operation=call.operation, call=call.pk, code=error.code)
    if operation.refuse is None:
        return _close(call, StripeCall.State.STUCK, error_code=error.code)
    refuse = operation.refuse
    return _close(call, StripeCall.State.REFUSED, error_code=error.code, apply=lambda call, _: refuse(call, error))


def _close(
    call: StripeCall, state: str, *, error_code: str = "", apply: Apply | None = None, result: Any = None
) -> StripeCall:
    """End a call once, in one transaction with what came of it: two who made it at once write it one time."""
    with transaction.atomic():
        held = StripeCall.objects.select_for_update().get(pk=call.pk)
        if held.state == StripeCall.State.PENDING:
            held.state, held.error_code, held.closed_at = state, error_code[:80], timezone.now()
            held.result_id = str(getattr(result, "id", "") or "")
            if apply is not None:
                apply(held, result)
            held.save(update_fields=["state", "error_code", "closed_at", "result_id"])
    held.result = result
    return held


def require_no_transaction() -> None:
    """No transaction is held across the network; the one that a test runs in is none of the product's."""
    if any(not block._from_testcase for block in transaction.get_connection().atomic_blocks):
        raise transaction.TransactionManagementError("No transaction is held across the network.")
