"""The one door for other rooms: what a perk may go by, and who learned something.

Nothing asked here may reach a merchant or an app: a perk's answer to them is the yes the citizen chose to show (P4).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from django.db import transaction
from django.utils import timezone

from citizen_app.models import Citizen
from scores import scoring
from scores.errors import NotEnrolled
from scores.models import Enrolment, Entry, Inquiry, Score
from scores.paths import Path, Step, shortest_path
from scores.scorecard import Scorecard as Card
from scores.services import inquiries
from scores.services.hindsight import Past
from scores.services.outcomes import DISPUTE_WITHDRAWN, DISPUTE_WON
from scores.services.publishing import card_of, current_scorecard
from scores.services.rescoring import entries_to_score, score_in_force, scoring_day
from scores.thresholds import Threshold, asks_for_thresholds
from scores.wording import step_text

__all__ = [
    "DISPUTE_WITHDRAWN",
    "DISPUTE_WON",
    "Assessment",
    "Hindsight",
    "Membership",
    "Path",
    "PurposeAnswer",
    "Step",
    "Threshold",
    "asks_for_thresholds",
    "assess",
    "assess_as_if",
    "assess_locked",
    "assess_without_doubt",
    "hindsight_of",
    "hold",
    "is_enrolled",
    "maximum_of",
    "membership_of",
    "path_to",
    "record_inquiry",
    "step_text",
    "value_range",
]


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
    try:
        score = score_in_force(citizen.pk, now=now or timezone.now())
    except NotEnrolled:
        return Assessment("not_enrolled", has_document=False, purposes=_purposes(current_scorecard().card, {}))
    enrolment = score.enrolment
    paused = enrolment.state == Enrolment.State.PAUSED
    return Assessment(
        state="paused" if paused else "scored" if score.state == Score.State.SCORED else "thin_file",
        has_document=enrolment.person_key is not None,
        purposes=_purposes(card_of(score.scorecard), score.purposes),
    )


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


def is_enrolled(citizen: Citizen) -> bool:
    """Whether the person has a live enrolment, paused or not."""
    return Enrolment.objects.filter(pk=citizen.pk).exists()


def maximum_of(purpose: str) -> int:
    """The highest value anybody can have for a purpose: a perk must not ask for more. `KeyError` for no purpose."""
    card = current_scorecard().card
    if purpose not in {one.code for one in card.purposes}:
        raise KeyError(purpose)
    return card.highest_value(purpose)


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
