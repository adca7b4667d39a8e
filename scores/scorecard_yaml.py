"""Reading a scorecard's YAML without guessing: plain numbers become decimals and nothing else becomes a number.

YAML's own rules would turn 2.50 into a float, `no` into a boolean and 2026-11-01 into a date. Here a plain scalar that
is written as a decimal number is a `Decimal`, `true` and `false` are booleans, and all others stay the text they are;
quoted text is `Quoted`. Doubled keys, anchors used again and explicit tags are refused. No Django here.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from scores.scorecard_parts import Problem

LONGEST_TEXT = 262_144
DEEPEST = 12
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,10})?", re.ASCII)


class Quoted(str):
    """Text that stood in quotes, so nobody can have meant a number."""

    __slots__ = ()


def read_yaml(text: str, errors: list[Problem]) -> Any:
    """The document as plain dicts, lists, `Decimal`s, booleans, texts and None; what is wrong is added to `errors`."""
    if len(text) > LONGEST_TEXT:
        errors.append(Problem("", f"The document is longer than {LONGEST_TEXT:,} characters."))
        return None
    events: list[yaml.Event] = []
    depth = 0
    try:
        # Event by event, because reading very deep nesting to its end takes for ever.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                errors.append(Problem("", f"The document is nested deeper than {DEEPEST} levels."))
                return None
            events.append(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        errors.append(Problem("", f"This is not YAML: {getattr(error, 'problem', None) or 'unreadable text'}{place}."))
        return None
    documents = sum(isinstance(event, yaml.DocumentStartEvent) for event in events)
    if documents != 1:
        errors.append(Problem("", f"There must be one document, not {documents}."))
        return None
    nodes = (
        event
        for event in events
        if not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentStartEvent)
    )
    return _node(next(nodes), nodes, "", errors)


def _node(event: yaml.Event, rest: Iterator[yaml.Event], path: str, errors: list[Problem]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        errors.append(Problem(path, "Write it out: an alias is not read."))
        return None
    if event.tag is not None:  # type: ignore[attr-defined]
        errors.append(Problem(path, "Tags are not read."))
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(event := next(rest), yaml.SequenceEndEvent):
            items.append(_node(event, rest, f"{path}[{len(items)}]", errors))
        return items
    found: dict[str, Any] = {}
    while not isinstance(event := next(rest), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            errors.append(Problem(path, "A key must be a plain word."))
            _skip(event, rest)
            _skip(next(rest), rest)
            continue
        key = str(event.value)
        place = f"{path}.{key:.40}" if path else f"{key:.40}"
        if key in found:
            errors.append(Problem(place, "This key stands here twice."))
        found[key] = _node(next(rest), rest, place, errors)
    return found


def _skip(event: yaml.Event, rest: Iterator[yaml.Event]) -> None:
    level = 0
    while True:
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level == 0:
            return
        event = next(rest)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = str(event.value)
    if event.style:
        return Quoted(text)
    if NUMBER.fullmatch(text):
        return Decimal(text)
    if text in ("true", "false"):
        return text == "true"
    return None if text in ("", "~", "null") else text
