"""How well and how evenly what `score_entries` printed tells who ended badly. Aggregates only; nothing is stored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scores.learning.files import BadFile, Split, read_groups, read_outcomes, read_scored
from scores.learning.measures import SMALLEST_CELL, TellsNothing, power, selection

THRESHOLDS = (550, 600, 640, 650, 660, 680, 700)


class Command(BaseCommand):
    help = "Measure the output of score_entries against outcomes: AUC, KS and, with groups, selection-rate ratios."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--outcomes", required=True, metavar="FILE", help="CSV or NDJSON of subject and outcome (1: bad)"
        )
        parser.add_argument("--groups", metavar="FILE", help="subject and groups")
        parser.add_argument(
            "--fit-on", default="mod10<7", metavar="modM<N", help="who was learned from, and so is left out"
        )
        parser.add_argument("--threshold", action="append", type=int, help="a value to look at; may be repeated")
        parser.add_argument(
            "printed", nargs="+", metavar="FILE.ndjson", help="what score_entries printed, one per card"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            split = Split(options["fit_on"])
            outcomes = read_outcomes(options["outcomes"])
            groups = read_groups(options["groups"]) if options["groups"] else {}
            for path in options["printed"]:
                scored = {one: value for one, value in read_scored(path).items() if one in outcomes}
                self._tell(
                    path,
                    {one: value for one, value in scored.items() if not split.is_to_fit(one)},
                    outcomes,
                    groups,
                    options,
                )
        except (BadFile, TellsNothing) as error:
            raise CommandError(str(error), returncode=2) from error

    def _tell(
        self,
        path: str,
        values: dict[str, int | None],
        outcomes: dict[str, bool],
        groups: dict[str, dict[str, str]],
        options: dict[str, Any],
    ) -> None:
        known = [(value, outcomes[subject]) for subject, value in values.items() if value is not None]
        if len(known) < SMALLEST_CELL:
            raise BadFile(f"{path}: fewer than {SMALLEST_CELL} people with a value and an outcome.")
        found = power([value for value, _ in known], [is_bad for _, is_bad in known])
        self.stdout.write(f"{path}: {len(known):,} people, AUC {found.auc:.4f}, KS {found.ks:.4f}")
        for attribute, of_subject in groups.items():
            names = [of_subject.get(subject, "not known") for subject in values]
            for threshold in options["threshold"] or THRESHOLDS:
                one = selection(list(values.values()), names, threshold)
                rates = ", ".join(f"{name} {rate:.3f}" for name, rate in one.rates.items() if rate is not None)
                ratio = "nobody reaches it" if one.ratio is None else f"ratio {one.ratio:.3f}"
                self.stdout.write(f"  {attribute}, from {threshold}: {ratio} (all {one.reached:.3f}; {rates})")
