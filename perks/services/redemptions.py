"""Taking a perk, and everything that can happen to what was taken but a scan (`scans.py`)."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired
from citizen_app.audit import actor_of
from citizen_app.db import violated
from citizen_app.errors import Busy, FieldError, InvalidInput, NotFound, WrongState
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.statements import Statement, in_one_transaction, insert_of, together
from perks import eligibility, hours, tiers
from perks.errors import MustEnrol, NotRedeemed, TakeRefused
from perks.models import Branch, Perk, PerkDay, PerkVersion, Redemption, RefusedAttempt, Scan
from perks.models.catalogue import PerkQuerySet
from perks.services import noticing, ramp
from perks.services.desk import UNDO_TIME
from perks.services.eligibility_reading import Reading, any_perk, read_to_take, terms_of
from perks.services.kinds import Asked, TakingBack, check_asked, rules_of
from perks.services.pending import pending_until
from perks.services.releases import close_redemption
from perks.services.showing import new_code_hash
from perks.services.telling import event_of, tell_perk, tell_redemption
from scores import assessments

Among = Callable[[Any], PerkQuerySet]
"""Which perks somebody may take from, at a moment."""
EVERYBODY: Final = assessments.Assessment("thin_file", has_document=True)
"""Somebody in whose way only the offer itself can stand, where a tier is open."""
LOOK_FOR: Final = 30.0
"""For how many seconds after a refusal of a perk others are looked at before they hold anything, in this process."""
MOST_REMEMBERED: Final = 10_000
_refused_at: dict[UUID, float] = {}


@in_one_transaction()
def take_perk(
    *,
    citizen: Citizen,
    perk: Perk,
    date: Date | None = None,
    until: Date | None = None,
    branch: Branch | None = None,
    vehicle_class: str = "",
    booking_reference: str = "",
    among: Among = any_perk,
    now: datetime | None = None,
) -> Redemption:
    """Reserve one of a perk for a citizen, if they may have it and one is left.

    Priority is for a `date` (local, at the `branch`), a deposit waiver from it `until` another for a `vehicle_class`;
    other kinds take neither. Raises the first `TakeRefused` that holds, in the contract's order; wrap the transaction
    in `remembering_refusals` to keep it for make-good. Of `perk` only the key counts; `NotFound` where it is not one of
    `among`.
    """
    now = now or timezone.now()
    asked = Asked(
        date=date, until=until, branch=branch, vehicle_class=vehicle_class, booking_reference=booking_reference
    )
    assessments.keep_still(citizen)
    reading = _read(citizen, perk, among, now)
    check_asked(reading.perk, asked)
    perk, tier = reading.perk, _tier_for_taking(reading, now)
    cost = tiers.cost_of(rules_of(perk.kind).benefit_of(perk.version_in_force, tier.benefit, asked))
    _require_money(reading, cost)

    redemption, writes = _reservation(citizen, perk, perk.version_in_force, tier, asked, now)
    day = _day_count(perk, now)
    ramp.count_reservation(perk.merchant, now)
    # The day and the stock last: every taker of this perk contends for its one row, and holds it to the commit.
    with _a_code_of_its_own():
        is_taken = Perk.objects.take_one(perk, cost=cost, beside=[*writes, *([day] if day else [])])
    if day is not None and not day.touched:
        counters = replace(reading.counters, perk_today=perk.limit_per_day or 0)
        raise _refused(replace(reading, counters=counters), now)
    if not is_taken:
        _refuse_as_it_is_now(reading, cost, now)
    tell_if_that_was_the_last(perk, now)
    return redemption


def look_before_taking(*, citizen: Citizen, perk: Perk, among: Among = any_perk, now: datetime | None = None) -> None:
    """Refuse at once whoever cannot take a perk that was refused to somebody a moment ago: no row is held for it.

    A rush on what is sold out is answered so; where nobody is refused, the look would double the reading. Who passes
    is judged again by `take_perk`. On SQLite, where no row is held, there is nothing to spare.
    """
    if connection.features.has_select_for_update and _was_refused_lately(perk):
        now = now or timezone.now()
        _tier_for_taking(_read(citizen, perk, among, now), now)


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


@in_one_transaction()
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
    scan_id: str = "",
    now: datetime | None = None,
) -> Redemption:
    """Take a scan back: within ten minutes of it an undo, as if it had not been; later a reversal, with a reason.

    An undo puts it back to `reserved` with the expiry it had and releases nothing; a reversal follows the release
    policy. `only_own_undo` is the cashier's: their own scans, and no reversal (`RoleRequired`). A gift card has many
    scans: the last is meant, and where `scan_id` names one it must be that.
    """
    now = now or timezone.now()
    held = Redemption.objects.select_for_update(no_key=True, of=("self",)).select_related("perk")
    redemption = held.get(pk=redemption.pk)
    if redemption.state != Redemption.State.REDEEMED:
        raise NotRedeemed(f"It is {redemption.state}.")
    back = TakingBack(by=by, only_own=only_own_undo, scan=scan_id)
    if rules_of(redemption.perk.kind).take_back(redemption, back, now=now):
        return redemption
    scan = standing_scan(redemption)
    if scan is not None and now < scan.received_at + UNDO_TIME:
        if only_own_undo and not is_own_scan(scan, by):
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


def is_own_scan(scan: Scan, by: Citizen | OAuthApplication) -> bool:
    """Whether a scan is a person's own, at whatever till, or a server's."""
    return scan.scanned_by_id == by.pk if isinstance(by, Citizen) else scan.till == actor_of(by)


def standing_scan(redemption: Redemption) -> Scan | None:
    """Return the scan by which it is redeemed, or None."""
    return Scan.objects.filter(redemption=redemption, outcome=Scan.Outcome.ACCEPTED, undone_at=None).first()


def is_shown(redemption: Redemption, now: datetime) -> bool:
    """Whether its citizen has a code, a pass and a picture to show (fetched with its perk)."""
    return rules_of(redemption.perk.kind).is_shown(redemption, now=now)


def state_at(redemption: Redemption, now: datetime) -> str:
    """Its state as everybody reads it: a hold that ran out is expired, filed or not."""
    if redemption.state == Redemption.State.RESERVED and redemption.expires_at <= now:
        return str(Redemption.State.EXPIRED)
    return redemption.state


def read_perk(perk: Perk) -> Perk:
    """The perk as it is now, with its version and its merchant."""
    found: Perk = Perk.objects.select_related("in_force", "merchant", "code_list").get(pk=perk.pk)
    return _published_once(found)


def _published_once(perk: Perk) -> Perk:
    if perk.in_force is None:
        raise TakeRefused.because([eligibility.Reason(eligibility.NOT_OPEN_YET, "It is not published yet.")])
    return perk


def _read(citizen: Citizen, perk: Perk, among: Among, now: datetime) -> Reading:
    reading = read_to_take(citizen=citizen, among=among, perk_id=perk.pk, now=now)
    if reading is None:
        raise NotFound
    _published_once(reading.perk)
    return reading


def _tier_for_taking(reading: Reading, now: datetime) -> tiers.Tier:
    judged = reading.judged(now)
    if not judged.is_eligible or judged.tier is None:
        raise _because(reading, judged.reasons)
    return judged.tier


def _was_refused_lately(perk: Perk) -> bool:
    return time.monotonic() - _refused_at.get(perk.pk, -LOOK_FOR) < LOOK_FOR


def _refused(reading: Reading, now: datetime) -> TakeRefused:
    return _because(reading, reading.judged(now).reasons)


def _because(reading: Reading, reasons: Sequence[eligibility.Reason]) -> TakeRefused:
    if len(_refused_at) > MOST_REMEMBERED:
        _refused_at.clear()
    _refused_at[reading.perk.pk] = time.monotonic()
    refusal = TakeRefused.because(reasons)
    refusal.perk = reading.perk  # as it was judged, so that whoever remembers the refusal need not read it again
    return refusal


def reserve_again(
    *,
    citizen: Citizen,
    perk: Perk,
    version: PerkVersion,
    tier: tiers.Tier,
    asked: Asked,
    outlives_perk: bool,
    now: datetime,
) -> Redemption:
    """Write the redemption of what is made good, of the version and tier of then; the stock is the caller's to take.

    With `outlives_perk` its merchant gives it after the perk's validity, and on a day however full.
    """
    redemption, writes = _reservation(citizen, perk, version, tier, asked, now, outlives_perk=outlives_perk)
    day = _day_count(perk, now, even_if_full=outlives_perk)
    with _a_code_of_its_own():
        together(*writes, *([day] if day else []))
    if day is not None and not day.touched:
        full = eligibility.Counters(perk_today=perk.limit_per_day or 0)
        terms = replace(terms_of(perk), tiers=(tiers.Tier(None, tier.benefit),))
        raise TakeRefused.because(eligibility.judge(terms, EVERYBODY, full, now).reasons)
    return redemption


def _reservation(
    citizen: Citizen,
    perk: Perk,
    version: PerkVersion,
    tier: tiers.Tier,
    asked: Asked,
    now: datetime,
    *,
    outlives_perk: bool = False,
) -> tuple[Redemption, list[Statement]]:
    """The redemption of a tier of a version, under a code of its own, and what is still to be written of it.

    A kind that does more when it is taken finds the row written.
    """
    rules = rules_of(perk.kind)
    benefit = rules.benefit_of(version, tier.benefit, asked)
    waits_until = None if outlives_perk else pending_until(citizen=citizen, perk=perk, tier=tier, now=now)
    is_used = rules.is_redeemed_when_taken and waits_until is None
    redemption = Redemption(
        perk=perk,
        version=version,
        merchant=perk.merchant,
        citizen=citizen,
        state=Redemption.State.REDEEMED if is_used else Redemption.State.RESERVED,
        closed_at=now if is_used else None,
        pending_until=waits_until,
        min_score=tier.min_score,
        benefit=benefit,
        branch=asked.branch,
        date=asked.date,
        booking_reference=asked.booking_reference,
        taken_at=now,
        expires_at=rules.expires_at(perk, benefit, asked, now=now, outlives_perk=outlives_perk),
        release={
            "on_cancel": perk.release_on_cancel,
            "on_expiry": perk.release_on_expiry,
            "on_reversal": perk.release_on_reversal,
        },
    )
    redemption.code_hash = new_code_hash(redemption)
    redemption.outside = ""  # none, unless its kind gives one: nobody need look
    writes = [insert_of(redemption), insert_of(event_of(redemption, now=now))]
    if (told_before_its_end := noticing.ends(redemption, now=now)) is not None:
        writes.append(insert_of(told_before_its_end))
    if not rules.does_more_when_taken(perk):
        return redemption, writes
    with _a_code_of_its_own():
        together(*writes)
    rules.taken(redemption, asked, now=now)
    return redemption, []


@contextmanager
def _a_code_of_its_own() -> Iterator[None]:
    """Two ids may come to one code of 45 bits: whoever is second tries again, with another id (`Busy`)."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) == "redemption_code_is_unique":
            raise Busy from error
        raise


def _day_count(perk: Perk, now: datetime, *, even_if_full: bool = False) -> Statement | None:
    """The counting of a taking of a perk with a limit per day; it touches no row when the day is full."""
    if perk.limit_per_day is None:
        return None
    table = PerkDay._meta.db_table
    day = connection.ops.adapt_datefield_value(hours.local_day(now, perk.zone))
    guard, limit = ("", []) if even_if_full else (f" WHERE {table}.taken_count < %s", [perk.limit_per_day])
    return Statement(
        f"INSERT INTO {table} (perk_id, day, taken_count) VALUES (%s, %s, 1)"  # noqa: S608  (a table's name, not input)
        f" ON CONFLICT (perk_id, day) DO UPDATE SET taken_count = {table}.taken_count + 1{guard}",
        [PerkDay._meta.get_field("perk").get_db_prep_value(perk.pk, connection), day, *limit],
    )


def _refuse_as_it_is_now(reading: Reading, cost: int, now: datetime) -> NoReturn:
    """Somebody was faster: say what stands in the way now. If nothing does, the merchant has just changed the perk."""
    reading = replace(reading, perk=read_perk(reading.perk))
    if reading.judged(now).reasons:
        raise _refused(reading, now)
    _require_money(reading, cost)
    raise Busy


def _require_money(reading: Reading, cost: int) -> None:
    """Refuse what costs more than is left of the budget: of a waiver that is known once its class was named."""
    perk = reading.perk
    if perk.budget_amount is not None and perk.budget_spent + cost > perk.budget_amount:
        raise _because(reading, [eligibility.Reason(eligibility.BUDGET_SPENT, "Too little of its budget is left.")])


def tell_if_that_was_the_last(perk: Perk, now: datetime) -> None:
    """Tell the merchant when nothing is left; the perk counts what was just taken."""
    if perk.stock is not None and perk.taken_count >= perk.stock:
        tell_perk(perk, "sold_out", now=now)


def _undo(redemption: Redemption, scan: Scan, now: datetime) -> None:
    Scan.objects.filter(pk=scan.pk).update(undone_at=now)
    Redemption.objects.filter(pk=redemption.pk, state=Redemption.State.REDEEMED).update(
        state=Redemption.State.RESERVED, closed_at=None, sequence=F("sequence") + 1
    )
    redemption.refresh_from_db()
    rules_of(redemption.perk.kind).moved(redemption, "undo", now=now)
    tell_redemption(redemption, now=now)


def _remember(citizen: Citizen, perk: Perk, refusal: TakeRefused, now: datetime) -> None:
    found = refusal.perk or Perk.objects.filter(pk=perk.pk).first()
    if found is None or found.in_force_id is None:
        return
    version_id, budget, spent = found.in_force_id, found.budget_amount, found.budget_spent
    reasons = [reason.as_dict() for reason in refusal.reasons]
    with in_one_transaction():
        # Asking again on the same day for the very same reasons is the same refusal, at its latest.
        start, end = hours.day_bounds(now, "UTC")
        same_day = RefusedAttempt.objects.filter(citizen=citizen, version_id=version_id, at__gte=start, at__lt=end)
        told = same_day.order_by("-id").values_list("pk", "reasons")
        same = [key for key, said in told if said == reasons]
        if not same or not RefusedAttempt.objects.filter(pk__in=same).update(at=now):
            RefusedAttempt.objects.create(
                citizen=citizen,
                version_id=version_id,
                at=now,
                reasons=reasons,
                budget_left=None if budget is None else budget - spent,
            )
