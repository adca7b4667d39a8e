"""The one door for other rooms: what a perk may go by, and who learned something.

Nothing asked here may reach a merchant or an app: a perk's answer to them is the yes the citizen chose to show (P4).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from citizen_app.kept_statements import Given, KeptRows, KeptStatement
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from citizen_app.statements import RowsBeside, Statement, lock_of, together
from scores import scoring
from scores.errors import NotEnrolled
from scores.models import Dispute, Enrolment, Entry, Inquiry, Score, Scorecard
from scores.paths import Path, Step, shortest_path
from scores.scorecard import Scorecard as Card
from scores.services import inquiries
from scores.services.disputes.opening import DAYS_TO_ANSWER
from scores.services.hindsight import Past
from scores.services.identity import tell_file_opened
from scores.services.inquiries import Times, record_counted_inquiries
from scores.services.outcomes import DISPUTE_REJECTED, DISPUTE_WITHDRAWN, DISPUTE_WON
from scores.services.platform_outcomes import record_outcome, strike_outcome
from scores.services.publishing import card_of, current_scorecard
from scores.services.reach import Share, reach_by_threshold, reach_of
from scores.services.rescoring import entries_to_score, score_in_force, scoring_day
from scores.thresholds import Threshold, asks_for_thresholds
from scores.wording import step_text

__all__ = [
    "DISPUTE_REJECTED",
    "DISPUTE_WITHDRAWN",
    "DISPUTE_WON",
    "Assessment",
    "Hindsight",
    "Membership",
    "Path",
    "PurposeAnswer",
    "Share",
    "Step",
    "Threshold",
    "Times",
    "asks_for_thresholds",
    "assess",
    "assess_as_if",
    "assess_locked",
    "assess_without_doubt",
    "beside",
    "doubt_ends_at",
    "hindsight_of",
    "hold",
    "inquiry_of",
    "is_enrolled",
    "keep_still",
    "maximum_of",
    "membership_of",
    "minimum_of",
    "path_to",
    "reach_by_threshold",
    "reach_of",
    "read_beside",
    "record_counted_inquiries",
    "record_inquiry",
    "record_outcome",
    "step_text",
    "stillness_of",
    "strike_outcome",
    "tell_file_opened",
    "usage_key_of",
    "value_range",
]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PurposeAnswer:
    """What a perk of one purpose may go by: its value, and which factors made it (P5)."""

    state: Literal["assessable", "not_enough_records"]
    value: int | None
    factors_used: tuple[str, ...]
    factors_left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """How a person stands. `purposes` holds an answer for every purpose, also where there is no value to give."""

    state: Literal["not_enrolled", "paused", "thin_file", "scored"]
    has_document: bool
    purposes: Mapping[str, PurposeAnswer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Membership:
    """Since when somebody is enrolled, and whether their document was checked."""

    since: date
    has_document: bool


def membership_of(citizen: Citizen) -> Membership | None:
    """The person's live enrolment; None without one."""
    enrolment = Enrolment.objects.filter(pk=citizen.pk).first()
    if enrolment is None:
        return None
    return Membership(enrolment.enrolled_at.date(), enrolment.person_key is not None)


def assess(citizen: Citizen, *, now: datetime | None = None) -> Assessment:
    """How the citizen stands now; a score of an earlier month is made again first."""
    return _read(_STANDING.rows(citizen_id=citizen.pk), citizen, now or timezone.now())


def beside(citizen_id: int | Given) -> RowsBeside:
    """A column beside the rows of any table with how the citizen stands, for `read_beside`: no statement of its own."""
    return RowsBeside(_standing(citizen_id))


def read_beside(rows: Sequence[Mapping[str, Any]], citizen: Citizen, *, now: datetime) -> Assessment:
    """What `assess` says, out of the column `beside` made."""
    return _read([{**row, "score__as_of": date.fromisoformat(row["score__as_of"])} for row in rows], citizen, now)


def _standing(citizen_id: int | Given) -> Any:
    """As much of enrolment, score and scorecard as an assessment needs."""
    return Enrolment.objects.filter(pk=citizen_id).values(
        "state",
        "score__state",
        "score__as_of",
        "score__purposes",
        "score__scorecard_id",
        "score__scorecard__sha256",
        "score__scorecard__is_current",
        has_document=ExpressionWrapper(Q(person_key__isnull=False), BooleanField()),
    )


_STANDING = KeptRows(lambda: _standing(Given("citizen_id", Citizen._meta.pk)))


def _read(rows: Sequence[Mapping[str, Any]], citizen: Citizen, now: datetime) -> Assessment:
    if not rows:
        return Assessment("not_enrolled", has_document=False, purposes=_purposes(current_scorecard().card, {}))
    found = rows[0]
    if not found["score__scorecard__is_current"] or scoring.month(found["score__as_of"]) < scoring.month(
        scoring_day(now)
    ):
        return _assess_again(citizen, now)
    purposes = found["score__purposes"]
    card = card_of(Scorecard(pk=found["score__scorecard_id"], sha256=found["score__scorecard__sha256"]))
    return Assessment(
        state=_state(found["state"], found["score__state"]),
        has_document=bool(found["has_document"]),
        purposes=_purposes(card, json.loads(purposes) if isinstance(purposes, str) else purposes),
    )


def _assess_again(citizen: Citizen, now: datetime) -> Assessment:
    """How the citizen stands once their score is made again."""
    try:
        score = score_in_force(citizen.pk, now=now)
    except NotEnrolled:
        return Assessment("not_enrolled", has_document=False, purposes=_purposes(current_scorecard().card, {}))
    enrolment = score.enrolment
    return Assessment(
        state=_state(enrolment.state, score.state),
        has_document=enrolment.person_key is not None,
        purposes=_purposes(card_of(score.scorecard), score.purposes),
    )


def keep_still(citizen: Citizen) -> None:
    """Let nothing about how the citizen stands change until the caller's transaction ends; read it after this.

    Entries, switches, pausing and leaving wait, and two takings by one person follow one another. SQLite's transaction
    has kept every other writer out from its beginning.
    """
    if connection.features.has_select_for_update:
        together(stillness_of(citizen))


def stillness_of(citizen: Citizen) -> Statement:
    """The same lock, for a caller that holds other rows in the same statement (not on SQLite, which has none)."""
    return _STILLNESS.of(citizen_id=citizen.pk)


def _stillness(citizen_id: int | Given) -> Statement:
    return lock_of(Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id))


_STILLNESS = KeptStatement(lambda: _stillness(Given("citizen_id", Citizen._meta.pk)))


def _state(enrolment: str, score: str) -> Literal["paused", "thin_file", "scored"]:
    if enrolment == Enrolment.State.PAUSED:
        return "paused"
    return "scored" if score == Score.State.SCORED else "thin_file"


def assess_locked(citizen: Citizen, *, now: datetime | None = None) -> Assessment:
    """The same for somebody who is taking: it stays true until the caller's transaction ends.

    Entries, switches, pausing and leaving wait meanwhile, and two takings by one person follow one another.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A lock lasts as long as its transaction: open one first.")
    try:
        Enrolment.objects.locked(citizen.pk)
    except NotEnrolled:
        return Assessment("not_enrolled", has_document=False, purposes=_purposes(current_scorecard().card, {}))
    return assess(citizen, now=now)


def assess_without_doubt(citizen: Citizen, *, now: datetime | None = None) -> Assessment:
    """The same as if nothing were disputed: what somebody reaches only thanks to an open dispute, this does not reach.

    Made on demand, from the records themselves; without an open dispute it is what `assess` says.
    """
    now = now or timezone.now()
    standing = assess(citizen, now=now)
    disputed = Entry.objects.of(citizen.pk).filter(status=Entry.Status.DISPUTED)
    if standing.state == "not_enrolled" or not disputed.exists():
        return standing
    entries = [
        entry._replace(status=scoring.ACTIVE) if entry.status == scoring.DISPUTED else entry
        for entry in entries_to_score(citizen.pk)
    ]
    card = current_scorecard().card
    result = scoring.score(card, entries, scoring_day(now))
    return Assessment(
        state="paused" if standing.state == "paused" else "scored" if result.state == scoring.SCORED else "thin_file",
        has_document=standing.has_document,
        purposes=_purposes(card, _stored(result)),
    )


def doubt_ends_at(citizen: Citizen) -> datetime | None:
    """When the last of the citizen's open disputes that give a benefit of the doubt has run its time; None without."""
    doubted = Dispute.objects.filter(enrolment_id=citizen.pk, state__in=Dispute.UNDECIDED, has_benefit=True)
    ends = [
        opened_at + DAYS_TO_ANSWER if due_on is None else datetime.combine(due_on + _DAY, time(), tzinfo=UTC)
        for opened_at, due_on in doubted.values_list("opened_at", "due_on")
    ]
    return max(ends, default=None)


class Hindsight:
    """How one person would have stood: the records are read once, and every look back costs arithmetic only."""

    def __init__(self, enrolment: Enrolment) -> None:
        self._document_checked_at = enrolment.document_checked_at
        self._past = Past(citizen_id=enrolment.pk)

    @property
    def found_wrong(self) -> frozenset[int]:
        """The records that disputes have struck so far."""
        return self._past.found_wrong

    def corrections_of(self, entry_ids: Collection[int]) -> frozenset[int]:
        """The records that came in the place of these."""
        return self._past.corrections_of(entry_ids)

    def assess(
        self,
        at: datetime,
        *,
        without: Collection[int] = (),
        corrected: Collection[int] = (),
        undisputed: Collection[int] = (),
    ) -> Assessment:
        """How they stood at an instant, `scored` or `thin_file` (see `assess_as_if`)."""
        result = self._past.score_at(at, without=without, corrected=corrected, undisputed=undisputed)
        checked_at = self._document_checked_at
        return Assessment(
            state="scored" if result.state == scoring.SCORED else "thin_file",
            has_document=checked_at is not None and checked_at <= at,
            purposes=_purposes(self._past.card_at(at), _stored(result)),
        )


def hindsight_of(citizen: Citizen) -> Hindsight | None:
    """What it takes to look back at how the person stood; None for somebody not enrolled."""
    enrolment = Enrolment.objects.filter(pk=citizen.pk).first()
    return None if enrolment is None else Hindsight(enrolment)


def assess_as_if(
    citizen: Citizen, *, at: datetime, without: Collection[int] = (), corrected: Collection[int] = ()
) -> Assessment:
    """How the person would have stood at an instant in the past had some records not counted (`without`).

    Each of `corrected` stands in the place of the record it replaces. Only what was recorded by then counts, with the
    status it had then, under the scorecard of then; the switches are today's. `NotEnrolled` for somebody who is not.
    """
    return Hindsight(Enrolment.objects.of(citizen.pk)).assess(at, without=without, corrected=corrected)


def hold(citizen: Citizen) -> bool:
    """Keep leaving and pausing out until the caller's transaction ends; False for somebody not enrolled.

    For who will write down an inquiry after other locks: the citizen comes first in the order of locks.
    """
    try:
        Enrolment.objects.locked(citizen.pk)
    except NotEnrolled:
        return False
    return True


def _purposes(card: Card, stored: Mapping[str, Mapping[str, object]]) -> dict[str, PurposeAnswer]:
    every = tuple(factor.code for factor in card.factors)
    nothing = {"state": "not_enough_records", "value": None}
    return {
        purpose.code: PurposeAnswer(
            **stored.get(purpose.code, nothing),  # type: ignore[arg-type]
            factors_used=purpose.factors,
            factors_left_out=tuple(code for code in every if code not in purpose.factors),
        )
        for purpose in card.purposes
    }


def _stored(result: scoring.Scoring) -> dict[str, dict[str, object]]:
    """Answers for purposes, as a score keeps them."""
    return {code: one._asdict() for code, one in result.purposes.items()}


def usage_key_of(citizen: Citizen) -> str | None:
    """A secret by which one person's uses are counted whichever account they use; None without a checked document.

    Made from the person key under a server key: it says nothing of who they are and is stored nowhere; what is stored
    is its hash with what was used.
    """
    found = Enrolment.objects.filter(pk=citizen.pk, person_key__isnull=False).values_list("person_key", flat=True)
    person_key = found.first()
    return None if person_key is None else keyed_hash(derive_key(settings.SERVER_KEY, "usage mark"), person_key)


def is_enrolled(citizen: Citizen) -> bool:
    """Whether the person has a live enrolment, paused or not."""
    return Enrolment.objects.filter(pk=citizen.pk).exists()


def maximum_of(purpose: str) -> int:
    """The highest value anybody can have for a purpose: a perk must not ask for more. `KeyError` for no purpose."""
    card = current_scorecard().card
    if purpose not in {one.code for one in card.purposes}:
        raise KeyError(purpose)
    return card.highest_value(purpose)


def minimum_of(purpose: str) -> int:
    """The lowest value anybody can have for a purpose. `KeyError` for no purpose."""
    card = current_scorecard().card
    if purpose not in {one.code for one in card.purposes}:
        raise KeyError(purpose)
    return card.lowest_value(purpose)


def path_to(citizen: Citizen, *, purpose: str, threshold: int, now: datetime | None = None) -> Path:
    """The smallest set of suggestions after which the citizen's value for a purpose meets a threshold.

    Raises `NotEnrolled`; nothing is stored.
    """
    now = now or timezone.now()
    score = score_in_force(citizen.pk, now=now)
    entries = entries_to_score(citizen.pk)
    return shortest_path(card_of(score.scorecard), entries, scoring_day(now), purpose=purpose, threshold=threshold)


def value_range() -> tuple[int, int]:
    """The lowest and highest value there is, for every purpose: the ends of the scale a page draws."""
    card = current_scorecard().card
    return card.rounded(card.least), card.rounded(card.most)


def record_inquiry(
    *,
    citizen: Citizen,
    kind: str,
    asker_id: str,
    asker_name: str,
    what: str,
    about: str,
    consent: str,
    now: datetime | None = None,
) -> None:
    """Write down that an answer about the citizen reached somebody, for the citizen to read (P9).

    `kind` is one of `merchant, app, operator, furnisher`, `what` one of `scan, boost, file_opened, entry`. One asker's
    repeats about the same thing on one UTC day are one row. Nothing is written about somebody not enrolled.
    """
    inquiries.record_inquiry(
        citizen_id=citizen.pk,
        kind=Inquiry.AskedBy(kind),
        asker_id=asker_id,
        asker_name=asker_name,
        what=Inquiry.What(what),
        about=about,
        consent=consent,
        now=now or timezone.now(),
    )


def inquiry_of(
    *,
    citizen: Citizen,
    kind: str,
    asker_id: str,
    asker_name: str,
    what: str,
    about: str,
    consent: str,
    now: datetime,
) -> Statement:
    """The same, for a caller that keeps the citizen still and writes the row beside others."""
    return inquiries.statement_of(
        citizen_id=citizen.pk,
        kind=Inquiry.AskedBy(kind),
        asker_id=asker_id,
        asker_name=asker_name,
        what=Inquiry.What(what),
        about=about,
        consent=consent,
        now=now,
    )
