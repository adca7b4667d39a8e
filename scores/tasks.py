"""What happens behind the answers: scores that follow their entries, the turn of the month, and forgetting in time."""

from datetime import datetime, timedelta
from typing import Final

from citizen_app.outbox import handles, sweeps
from scores.models import EndedLink, LinkCode
from scores.services import distribution, reach, runs, score_telling, vouching
from scores.services.disputes.batch_upholding import BATCH_TOLD_TOPIC, BATCH_TOPIC, uphold_batch
from scores.services.disputes.clock import end_emptied, remind_furnishers, strike_unanswered
from scores.services.disputes.evidence import erase_old_evidence
from scores.services.disputes.steps import TOLD_TOPIC
from scores.services.disputes.telling import tell_citizen, tell_of_batch
from scores.services.documents import forget_visits
from scores.services.enrolment import ENDED_LINKS_TOLD, LEFT_TOPIC
from scores.services.farewell import send_receipt
from scores.services.files import forget_files
from scores.services.importing import IMPORTED_TOPIC, request_rescore_of_imported
from scores.services.inquiries import ASKED_TOPIC, tell_asked
from scores.services.lapsing import erase_lapsed, lapse_today
from scores.services.rescoring import HELD_AT_ONCE, RESCORE_TOPIC, rescore, rescore_together
from scores.services.score_telling import MOVED_TOPIC, RANGE_MOVED_TOPIC
from scores.services.shadow_runs import SHADOW_TOPIC, run_range
from scores.services.signatures import forget_nonces, forget_proofs_of_nothing
from scores.services.thinning import thin_history
from scores.services.trusting import recompute_when_due

LAPSED_AT_ONCE: Final = 500
DISPUTES_AT_ONCE: Final = 200
THINNED_AT_ONCE: Final = 1_000
PROOFS_AT_ONCE: Final = 500
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


@handles(IMPORTED_TOPIC)
def rescore_imported(*, after_id: int) -> None:
    """Have everybody scored again about whom a file brought something: each once, however their records lay in it."""
    request_rescore_of_imported(after_id=after_id)


@handles(SHADOW_TOPIC)
def count_a_range(*, run_id: str, after: int) -> None:
    """Try a draft out on the next people. Safe twice: a range that was counted is not counted again."""
    run_range(run_id=run_id, after=after)


@handles(LEFT_TOPIC)
def enrolment_left(*, citizen_id: int, at: str, erased: dict[str, int]) -> None:
    """Tell who has to know that somebody left: themselves, with the receipt."""
    send_receipt(citizen_id=citizen_id, at=at, erased=erased)


@handles(MOVED_TOPIC)
def score_moved(*, citizen_ids: list[int]) -> None:
    """Tell these people that their score changed, where it is worth telling. Safe twice."""
    for start in range(0, len(citizen_ids), score_telling.AT_ONCE):
        score_telling.tell_moved(citizen_ids=citizen_ids[start : start + score_telling.AT_ONCE])


@handles(RANGE_MOVED_TOPIC)
def range_moved(*, after: int, upto: int, at: str) -> None:
    """The same for those whom a run over everybody has moved. Safe twice."""
    score_telling.tell_range(after=after, upto=upto, at=datetime.fromisoformat(at))


@handles(ASKED_TOPIC)
def somebody_asked(*, citizen_ids: list[int], asker: str, name: str, what: str, day: str) -> None:
    """Tell these people, once a day for each asker, that somebody learned something about them. Safe twice."""
    tell_asked(citizen_ids=citizen_ids, asker=asker, name=name, what=what, day=day)


@handles(TOLD_TOPIC)
def dispute_moved(*, dispute_id: str, what: str) -> None:
    """Tell a citizen what became of their dispute."""
    tell_citizen(dispute_id=dispute_id, what=what)


@handles(BATCH_TOPIC)
def batch_upheld(*, proposal_id: str) -> None:
    """Strike a whole batch that two operators found wrong, citizen by citizen. Safe twice."""
    uphold_batch(proposal_id=proposal_id)


@handles(BATCH_TOLD_TOPIC)
def batch_struck(*, citizen_id: int, proposal_id: str) -> None:
    """Tell a citizen that records about them were struck with a batch."""
    tell_of_batch(citizen_id=citizen_id, proposal_id=proposal_id)


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


@sweeps("scores.reach")
def count_reach(now: datetime) -> int:
    """Count once a day about how many reach each threshold, for merchants."""
    return reach.count_reach(now=now)


@sweeps("scores.lapsed_today")
def lapse_between_months(now: datetime) -> int:
    """Stop counting entries whose lapse was moved to a day within the month (P8)."""
    return lapse_today(now=now, limit=LAPSED_AT_ONCE)


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
    return EndedLink.objects.filter(since__lt=now - ENDED_LINKS_TOLD).delete()[0]


@sweeps("scores.link_codes")
def forget_link_codes(now: datetime) -> int:
    """Erase link codes a day after they stopped working."""
    return LinkCode.objects.filter(expires_at__lt=now - LINK_CODES_KEPT).delete()[0]


@sweeps("scores.used_nonces")
def forget_used_nonces(now: datetime) -> int:
    """Forget which signatures were used once they are too old to be used again."""
    return forget_nonces(now=now)


@sweeps("scores.signed_batches")
def forget_signed_batches(now: datetime) -> int:
    """Erase what proves who sent a batch when none of its entries is left (P8)."""
    return forget_proofs_of_nothing(now=now, limit=PROOFS_AT_ONCE)


@sweeps("scores.unanswered_disputes")
def strike_what_nobody_answers_for(now: datetime) -> int:
    """Strike what a furnisher did not answer for in 30 days (P7)."""
    return strike_unanswered(now=now, limit=DISPUTES_AT_ONCE)


@sweeps("scores.dispute_reminders")
def remind_who_has_not_answered(now: datetime) -> int:
    """Remind furnishers on days 15, 25 and 28."""
    return remind_furnishers(now=now, limit=DISPUTES_AT_ONCE)


@sweeps("scores.emptied_disputes")
def end_disputes_about_nothing(now: datetime) -> int:
    """End disputes whose records were struck or erased another way."""
    return end_emptied(now=now, limit=DISPUTES_AT_ONCE)


@sweeps("scores.dispute_evidence")
def forget_evidence(now: datetime) -> int:
    """Erase what was added to disputes that ended more than 90 days ago."""
    return erase_old_evidence(now=now, limit=DISPUTES_AT_ONCE)


@sweeps("scores.trust")
def pass_trust_on(now: datetime) -> int:
    """Once a day, compute the trust that reaches everybody along vouches."""
    return recompute_when_due(now=now)


@sweeps("scores.old_vouches")
def forget_old_vouches(now: datetime) -> int:
    """Erase vouches that went with the month, links that ended, and marks older than twelve months."""
    return vouching.forget_old(now=now)


@sweeps("scores.document_visits")
def forget_document_visits(now: datetime) -> int:
    """Erase visits to a document check a week after they ended."""
    return forget_visits(now=now)


@sweeps("scores.file_openings")
def forget_file_openings(now: datetime) -> int:
    """Erase openings of files 30 days after they ended, and how many there were on days gone by."""
    return forget_files(now=now)
