"""What citizens report about perks: an operator reads each case and decides. The crowd pauses nothing by itself."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.db import violated
from citizen_app.errors import WrongState
from citizen_app.models import Citizen
from perks.errors import AlreadyReported, TooManyReports
from perks.models import Merchant, Perk, Report, ReportCase
from perks.services.catalogue import hold_perk
from perks.services.merchants import require_impartial_operator, suspend_merchant

DAY: Final = timedelta(hours=24)
DISMISS: Final = "dismiss"
PAUSE: Final = "pause"
SUSPEND: Final = "suspend"
DECISIONS: Final = {
    DISMISS: ReportCase.State.DISMISSED,
    PAUSE: ReportCase.State.PERK_PAUSED,
    SUSPEND: ReportCase.State.MERCHANT_SUSPENDED,
}


@transaction.atomic
def report_perk(*, perk: Perk, by: Citizen, ground: str, statement: str, now: datetime | None = None) -> Report:
    """Tell the operators what is wrong with a perk: it joins the case that is open about it, or opens one.

    Raises `AlreadyReported` while one's own waits, and `TooManyReports` after a day's worth.
    """
    now = now or timezone.now()
    # The person's row: somebody who sends several at once is counted.
    Citizen.objects.select_for_update(no_key=True).get(pk=by.pk)
    own = Report.objects.filter(citizen=by)
    waiting = own.filter(case__perk=perk, case__state=ReportCase.State.OPEN).first()
    if waiting is not None:
        raise AlreadyReported(report=waiting.public_id)
    today = list(own.filter(made_at__gt=now - DAY).order_by("made_at").values_list("made_at", flat=True))
    if len(today) >= settings.REPORTS_A_DAY:
        wait = today[-settings.REPORTS_A_DAY] + DAY - now
        raise TooManyReports(retry_after=max(1, int(wait.total_seconds())))
    case = _open_case(perk, now)
    report = Report.objects.create(
        case=case, citizen=by, ground=Report.Ground(ground), statement=statement, made_at=now
    )
    audit.record(by=by, action="perk.report", on=perk.public_id, case=case.public_id, ground=report.ground)
    return report


@transaction.atomic
def decide_case(
    *, case: ReportCase, by: Citizen, decision: str, reason: str, now: datetime | None = None
) -> ReportCase:
    """Decide on what was reported (`dismiss`, `pause` the perk, `suspend` the merchant), with a reason people read."""
    now = now or timezone.now()
    held = ReportCase.objects.select_for_update(of=("self",)).select_related("perk__merchant", "merchant")
    case = held.get(pk=case.pk)
    require_impartial_operator(by, case.merchant)
    if case.state != ReportCase.State.OPEN:
        raise WrongState("This case has been decided.")
    if decision == PAUSE:
        hold_perk(perk=case.perk, by=by, reason=reason, now=now)
    elif decision == SUSPEND and case.merchant.state != Merchant.State.SUSPENDED:
        suspend_merchant(merchant=case.merchant, by=by, reason=reason, now=now)
    case.state, case.reason, case.decided_at, case.decided_by = DECISIONS[decision], reason, now, by
    case.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    audit.record(by=by, action=f"report.{decision}", on=case.public_id, perk=case.perk.public_id)
    return case


def erase_reports(citizen: Citizen) -> int:
    """Take a person and their words out of what they reported; that it was reported, and on which ground, stays."""
    return Report.objects.filter(citizen=citizen).update(citizen=None, statement="")


def _open_case(perk: Perk, now: datetime) -> ReportCase:
    found = ReportCase.objects.select_for_update(no_key=True).filter(perk=perk, state=ReportCase.State.OPEN).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return ReportCase.objects.create(perk=perk, merchant_id=perk.merchant_id, opened_at=now)
    except IntegrityError as error:
        if violated(error) != "report_case_one_open_per_perk":
            raise
    # Somebody else has opened it at the same moment.
    return ReportCase.objects.get(perk=perk, state=ReportCase.State.OPEN)
