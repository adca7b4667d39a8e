"""The score as its citizen reads it: what it is and why, every line of it, and what would change it.

Each function returns what the API answers (and a page shows): plain dicts of codes, numbers, dates, and points as
decimal text with exactly six decimals. Nothing here is for anybody but the citizen (P4).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from citizen_app.models import Citizen
from citizen_app.public_ids import public_id_of
from scores import catalogue, scoring, wording
from scores.changes import Line
from scores.explaining import EntryLine, Explanation
from scores.models import Enrolment, Entry, Inquiry, Link, Score, ScoreChange, Source
from scores.reasons import Reason, reasons
from scores.scorecard import Scorecard as Card
from scores.services.distribution import percentile_of
from scores.services.publishing import card_of
from scores.services.rescoring import entries_to_score, explained_score, score_in_force, scoring_day

points_of = scoring.format_points
CAUSE_TEXTS: Mapping[str, str] = {
    ScoreChange.Cause.ENROLLED: "you enrolled",
    ScoreChange.Cause.ENTRIES: "records arrived or changed",
    ScoreChange.Cause.DISPUTE: "a dispute changed what counts",
    ScoreChange.Cause.SOURCE: "you switched or ended a source",
    ScoreChange.Cause.MONTH: "a new month began, and older records count less or no longer",
    ScoreChange.Cause.SCORECARD: "a new scorecard applies",
}


def score_statement(*, citizen: Citizen, now: datetime | None = None) -> dict[str, Any]:
    """The score with its band, factors, purposes, reasons and latest change (`GET /me/score`)."""
    score, card, explanation = _in_force(citizen, now)
    paused = score.enrolment.state == Enrolment.State.PAUSED
    band = scoring.band(card, score.value)
    next_band = scoring.next_band(card, score.value)
    told = reasons(card, explanation)
    return {
        "state": "paused" if paused else score.state,
        "value": score.value,
        "band": band.code if band else None,
        "range": {"min": card.rounded(card.least), "max": card.rounded(card.most)},
        "as_of": score.as_of,
        "scorecard": card.version,
        "base": points_of(card.base),
        "percentile": percentile_of(score.value),
        "bands": [{"code": one.code, "from": one.first_value} for one in card.bands],
        "factors": _factors(card, {line.code: line.micro for line in explanation.factors}),
        "purposes": _purposes(card, score.purposes),
        "reasons": {
            "helping": [_reason(one) for one in told.helping],
            "costing": [_reason(one) for one in told.costing],
        },
        "change": _latest_change(citizen.pk),
        "next_band": next_band._asdict() if next_band else None,
    }


def _in_force(citizen: Citizen, now: datetime | None) -> tuple[Score, Card, Explanation]:
    score = explained_score(citizen.pk, now=now or timezone.now())
    assert score.explanation is not None  # noqa: S101  (it was asked for)
    return score, card_of(score.scorecard), score.explanation


def _factors(card: Card, micro: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "code": factor.code,
            "title": wording.factor_title(factor.code),
            "points": points_of(micro[factor.code]),
            "min": _whole(factor.least),
            "max": _whole(factor.most),
        }
        for factor in card.factors
    ]


def _whole(micro: int) -> int | float:
    """A factor's limit: a whole number of points, as a number (limits are seldom anything else)."""
    whole, rest = divmod(micro, scoring.POINT)
    return micro / scoring.POINT if rest else whole


def _purposes(card: Card, answers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {purpose.code: {**answers[purpose.code], "factors": list(purpose.factors)} for purpose in card.purposes}


def _reason(reason: Reason) -> dict[str, Any]:
    told = {
        "code": reason.code,
        "text": reason.text,
        "points": points_of(reason.micro),
        "lost": points_of(reason.lost_micro),
        "entries": [public_id_of(Entry.prefix, key) for key in reason.entries],
    }
    return told if reason.needed is None else told | {"needed": reason.needed}


def _latest_change(citizen_id: int) -> dict[str, Any] | None:
    """The last change from one value to another; coming to a first value is no change."""
    change = ScoreChange.objects.filter(enrolment_id=citizen_id).order_by("-id").first()
    if change is None or change.difference is None:
        return None
    return {
        "value": change.difference,
        "since": change.at,
        "because": CAUSE_TEXTS[change.cause],
        "cause": change.cause,
    }


def history_rows(changes: Sequence[ScoreChange]) -> list[dict[str, Any]]:
    """Rows of the history as they are told (`GET /me/score/history`)."""
    return [
        {
            "id": change.public_id,
            "at": change.at,
            "state": change.state,
            "value": change.value,
            "previous": change.previous,
            "difference": change.difference,
            "cause": change.cause,
            "because": CAUSE_TEXTS[change.cause],
            "scorecard": change.scorecard_version,
            "lines": [_line(Line.from_document(line)) for line in change.lines],
        }
        for change in changes
    ]


def _line(line: Line) -> dict[str, Any]:
    told = {"kind": line.kind, "text": line.text, "points": line.points}
    return told if line.entry_id is None else told | {"entry_id": public_id_of(Entry.prefix, line.entry_id)}


def explanation_statement(*, citizen: Citizen, now: datetime | None = None) -> dict[str, Any]:
    """Every line behind the score, adding up exactly (`GET /me/score/explanation`).

    Entries + `capped` make a rule, rules + `capped` a factor, and base + factors + `range_clamped` + `rounding` the
    value. `weight` is out of 1,000; `why_not` says why an entry counts for nothing.
    """
    score, card, explanation = _in_force(citizen, now)
    days = dict(Entry.objects.of(citizen.pk).values_list("pk", "occurred_on"))

    def entry_line(line: EntryLine, kind: str) -> dict[str, Any]:
        return {
            "id": None if line.id is None else public_id_of(Entry.prefix, line.id),
            "title": wording.kind_title(kind),
            "occurred_on": None if line.id is None else days.get(line.id),
            "points": points_of(line.micro),
            "weight": line.weight,
            "counts": line.counts,
            "why_not": line.why_not,
        }

    return {
        "state": score.state,
        "value": score.value,
        "as_of": score.as_of,
        "scorecard": card.version,
        "base": points_of(explanation.base),
        "factors": [
            {
                "code": factor.code,
                "title": wording.factor_title(factor.code),
                "points": points_of(factor.micro),
                "capped": points_of(factor.capped),
                "rules": [
                    {
                        "code": rule.code,
                        "title": wording.rule_title(rule.code),
                        "kind": rule.kind,
                        "points": points_of(rule.micro),
                        "capped": points_of(rule.capped),
                        "entries": [entry_line(line, rule.kind) for line in rule.entries],
                    }
                    for rule in factor.rules
                ],
            }
            for factor in explanation.factors
        ],
        "range_clamped": points_of(explanation.range_clamped),
        "rounding": points_of(explanation.rounding),
        "unused": [entry_line(line, kind) for kind, line in explanation.unused],
    }


def what_if_statement(
    *,
    citizen: Citizen,
    add: Iterable[scoring.Hypothetical],
    without: Collection[int] = (),
    now: datetime | None = None,
) -> dict[str, Any]:
    """The score as it would be with these records more and those fewer, by the same arithmetic; stored nowhere."""
    now = now or timezone.now()
    score = score_in_force(citizen.pk, now=now)
    card, today = card_of(score.scorecard), scoring_day(now)
    imagined = scoring.what_if(card, entries_to_score(citizen.pk), today, add=add, without=without)
    return {
        "state": imagined.state,
        "value": imagined.value,
        "difference": None if None in (imagined.value, score.value) else imagined.value - score.value,  # type: ignore[operator]
        "factors": _factors(card, imagined.factors),
        "purposes": _purposes(card, {code: one._asdict() for code, one in imagined.purposes.items()}),
    }


def points_by_entry(explanation: Explanation) -> dict[int, int]:
    """What each entry earns under all rules together, in micro-points; one that counts nowhere is not in it."""
    earned: dict[int, int] = {}
    for rule in explanation.rules:
        for line in rule.counting:
            if line.id is not None:
                earned[line.id] = earned.get(line.id, 0) + line.micro
    return earned


def entry_rows(entries: Sequence[Entry], explanation: Explanation) -> list[dict[str, Any]]:
    """Entries as they are told (`GET /me/entries`), each with what it earns now; `link__source` must be fetched."""
    earned = points_by_entry(explanation)
    return [_entry(entry, earned.get(entry.pk, 0)) for entry in entries]


def _entry(entry: Entry, micro: int) -> dict[str, Any]:
    kind = catalogue.kind_of_number(entry.kind_number)
    return {
        "id": entry.public_id,
        "source": entry.link.source.code,
        "source_name": entry.link.source.name,
        "kind": kind.code,
        "title": kind.title,
        "unit": kind.unit,
        "occurred_on": entry.occurred_on,
        "value": value_told(entry.value),
        "status": entry.status,
        "lapses_on": entry.lapses_on,
        "points": points_of(micro),
        "recorded_at": entry.recorded_at,
    }


def value_told(value: int) -> int | float:
    """An entry's value as the number that was sent: with thirteen digits at most it is written back exactly."""
    whole, rest = divmod(value, catalogue.VALUE_SCALE)
    return value / catalogue.VALUE_SCALE if rest else whole


def source_row(source: Source, link: Link | None) -> dict[str, Any]:
    """A source as its citizen sees it (`GET /me/sources`); `link` is theirs, if they have one."""
    return {
        "code": source.code,
        "name": source.name,
        "state": "unlinked" if link is None else "on" if link.is_on else "off",
        "since": None if link is None else link.since,
        "kinds": source.kinds,
        "is_demo": source.is_demo,
        "furnisher": {"id": source.furnisher.public_id, "name": source.furnisher.name},
    }


def inquiry_rows(inquiries: Sequence[Inquiry]) -> list[dict[str, Any]]:
    """Who asked, as it is told (`GET /me/inquiries`)."""
    return [
        {
            "id": inquiry.public_id,
            "at": inquiry.at,
            "last_at": inquiry.last_at,
            "count": inquiry.count,
            "asked_by": {"kind": inquiry.asker_kind, "id": inquiry.asker_id, "name": inquiry.asker_name},
            "what": inquiry.what,
            "about": inquiry.about,
            "reason": inquiry.reason,
            "consent": inquiry.consent,
        }
        for inquiry in inquiries
    ]


def explanation_in_force(*, citizen: Citizen, now: datetime | None = None) -> Explanation:
    """The explanation behind the score as it may be shown now; `NotEnrolled` where there is none."""
    return _in_force(citizen, now)[2]
