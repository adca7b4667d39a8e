"""The one door for other rooms: what a perk may go by, and who learned something.

Nothing asked here may reach a merchant or an app: a perk's answer to them is the yes the citizen chose to show (P4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from django.db import transaction
from django.utils import timezone

from citizen_app.models import Citizen
from scores.errors import NotEnrolled
from scores.models import Enrolment, Inquiry, Score
from scores.paths import Path, Step, shortest_path
from scores.scorecard import Scorecard as Card
from scores.services import inquiries
from scores.services.publishing import card_of, current_scorecard
from scores.services.rescoring import entries_to_score, score_in_force, scoring_day
from scores.thresholds import Threshold, asks_for_thresholds
from scores.wording import step_text

__all__ = [
    "Assessment",
    "Membership",
    "Path",
    "PurposeAnswer",
    "Step",
    "Threshold",
    "asks_for_thresholds",
    "assess",
    "assess_locked",
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
