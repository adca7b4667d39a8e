"""The shortest way to a threshold: the smallest set of things to do, or to wait for, after which it is met.

Every step is tried by the arithmetic of the score itself, on the citizen's own records and hypothetical ones. Only
what comes from sources the citizen has switched on already is suggested, so nobody is advised to share more, and
nothing that costs money. No clock, no database, no Django.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from typing import Final, NamedTuple

from scores.catalogue import VALUE_SCALE
from scores.scorecard_parts import Scorecard
from scores.scoring import DISPUTED, STRUCK, Entry, Hypothetical, month, score, what_if

WAIT: Final = "wait_for_lapse"
MOST_STEPS: Final = 3
MOST_TRIALS: Final = 2_000
"""How often the score is computed at most: about half a second. What was not tried by then is not suggested."""
LONGEST_WAIT: Final = 12
"""How many months a suggestion may ask to wait."""
MOST_WAITS: Final = 4
"""How many records are waited for at most: those that lapse first."""


class Habit(NamedTuple):
    """Something a person can do without sharing more or spending money, and how often it is suggested at most."""

    code: str
    kind: str
    value: int
    most: int


HABITS: Final = (
    Habit("pay_on_time", "credit.payment", 0, 12),
    Habit("use_less_of_the_limit", "credit.utilisation", VALUE_SCALE // 5, 1),
    Habit("file_taxes_on_time", "conduct.tax", 0, 1),
    Habit("hand_in_recycling", "conduct.recycling", 10 * VALUE_SCALE, 12),
    Habit("volunteer", "conduct.volunteering", 8 * VALUE_SCALE, 12),
    Habit("set_up_second_factor", "identity.mfa", VALUE_SCALE, 1),
)


class Step(NamedTuple):
    """One suggestion: `times` more records of a kind, or the lapse of one of the citizen's (`entry_id`, `on`)."""

    code: str
    kind: str
    value: int = 0
    times: int = 1
    entry_id: int | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """What leads from `value` to `threshold`; `steps` is empty where it is met already, or nothing leads there."""

    purpose: str
    threshold: int
    value: int | None
    value_then: int | None
    steps: tuple[Step, ...]

    @property
    def is_met(self) -> bool:
        return self.value is not None and self.value >= self.threshold

    @property
    def leads_there(self) -> bool:
        return self.value_then is not None and self.value_then >= self.threshold


class _Choice(NamedTuple):
    """A step that may be taken up to `most` times."""

    step: Step
    most: int


def shortest_path(card: Scorecard, entries: Sequence[Entry], as_of: date, *, purpose: str, threshold: int) -> Path:
    """The path of fewest steps, among those one without waiting, and among those of fewest records, whose what-if
    reaches the threshold.

    Records are imagined to come today; a step that waits imagines its record gone. `KeyError` for no purpose.
    """
    now = score(card, entries, as_of).purposes[purpose].value
    if now is not None and now >= threshold:
        return Path(purpose, threshold, now, now, ())
    trials = 0

    def value_after(steps: Sequence[Step]) -> int | None:
        nonlocal trials
        trials += 1
        add = [Hypothetical(one.kind, as_of, one.value) for one in _repeated(steps)]
        without = {one.entry_id for one in steps if one.entry_id is not None}
        return what_if(card, entries, as_of, add=add, without=without).purposes[purpose].value

    choices = [*_habits(card, entries, purpose), *_waits(card, entries, as_of, purpose)]
    for count in range(1, MOST_STEPS + 1):
        within_reach = []
        for chosen in combinations(choices, count):
            best = value_after([choice.step._replace(times=choice.most) for choice in chosen])
            if best is not None and best >= threshold:
                within_reach.append(chosen)
            if trials >= MOST_TRIALS:
                break
        most = sum(choice.most for choice in choices) if within_reach else -1
        # Doing goes before waiting, which may be long: of as many steps, those without a wait are tried first.
        for is_waiting, total in product((False, True), range(count, most + 1)):
            for chosen in within_reach:
                if any(choice.step.code == WAIT for choice in chosen) != is_waiting:
                    continue
                for counts in _shared_out(total, [choice.most for choice in chosen]):
                    steps = tuple(
                        choice.step._replace(times=often) for choice, often in zip(chosen, counts, strict=True)
                    )
                    value = value_after(steps)
                    if value is not None and value >= threshold:
                        return Path(purpose, threshold, now, value, steps)
                    if trials >= MOST_TRIALS:
                        return Path(purpose, threshold, now, None, ())
    return Path(purpose, threshold, now, None, ())


def _repeated(steps: Sequence[Step]) -> Iterator[Step]:
    """Each step that adds records, as often as it adds one."""
    for step in steps:
        if step.entry_id is None:
            yield from [step] * step.times


def _shared_out(total: int, most: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every way to take each at least once and `total` times together."""
    if len(most) == 1:
        if 1 <= total <= most[0]:
            yield (total,)
        return
    for first in range(1, min(most[0], total - len(most) + 1) + 1):
        for others in _shared_out(total - first, most[1:]):
            yield (first, *others)


def _habits(card: Scorecard, entries: Sequence[Entry], purpose: str) -> Iterator[_Choice]:
    """What the citizen does already, where more of it earns points that count for the purpose."""
    does = {entry.kind for entry in entries if entry.is_on and entry.status != STRUCK}
    shares_identity = any(entry.is_on and entry.kind.startswith("identity.") for entry in entries)
    for habit in HABITS:
        known = habit.kind in does or (habit.kind == "identity.mfa" and shares_identity)
        if not known or not _earns(card, habit, purpose):
            continue
        if habit.kind == "identity.mfa" and habit.kind in does:
            continue  # it is set up
        yield _Choice(Step(habit.code, habit.kind, habit.value), habit.most)


def _earns(card: Scorecard, habit: Habit, purpose: str) -> bool:
    factors = next(one.factors for one in card.purposes if one.code == purpose)
    rules = card.rules_of_kind.get(habit.kind, ())
    return any(rule.factor in factors and rule.milli_points(habit.value) > 0 for rule in rules)


def _waits(card: Scorecard, entries: Sequence[Entry], as_of: date, purpose: str) -> list[_Choice]:
    """The records that cost points for the purpose, those first that stop counting first."""
    factors = next(one.factors for one in card.purposes if one.code == purpose)
    waits = []
    for entry in entries:
        if not entry.is_on or entry.status in (STRUCK, DISPUTED) or entry.occurred_on > as_of:
            continue
        costs = [
            rule
            for rule in card.rules_of_kind.get(entry.kind, ())
            if rule.factor in factors
            and rule.milli_points(entry.value) < 0
            and month(as_of) - month(entry.occurred_on) < rule.lapses_after_months
        ]
        if costs and entry.lapses_on > as_of:
            lapses = min(
                _months_after(entry.occurred_on, max(rule.lapses_after_months for rule in costs)), entry.lapses_on
            )
            if month(lapses) - month(as_of) <= LONGEST_WAIT:
                waits.append(_Choice(Step(WAIT, entry.kind, entry.value, 1, entry.id, lapses), 1))
    waits.sort(key=lambda one: (one.step.on, one.step.entry_id))
    return waits[:MOST_WAITS]


def _months_after(day: date, months: int) -> date:
    years, place = divmod(day.month - 1 + months, 12)
    return date(min(day.year + years, date.max.year), place + 1, 1)
