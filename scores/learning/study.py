"""From records and outcomes to a draft scorecard and everything its report says: aggregates only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from scores.learning import boosting
from scores.learning.drafting import Anchor, held_to_limits, numbers_of, scale_between
from scores.learning.features import Column, columns_of, only, weights_of
from scores.learning.files import Split
from scores.learning.fitting import CannotFit, fit_log_odds
from scores.learning.measures import CurvePoint, Power, Selection, Tenth, curve, power, selection, tenths
from scores.learning.rewriting import with_numbers
from scores.scorecard import Rule, Scorecard
from scores.scorecard_parts import FULL_WEIGHT, POINT
from scores.scoring import Entry, score

STEP: Final = 10
UPPER_LINE: Final = "Gradient boosting (upper line)"


@dataclass(frozen=True, slots=True)
class People:
    """People with their records and whether they ended badly; three lists, one item a person."""

    subjects: Sequence[str]
    entries: Sequence[Sequence[Entry]]
    bad: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Draft:
    """The fitted card's text, the same loaded, and the rules whose points were found, as they stand in it."""

    text: str
    card: Scorecard
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class Line:
    """One way to tell who will end badly, measured on the people tested on."""

    name: str
    power: Power
    curve: Sequence[CurvePoint]


@dataclass(frozen=True, slots=True)
class BinUse:
    """A bin as the draft has it, and how many of the records learned from counted in it."""

    up_to: int | None
    milli_points: int
    records: int


@dataclass(frozen=True, slots=True)
class Study:
    """What the report tells."""

    draft: Draft
    as_of: date
    split: Split
    anchors: Sequence[Anchor]
    fitted_on: int
    tested_on: int
    bad_rate: float
    unscored: int
    lines: Sequence[Line]
    tenths: Sequence[Tenth]
    bins: Mapping[str, Sequence[BinUse]]
    without: Mapping[str, Power]
    """Of each kind, what is left when the points are found without its rules (log-odds, before rounding)."""
    fairness: Mapping[str, Sequence[Selection]]
    fairness_of_others: Mapping[str, Mapping[str, Sequence[Selection]]]
    sizes: Mapping[str, Mapping[str, int]]
    gives_away: Mapping[str, Mapping[str, Mapping[str, float]]]


def rules_to_fit(structure: Scorecard, kinds: set[str]) -> list[Rule]:
    """The rules that read a kind the records have: the others keep their points."""
    rules = [rule for rule in structure.rules if rule.kind in kinds]
    if not rules:
        raise CannotFit("No rule of the structure reads any of these records.")
    capped = [rule.code for rule in rules if rule.max_per_source is not None]
    if capped:
        raise CannotFit(f"Points of rules with a limit per source are not found from records: {', '.join(capped)}.")
    return rules


def parted(entries: Mapping[str, Sequence[Entry]], outcomes: Mapping[str, bool], split: Split) -> tuple[People, People]:
    """The people to learn from and those to test on: whoever has records and an outcome."""
    sides: tuple[list[str], list[str]] = ([], [])
    for subject in sorted(entries.keys() & outcomes.keys()):
        sides[0 if split.is_to_fit(subject) else 1].append(subject)
    first, second = (People(side, [entries[one] for one in side], [outcomes[one] for one in side]) for side in sides)
    return first, second


def draft_from(
    text: str, structure: Scorecard, people: People, as_of: date, anchors: Sequence[Anchor], version: str
) -> Draft:
    """The draft that these people's outcomes speak for within the structure."""
    rules = rules_to_fit(structure, {entry.kind for entries in people.entries for entry in entries})
    columns = columns_of(rules)
    weights = held_to_limits(
        rules, columns, [weights_of(only(structure, rules), each, as_of) for each in people.entries]
    )
    fit = fit_log_odds(rules, columns, weights, people.bad)
    scale = scale_between(structure.base // POINT, anchors, columns, weights, fit)
    new, card = with_numbers(text, version=version, rules=numbers_of(rules, columns, weights, fit, scale))
    return Draft(new, card, [card.rule_of[rule.code] for rule in rules])


def study(
    draft: Draft,
    structure: Scorecard,
    fitted: People,
    tested: People,
    *,
    as_of: date,
    split: Split,
    anchors: Sequence[Anchor],
    others: Sequence[Scorecard] = (),
    groups: Mapping[str, Mapping[str, str]] | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Study:
    """Measure the draft, other cards and the upper line on the people tested on, and how even the draft is."""
    groups = groups or {}
    say("Scoring the people tested on")
    values = {
        card.version: [score(card, each, as_of).value for each in tested.entries] for card in (draft.card, *others)
    }
    mine = values[draft.card.version]
    lines = [_line(name, each, tested.bad) for name, each in values.items()]
    kinds = sorted({rule.kind for rule in draft.rules})
    say("Gradient boosting for the upper line")
    months = [[boosting.months_of(each, kinds, as_of) for each in people.entries] for people in (fitted, tested)]
    lines.append(_line(UPPER_LINE, boosting.boosted(months[0], fitted.bad, months[1]), tested.bad))
    say("Without each kind in turn")
    without = _without_each(structure, kinds, fitted, tested, as_of)
    gives_away = {}
    for attribute, of_subject in groups.items():
        say(f"What the kinds give away about {attribute}")
        sides = [[of_subject.get(subject, "not known") for subject in people.subjects] for people in (fitted, tested)]
        by_kind = {
            kind: tuple([row[place * boosting.MONTHS :][: boosting.MONTHS] for row in side] for side in months)
            for place, kind in enumerate(kinds)
        }
        gives_away[attribute] = boosting.gives_away(by_kind, sides[0], sides[1])  # type: ignore[arg-type]
    of_tested = {
        attribute: [of_subject.get(subject, "not known") for subject in tested.subjects]
        for attribute, of_subject in groups.items()
    }
    thresholds = _thresholds(draft.card)
    known = [(value, is_bad) for value, is_bad in zip(mine, tested.bad, strict=True) if value is not None]
    return Study(
        draft=draft,
        as_of=as_of,
        split=split,
        anchors=anchors,
        fitted_on=len(fitted.subjects),
        tested_on=len(tested.subjects),
        bad_rate=sum(tested.bad) / len(tested.bad),
        unscored=len(mine) - len(known),
        lines=lines,
        tenths=tenths([value for value, _ in known], [is_bad for _, is_bad in known]),
        bins=_bins_used(draft, fitted, as_of),
        without=without,
        fairness={name: [selection(mine, each, one) for one in thresholds] for name, each in of_tested.items()},
        fairness_of_others={
            card.version: {
                name: [selection(values[card.version], each, one) for one in thresholds]
                for name, each in of_tested.items()
            }
            for card in others
        },
        sizes={name: {group: each.count(group) for group in sorted(set(each))} for name, each in of_tested.items()},
        gives_away=gives_away,
    )


def _line(name: str, values: Sequence[float | None], bad: Sequence[bool]) -> Line:
    known = [(value, is_bad) for value, is_bad in zip(values, bad, strict=True) if value is not None]
    split = [value for value, _ in known], [is_bad for _, is_bad in known]
    return Line(name, power(*split), curve(*split))


def _thresholds(card: Scorecard) -> list[int]:
    """Every ten points from the first band above the lowest to where the last band begins."""
    starts = [band.first_value for band in card.bands[1:]] or [card.rounded(card.base)]
    return sorted({*range(starts[0], starts[-1] + 1, STEP), *starts})


def _bins_used(draft: Draft, people: People, as_of: date) -> dict[str, list[BinUse]]:
    columns = columns_of(draft.rules)
    used = dict.fromkeys(columns, 0)
    narrow = only(draft.card, draft.rules)
    for entries in people.entries:
        for column, weight in zip(columns, weights_of(narrow, entries, as_of), strict=True):
            used[column] += weight
    return {
        rule.code: [
            BinUse(bin.up_to, bin.milli_points, used[Column(rule.code, place)] // FULL_WEIGHT)
            for place, bin in enumerate(rule.bins)
        ]
        for rule in draft.rules
    }


def _without_each(
    structure: Scorecard, kinds: Sequence[str], fitted: People, tested: People, as_of: date
) -> dict[str, Power]:
    left: dict[str, Power] = {}
    for kind in ("", *kinds):
        rules = [rule for rule in rules_to_fit(structure, set(kinds)) if rule.kind != kind]
        columns, narrow = columns_of(rules), only(structure, rules)
        to_fit, to_test = (
            held_to_limits(rules, columns, [weights_of(narrow, each, as_of) for each in people.entries])
            for people in (fitted, tested)
        )
        try:
            fit = fit_log_odds(rules, columns, to_fit, fitted.bad)
        except CannotFit:
            continue
        odds = [
            sum(weight * fit.log_odds[column] for column, weight in zip(columns, row, strict=True)) for row in to_test
        ]
        left[kind] = power(odds, tested.bad)
    return left
