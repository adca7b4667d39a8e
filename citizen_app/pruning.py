"""What has served its time goes: one rule per kind of record, registered by the room that keeps it.

`manage.py prune` runs them all, and the relay does so once a day by itself. docs/privacy.md is the table of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from citizen_app.models import OutboxMessage
from citizen_app.outbox import enqueue, handles, sweeps

log = structlog.get_logger(__name__)

Step = Callable[[datetime], int]
TOPIC: Final = "prune"
EVERY: Final = timedelta(days=1)
AT_ONCE: Final = 500
MOST_STEPS: Final = 200
"""How often one rule is asked to go on in one run: the next day goes on where it stopped."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of record: how many are overdue, and a step that lets go of some and says how many (0: all are gone)."""

    name: str
    overdue: Step
    step: Step


_rules: dict[str, Rule] = {}


def prunes(name: str, *, overdue: Callable[[datetime], QuerySet[Any]]) -> Callable[[Step], Step]:
    """Register a rule: `overdue(now)` are the rows, the decorated step lets go of some of them and says how many."""

    def register(step: Step) -> Step:
        if name in _rules:
            raise ValueError(f"Two rules of one name: {name}")
        _rules[name] = Rule(name, lambda now: overdue(now).count(), step)
        return step

    return register


def deletes(name: str, overdue: Callable[[datetime], QuerySet[Any]]) -> None:
    """Register a rule that deletes the rows, some in a transaction."""

    @prunes(name, overdue=overdue)
    def step(now: datetime) -> int:
        return delete_some(overdue(now))


def delete_some(rows: QuerySet[Any]) -> int:
    """Delete up to `AT_ONCE` of some rows; return how many of these rows went."""
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return int(rows.model._default_manager.filter(pk__in=pks).delete()[1].get(rows.model._meta.label, 0)) if pks else 0


def update_some(rows: QuerySet[Any], **values: Any) -> int:
    """Change up to `AT_ONCE` of some rows; return how many. The change must take them out of `rows`."""
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return rows.model._default_manager.filter(pk__in=pks).update(**values) if pks else 0


def overdue_by_rule(now: datetime) -> dict[str, int]:
    """How many records each rule would let go of."""
    return {name: rule.overdue(now) for name, rule in _rules.items()}


def prune_all(now: datetime) -> dict[str, int]:
    """Run every rule; one that fails is raised after the others have run. Safe to repeat."""
    counts: dict[str, int] = {}
    failures = []
    for name, rule in _rules.items():
        counts[name] = 0
        try:
            for _ in range(MOST_STEPS):
                done = rule.step(now)
                counts[name] += done
                if not done:
                    break
        except Exception as failure:
            log.exception("prune.failed", rule=name)
            failures.append(failure)
    if failures:
        raise ExceptionGroup("Some records that have served their time are still there.", failures)
    return counts


def years_before(instant: datetime, years: int) -> datetime:
    """The same moment of an earlier year; the 28th for a 29th of February."""
    try:
        return instant.replace(year=instant.year - years)
    except ValueError:
        return instant.replace(year=instant.year - years, day=28)


@sweeps("prune.scheduled")
def schedule(now: datetime) -> int:
    """Promise the next day's pruning where nobody has."""
    if OutboxMessage.objects.filter(topic=TOPIC, done_at=None, dead_at=None).exists():
        return 0
    with transaction.atomic():
        enqueue(TOPIC, due_at=now + EVERY)
    return 1


@handles(TOPIC)
def prune_daily() -> None:
    """Let go of what has served its time; the sweep promises the next day's."""
    prune_all(timezone.now())
