"""Learn the points of a scorecard from what became of people: a draft and a report, for operators to judge."""

import re
from argparse import ArgumentParser
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scores.learning.drafting import Anchor
from scores.learning.files import BadFile, Split, read_groups, read_outcomes, refuse_protected
from scores.learning.fitting import CannotFit
from scores.learning.measures import TellsNothing
from scores.learning.report import render
from scores.learning.study import draft_from, parted, study
from scores.management.commands.score_entries import BadLine, _day, _read_entries, _scorecard, of_each_subject
from scores.scorecard import InvalidScorecard

NEEDED = ("numpy", "scipy", "sklearn")
_ANCHOR = re.compile(r"([0-9]{1,4})=(0?\.[0-9]{1,4})", re.ASCII)


class Command(BaseCommand):
    help = (
        "Find the points of a scorecard's structure from labelled outcomes; write the draft and a report. Nothing is "
        "stored or published. Needs requirements-analysis.txt."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scorecard", required=True, metavar="STRUCTURE.yaml", help="rules and bins to fit")
        parser.add_argument(
            "--outcomes", required=True, metavar="FILE", help="CSV or NDJSON of subject and outcome (1: bad)"
        )
        parser.add_argument("--as-of", required=True, metavar="YYYY-MM-DD", help="the day to count entries on")
        parser.add_argument(
            "--fit-on", default="mod10<7", metavar="modM<N", help="who is learned from (default: mod10<7)"
        )
        parser.add_argument(
            "--share",
            action="append",
            metavar="VALUE=SHARE",
            help="the share of those learned from that should reach a value; twice (default: 550=0.91 and 650=0.66)",
        )
        parser.add_argument(
            "--compare", action="append", default=[], metavar="FILE.yaml", help="another card to measure"
        )
        parser.add_argument("--groups", metavar="FILE", help="subject and groups: for the report only, never an input")
        parser.add_argument("--version", required=True, dest="card_version", help="the draft's version")
        parser.add_argument("--source", metavar="FILE.txt", help="where the records are from, and their licence")
        parser.add_argument("--out", required=True, metavar="CARD.yaml", help="where the draft goes")
        parser.add_argument("--report", metavar="REPORT.html", help="where the report goes")
        parser.add_argument("entries", metavar="FILE.ndjson", help="the entries, as for score_entries")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """`--version` is the draft's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *_args: Any, **options: Any) -> None:
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise CommandError(
                f"{', '.join(missing)} cannot be imported. Learning needs more than the product: "
                "pip install -r requirements-analysis.txt",
                returncode=2,
            )
        try:
            self._fit(options)
        except (BadFile, BadLine, CannotFit, TellsNothing, InvalidScorecard) as error:
            raise CommandError(str(error), returncode=2) from error

    def _fit(self, options: dict[str, Any]) -> None:
        as_of: date = _day(options["as_of"], "--as-of")
        split, anchors = Split(options["fit_on"]), _anchors(options["share"] or ["550=0.91", "650=0.66"])
        structure = _scorecard(options["scorecard"])
        others = [_scorecard(path) for path in options["compare"]]
        outcomes = read_outcomes(options["outcomes"])
        groups = read_groups(options["groups"]) if options["groups"] else {}
        refuse_protected(options["entries"])
        fitted, tested = parted(of_each_subject(_read_entries(options["entries"])), outcomes, split)
        if not fitted.subjects or not tested.subjects:
            raise BadFile("There must be people with records and an outcome on both sides of the split.")
        self.stdout.write(f"Learning from {len(fitted.subjects):,} people, testing on {len(tested.subjects):,}.")
        text = Path(options["scorecard"]).read_text(encoding="utf-8")
        draft = draft_from(text, structure, fitted, as_of, anchors, options["card_version"])
        done = study(
            draft,
            structure,
            fitted,
            tested,
            as_of=as_of,
            split=split,
            anchors=anchors,
            others=others,
            groups=groups,
            say=lambda step: self.stdout.write(f"{step} …"),
        )
        Path(options["out"]).write_text(draft.text, encoding="utf-8")
        for line in done.lines:
            self.stdout.write(f"{line.name}: AUC {line.power.auc:.4f}, KS {line.power.ks:.4f}")
        for warning in draft.card.warnings:
            self.stdout.write(f"Warning: {warning}")
        self.stdout.write(f"{options['out']} written.")
        if options["report"]:
            page = render(
                done,
                command=_command(options),
                source=_text(options["source"]) or "Nothing is said about where the records are from.",
                structure_name=Path(options["scorecard"]).name,
            )
            Path(options["report"]).write_text(page, encoding="utf-8")
            self.stdout.write(f"{options['report']} written.")


def _anchors(given: list[str]) -> list[Anchor]:
    read = [_ANCHOR.fullmatch(one) for one in given]
    anchors = [Anchor(int(one[1]), float(one[2])) for one in read if one]
    if len(anchors) != 2 or len(given) != 2 or anchors[0].value == anchors[1].value:
        raise BadFile("--share must be given twice, for two values, like --share 550=0.91 --share 650=0.66.")
    return anchors


def _text(path: str | None) -> str:
    try:
        return " ".join(Path(path).read_text(encoding="utf-8").split()) if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error


def _command(options: dict[str, Any]) -> str:
    """The call, with the files by their names: where they lay is nobody's business."""
    parts = ["python manage.py fit_scorecard"]
    for option, name in (("scorecard", "scorecard"), ("outcomes", "outcomes"), ("groups", "groups")):
        if options[name]:
            parts.append(f"--{option} {Path(options[name]).name}")
    parts += [f"--as-of {options['as_of']}", f"--fit-on '{options['fit_on']}'"]
    parts += [f"--share {one}" for one in options["share"] or []]
    parts += [f"--compare {Path(path).name}" for path in options["compare"]]
    parts.append(f"--version {options['card_version']} --out {Path(options['out']).name}")
    if options["report"]:
        parts.append(f"--report {Path(options['report']).name}")
    if options["source"]:
        parts.append(f"--source {Path(options['source']).name}")
    return " \\\n    ".join([*parts, Path(options["entries"]).name])
