"""Every scorecard that was published, for everybody to read: when, why, and what it changed of the one before."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import QuerySet

from citizen_app.errors import NotFound
from scores.models import Scorecard
from scores.scorecard_diff import Part, differences
from scores.services.publishing import card_of

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Published:
    """One version; `before` and `parts` are what it replaced and changed, None for the first."""

    row: Scorecard
    before: Scorecard | None
    parts: list[Part] | None


def published_scorecards() -> list[Published]:
    """The versions, newest first, each with what it changed (each document is read once in a process)."""
    newest_first = [*_published()[: MOST_SHOWN + 1], None]
    return [_compared(row, before) for row, before in pairwise(newest_first) if row is not None][:MOST_SHOWN]


def published_scorecard(version: str) -> Published:
    """One version; `NotFound` where none of that name was published."""
    row = _published().filter(version=version[:64]).first() if version.isprintable() else None
    if row is None:
        raise NotFound
    earlier = _published().filter(pk__lt=row.pk).first()
    return _compared(row, earlier)


def notes_of(versions: Collection[str]) -> dict[str, str]:
    """What the public was told about these versions."""
    return dict(Scorecard.objects.filter(version__in=versions).exclude(note="").values_list("version", "note"))


def _published() -> QuerySet[Scorecard]:
    return Scorecard.objects.filter(published_at__isnull=False).defer("document").order_by("-pk")


def _compared(row: Scorecard, before: Scorecard | None) -> Published:
    return Published(row, before, None if before is None else differences(card_of(before), card_of(row)))
