"""PURE: a new scorecard's text out of its structure's: the same document, comments and all, with other numbers."""

from collections.abc import Mapping
from typing import NamedTuple

import yaml

from scores.catalogue import format_value
from scores.scorecard import Scorecard, load_scorecard


class RuleNumbers(NamedTuple):
    """What is new about a rule, in milli-points: its bins' points and its limits."""

    points: list[int]
    least: int
    most: int


def rewritten(text: str, *, version: str, rules: Mapping[str, RuleNumbers]) -> str:
    """The structure's text with this version and these rules' numbers; everything else stands as it stood."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("A scorecard is a mapping.")
    parts = _mapping(root)
    changes = [(parts["version"], f'"{version}"')]
    for node in parts["rules"].value:
        rule = _mapping(node)
        numbers = rules.get(rule["code"].value)
        if numbers is None:
            continue
        changes += [(rule["min"], _points(numbers.least)), (rule["max"], _points(numbers.most))]
        bins = [_mapping(one)["points"] for one in rule["bins"].value]
        changes += [(bin, _points(points)) for bin, points in zip(bins, numbers.points, strict=True)]
    # From the end, so that the places before a change stay where they are.
    for node, new in sorted(changes, key=lambda change: -change[0].start_mark.index):
        text = text[: node.start_mark.index] + new + text[node.end_mark.index :]
    return text


def with_numbers(text: str, *, version: str, rules: Mapping[str, RuleNumbers]) -> tuple[str, Scorecard]:
    """The text, and the scorecard it loads to; `InvalidScorecard` where the numbers make it none."""
    new = rewritten(text, version=version, rules=rules)
    return new, load_scorecard(new)


def _mapping(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value}


def _points(milli_points: int) -> str:
    return format_value(milli_points * 10)
