"""The scorecard's document as the fields of a form, and back: a field is named like the place a fault is told at.

`rules[2].bins[0].points` is both the path of a `Problem` and the name of the field beside which it is shown. Whatever
is sent becomes a document of the right shape; what is wrong inside is for `scorecard_from_document` to say. No Django
here.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from scores.scorecard import EVERY, PURPOSES
from scores.scorecard_parts import Problem

LONGEST_FIELD: Final = 64
MOST_ITEMS: Final = 200
"""Of one list: more rules than there are kinds to read would be a mistake."""
GetList = Callable[[str], Sequence[str]]

BAND, FACTOR = ("code", "from"), ("code", "min", "max")
RULE = ("code", "kind", "factor", "counts", "lapses_after_months", "min", "max")
BIN = ("up_to", "points")
_ITEM = re.compile(r"^(?P<list>.*)\[(?P<place>\d{1,4})\]$", re.ASCII)


def document_from_fields(names: Iterable[str], getlist: GetList) -> dict[str, Any]:
    """The document that the fields of a sent form describe; places left out by a removal close up."""
    fields = _Fields(names, getlist)
    return {
        "version": fields.text("version"),
        "range": {"min": fields.number("range.min"), "max": fields.number("range.max")},
        "base": fields.number("base"),
        "thin_file": {"min_entries": fields.number("thin_file.min_entries")},
        "bands": [fields.of(place, BAND) for place in fields.places("bands")],
        "factors": [fields.of(place, FACTOR) for place in fields.places("factors")],
        "purposes": {
            code: {
                "factors": fields.texts(f"purposes.{code}.factors"),
                "needs": [
                    {"any": fields.texts(f"{place}.any"), "entries": fields.number(f"{place}.entries")}
                    for place in fields.places(f"purposes.{code}.needs")
                ],
            }
            for code in PURPOSES
        },
        "rules": [fields.rule(place) for place in fields.places("rules")],
    }


class _Fields:
    """Reads the fields of one form by their paths."""

    def __init__(self, names: Iterable[str], getlist: GetList) -> None:
        self.getlist = getlist
        self.places_of: dict[str, set[int]] = {}
        for name in names:
            for end in (index + 1 for index, letter in enumerate(name[:200]) if letter == "]"):
                if found := _ITEM.match(name[:end]):
                    self.places_of.setdefault(found["list"], set()).add(int(found["place"]))

    def places(self, path: str) -> list[str]:
        return [f"{path}[{place}]" for place in sorted(self.places_of.get(path, ()))[:MOST_ITEMS]]

    def texts(self, name: str) -> list[str]:
        return [_plain(text) for text in self.getlist(name)[:MOST_ITEMS] if text]

    def text(self, name: str) -> str:
        sent = self.getlist(name)
        return _plain(sent[-1]) if sent else ""

    def number(self, name: str) -> str:
        """A number as it was typed, but for a true minus, a plus and a decimal comma, which people type too."""
        text = self.text(name).replace("−", "-").removeprefix("+")
        return text.replace(",", ".") if re.fullmatch(r"-?\d+,\d+", text) else text

    def of(self, place: str, keys: Sequence[str]) -> dict[str, Any]:
        reads = {"code": self.text, "kind": self.text, "factor": self.text, "counts": self.text}
        return {key: reads.get(key, self.number)(f"{place}.{key}") for key in keys}

    def rule(self, place: str) -> dict[str, Any]:
        read = self.of(place, RULE)
        rule = {key: read[key] for key in RULE[:5]}
        rule["fades"] = self.text(f"{place}.fades") == "true"
        rule |= {"min": read["min"], "max": read["max"]}
        if limit := self.number(f"{place}.max_per_source"):
            rule["max_per_source"] = limit
        bins = [self.of(bin, BIN) for bin in self.places(f"{place}.bins")]
        # No bound is how the last bin says that it takes every other value.
        rule["bins"] = [{key: value for key, value in bin.items() if key != "up_to" or value} for bin in bins]
        return rule


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()[:LONGEST_FIELD]


def with_item(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The document with one more item at the end of the list at `path`; unchanged where there is no such list.

    A new bin comes before the last, which has no bound.
    """
    items, kind = _list_at(document, path)
    if items is None or len(items) >= MOST_ITEMS:
        return document
    if kind == "bins":
        items.insert(max(len(items) - 1, 0), {"up_to": "", "points": ""})
    elif kind == "rules":
        items.append(
            {"code": "", "kind": "", "factor": "", "counts": EVERY, "lapses_after_months": "24", "fades": False}
            | {"min": "0", "max": "", "bins": [{"up_to": "0", "points": ""}, {"points": ""}]}
        )
    elif kind == "needs":
        items.append({"any": [], "entries": ""})
    else:
        items.append(dict.fromkeys(BAND if kind == "bands" else FACTOR, ""))
    return document


def without_item(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The document without the item at `path` (such as `rules[2].bins[0]`)."""
    found = _ITEM.match(path)
    items, _ = _list_at(document, found["list"]) if found else (None, "")
    if items is not None and found and int(found["place"]) < len(items):
        del items[int(found["place"])]
    return document


_LISTS = re.compile(
    r"(?P<top>bands|factors|rules)|rules\[(?P<rule>\d{1,3})\]\.bins|purposes\.(?P<purpose>[a-z]+)\.needs", re.ASCII
)


def _list_at(document: dict[str, Any], path: str) -> tuple[list[Any] | None, str]:
    found = _LISTS.fullmatch(path)
    if found is None:
        return None, ""
    if found["top"]:
        return document[found["top"]], found["top"]
    if found["rule"]:
        rules = document["rules"]
        return (rules[int(found["rule"])]["bins"], "bins") if int(found["rule"]) < len(rules) else (None, "")
    purpose = document["purposes"].get(found["purpose"])
    return (purpose["needs"], "needs") if purpose is not None else (None, "")


def beside(problems: Iterable[Problem], names: Iterable[str]) -> dict[str, list[str]]:
    """The messages by the field each stands beside: its own, or the nearest one around it; `""` where there is none."""
    known, placed = set(names), {}  # type: set[str], dict[str, list[str]]
    for problem in problems:
        path = problem.path
        while path and path not in known:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        placed.setdefault(path, []).append(problem.message)
    return placed


def places_of(document: Mapping[str, Any]) -> list[str]:
    """Every place of the form where a fault can be shown: fields, and the groups of fields around them."""
    names = ["version", "range.min", "range.max", "base", "thin_file.min_entries", "bands", "factors", "rules"]
    for list_name, keys in (("bands", BAND), ("factors", FACTOR)):
        names += [f"{list_name}[{place}].{key}" for place in range(len(document[list_name])) for key in keys]
    for code, purpose in document["purposes"].items():
        names += [f"purposes.{code}", f"purposes.{code}.factors", f"purposes.{code}.needs"]
        names += [
            f"purposes.{code}.needs[{place}].{key}"
            for place in range(len(purpose["needs"]))
            for key in ("any", "entries")
        ]
    for place, rule in enumerate(document["rules"]):
        names += [f"rules[{place}]", f"rules[{place}].bins"]
        names += [f"rules[{place}].{key}" for key in (*RULE, "fades", "max_per_source")]
        names += [f"rules[{place}].bins[{bin}].{key}" for bin in range(len(rule["bins"])) for key in BIN]
    return names
