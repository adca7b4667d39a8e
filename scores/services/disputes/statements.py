"""Disputes as they are told: everything to the citizen, to the furnisher what it needs to answer, never a score."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from scores import catalogue, scoring
from scores.models import Dispute, DisputedEntry, DisputeEvent, Entry, Evidence, ScoreChange, Source
from scores.models.disputes import DisputeQuerySet, appeal_ends
from scores.services.disputes.clock import REMINDER_DAYS
from scores.services.publishing import current_scorecard
from scores.services.rescoring import entries_to_score, scoring_day
from scores.services.statements import value_told

RECENT: Final = timedelta(days=30)
"""For how long a furnisher still sees what has ended."""
DUE_SOON_DAYS: Final = 5

_ENTRIES = Prefetch("disputed", queryset=DisputedEntry.objects.select_related("entry__link").order_by("entry_id"))
_EVENTS = Prefetch("events", queryset=DisputeEvent.objects.order_by("id"))
_EVIDENCE = Prefetch("evidence", queryset=Evidence.objects.order_by("id"))


def own_disputes(citizen_id: int) -> DisputeQuerySet:
    """One citizen's disputes with everything `dispute_rows` tells of them."""
    rows = Dispute.objects.of(citizen_id).select_related("source")
    return rows.prefetch_related(_ENTRIES, _EVENTS, _EVIDENCE)


def dispute_rows(disputes: Sequence[Dispute], *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Disputes as their citizen reads them (`GET /me/disputes`)."""
    now = now or timezone.now()
    moved = _differences(disputes)
    return [_row(dispute, moved, now) for dispute in disputes]


def _row(dispute: Dispute, moved: Mapping[tuple[int, datetime], int], now: datetime) -> dict[str, Any]:
    rejected = dispute.state == Dispute.State.REJECTED and dispute.ended_at is not None
    until = appeal_ends(dispute.ended_at) if rejected and dispute.ended_at else None
    return {
        "id": dispute.public_id,
        "state": dispute.state,
        "source": dispute.source.code,
        "source_name": dispute.source.name,
        "ground": dispute.ground,
        "statement": dispute.statement,
        "entries": [_entry_told(one.entry) for one in dispute.disputed.all()],
        "benefit_of_the_doubt": dispute.has_benefit,
        "raised_again": dispute.is_raised_again,
        "opened_at": dispute.opened_at,
        "due_on": dispute.due_on,
        "days_left": _days_left(dispute, now),
        "answer": dispute.position or None,
        "appeal_until": until if until and until >= now else None,
        "ended_at": dispute.ended_at,
        "share_evidence": dispute.shares_evidence,
        "evidence": [evidence_told(one) for one in dispute.evidence.all()],
        "timeline": [
            {
                "at": event.at,
                "what": event.what,
                "by": event.by,
                "text": event.text,
                "difference": moved.get((dispute.enrolment_id, event.at)) if event.what in _MOVES else None,
            }
            for event in dispute.events.all()
        ],
    }


# The steps with which records change their status; any other step leaves the score alone.
_MOVES: Final = frozenset(
    {
        DisputeEvent.What.OPENED,
        DisputeEvent.What.UPHELD,
        DisputeEvent.What.REJECTED,
        DisputeEvent.What.WITHDRAWN,
        DisputeEvent.What.LAPSED_UNANSWERED,
        DisputeEvent.What.UPHELD_ON_APPEAL,
    }
)


def _differences(disputes: Sequence[Dispute]) -> dict[tuple[int, datetime], int]:
    """By citizen and instant, by how much a step of these disputes moved the score (one query)."""
    instants = {(dispute.enrolment_id, event.at) for dispute in disputes for event in dispute.events.all()}
    if not instants:
        return {}
    changes = ScoreChange.objects.filter(
        enrolment_id__in={citizen_id for citizen_id, _ in instants}, at__in={at for _, at in instants}
    )
    rows = changes.values_list("enrolment_id", "at", "cause", "difference")
    return {
        (citizen_id, at): difference
        for citizen_id, at, cause, difference in rows
        if cause == ScoreChange.Cause.DISPUTE and difference is not None
    }


def _entry_told(entry: Entry) -> dict[str, Any]:
    kind = catalogue.kind_of_number(entry.kind_number)
    return {
        "id": entry.public_id,
        "kind": kind.code,
        "title": kind.title,
        "occurred_on": entry.occurred_on,
        "value": value_told(entry.value),
        "status": entry.status,
    }


def evidence_told(one: Evidence) -> dict[str, Any]:
    """A file by its id, what it is and how large; never by the name under which it is kept."""
    return {
        "id": one.public_id,
        "content_type": one.content_type,
        "size": one.size,
        "sha256": one.sha256,
        "added_at": one.added_at,
    }


def _days_left(dispute: Dispute, now: datetime) -> int | None:
    """Days the furnisher still has, the due day included; None when it is not waited for."""
    if dispute.due_on is None or dispute.answered_at is not None or dispute.state not in Dispute.UNDECIDED:
        return None
    return max(0, (dispute.due_on - scoring_day(now)).days + 1)


def effect_of(dispute: Dispute, *, now: datetime | None = None) -> dict[str, int | None] | None:
    """The score now, and what each decision would make of it, by the same arithmetic; None once it is over."""
    if not dispute.is_open:
        return None
    now = now or timezone.now()
    card, today = current_scorecard().card, scoring_day(now)
    entries, keys = entries_to_score(dispute.enrolment_id), {one.entry_id for one in dispute.disputed.all()}

    def valued(status: str | None) -> int | None:
        told = [
            one._replace(status=status) if status and one.id in keys and one.status != scoring.STRUCK else one
            for one in entries
        ]
        return scoring.score(card, told, today).value

    return {"now": valued(None), "if_upheld": valued(scoring.STRUCK), "if_rejected": valued(scoring.ACTIVE)}


def disputes_of_source(source: Source, *, now: datetime | None = None) -> DisputeQuerySet:
    """What a furnisher is told of: where it was asked, what is open and what ended in the last 30 days.

    A dispute whose records are erased, the link with them, is no longer told.
    """
    now = now or timezone.now()
    recent = Q(state__in=Dispute.OPEN) | Q(ended_at__gt=now - RECENT)
    named = Exists(DisputedEntry.objects.filter(dispute=OuterRef("pk")))
    rows = Dispute.objects.filter(recent, named, source=source, asked_at__isnull=False)
    return rows.prefetch_related(_ENTRIES, _EVIDENCE)


def furnisher_rows(disputes: Sequence[Dispute], *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Disputes as their furnisher reads them: its own subject and ids, the ground and the statement."""
    now = now or timezone.now()
    return [_furnisher_row(dispute, now) for dispute in disputes]


def _furnisher_row(dispute: Dispute, now: datetime) -> dict[str, Any]:
    disputed = list(dispute.disputed.all())
    days_left = _days_left(dispute, now)
    return {
        "id": dispute.public_id,
        "state": dispute.state,
        "subject": disputed[0].entry.link.subject,
        "external_ids": [one.entry.external_id for one in disputed],
        "ground": dispute.ground,
        "statement": dispute.statement,
        "asked_at": dispute.asked_at,
        "due_on": dispute.due_on,
        "days_left": days_left,
        "due_soon": days_left is not None and days_left <= DUE_SOON_DAYS,
        "reminders": _reminders(dispute),
        "answer": dispute.position or None,
        "evidence": [evidence_told(one) for one in dispute.evidence.all()] if dispute.shares_evidence else [],
    }


def _reminders(dispute: Dispute) -> int:
    return sum(day <= dispute.reminded_day for day in REMINDER_DAYS)
