"""Taking a perk, and everything that can happen to what was taken but a scan (`scans.py`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired
from citizen_app.audit import actor_of
from citizen_app.db import violated
from citizen_app.errors import Busy, FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OAuthApplication
from perks import codes, eligibility, hours, tiers
from perks.errors import MustEnrol, NotRedeemed, TakeRefused
from perks.models import Branch, Perk, PerkDay, PerkVersion, Redemption, RefusedAttempt, Scan
from perks.services.eligibility_reading import counters_of, terms_of
from perks.services.releases import close_redemption
from perks.services.showing import new_code_hash
from perks.services.telling import tell_perk, tell_redemption
from scores import assessments

EVERYBODY: Final = assessments.Assessment("thin_file", has_document=True)
"""Somebody in whose way only the offer itself can stand, where a tier is open."""
UNDO_TIME: Final = timedelta(minutes=10)
FURTHEST_DATE: Final = timedelta(days=366)


@transaction.atomic
def take_perk(
    *,
    citizen: Citizen,
    perk: Perk,
    date: Date | None = None,
    branch: Branch | None = None,
    booking_reference: str = "",
    now: datetime | None = None,
) -> Redemption:
    """Reserve one of a perk for a citizen, if they may have it and one is left.

    Priority is for a `date` (local, at the `branch`); other kinds take neither. Raises the first `TakeRefused` that
    holds, in the contract's order; wrap the transaction in `remembering_refusals` to keep it for make-good.
    """
    now = now or timezone.now()
    assessment = assessments.assess_locked(citizen, now=now)
    perk = read_perk(perk)
    check_place(perk, date, branch, booking_reference)
    counters = counters_of(citizen=citizen, perks=[perk], now=now)[perk.pk]
    judged = eligibility.judge(terms_of(perk), assessment, counters, now)
    if not judged.is_eligible or judged.tier is None:
        raise TakeRefused.because(judged.reasons)
    expires_at = _expiry(perk, date, branch, now)

    redemption = _reserve(citizen, perk, judged.tier, expires_at, now, date, branch, booking_reference)
    tell_redemption(redemption, now=now)
    if not _count_on_its_day(perk, now):
        counters = replace(counters, perk_today=perk.limit_per_day or 0)
        raise TakeRefused.because(eligibility.judge(terms_of(perk), assessment, counters, now).reasons)
    # The stock last: every taker of this perk contends for its one row, and holds it from here to the commit.
    if not Perk.objects.take_one(perk, cost=tiers.cost_of(judged.tier.benefit)):
        _refuse_as_it_is_now(perk, assessment, counters, now)
    tell_if_that_was_the_last(perk, now)
    return redemption


@contextmanager
def remembering_refusals(*, citizen: Citizen, perk: Perk, now: datetime | None = None) -> Iterator[None]:
    """Remember a refused taking for make-good, in a transaction of its own once the taking's is rolled back.

    Only its citizen ever sees it. Nothing is kept about people who are not enrolled (P1).
    """
    try:
        yield
    except TakeRefused as refusal:
        if not isinstance(refusal, MustEnrol) and refusal.reasons:
            _remember(citizen, perk, refusal, now or timezone.now())
        raise


@transaction.atomic
def cancel_redemption(*, redemption: Redemption, now: datetime | None = None) -> Redemption:
    """Give back what was reserved. Raises `WrongState` when it was used, or its time is over."""
    now = now or timezone.now()
    if not close_redemption(redemption, "cancel", now=now, where=Q(expires_at__gt=now)):
        raise WrongState("Only a reservation whose time is not over can be cancelled.")
    return redemption


def expire_redemptions(*, now: datetime | None = None, limit: int = 500) -> int:
    """File the reservations whose time is over and release them; return how many.

    They are judged expired at read time already: this gives back their stock.
    """
    now = now or timezone.now()
    over = Redemption.objects.filter(state=Redemption.State.RESERVED, expires_at__lte=now).order_by("expires_at")
    expired = 0
    for redemption in list(over.select_related("perk")[:limit]):
        with transaction.atomic():
            expired += close_redemption(redemption, "expire", now=now)
    return expired


@transaction.atomic
def reverse_redemption(
    *,
    redemption: Redemption,
    by: Citizen | OAuthApplication,
    reason: str = "",
    only_own_undo: bool = False,
    now: datetime | None = None,
) -> Redemption:
    """Take a scan back: within ten minutes of it an undo, as if it had not been; later a reversal, with a reason.

    An undo puts it back to `reserved` with the expiry it had and releases nothing; a reversal follows the release
    policy. `only_own_undo` is the cashier's: their own scans, and no reversal (`RoleRequired`).
    """
    now = now or timezone.now()
    redemption = Redemption.objects.select_for_update(of=("self",)).select_related("perk").get(pk=redemption.pk)
    if redemption.state != Redemption.State.REDEEMED:
        raise NotRedeemed(f"It is {redemption.state}.")
    scan = standing_scan(redemption)
    if scan is not None and now < scan.received_at + UNDO_TIME:
        if only_own_undo and scan.till != actor_of(by):
            raise RoleRequired("A cashier takes back their own scans; a manager anybody's.")
        _undo(redemption, scan, now)
        audit.record(by=by, action="redemption.undo", on=redemption.public_id)
        return redemption
    if only_own_undo:
        raise RoleRequired("The ten minutes for an undo are over; a manager can reverse it.")
    if not reason.strip():
        raise InvalidInput(FieldError("/reason", "required", "After ten minutes a reversal needs a reason."))
    if not close_redemption(redemption, "reverse", now=now, reversal_reason=reason):
        raise NotRedeemed
    audit.record(by=by, action="redemption.reverse", on=redemption.public_id)
    return redemption


def standing_scan(redemption: Redemption) -> Scan | None:
    """Return the scan by which it is redeemed, or None."""
    return Scan.objects.filter(redemption=redemption, outcome=Scan.Outcome.ACCEPTED, undone_at=None).first()


def state_at(redemption: Redemption, now: datetime) -> str:
    """Its state as everybody reads it: a hold that ran out is expired, filed or not."""
    if redemption.state == Redemption.State.RESERVED and redemption.expires_at <= now:
        return str(Redemption.State.EXPIRED)
    return redemption.state


def read_perk(perk: Perk) -> Perk:
    """The perk as it is now, with its version and its merchant."""
    found: Perk = Perk.objects.select_related("in_force", "merchant").get(pk=perk.pk)
    if found.in_force is None:
        raise TakeRefused.because([eligibility.Reason(eligibility.NOT_OPEN_YET, "It is not published yet.")])
    return found


def check_place(perk: Perk, date: Date | None, branch: Branch | None, booking_reference: str) -> None:
    """Refuse (`InvalidInput`) a day and a branch for what takes none, and priority without them or at another's."""
    if perk.kind != Perk.Kind.PRIORITY:
        said = {"date": date, "branch": branch, "booking_reference": booking_reference}
        wrong = [FieldError(f"/{name}", "invalid", "Only priority is taken for a date.") for name in said if said[name]]
    else:
        wrong = [
            FieldError(f"/{name}", "required", sentence)
            for name, value, sentence in (
                ("date", date, "For which day, at the branch."),
                ("branch", branch, "At which branch."),
            )
            if value is None
        ]
    if branch is not None and not wrong and not _is_at(perk, branch):
        wrong = [FieldError("/branch", "invalid", "This perk is not given at that branch.")]
    if wrong:
        raise InvalidInput(*wrong)


def _is_at(perk: Perk, branch: Branch) -> bool:
    if branch.merchant_id != perk.merchant_id or branch.closed_at is not None:
        return False
    named = set(perk.branches.values_list("pk", flat=True))
    return not named or branch.pk in named


def reserve_again(
    *,
    citizen: Citizen,
    perk: Perk,
    version: PerkVersion,
    tier: tiers.Tier,
    date: Date | None,
    branch: Branch | None,
    booking_reference: str,
    outlives_perk: bool,
    now: datetime,
) -> Redemption:
    """Write the redemption of what is made good, of the version and tier of then; the stock is the caller's to take.

    With `outlives_perk` its merchant gives it after the perk's validity, and on a day however full.
    """
    expires_at = _expiry(perk, date, branch, now, outlives_perk=outlives_perk)
    redemption = _reserve(citizen, perk, tier, expires_at, now, date, branch, booking_reference, version)
    tell_redemption(redemption, now=now)
    if not _count_on_its_day(perk, now, even_if_full=outlives_perk):
        full = eligibility.Counters(perk_today=perk.limit_per_day or 0)
        terms = replace(terms_of(perk), tiers=(tiers.Tier(None, tier.benefit),))
        raise TakeRefused.because(eligibility.judge(terms, EVERYBODY, full, now).reasons)
    return redemption


def _expiry(
    perk: Perk, date: Date | None, branch: Branch | None, now: datetime, *, outlives_perk: bool = False
) -> datetime:
    """When the hold runs out: after its minutes or with the validity; for priority, at the end of its date.

    With `outlives_perk` the validity does not matter: its merchant honours it nevertheless.
    """
    begins, ends = (None, None) if outlives_perk else (perk.valid_from_at, perk.valid_until_at)
    if date is None or branch is None:
        held_until = now + timedelta(minutes=perk.hold_minutes)
        return held_until if ends is None else min(held_until, ends)
    if not hours.FIRST_YEAR <= date.year <= hours.LAST_YEAR:
        raise _outside("Such a date is not on the calendar here.")
    start, end = hours.day_start(date, branch.zone), hours.day_end(date, branch.zone)
    if end <= now:
        raise _outside("That day is over at the branch.")
    if start > now + FURTHEST_DATE:
        raise _outside(f"At most {FURTHEST_DATE.days} days ahead.")
    if (begins is not None and end <= begins) or (ends is not None and start >= ends):
        raise _outside("The perk is not valid on that day.")
    return end if ends is None else min(end, ends)


def _outside(sentence: str) -> InvalidInput:
    return InvalidInput(FieldError("/date", "out_of_range", sentence))


def _reserve(
    citizen: Citizen,
    perk: Perk,
    tier: tiers.Tier,
    expires_at: datetime,
    now: datetime,
    date: Date | None,
    branch: Branch | None,
    booking_reference: str,
    version: PerkVersion | None = None,
) -> Redemption:
    """Write the redemption of a tier, of the version in force or the one that is named, under a code of its own."""
    redemption = Redemption(
        perk=perk,
        version=version or perk.version_in_force,
        merchant=perk.merchant,
        citizen=citizen,
        min_score=tier.min_score,
        benefit=dict(tier.benefit),
        branch=branch,
        date=date,
        booking_reference=booking_reference,
        taken_at=now,
        expires_at=expires_at,
        release={
            "on_cancel": perk.release_on_cancel,
            "on_expiry": perk.release_on_expiry,
            "on_reversal": perk.release_on_reversal,
        },
    )
    for attempt in range(codes.LAST_ATTEMPT):
        redemption.code_attempt = attempt
        redemption.code_hash = new_code_hash(redemption)
        try:
            with transaction.atomic():
                redemption.save(force_insert=True)
        except IntegrityError as error:
            if violated(error) != "redemption_code_is_unique":
                raise
        else:
            return redemption
    raise Busy


def _count_on_its_day(perk: Perk, now: datetime, *, even_if_full: bool = False) -> bool:
    """Count a taking of a perk with a limit per day; False when the day is full."""
    if perk.limit_per_day is None:
        return True
    day, _ = PerkDay.objects.get_or_create(perk=perk, day=hours.local_day(now, perk.zone))
    free = PerkDay.objects.filter(pk=day.pk, taken_count__lt=perk.limit_per_day)
    counted = PerkDay.objects.filter(pk=day.pk) if even_if_full else free
    return bool(counted.update(taken_count=F("taken_count") + 1))


def _refuse_as_it_is_now(
    perk: Perk, assessment: assessments.Assessment, counters: eligibility.Counters, now: datetime
) -> None:
    """Somebody was faster: say what stands in the way now. If nothing does, the merchant has just changed the perk."""
    judged = eligibility.judge(terms_of(read_perk(perk)), assessment, counters, now)
    if judged.reasons:
        raise TakeRefused.because(judged.reasons)
    raise Busy


def tell_if_that_was_the_last(perk: Perk, now: datetime) -> None:
    """Tell the merchant when nothing is left."""
    if perk.stock is None:
        return
    perk.refresh_from_db(fields=["taken_count", "stock", "sequence", "state"])
    if perk.stock is not None and perk.taken_count >= perk.stock:
        tell_perk(perk, "sold_out", now=now)


def _undo(redemption: Redemption, scan: Scan, now: datetime) -> None:
    Scan.objects.filter(pk=scan.pk).update(undone_at=now)
    Redemption.objects.filter(pk=redemption.pk, state=Redemption.State.REDEEMED).update(
        state=Redemption.State.RESERVED, closed_at=None, sequence=F("sequence") + 1
    )
    redemption.refresh_from_db()
    tell_redemption(redemption, now=now)


def _remember(citizen: Citizen, perk: Perk, refusal: TakeRefused, now: datetime) -> None:
    found = Perk.objects.filter(pk=perk.pk, in_force__isnull=False)
    for version_id, budget, spent in found.values_list("in_force_id", "budget_amount", "budget_spent"):
        reasons = [reason.as_dict() for reason in refusal.reasons]
        with transaction.atomic():
            # Asking again on the same day for the very same reasons is the same refusal, at its latest.
            same_day = RefusedAttempt.objects.filter(citizen=citizen, version_id=version_id, at__date=now.date())
            same = [attempt.pk for attempt in same_day if attempt.reasons == reasons]
            if not RefusedAttempt.objects.filter(pk__in=same).update(at=now):
                RefusedAttempt.objects.create(
                    citizen=citizen,
                    version_id=version_id,
                    at=now,
                    reasons=reasons,
                    budget_left=None if budget is None else budget - spent,
                )
