"""Measure the rule of vouches against a ring of made-up accounts, on real ratings of people who trade."""

import csv
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from scores.trust import trust_reaching

Graph = dict[int, set[int]]

SEEDS: Final = 20
RING: Final = 30
TRUSTED: Final = "trusted"
MEDIAN_BELOW: Final = 15
MEDIAN_MOVES_BELOW: Final = 1
NOBODY_MOVES_OVER: Final = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """One fraudster's percentile before and after the attack."""

    before: float
    after: float


class Command(BaseCommand):
    help = (
        "Attack each labelled fraudster's standing with a ring of new accounts that vouch for each other and for them, "
        "and print where the rule and where raw counts put them. Nothing is stored. Exit code 1 if it is captured."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ratings", metavar="RATINGS.csv", help="rater, rated, rating: above 0 is a vouch")
        parser.add_argument("labels", metavar="LABELS.csv", help="user, label: trusted, or another for a fraudster")

    def handle(self, *_args: Any, **options: Any) -> None:
        labels = {int(row["user"]): row["label"] for row in _rows(options["labels"], {"user", "label"})}
        ratings = [
            (int(row["rater"]), int(row["rated"]), int(row["rating"]))
            for row in _rows(options["ratings"], {"rater", "rated", "rating"})
        ]
        trusted = sorted(user for user, label in labels.items() if label == TRUSTED)
        graph = vouches_of(ratings, labels)
        vouching = {person for giver, receivers in graph.items() for person in (giver, *receivers)}
        everybody = {person for rater, rated, _ in ratings for person in (rater, rated)}
        fraudsters = sorted((labels.keys() - set(trusted)) & everybody)
        if len(trusted) < SEEDS or not fraudsters:
            raise CommandError(f"There must be {SEEDS} users labelled {TRUSTED} and a fraudster.", returncode=2)
        seeds = trusted[:SEEDS]
        self.stdout.write(f"{len(everybody):,} people, {sum(map(len, graph.values())):,} vouches, {SEEDS} seeds.")
        captured = False
        for title, people in (("who vouch or are vouched for", vouching), ("who rate or are rated", everybody)):
            attacked = [one for one in fraudsters if one in people]
            ours = [*_attacks(graph, people, attacked, lambda given: trust_of(given, seeds))]
            raw = [*_attacks(graph, people, attacked, counts_of)]
            captured |= not is_accepted(ours)
            self.stdout.write(f"\nPercentiles of {len(attacked)} fraudsters among the {len(people):,} people {title}:")
            self.stdout.write(f"{'':24}{'median before':>15}{'after':>8}{'moved':>8}{'most moved':>12}")
            for name, moved in (("trust from seeds", ours), ("vouches counted", raw)):
                before, after, most = _summary(moved)
                self.stdout.write(f"{name:24}{before:>15.1f}{after:>8.1f}{after - before:>8.1f}{most:>12.1f}")
        if captured:
            raise CommandError("The rule is captured by a ring.", returncode=1)


def _rows(path: str, columns: Collection[str]) -> list[dict[str, str]]:
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from error
    if not rows or not rows[0].keys() >= set(columns):
        raise CommandError(f"{path} needs the columns {', '.join(sorted(columns))}.", returncode=2)
    return rows


def vouches_of(ratings: list[tuple[int, int, int]], labels: Mapping[int, str]) -> Graph:
    """Who vouches for whom: positive ratings, without those by which the labels themselves were made."""
    graph: Graph = {}
    for rater, rated, rating in ratings:
        if rating > 0 and rater != rated and not (labels.get(rater) == TRUSTED and rated in labels):
            graph.setdefault(rater, set()).add(rated)
    return graph


def trust_of(graph: Graph, seeds: Collection[int]) -> dict[int, int]:
    return trust_reaching(seeds, lambda people: {one: graph[one] for one in people if one in graph})


def counts_of(graph: Graph) -> dict[int, int]:
    """How many vouch for each: what is captured by whoever makes accounts."""
    return dict(Counter(receiver for receivers in graph.values() for receiver in receivers))


def ring_for(graph: Graph, one: int) -> tuple[Graph, set[int]]:
    """The same people and a ring of new ones who vouch for each other and for this one; and who is new."""
    new = set(range(-RING, 0))
    return graph | {member: (new - {member}) | {one} for member in new}, new


def percentile(values: Mapping[int, int], one: int, people: Collection[int]) -> float:
    """The share of people with strictly less, plus half of those with as much."""
    own = values.get(one, 0)
    less = sum(values.get(person, 0) < own for person in people)
    ties = sum(values.get(person, 0) == own for person in people)
    return 100 * (less + ties / 2) / len(people)


def _attacks(
    graph: Graph, people: set[int], fraudsters: list[int], value: Callable[[Graph], dict[int, int]]
) -> Iterator[Moved]:
    """Each fraudster in turn attacked on their own behalf."""
    before = value(graph)
    for one in fraudsters:
        attacked, new = ring_for(graph, one)
        yield Moved(percentile(before, one, people), percentile(value(attacked), one, people | new))


def _summary(moved: list[Moved]) -> tuple[float, float, float]:
    return (
        median(one.before for one in moved),
        median(one.after for one in moved),
        max(abs(one.after - one.before) for one in moved),
    )


def is_accepted(moved: list[Moved]) -> bool:
    """Whether the ring gained next to nothing: the median stays low and still, and nobody moves far."""
    before, after, most = _summary(moved)
    return after < MEDIAN_BELOW and after - before < MEDIAN_MOVES_BELOW and most <= NOBODY_MOVES_OVER
