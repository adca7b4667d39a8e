"""The desk: a code is typed or a pass is read, judged, and recorded whatever the outcome.

Till and citizen may both be offline, so a scan is judged at `scanned_at`; the first one the server accepts wins. What a
desk learns is the perk, its benefit and terms and, once it is accepted, a first name (P4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists
from django.utils import timezone

from citizen_app.audit import actor_of
from citizen_app.db import violated
from citizen_app.errors import DomainError, FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.statements import RowsBeside, Statement, insert_of, lock_of, moment_of, together, update_of
from perks.errors import NonceReused, TypedCodesLocked
from perks.models import Branch, Member, Merchant, MerchantClient, Redemption, Scan, Till
from perks.services import noticing, offline, showing
from perks.services.desk import UNDO_TIME, Desk, Verdict, out_of_place_or_hours, said
from perks.services.kinds import rules_of
from perks.services.redemptions import standing_scan, state_at
from perks.services.releases import take_again
from perks.services.scan_reading import finding, open_branches_of
from perks.services.telling import event_of, use_of
from scores import assessments

LATEST: Final = timedelta(hours=72)
CLOCK_SKEW: Final = timedelta(seconds=60)
WRONG_CODES_PER_TILL: Final = (5, timedelta(minutes=10))
WRONG_CODES_PER_MERCHANT: Final = (50, timedelta(days=1))
_ALLOWED: Final = {"by_till": WRONG_CODES_PER_TILL, "by_merchant": WRONG_CODES_PER_MERCHANT}
_MOVES: Final = (
    "state", "closed_at", "expires_at", "counts_for_stock", "counts_for_limits", "sequence", "citizen_id", "release",
)  # fmt: skip
"""What of a redemption can change between finding it and holding it."""

Outcome = Scan.Outcome
_WRONG: Final = (Outcome.UNKNOWN_CODE, Outcome.WRONG_MERCHANT)
# After these the desk has been told the first name, now or before.
NAMING: Final = frozenset({Outcome.ACCEPTED, Outcome.ALREADY_REDEEMED, Outcome.REVERSED, Outcome.CONFLICT})
# A picture of a screen may be anybody's: nothing is told.
SILENT: Final = frozenset({*_WRONG, Outcome.STALE_PASS})


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown at the desk: a typed `code`, or the whole `CA1:…` string of a pass; `amount` is to be charged."""

    code: str | None = None
    whole_pass: str | None = None
    # Picked from the desk's own list, with nothing shown (a deposit whose terms were accepted before).
    redemption: Redemption | None = field(default=None, repr=False)
    amount: int | None = None


def scan_code(
    *,
    merchant: Merchant,
    by: Citizen | OAuthApplication,
    shown: Shown,
    nonce: str,
    branch: Branch | None = None,
    branch_id: str | None = None,
    scanned_at: datetime | None = None,
    till: Till | None = None,
    now: datetime | None = None,
) -> tuple[Scan, bool]:
    """Judge what a citizen shows and record it; True when it is new, False for the same nonce and body again.

    On a paired `till` it is the till's scan, made by whoever is at work there: sent again by another, it is the same.

    The branch may be named by its id. Raises `NonceReused` for the same nonce with another body, `TypedCodesLocked`
    after too many wrong typed codes, and `InvalidInput` for a `scanned_at` outside the last 72 hours, a branch that is
    not an open one of the merchant's, one left out where there are several, or an `amount` with what is no gift card.
    """
    now = now or timezone.now()
    place = branch.public_id if branch else branch_id
    fingerprint = showing.scan_fingerprint(till.actor if till else actor_of(by), shown, place, scanned_at)
    asked = _Asked(merchant, by, till, shown, nonce, fingerprint, branch, branch_id, scanned_at, now)
    try:
        with transaction.atomic():
            return _scan(asked), True
    except IntegrityError as error:
        if violated(error) != "scan_one_per_nonce" or (known := _known(asked)) is None:
            raise
        return known, False
    except DomainError:
        # Refused today, but told before: the same nonce is the same scan.
        if (known := _known(asked)) is None:
            raise
        return known, False
    except _KnownAlready:
        known = _known(asked)
        if known is None:
            raise LookupError("A scan was there, and is gone.") from None
        return known, False


@dataclass(frozen=True, slots=True)
class _Asked:
    merchant: Merchant
    by: Citizen | OAuthApplication
    till: Till | None
    shown: Shown
    nonce: str
    fingerprint: str
    branch: Branch | None
    branch_id: str | None
    scanned_at: datetime | None
    now: datetime

    @property
    def actor(self) -> str:
        """Whose scan it is: a paired till's, else a person's or a server's."""
        return self.till.actor if self.till else actor_of(self.by)

    @property
    def is_guarded(self) -> bool:
        """Whether wrong ones are counted: who types may guess, a pass cannot be guessed."""
        return self.shown.code is not None and settings.RATE_LIMITS


class _KnownAlready(Exception):
    """This nonce is recorded."""


def _known(asked: _Asked) -> Scan | None:
    known = (
        Scan.objects.select_related("redemption__version", "redemption__perk", "redemption__citizen")
        .filter(merchant=asked.merchant, nonce=asked.nonce)
        .first()
    )
    if known is not None and known.fingerprint != asked.fingerprint:
        raise NonceReused
    return known


def _scan(asked: _Asked) -> Scan:
    """Find, hold, judge, and write in as few statements as that takes: a desk waits, and so do others of the till."""
    merchant, now = asked.merchant, asked.now
    _check_instant(asked.scanned_at, now)
    at = asked.scanned_at or now
    key = _key_of(asked)
    own = _find(asked, key)
    if own is not None and own.known:  # type: ignore[attr-defined]
        raise _KnownAlready
    branch = None if own is None else _branch_of(asked, own.open_branches)  # type: ignore[attr-defined]
    _hold(asked, own)
    desk: Desk | None = None
    writes: list[Statement] = []
    is_redeemed = False
    if own is None:
        # A stranger's code takes the way of one nobody answers to.
        read = _without_redemption(asked, key)
        _refuse_guessing(asked, read)
        branch = _branch_of(asked, read["open_branches"])
        verdict = Verdict(Outcome.WRONG_MERCHANT if read["is_foreign"] else Outcome.UNKNOWN_CODE)
    else:
        zone = branch.zone if branch else own.perk.zone
        is_late = asked.scanned_at is not None
        desk = Desk(by=asked.by, branch=branch, at=at, now=now, is_late=is_late, amount=asked.shown.amount, zone=zone)
        verdict = _judge(own, key.digits, desk)
        is_redeemed = verdict.outcome == Outcome.ACCEPTED and rules_of(own.perk.kind).is_redeemed_by_scan
        if is_redeemed:
            writes += _redemption_of(own, now)
        if verdict.outcome == Outcome.ACCEPTED and merchant.is_billed:
            writes.append(insert_of(use_of(own, due_at=now + UNDO_TIME)))
        writes += _inquiry(merchant, own, now, was_shown=asked.shown.redemption is None)
        if verdict.outcome == Outcome.ACCEPTED and own.citizen_id is not None:
            writes.append(insert_of(noticing.used(own, nonce=asked.nonce)))
    scan = Scan(
        merchant=merchant,
        branch=branch,
        redemption=own,
        nonce=asked.nonce,
        fingerprint=asked.fingerprint,
        outcome=verdict.outcome,
        typed=asked.shown.code is not None,
        amount=asked.shown.amount,
        detail={"text": verdict.detail, "state": own and state_at(own, now), **verdict.facts},
        scanned_at=at,
        received_at=now,
        till=asked.actor,
        scanned_by=asked.by if isinstance(asked.by, Citizen) else None,
    )
    together(*writes, insert_of(scan))
    if own is not None and desk is not None:
        rules = rules_of(own.perk.kind)
        if is_redeemed:
            rules.moved(own, "redeem", now=now)
        if verdict.outcome == Outcome.ACCEPTED:
            rules.accepted(own, desk, scan)
    return scan


def _check_instant(scanned_at: datetime | None, now: datetime) -> None:
    if scanned_at is None:
        return
    if scanned_at > now + CLOCK_SKEW:
        raise InvalidInput(FieldError("/scanned_at", "out_of_range", "That is in the future: set the till's clock."))
    if scanned_at < now - LATEST:
        raise InvalidInput(FieldError("/scanned_at", "out_of_range", "A scan is uploaded within 72 hours."))


def _branch_of(asked: _Asked, rows: list[dict[str, Any]]) -> Branch | None:
    if asked.branch is not None:
        return asked.branch
    if asked.branch_id is not None and not rows:
        raise InvalidInput(FieldError("/branch", "invalid", "This is not an open branch of yours."))
    if len(rows) > 1:
        raise InvalidInput(FieldError("/branch", "required", "You have several branches: say at which one this is."))
    return _branch(rows[0], asked.merchant) if rows else None


def _branch(row: dict[str, Any], merchant: Merchant) -> Branch:
    return Branch(pk=UUID(row["id"]), merchant=merchant, name=row["name"], zone=row["zone"])


class _Key(NamedTuple):
    """By what a redemption is found that was shown, and the digits beside a pass."""

    by: str
    values: list[Any]
    digits: str | None = None


def _key_of(asked: _Asked) -> _Key:
    if asked.shown.redemption is not None:
        return _Key("pk", [asked.shown.redemption.pk])
    if asked.shown.code is not None:
        return _Key("code_hash", showing.hashes_of(asked.shown.code))
    claims = showing.read_shown(asked.shown.whole_pass or "")
    return _Key("pk", []) if claims is None else _Key("pk", [claims.redemption_id], claims.digits)


def _find(asked: _Asked, key: _Key) -> Redemption | None:
    """Return the merchant's own redemption that was shown, with all that its judging reads."""
    if not key.values:
        return None
    branch_key = {} if asked.branch_id is None else {"branch_key": Branch.key_of(asked.branch_id)}
    shown = {f"key{number}": value for number, value in enumerate(key.values)}
    rows = finding(key.by, len(key.values), bool(branch_key)).rows(
        merchant_id=asked.merchant.pk, nonce=asked.nonce, **branch_key, **shown
    )
    if not rows:
        return None
    found: Any = rows[0]
    found.perk.places = [_branch(row, asked.merchant) for row in found.places]
    return cast(Redemption, found)


def _hold(asked: _Asked, redemption: Redemption | None) -> None:
    """Hold till, citizen and redemption until the transaction ends, in this order everywhere, and read it as it is now.

    The till of who types is held so that a hundred guesses at the same moment are judged one after the other.
    SQLite's transaction has kept every other writer out from its beginning.
    """
    has_locks = connection.features.has_select_for_update
    if has_locks:
        held = [lock_of(_till(asked))] if asked.is_guarded else []
        if redemption is not None and redemption.citizen_id is not None:
            held.append(assessments.stillness_of(Citizen(pk=redemption.citizen_id)))
        if held:
            together(*held)
    if redemption is None:
        return
    rows = Redemption.objects.filter(pk=redemption.pk)
    if has_locks:
        rows = rows.select_for_update(no_key=True)
    standing = Scan.objects.filter(redemption=redemption, outcome=Outcome.ACCEPTED, undone_at=None)
    beside = {"standing": RowsBeside(standing.values("scanned_at", "received_at"))}
    if asked.is_guarded:
        beside |= _wrong_codes_beside(asked)
    now_reads = rows.annotate(**beside).values(*_MOVES, *beside).get()
    for name in _MOVES:
        setattr(redemption, name, now_reads[name])
    redemption.standing = now_reads["standing"]  # type: ignore[attr-defined]
    if asked.is_guarded:
        _refuse_guessing(asked, now_reads)


def _till(asked: _Asked) -> Any:
    if asked.till is not None:
        tills: Any = Till.objects.filter(pk=asked.till.pk)
    elif isinstance(asked.by, OAuthApplication):
        tills = MerchantClient.objects.filter(application=asked.by)
    else:
        tills = Member.objects.filter(citizen=asked.by)
    return tills.filter(merchant=asked.merchant).select_for_update(no_key=True)


def _wrong_codes_beside(asked: _Asked) -> dict[str, RowsBeside]:
    """The latest wrong typed codes of the till, and of the merchant, as far as they are counted.

    From the recorded scans, so that neither a restart nor an emptied cache forgets.
    """
    wrong = Scan.objects.filter(merchant=asked.merchant, typed=True, outcome__in=_WRONG)
    counted = {"by_till": wrong.filter(till=asked.actor), "by_merchant": wrong}
    return {
        name: RowsBeside(
            counted[name]
            .filter(received_at__gt=asked.now - window)
            .order_by("-received_at")
            .values("received_at")[:most]
        )
        for name, (most, window) in _ALLOWED.items()
    }


def _without_redemption(asked: _Asked, key: _Key) -> dict[str, Any]:
    """What is read beside a redemption, where none is found; and whether it is somebody else's, for the record."""
    branch_key = None if asked.branch_id is None else Branch.key_of(asked.branch_id)
    open_branches = open_branches_of(asked.merchant.pk, branch_key, is_named=asked.branch_id is not None)
    elsewhere = Redemption.objects.filter(**{f"{key.by}__in": key.values})
    beside: dict[str, Any] = {"open_branches": RowsBeside(open_branches), "is_foreign": Exists(elsewhere)}
    if asked.is_guarded:
        beside |= _wrong_codes_beside(asked)
    return dict(Merchant.objects.annotate(**beside).values(*beside).get(pk=asked.merchant.pk))


def _refuse_guessing(asked: _Asked, counted: Mapping[str, Any]) -> None:
    """Let no till guess: after five wrong codes in ten minutes, or fifty at the merchant in a day, passes only."""
    if not asked.is_guarded:
        return
    for name, (most, window) in _ALLOWED.items():
        latest = [at for row in counted[name] if (at := moment_of(row["received_at"])) is not None]
        if len(latest) == most:
            # When the oldest of them is out of the window, one more may be typed.
            raise TypedCodesLocked(retry_after=max(1, round((min(latest) + window - asked.now).total_seconds())))


def _judge(redemption: Redemption, digits: str | None, desk: Desk) -> Verdict:
    if digits is not None and not showing.digits_hold(redemption, digits, at=desk.at):
        return Verdict(Outcome.STALE_PASS, "The picture is older than half a minute.")
    if (against := offline.against_policy(redemption, desk)) is not None:
        return against
    own = rules_of(redemption.perk.kind).judge(redemption, desk)
    if own is not None:
        return own
    if desk.amount is not None:
        raise InvalidInput(FieldError("/amount", "invalid", "Only gift cards are charged an amount."))
    match redemption.state:
        case Redemption.State.REDEEMED:
            return _used_before(redemption, desk)
        case Redemption.State.CANCELLED:
            return Verdict(Outcome.CANCELLED, f"It was cancelled on {said(redemption.closed_at, desk.zone)}.")
        case Redemption.State.REVERSED:
            return Verdict(Outcome.REVERSED, "It was redeemed and reversed.")
    if desk.at >= redemption.expires_at:
        return Verdict(Outcome.EXPIRED, f"It was held until {said(redemption.expires_at, desk.zone)}.")
    if (elsewhere := out_of_place_or_hours(redemption, desk)) is not None:
        return elsewhere
    if redemption.state == Redemption.State.EXPIRED and not take_again(redemption):
        return Verdict(Outcome.EXPIRED, "It was uploaded after its time, and what it returned has been taken since.")
    return Verdict(Outcome.ACCEPTED)


def _used_before(redemption: Redemption, desk: Desk) -> Verdict:
    found = redemption.standing  # type: ignore[attr-defined]
    scanned_at, received_at = (
        (moment_of(found[0]["scanned_at"]), moment_of(found[0]["received_at"])) if found else (None, None)
    )
    if not found and (first := standing_scan(redemption)) is not None:
        # Its citizen has left, and holding them held nobody: another till was faster than the reading.
        scanned_at, received_at = first.scanned_at, first.received_at
    when = f"It was used on {said(scanned_at or redemption.closed_at, desk.zone)}."
    if desk.is_late and received_at is not None and desk.at < received_at:
        # This till honoured it without knowing of the other: both are kept, and it is never charged to the citizen.
        return Verdict(Outcome.CONFLICT, when)
    return Verdict(Outcome.ALREADY_REDEEMED, when)


def _redemption_of(redemption: Redemption, now: datetime) -> list[Statement]:
    """The guarded update that redeems it: a hold that ran out and was filed counts again, since it was scanned in time.

    It is held, so that it reads so already.
    """
    open_ones = Redemption.objects.filter(
        pk=redemption.pk, state__in=[Redemption.State.RESERVED, Redemption.State.EXPIRED]
    )
    changes: dict[str, Any] = {
        "state": Redemption.State.REDEEMED,
        "closed_at": now,
        "counts_for_stock": True,
        "counts_for_limits": True,
        "sequence": redemption.sequence + 1,
    }
    for name, value in changes.items():
        setattr(redemption, name, value)
    return [update_of(open_ones, **changes), insert_of(event_of(redemption, now=now))]


def _inquiry(merchant: Merchant, redemption: Redemption, now: datetime, *, was_shown: bool) -> list[Statement]:
    """Every scan that found a redemption told somebody something about its citizen (P9)."""
    if redemption.citizen is None:
        return []
    return [
        assessments.inquiry_of(
            citizen=redemption.citizen,
            kind="merchant",
            asker_id=merchant.public_id,
            asker_name=merchant.name,
            what="scan",
            about=f"{redemption.version.title} ({redemption.public_id})",
            consent="You showed your code or pass at the desk." if was_shown else "You accepted its terms.",
            now=now,
        )
    ]


def told(scan: Scan) -> dict[str, Any] | None:
    """Return what a scan told the desk about a redemption; None for a code nobody answers to.

    As it was told then: scanning again with the same nonce repeats it.
    """
    redemption = scan.redemption
    if redemption is None or scan.outcome in SILENT:
        return None
    citizen = redemption.citizen
    return {
        "id": redemption.public_id,
        "title": redemption.version.title,
        "benefit": redemption.offered_benefit,
        "terms": redemption.version.terms,
        "first_name": citizen.first_name if citizen is not None and scan.outcome in NAMING else None,
        "state": scan.detail.get("state"),
    }
