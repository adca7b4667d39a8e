"""Reading what is learned from: outcomes, groups for the report, and who is learned from and who is kept to test on."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scores.forbidden_kinds import never_an_input

SUBJECT, OUTCOME = "subject", "outcome"
LONGEST_NAME: Final = 60
_SPLIT = re.compile(r"mod([1-9][0-9]{0,2})<([1-9][0-9]{0,2})", re.ASCII)


class BadFile(ValueError):
    """The file is none to learn from; the message says where and why."""


class ProtectedInput(BadFile):
    """The file brings in what nobody may be judged by, or a named proxy of it."""


class Split:
    """Who is learned from: those whose number, modulo some, is small (`mod10<7`). The others are tested on."""

    def __init__(self, rule: str) -> None:
        read = _SPLIT.fullmatch(rule.replace(" ", ""))
        if read is None or not 0 < int(read[2]) < int(read[1]):
            raise BadFile(f"{rule!r} is no rule to split by: it must be like mod10<7.")
        self.rule, self.modulus, self.below = rule, int(read[1]), int(read[2])

    def is_to_fit(self, subject: str) -> bool:
        """By the digits a subject ends in."""
        digits = re.search(r"([0-9]+)\Z", subject)
        if digits is None:
            raise BadFile(
                f"The subject {subject!r:.40} does not end in a number, so it cannot be split by {self.rule}."
            )
        return int(digits[1]) % self.modulus < self.below


def read_outcomes(path: str) -> dict[str, bool]:
    """Of each subject, whether it ended badly (outcome 1), from NDJSON or CSV with exactly `subject` and `outcome`."""
    outcomes: dict[str, bool] = {}
    for number, row in _rows(path):
        for name in row:
            if name not in (SUBJECT, OUTCOME):
                raise unwanted(name, f"{path}, line {number}")
        subject, outcome = str(row.get(SUBJECT, "")), str(row.get(OUTCOME, ""))
        if not subject or outcome not in ("0", "1"):
            raise BadFile(f"{path}, line {number}: there must be a subject and an outcome of 0 or 1.")
        if subject in outcomes:
            raise BadFile(f"{path}, line {number}: the subject stands there twice.")
        outcomes[subject] = outcome == "1"
    return outcomes


def read_groups(path: str) -> dict[str, dict[str, str]]:
    """Per attribute, the group of each subject. These go to the report and nowhere else."""
    groups: dict[str, dict[str, str]] = {}
    for number, row in _rows(path):
        subject = str(row.get(SUBJECT, ""))
        if not subject or len(row) < 2:
            raise BadFile(f"{path}, line {number}: there must be a subject and at least one group.")
        for name, group in row.items():
            if name != SUBJECT:
                groups.setdefault(str(name)[:LONGEST_NAME], {})[subject] = str(group)[:LONGEST_NAME]
    return groups


def read_scored(path: str) -> dict[str, int | None]:
    """The value of each subject in what `score_entries` printed."""
    return {str(row[SUBJECT]): row["value"] for _, row in _rows(path) if SUBJECT in row and "value" in row}


def refuse_protected(path: str) -> None:
    """Refuse a file of entries of which a key or a kind is protected or a named proxy; other faults are not judged."""
    seen: set[str] = set()
    for number, row in _rows(path):
        for name in (*row, str(row.get("kind", ""))):
            if name not in seen and never_an_input(name) is not None:
                raise unwanted(name, f"{path}, line {number}")
            seen.add(name)


def unwanted(name: object, where: str) -> BadFile:
    """The refusal of a column that is none of those read."""
    why_not = never_an_input(str(name))
    if why_not is not None:
        return ProtectedInput(f"{where}: {str(name)[:LONGEST_NAME]} can never be an input: {why_not}.")
    return BadFile(f"{where}: the column {str(name)[:LONGEST_NAME]!r} is not read here.")


def _rows(path: str) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """The rows of an NDJSON or, where the file's first sign is no brace, a CSV file, with their line numbers."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            is_json = file.read(1) == "{"
            file.seek(0)
            if is_json:
                for number, line in enumerate(file, start=1):
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise BadFile(f"{path}, line {number}: it is not a JSON object.")
                    yield number, row
            else:
                yield from enumerate(csv.DictReader(file, restkey="beyond the header", restval=""), start=2)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error
