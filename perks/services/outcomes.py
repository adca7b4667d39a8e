"""Outcomes of what was taken here that become records of its citizen: a booking that was kept, a rental returned.

Only from a redemption that was scanned at a branch, only while the citizen has the platform's source on, at most one
per redemption and one per citizen, merchant and week, none about a merchant's own team, and none in a merchant's
first 90 days. The merchant is told nothing of it.
"""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.db import violated
from citizen_app.models import Citizen
from perks import hours
from perks.models import DepositAgreement, Member, Outcome, Perk, Redemption, Scan
from perks.models.deposits import ENDED as DEPOSIT_ENDED
from perks.services.desk import UNDO_TIME
from perks.services.redemptions import standing_scan
from scores import assessments

BOOKING: Final = "fulfilment.booking"
RENTAL: Final = "fulfilment.rental"
KEPT: Final = 0
"""Of a booking: it was kept. Nothing but a scan makes an outcome, so that nobody is ever said not to have come."""
NEW_MERCHANT: Final = timedelta(days=90)

_ONCE: Final = ("outcome_one_per_redemption", "outcome_one_per_citizen_merchant_and_week")


def record_kept_booking(*, redemption: Redemption, now: datetime | None = None) -> bool:
    """Record that a dated reservation was kept, once its scan can no longer be undone. Safe twice."""
    now = now or timezone.now()
    scan = standing_scan(redemption)
    if scan is None or scan.branch is None or redemption.perk.kind != Perk.Kind.PRIORITY:
        return False
    if now < scan.received_at + UNDO_TIME:
        return False  # asked for by an earlier scan, which was undone; this one has asked for itself
    day = hours.local_day(scan.scanned_at, scan.branch.zone)
    return record_outcome(redemption=redemption, scan=scan, kind=BOOKING, occurred_on=day, value=KEPT, now=now)


def record_rental(*, redemption: Redemption, now: datetime | None = None) -> bool:
    """Record how late a rented thing came back, once nothing of its agreement is open any more. Safe twice."""
    agreement, scan = DepositAgreement.objects.filter(redemption=redemption).first(), standing_scan(redemption)
    if scan is None or agreement is None or agreement.returned_at is None or agreement.state not in DEPOSIT_ENDED:
        return False
    day = hours.local_day(agreement.returned_at, agreement.zone)
    late_days = agreement.late_days or 0
    return record_outcome(redemption=redemption, scan=scan, kind=RENTAL, occurred_on=day, value=late_days, now=now)


@transaction.atomic
def record_outcome(
    *, redemption: Redemption, scan: Scan, kind: str, occurred_on: date, value: int, now: datetime | None = None
) -> bool:
    """Make an outcome of a redemption, scanned by `scan`, a record of its citizen; False where a rule forbids it.

    `value` is in whole units of the kind.
    """
    now = now or timezone.now()
    citizen, merchant = redemption.citizen, redemption.merchant
    if citizen is None or redemption.state != Redemption.State.REDEEMED or scan.branch_id is None:
        return False
    if merchant.approved_at is None or scan.scanned_at < merchant.approved_at + NEW_MERCHANT:
        return False
    if not assessments.hold(citizen) or Member.objects.filter(merchant=merchant, citizen=citizen).exists():
        return False
    year, week, _ = occurred_on.isocalendar()
    try:
        with transaction.atomic():
            Outcome.objects.create(
                redemption=redemption,
                citizen=citizen,
                merchant=merchant,
                kind=kind,
                week=f"{year}-W{week:02}",
                recorded_at=now,
            )
            if not assessments.record_outcome(
                citizen=citizen,
                kind=kind,
                occurred_on=occurred_on,
                value=value,
                external_id=redemption.public_id,
                now=now,
            ):
                raise _SwitchedOff
    except _SwitchedOff:
        return False
    except IntegrityError as error:
        if violated(error) not in _ONCE:
            raise
        return False
    return True


@transaction.atomic
def strike_outcome(*, redemption: Redemption, now: datetime | None = None) -> bool:
    """Strike what a redemption recorded: its merchant took it back. Safe twice."""
    now = now or timezone.now()
    citizen = redemption.citizen
    if citizen is None or not assessments.hold(citizen):
        return False
    if not Outcome.objects.filter(redemption=redemption, struck_at=None).update(struck_at=now):
        return False
    return assessments.strike_outcome(citizen=citizen, external_id=redemption.public_id, now=now) > 0


@erases
def erase_outcomes(*, citizen: Citizen, now: datetime) -> Erasure:
    """What became a record goes with the records."""
    return Erasure(erased={"outcomes": Outcome.objects.filter(citizen=citizen).delete()[0]})


class _SwitchedOff(Exception):
    """The citizen has the platform's source off: nothing is kept, not even that there was something."""
