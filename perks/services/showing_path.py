"""The shortest way to a perk, as its citizen reads it."""

from datetime import datetime
from typing import Any

from citizen_app.models import Citizen
from citizen_app.public_ids import public_id_of
from perks import tiers
from perks.models import Perk
from scores import assessments
from scores.assessments import Path, Step
from scores.errors import NotEnrolled

ENTRY_PREFIX = "ent"
VALUE_SCALE = 10_000


def path_of(*, citizen: Citizen, perk: Perk, now: datetime) -> dict[str, Any]:
    """What leads the citizen to the perk's next tier: the smallest set of suggestions, none of which shares more or
    costs money.

    `what_if` is the body of `POST /me/score/what-if` that shows it. Raises `NotEnrolled`.
    """
    assessment = assessments.assess(citizen, now=now)
    if assessment.state == "not_enrolled":
        raise NotEnrolled
    value = assessment.purposes[perk.purpose].value
    asked = sorted(
        tier.min_score for tier in tiers.read_tiers(perk.version_in_force.tiers) if tier.min_score is not None
    )
    ahead = [least for least in asked if value is None or least > value]
    threshold = ahead[0] if ahead else asked[-1] if asked else None
    if threshold is None:
        return _told(perk, None)
    return _told(perk, assessments.path_to(citizen, purpose=perk.purpose, threshold=threshold, now=now))


def _told(perk: Perk, path: Path | None) -> dict[str, Any]:
    steps = path.steps if path else ()
    value = path.value if path else None
    return {
        "perk": perk.public_id,
        "purpose": perk.purpose,
        "threshold": path.threshold if path else None,
        "value": value,
        "points_to_go": None if path is None or value is None else max(0, path.threshold - value),
        "reached": path is None or path.is_met,
        "leads_there": path is None or path.leads_there,
        "value_then": path.value_then if path else None,
        "suggestions": [_suggestion(step) for step in steps],
        "what_if": {
            "add": [_addition(step) for step in steps if step.entry_id is None],
            "without": [_entry(step) for step in steps if step.entry_id is not None],
        },
    }


def _suggestion(step: Step) -> dict[str, Any]:
    return {
        "code": step.code,
        "text": assessments.step_text(step),
        "kind": step.kind,
        "count": step.times,
        "entry": _entry(step),
        "on": step.on,
    }


def _addition(step: Step) -> dict[str, Any]:
    whole, rest = divmod(step.value, VALUE_SCALE)
    return {"kind": step.kind, "value": step.value / VALUE_SCALE if rest else whole, "count": step.times}


def _entry(step: Step) -> str | None:
    return None if step.entry_id is None else public_id_of(ENTRY_PREFIX, step.entry_id)
