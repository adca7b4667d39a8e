"""The desk: a code is typed or a pass is read, judged, and recorded whatever the outcome.

Till and citizen may both be offline, so a scan is judged at `scanned_at`; the first one the server accepts wins. What a
desk learns is the perk, its benefit and terms and, once it is accepted, a first name (P4).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from citizen_app.audit import actor_of
from citizen_app.db import violated
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from perks import hours
from perks.errors import NonceReused, TypedCodesLocked
from perks.models import Branch, Member, Merchant, MerchantClient, Redemption, Scan
from perks.services import showing
from perks.services.redemptions import standing_scan, state_at
from perks.services.releases import take_again
from perks.services.telling import tell_redemption
from scores import assessments

LATEST: Final = timedelta(hours=72)
CLOCK_SKEW: Final = timedelta(seconds=60)
WRONG_CODES_PER_TILL: Final = (5, timedelta(minutes=10))
WRONG_CODES_PER_MERCHANT: Final = (50, timedelta(days=1))

Outcome = Scan.Outcome
_WRONG: Final = (Outcome.UNKNOWN_CODE, Outcome.WRONG_MERCHANT)
# After these the desk has been told the first name, now or before.
NAMING: Final = frozenset({Outcome.ACCEPTED, Outcome.ALREADY_REDEEMED, Outcome.REVERSED, Outcome.CONFLICT})
# A picture of a screen may be anybody's: nothing is told.
SILENT: Final = frozenset({*_WRONG, Outcome.STALE_PASS})


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown at the desk: a typed `code`, or the whole `CA1:…` string of a pass."""

    code: str | None = None
    whole_pass: str | None = None


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: str
    detail: str


def scan_code(
    *,
    merchant: Merchant,
    by: Citizen | OAuthApplication,
    shown: Shown,
    nonce: str,
    branch: Branch | None = None,
    scanned_at: datetime | None = None,
    now: datetime | None = None,
) -> tuple[Scan, bool]:
    """Judge what a citizen shows and record it; True when it is new, False for the same nonce and body again.

    Raises `NonceReused` for the same nonce with another body, `TypedCodesLocked` after too many wrong typed codes, and
    `InvalidInput` for a `scanned_at` outside the last 72 hours or a branch left out where there are several.
    """
    now = now or timezone.now()
    fingerprint = showing.scan_fingerprint(actor_of(by), shown, branch and branch.public_id, scanned_at)
    if (known := _known(merchant, nonce, fingerprint)) is not None:
        return known, False
    try:
        with transaction.atomic():
            return _scan(merchant, by, shown, nonce, fingerprint, branch, scanned_at, now), True
    except IntegrityError as error:
        if violated(error) != "scan_one_per_nonce":
            raise
        # The same request arrived twice at the same moment; the other one was first.
        known = _known(merchant, nonce, fingerprint)
        if known is None:
            raise
        return known, False


def _known(merchant: Merchant, nonce: str, fingerprint: str) -> Scan | None:
    known = (
        Scan.objects.select_related("redemption__version", "redemption__citizen")
        .filter(merchant=merchant, nonce=nonce)
        .first()
    )
    if known is not None and known.fingerprint != fingerprint:
        raise NonceReused
    return known


def _scan(
    merchant: Merchant,
    by: Citizen | OAuthApplication,
    shown: Shown,
    nonce: str,
    fingerprint: str,
    branch: Branch | None,
    scanned_at: datetime | None,
    now: datetime,
) -> Scan:
    _check_instant(scanned_at, now)
    branch = _branch_of(merchant, branch)
    typed = shown.code is not None
    if typed:
        _hold_guessing(merchant, by, now)
    at = scanned_at or now
    redemption, digits = _find(shown)
    if redemption is None:
        verdict = _Verdict(Outcome.UNKNOWN_CODE, "")
    elif redemption.merchant_id != merchant.pk:
        redemption, verdict = None, _Verdict(Outcome.WRONG_MERCHANT, "")
    else:
        redemption = _held(redemption)
        verdict = _judge(redemption, digits, branch, at, is_late=scanned_at is not None, now=now)
        if verdict.outcome == Outcome.ACCEPTED:
            _redeem(redemption, now)
        _record_inquiry(merchant, redemption, now)
    return Scan.objects.create(
        merchant=merchant,
        branch=branch,
        redemption=redemption,
        nonce=nonce,
        fingerprint=fingerprint,
        outcome=verdict.outcome,
        typed=typed,
        detail={"text": verdict.detail, "state": redemption and state_at(redemption, now)},
        scanned_at=at,
        received_at=now,
        till=actor_of(by),
        scanned_by=by if isinstance(by, Citizen) else None,
    )


def _check_instant(scanned_at: datetime | None, now: datetime) -> None:
    if scanned_at is None:
        return
    if scanned_at > now + CLOCK_SKEW:
        raise InvalidInput(FieldError("/scanned_at", "out_of_range", "That is in the future: set the till's clock."))
    if scanned_at < now - LATEST:
        raise InvalidInput(FieldError("/scanned_at", "out_of_range", "A scan is uploaded within 72 hours."))


def _branch_of(merchant: Merchant, branch: Branch | None) -> Branch | None:
    if branch is not None:
        return branch
    open_branches = list(Branch.objects.filter(merchant=merchant, closed_at=None)[:2])
    if len(open_branches) > 1:
        raise InvalidInput(FieldError("/branch", "required", "You have several branches: say at which one this is."))
    return open_branches[0] if open_branches else None


def _hold_guessing(merchant: Merchant, by: Citizen | OAuthApplication, now: datetime) -> None:
    """Let no till guess: after five wrong codes in ten minutes, or fifty at the merchant in a day, passes only.

    Counted from the recorded scans, so that neither a restart nor an emptied cache forgets; the till's own row is held
    so that a hundred guesses at the same moment are judged one after the other.
    """
    if not settings.RATE_LIMITS:
        return
    tills = MerchantClient.objects.filter(application=by) if isinstance(by, OAuthApplication) else None
    if tills is None:
        tills = Member.objects.filter(citizen=by)  # type: ignore[assignment]
    tills.select_for_update(no_key=True, of=("self",)).filter(merchant=merchant).first()  # type: ignore[union-attr]
    wrong = Scan.objects.filter(merchant=merchant, typed=True, outcome__in=_WRONG)
    for (most, window), counted in (
        (WRONG_CODES_PER_TILL, wrong.filter(till=actor_of(by))),
        (WRONG_CODES_PER_MERCHANT, wrong),
    ):
        recent = counted.filter(received_at__gt=now - window).order_by("-received_at")
        latest = list(recent.values_list("received_at", flat=True)[:most])
        if len(latest) == most:
            # When the oldest of them is out of the window, one more may be typed.
            raise TypedCodesLocked(retry_after=max(1, round((latest[-1] + window - now).total_seconds())))


def _find(shown: Shown) -> tuple[Redemption | None, str | None]:
    """Return the redemption that was shown and, of a pass, the digits beside it."""
    found = Redemption.objects.all()
    if shown.code is not None:
        return found.filter(code_hash__in=showing.hashes_of(shown.code)).first(), None
    claims = showing.read_shown(shown.whole_pass or "")
    if claims is None:
        return None, None
    return found.filter(pk=claims.redemption_id).first(), claims.digits


def _held(redemption: Redemption) -> Redemption:
    """Return the redemption as it is now, held until the transaction ends; its citizen before it, as everywhere."""
    if redemption.citizen_id is not None:
        assessments.hold(Citizen(pk=redemption.citizen_id))
    held: Redemption = (
        Redemption.objects.select_for_update(of=("self",))
        .select_related("perk", "version", "citizen", "branch")
        .get(pk=redemption.pk)
    )
    return held


def _judge(
    redemption: Redemption, digits: str | None, branch: Branch | None, at: datetime, *, is_late: bool, now: datetime
) -> _Verdict:
    zone = branch.zone if branch else redemption.perk.zone
    if digits is not None and not showing.digits_hold(redemption, digits, at=at):
        return _Verdict(Outcome.STALE_PASS, "The picture is older than half a minute.")
    match redemption.state:
        case Redemption.State.REDEEMED:
            return _used_before(redemption, at, zone, is_late=is_late)
        case Redemption.State.CANCELLED:
            return _Verdict(Outcome.CANCELLED, f"It was cancelled on {_said(redemption.closed_at, zone)}.")
        case Redemption.State.REVERSED:
            return _Verdict(Outcome.REVERSED, "It was redeemed and reversed.")
    if at >= redemption.expires_at:
        return _Verdict(Outcome.EXPIRED, f"It was held until {_said(redemption.expires_at, zone)}.")
    places = _places_of(redemption)
    if places and (branch is None or branch.pk not in {place.pk for place in places}):
        names = ", ".join(place.name for place in places)
        return _Verdict(Outcome.WRONG_BRANCH, f"It is valid at: {names}.")
    if redemption.date is not None and hours.local_day(at, zone) != redemption.date:
        return _Verdict(Outcome.OUTSIDE_HOURS, f"It is for {redemption.date.isoformat()}.")
    if not hours.open_at(redemption.perk.hours, zone, at):
        return _Verdict(Outcome.OUTSIDE_HOURS, f"It was {_said(at, zone)} at the desk, outside its hours.")
    if redemption.state == Redemption.State.EXPIRED and not take_again(redemption):
        return _Verdict(Outcome.EXPIRED, "It was uploaded after its time, and what it returned has been taken since.")
    return _Verdict(Outcome.ACCEPTED, "")


def _used_before(redemption: Redemption, at: datetime, zone: str, *, is_late: bool) -> _Verdict:
    first = standing_scan(redemption)
    said = f"It was used on {_said(first.scanned_at if first else redemption.closed_at, zone)}."
    if is_late and first is not None and at < first.received_at:
        # This till honoured it without knowing of the other: both are kept, and it is never charged to the citizen.
        return _Verdict(Outcome.CONFLICT, said)
    return _Verdict(Outcome.ALREADY_REDEEMED, said)


def _places_of(redemption: Redemption) -> list[Branch]:
    """The branches it can be used at; none is all of them."""
    if redemption.branch is not None:
        return [redemption.branch]
    return list(redemption.perk.branches.order_by("pk"))


def _redeem(redemption: Redemption, now: datetime) -> None:
    """Redeem by a guarded update: a hold that ran out and was filed counts again, since it was scanned in time."""
    Redemption.objects.filter(pk=redemption.pk, state__in=[Redemption.State.RESERVED, Redemption.State.EXPIRED]).update(
        state=Redemption.State.REDEEMED,
        closed_at=now,
        counts_for_stock=True,
        counts_for_limits=True,
        sequence=F("sequence") + 1,
    )
    redemption.refresh_from_db(fields=["state", "closed_at", "counts_for_stock", "counts_for_limits", "sequence"])
    tell_redemption(redemption, now=now)


def _record_inquiry(merchant: Merchant, redemption: Redemption, now: datetime) -> None:
    """Every scan that found a redemption told somebody something about its citizen (P9)."""
    if redemption.citizen is None:
        return
    assessments.record_inquiry(
        citizen=redemption.citizen,
        kind="merchant",
        asker_id=merchant.public_id,
        asker_name=merchant.name,
        what="scan",
        about=f"{redemption.version.title} ({redemption.public_id})",
        consent="You showed your code or pass at the desk.",
        now=now,
    )


def _said(instant: datetime | None, zone: str) -> str:
    if instant is None:
        return "an earlier day"
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} ({zone})"


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
        "benefit": redemption.benefit,
        "terms": redemption.version.terms,
        "first_name": citizen.first_name if citizen is not None and scan.outcome in NAMING else None,
        "state": scan.detail.get("state"),
    }
