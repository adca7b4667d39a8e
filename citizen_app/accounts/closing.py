"""Closing the account: leaving the score first, then the account itself, so that no table leads to the person (P10).

What binds somebody else is not cut off: while something runs that needs the person, closing is refused and says what.
Each room names what that is, and does its own part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import RestrictedError
from django.utils import timezone

from citizen_app.accounts.erasure import Erasure, Kept, erase_traces
from citizen_app.accounts.mail import queue_mail
from citizen_app.accounts.sessions import end_session
from citizen_app.audit import record
from citizen_app.audit_guards import KEPT_YEARS
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen, ConsentEvent, OperatorRole
from citizen_app.pruning import years_before

Holder = Callable[..., Iterator[str]]
Closer = Callable[..., Erasure]
_holders: list[Holder] = []
_closers: list[Closer] = []


class AccountInUse(DomainError):
    """Carries `reasons`, a sentence for each thing that stands in the way."""

    code, kind, title = "account_in_use", Kind.CONFLICT, "Something still runs that needs you."
    remedy = "End what `reasons` names (or wait for its end), then close the account. Leaving the score is always open."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What closing erased, in rows by table, and what is kept, why and until when."""

    at: datetime
    erased: dict[str, int]
    kept: list[Kept]


def holds_account(holder: Holder) -> Holder:
    """Register what stands in the way, in one room: `def holder(*, citizen, now)` yields sentences."""
    if holder not in _holders:
        _holders.append(holder)
    return holder


def closes_account(closer: Closer) -> Closer:
    """Register one room's part of closing: `def closer(*, citizen, via, now) -> Erasure`."""
    if closer not in _closers:
        _closers.append(closer)
    return closer


def reasons_to_wait(*, citizen: Citizen, now: datetime | None = None) -> list[str]:
    """What stands in the way of closing, as sentences for the person."""
    now = now or timezone.now()
    return [reason for holder in _holders for reason in holder(citizen=citizen, now=now)]


@transaction.atomic
def close_account(*, citizen: Citizen, via: str = "app", now: datetime | None = None) -> Receipt:
    """Leave the score if need be, erase the account and end every session; return the receipt, and mail it once.

    Raises `AccountInUse`, and then nothing has changed.
    """
    now = now or timezone.now()
    Citizen.objects.select_for_update().get(pk=citizen.pk)
    if reasons := reasons_to_wait(citizen=citizen, now=now):
        raise AccountInUse(" ".join(reasons), reasons=reasons)
    total = Erasure()
    for closer in _closers:
        _add(total, closer(citizen=citizen, via=via, now=now))
    # Also of somebody who never enrolled, or left before: what was honoured then is over now.
    _add(total, erase_traces(citizen=citizen, now=now))
    _add(total, Erasure(kept=[_acts_kept(now)]))
    receipt = Receipt(now, total.erased, total.kept)
    record(by=citizen, action="account.close", on=citizen.public_id)
    queue_mail(_farewell(citizen, receipt))
    _erase_account(citizen, receipt)
    return receipt


def _add(total: Erasure, part: Erasure) -> None:
    """Count a part in, and say once what several rooms keep."""
    said = {one.what for one in total.kept}
    total.add(Erasure(part.erased, [kept for kept in part.kept if kept.what not in said]))


def _acts_kept(now: datetime) -> Kept:
    return Kept(
        what="what was done in the record of acts, under the number of an account that is gone",
        why="to account for what was done here",
        until=years_before(now, -KEPT_YEARS),
    )


def _erase_account(citizen: Citizen, receipt: Receipt) -> None:
    sessions = list(UserSession.objects.filter(user=citizen).values_list("session_key", flat=True))
    rows = {
        "sessions": UserSession.objects.filter(user=citizen),
        "email_addresses": EmailAddress.objects.filter(user=citizen),
        "second_factors_and_passkeys": Authenticator.objects.filter(user=citizen),
        "consents": ConsentEvent.objects.filter(citizen=citizen),
    }
    for table, of_citizen in rows.items():
        receipt.erased[table] = of_citizen.count()
        of_citizen.delete()
    for key in sessions:
        end_session(key)
    receipt.erased["account"] = 1
    pk = citizen.pk
    try:
        with transaction.atomic():
            Citizen.objects.get(pk=pk).delete()
    except RestrictedError:
        # Two operators stand behind some decisions, and the database asks for both: the row stays, and names nobody.
        nobody = Citizen.objects.get(pk=pk)
        nobody.set_unusable_password()
        nobody.email, nobody.first_name = f"{nobody.public_id}@account.invalid", ""
        nobody.is_active = nobody.is_staff = nobody.is_superuser = False
        nobody.save()
        receipt.kept.append(_NUMBER_KEPT)


_NUMBER_KEPT: Final = Kept(
    what="the number of your account, without name or address, under what you decided as an operator",
    why="so that two people stand behind each such decision",
)


@holds_account
def _roles_hold(*, citizen: Citizen, now: datetime) -> Iterator[str]:
    if OperatorRole.objects.filter(citizen=citizen).exists():
        yield "You are an operator: another operator takes your roles back first."


def _farewell(citizen: Citizen, receipt: Receipt) -> EmailMessage:
    rows = "\n".join(f"- {table.replace('_', ' ')}: {count}" for table, count in receipt.erased.items() if count)
    kept = "\n".join(
        f"- {one.what}, {one.why}" + (f", until {one.until:%d %B %Y}" if one.until else "") for one in receipt.kept
    )
    return EmailMessage(
        subject="Your account is closed: your receipt",
        body=(
            f"You closed your account on {receipt.at:%d %B %Y at %H:%M} UTC.\n\n"
            f"Rows erased beside the account itself\n{rows or '- none'}\n\n"
            f"What remains\n{kept}\n\nThis is the last message sent to this address.\n"
        ),
        to=[citizen.email],
    )
