"""How long the score's records are kept (docs/privacy.md): lapsed entries, old history, inquiries, evidence."""

from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from citizen_app.pruning import deletes, prunes, years_before
from scores.models import Entry, Evidence, Inquiry, ScoreChange
from scores.services.disputes.evidence import erase_old_evidence
from scores.services.lapsing import KEPT_AFTER_LAPSE, erase_lapsed
from scores.services.rescoring import scoring_day
from scores.services.thinning import kept_whole_from, thin_history

INQUIRIES_KEPT_YEARS: Final = 2
AT_ONCE: Final = 500


def _inquiries(now: datetime) -> QuerySet[Any]:
    return Inquiry.objects.filter(last_at__lt=years_before(now, INQUIRIES_KEPT_YEARS))


deletes("inquiries", _inquiries)


@prunes("entries", overdue=lambda now: Entry.objects.filter(lapses_on__lte=scoring_day(now) - KEPT_AFTER_LAPSE))
def forget_lapsed(now: datetime) -> int:
    """Erase entries 30 days after they lapsed."""
    return erase_lapsed(now=now, limit=AT_ONCE)


@prunes("score_changes", overdue=lambda now: ScoreChange.objects.filter(is_monthly=False, at__lt=kept_whole_from(now)))
def thin_old_history(now: datetime) -> int:
    """Keep one value a month of what happened more than 24 months ago."""
    return thin_history(now=now, limit=AT_ONCE)


@prunes("evidence", overdue=lambda now: Evidence.objects.filter(dispute__ended_at__lte=now - Evidence.KEPT_AFTER_END))
def forget_evidence(now: datetime) -> int:
    """Erase what was added to disputes 90 days after their end."""
    return erase_old_evidence(now=now, limit=AT_ONCE)
