"""Writing a new scorecard: drafts that several operators may write on, each judged as strictly as what is published."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import WrongState
from citizen_app.models import Citizen
from scores.errors import DraftHasChanged
from scores.models import Scorecard, ScorecardDraft
from scores.scorecard import InvalidScorecard, Problem, scorecard_from_document
from scores.scorecard import Scorecard as Card
from scores.thresholds import thresholds_in_use

State = ScorecardDraft.State
EDITABLE: Final = (State.DRAFT, State.REFUSED)
LONGEST_VERSION: Final = 16
LONGEST_NOTE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What a document is worth: the scorecard it is, or its faults; warnings forbid nothing."""

    card: Card | None
    faults: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def judge_document(document: dict[str, Any]) -> Judged:
    """Every fault of the document with its place, and what is odd about it: idle limits, doors nobody could open."""
    try:
        card = scorecard_from_document(document)
    except InvalidScorecard as refusal:
        return Judged(None, tuple(refusal.errors))
    faults = tuple(_faults_of_version(card.version))
    warnings = (*card.warnings, *_bands_beyond_reach(card), *_perks_beyond_reach(card))
    return Judged(None if faults else card, faults, warnings)


def _faults_of_version(version: str) -> Iterator[Problem]:
    if len(version) > LONGEST_VERSION:
        yield Problem("version", f"The version is at most {LONGEST_VERSION} characters.")
    elif Scorecard.objects.filter(version=version).exists():
        yield Problem("version", "This version is published, and a published one never changes. Give it a new one.")


def _bands_beyond_reach(card: Card) -> Iterator[Problem]:
    highest = card.rounded(min(card.base + sum(map(card.most_earned, card.factors)), card.most))
    for place, band in enumerate(card.bands):
        if highest < band.first_value and band.starts_at <= card.most:
            yield Problem(f"bands[{place}].from", f"Nobody can reach this band: the rules come to {highest} at best.")


def _perks_beyond_reach(card: Card) -> Iterator[Problem]:
    asked = thresholds_in_use()
    for purpose in card.purposes:
        highest = card.highest_value(purpose.code)
        beyond = {one.label for one in asked if one.purpose == purpose.code and one.min_score > highest}
        if beyond:
            perks = "1 offered perk asks" if len(beyond) == 1 else f"{len(beyond)} offered perks ask"
            yield Problem(f"purposes.{purpose.code}", f"{perks} for more than {highest}, the most anybody could have.")


@transaction.atomic
def start_draft(*, by: Citizen, now: datetime | None = None) -> ScorecardDraft:
    """Begin a new scorecard as a copy of the one in force, with a version of its own."""
    now = now or timezone.now()
    current = Scorecard.objects.get(is_current=True)
    document = current.document | {"version": _free_version(now)}
    draft: ScorecardDraft = ScorecardDraft.objects.create(
        document=document, based_on=current, author=by, made_at=now, changed_at=now
    )
    draft.writers.add(by)
    audit.record(by=by, action="scorecard_draft.start", on=draft.public_id, based_on=current.version)
    return draft


def _free_version(now: datetime) -> str:
    """The month's name, or the first free number after it."""
    month = f"{now:%Y-%m}"
    taken = set(Scorecard.objects.filter(version__startswith=month).values_list("version", flat=True))
    return next(name for name in (month, *(f"{month}.{n}" for n in range(2, 10_000))) if name not in taken)


@transaction.atomic
def save_draft(
    *,
    draft: ScorecardDraft,
    document: dict[str, Any],
    note: str,
    revision: int,
    by: Citizen,
    now: datetime | None = None,
) -> ScorecardDraft:
    """Keep what somebody wrote, faults and all; `DraftHasChanged` where it is not what they had read.

    `revision` is the one that was read. A refused draft is a draft again once it is written on. The same again changes
    nothing, so that a run of it stays good.
    """
    held = held_draft(draft)
    require_state(held, *EDITABLE)
    if held.revision != revision:
        raise DraftHasChanged
    note = note.replace("\x00", "").replace("\r\n", "\n").strip()[:LONGEST_NOTE]
    if (held.document, held.note) == (document, note):
        return held
    held.document, held.note = document, note
    held.state, held.refusal = State.DRAFT, ""
    held.changed_at, held.revision = now or timezone.now(), revision + 1
    held.save()
    held.writers.add(by)
    audit.record(by=by, action="scorecard_draft.save", on=held.public_id, revision=held.revision)
    return held


@transaction.atomic
def withdraw_draft(*, draft: ScorecardDraft, by: Citizen, now: datetime | None = None) -> ScorecardDraft:
    """Give a draft up, submitted or not; it stays readable, and nobody is affected."""
    held = held_draft(draft)
    require_state(held, *EDITABLE, State.SUBMITTED)
    return _decided(held, State.WITHDRAWN, by, now)


@transaction.atomic
def refuse_draft(*, draft: ScorecardDraft, by: Citizen, reason: str, now: datetime | None = None) -> ScorecardDraft:
    """Send a submitted draft back, with a reason its writers read."""
    held = held_draft(draft)
    require_state(held, State.SUBMITTED)
    held.refusal = reason.replace("\x00", "").replace("\r\n", "\n").strip()
    return _decided(held, State.REFUSED, by, now)


def _decided(held: ScorecardDraft, state: str, by: Citizen, now: datetime | None) -> ScorecardDraft:
    held.state, held.decided_by, held.decided_at = state, by, now or timezone.now()
    held.save()
    audit.record(by=by, action=f"scorecard_draft.{state}", on=held.public_id)
    return held


def held_draft(draft: ScorecardDraft) -> ScorecardDraft:
    """The draft as it is now, held until the transaction ends."""
    found: ScorecardDraft = ScorecardDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    return found


def require_state(draft: ScorecardDraft, *states: str) -> None:
    if draft.state not in states:
        raise WrongState(f"This draft is {draft.state}.")
