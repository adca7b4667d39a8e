"""What happens behind the answers: scores that follow their entries, the turn of the month, and forgetting in time."""

from datetime import datetime, timedelta
from typing import Final

from citizen_app.outbox import handles, sweeps
from scores.models import EndedLink, LinkCode
from scores.services import distribution, runs
from scores.services.enrolment import LEFT_TOPIC
from scores.services.farewell import send_receipt
from scores.services.lapsing import erase_lapsed
from scores.services.rescoring import HELD_AT_ONCE, RESCORE_TOPIC, rescore, rescore_together
from scores.services.shadow_runs import SHADOW_TOPIC, run_range

LAPSED_AT_ONCE: Final = 500
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


@handles(SHADOW_TOPIC)
def count_a_range(*, run_id: str, after: int) -> None:
    """Try a draft out on the next people. Safe twice: a range that was counted is not counted again."""
    run_range(run_id=run_id, after=after)


@handles(LEFT_TOPIC)
def enrolment_left(*, citizen_id: int, at: str, erased: dict[str, int]) -> None:
    """Tell who has to know that somebody left: themselves, with the receipt."""
    send_receipt(citizen_id=citizen_id, at=at, erased=erased)


@sweeps("scores.stale")
def turn_the_month(now: datetime) -> int:
    """Make scores again that a new month or a new scorecard has overtaken: a few here, many by a run."""
    return runs.turn_the_month(now=now)


@handles(runs.RUN_TOPIC)
def run_portion(*, run_id: int, after: int, upto: int) -> None:
    """Do a portion of a run over everybody. Safe twice."""
    runs.run_portion(run_id=run_id, after=after, upto=upto)


@sweeps("scores.distribution")
def count_scores(now: datetime) -> int:
    """Count once a day how many people have each score, for percentiles."""
    return distribution.count_scores(now=now)


@sweeps("scores.lapsed_entries")
def forget_lapsed_entries(now: datetime) -> int:
    """Erase entries 30 days after they lapsed, their names in the history too (P8)."""
    return erase_lapsed(now=now, limit=LAPSED_AT_ONCE)


@sweeps("scores.ended_links")
def forget_ended_links(now: datetime) -> int:
    """Stop telling sources about links that ended more than 30 days ago."""
    return EndedLink.objects.filter(since__lt=now - ENDED_LINKS_KEPT).delete()[0]


@sweeps("scores.link_codes")
def forget_link_codes(now: datetime) -> int:
    """Erase link codes a day after they stopped working."""
    return LinkCode.objects.filter(expires_at__lt=now - LINK_CODES_KEPT).delete()[0]
