"""What happens behind the answers: scores that follow their entries, the turn of the month, and forgetting in time."""

from datetime import datetime, timedelta
from typing import Final

from citizen_app.outbox import handles, sweeps
from scores.models import EndedLink, LinkCode
from scores.services.documents import forget_visits
from scores.services.enrolment import LEFT_TOPIC
from scores.services.farewell import send_receipt
from scores.services.lapsing import erase_lapsed, lapse_today
from scores.services.rescoring import HELD_AT_ONCE, RESCORE_TOPIC, rescore, rescore_stale, rescore_together
from scores.services.thinning import thin_history

STALE_AT_ONCE: Final = 200
LAPSED_AT_ONCE: Final = 500
THINNED_AT_ONCE: Final = 1_000
ENDED_LINKS_KEPT: Final = timedelta(days=30)
LINK_CODES_KEPT: Final = timedelta(days=1)


@handles(RESCORE_TOPIC)
def rescore_citizens(*, citizen_ids: list[int], cause: str) -> None:
    """Make these citizens' scores again from all their entries, some in a transaction. Safe twice.

    One that fails keeps none of the others waiting; the promise is then kept again later, for all of them.
    """
    failures: list[Exception] = []
    for start in range(0, len(citizen_ids), HELD_AT_ONCE):
        group = citizen_ids[start : start + HELD_AT_ONCE]
        try:
            rescore_together(citizen_ids=group, cause=cause)
        except Exception:
            failures += _rescored_singly(group, cause)
    if failures:
        raise ExceptionGroup("Some scores were not made again.", failures)


def _rescored_singly(citizen_ids: list[int], cause: str) -> list[Exception]:
    """Make each score in a transaction of its own; return why some could not be made."""
    failures = []
    for citizen_id in citizen_ids:
        try:
            rescore(citizen_id=citizen_id, cause=cause)
        except Exception as failure:
            failures.append(failure)
    return failures


@handles(LEFT_TOPIC)
def enrolment_left(*, citizen_id: int, at: str, erased: dict[str, int]) -> None:
    """Tell who has to know that somebody left: themselves, with the receipt."""
    send_receipt(citizen_id=citizen_id, at=at, erased=erased)


@sweeps("scores.stale")
def turn_the_month(now: datetime) -> int:
    """Make scores again that a new month or a new scorecard has overtaken, some at a time."""
    return rescore_stale(now=now, limit=STALE_AT_ONCE)


@sweeps("scores.lapsed_today")
def lapse_between_months(now: datetime) -> int:
    """Stop counting entries whose lapse was moved to a day within the month (P8)."""
    return lapse_today(now=now, limit=STALE_AT_ONCE)


@sweeps("scores.lapsed_entries")
def forget_lapsed_entries(now: datetime) -> int:
    """Erase entries 30 days after they lapsed, their names in the history too (P8)."""
    return erase_lapsed(now=now, limit=LAPSED_AT_ONCE)


@sweeps("scores.old_history")
def thin_old_history(now: datetime) -> int:
    """Keep one value a month of what happened more than 24 months ago (P8)."""
    return thin_history(now=now, limit=THINNED_AT_ONCE)


@sweeps("scores.ended_links")
def forget_ended_links(now: datetime) -> int:
    """Stop telling sources about links that ended more than 30 days ago."""
    return EndedLink.objects.filter(since__lt=now - ENDED_LINKS_KEPT).delete()[0]


@sweeps("scores.link_codes")
def forget_link_codes(now: datetime) -> int:
    """Erase link codes a day after they stopped working."""
    return LinkCode.objects.filter(expires_at__lt=now - LINK_CODES_KEPT).delete()[0]


@sweeps("scores.document_visits")
def forget_document_visits(now: datetime) -> int:
    """Erase visits to a document check a week after they ended."""
    return forget_visits(now=now)
