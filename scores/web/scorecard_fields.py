"""The editing form of a scorecard as a template draws it: each field with its value, its faults and its warnings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from scores import catalogue
from scores.scorecard import EVERY, LATEST
from scores.scorecard_form import beside, places_of
from scores.services.drafts import Judged
from scores.wording import band_title, factor_title, kind_title, purpose_title, rule_title

Choices = Sequence[tuple[str, str]]
COUNTS: Final = [(EVERY, "Every record"), (LATEST, "Only the latest")]


class Box(NamedTuple):
    """One field: `kind` is `text`, `number`, `select`, `checks` (value is a list) or `flag` (value is a boolean)."""

    name: str
    label: str
    kind: str
    value: Any
    faults: Sequence[str] = ()
    warnings: Sequence[str] = ()
    choices: Choices = ()
    hint: str = ""


class Place(NamedTuple):
    """A group of fields: a rule, a bin, a purpose. `name` is its path, for what is said about it as a whole."""

    name: str
    title: str
    boxes: Sequence[Box]
    inner: Sequence["Place"] = ()
    faults: Sequence[str] = ()
    warnings: Sequence[str] = ()
    fault_count: int = 0
    about: str = ""


class Said(NamedTuple):
    """Faults and warnings by the field they stand beside."""

    faults: Mapping[str, Sequence[str]]
    warnings: Mapping[str, Sequence[str]]

    @property
    def fault_count(self) -> int:
        return sum(map(len, self.faults.values()))


def said_beside(document: Mapping[str, Any], judged: Judged) -> Said:
    names = places_of(document)
    return Said(beside(judged.faults, names), beside(judged.warnings, names))


def form_of(document: Mapping[str, Any], judged: Judged) -> dict[str, Any]:
    """The context of the form's template."""
    said = said_beside(document, judged)
    make = _Boxes(said)
    factors = [(one["code"], factor_title(one["code"])) for one in document["factors"] if one["code"]]
    return {
        "frame": [
            make.box("version", "Version", "text", document["version"], hint="New for every published scorecard."),
            make.box("base", "Everybody starts at", "number", document["base"]),
            make.box("range.min", "Lowest score", "number", document["range"]["min"]),
            make.box("range.max", "Highest score", "number", document["range"]["max"]),
            make.box(
                "thin_file.min_entries",
                "Records needed for a score",
                "number",
                document["thin_file"]["min_entries"],
            ),
        ],
        "bands": make.place("bands", "Bands", [], [make.band(*one) for one in enumerate(document["bands"])]),
        "factors": make.place("factors", "Factors", [], [make.factor(*one) for one in enumerate(document["factors"])]),
        "purposes": [make.purpose(code, purpose, factors) for code, purpose in document["purposes"].items()],
        "rules": make.place("rules", "Rules", [], [make.rule(*one, factors) for one in enumerate(document["rules"])]),
        "elsewhere": said.faults.get("", ()),
        "fault_count": said.fault_count,
        "warning_count": sum(map(len, said.warnings.values())),
    }


class _Boxes:
    def __init__(self, said: Said) -> None:
        self.said = said

    def box(self, name: str, label: str, kind: str, value: Any, choices: Choices = (), hint: str = "") -> Box:
        faults, warnings = self.said.faults.get(name, ()), self.said.warnings.get(name, ())
        return Box(name, label, kind, value, faults, warnings, choices, hint)

    def place(self, name: str, title: str, boxes: Sequence[Box], inner: Sequence[Place] = (), about: str = "") -> Place:
        faults, warnings = self.said.faults.get(name, ()), self.said.warnings.get(name, ())
        within = sum(len(messages) for at, messages in self.said.faults.items() if _is_within(at, name))
        return Place(name, title, boxes, inner, faults, warnings, within, about)

    def band(self, number: int, band: Mapping[str, Any]) -> Place:
        name = f"bands[{number}]"
        boxes = [
            self.box(f"{name}.code", "Code", "text", band["code"]),
            self.box(f"{name}.from", "From", "number", band["from"]),
        ]
        return self.place(name, band_title(band["code"]) or f"Band {number + 1}", boxes)

    def factor(self, number: int, factor: Mapping[str, Any]) -> Place:
        name = f"factors[{number}]"
        boxes = [
            self.box(f"{name}.code", "Code", "text", factor["code"]),
            self.box(f"{name}.min", "Takes at most", "number", factor["min"]),
            self.box(f"{name}.max", "Gives at most", "number", factor["max"]),
        ]
        return self.place(name, factor_title(factor["code"]) or f"Factor {number + 1}", boxes)

    def purpose(self, code: str, purpose: Mapping[str, Any], factors: Choices) -> Place:
        name = f"purposes.{code}"
        boxes = [self.box(f"{name}.factors", "Factors that may count", "checks", purpose["factors"], factors)]
        needs = []
        for number, need in enumerate(purpose["needs"]):
            at = f"{name}.needs[{number}]"
            asked = [
                self.box(f"{at}.entries", "Records at least", "number", need["entries"]),
                self.box(f"{at}.any", "of any of these", "checks", need["any"], factors),
            ]
            needs.append(self.place(at, f"Need {number + 1}", asked))
        return self.place(name, purpose_title(code), boxes, needs)

    def rule(self, number: int, rule: Mapping[str, Any], factors: Choices) -> Place:
        name = f"rules[{number}]"

        def box(key: str, label: str, kind: str, choices: Choices = (), hint: str = "") -> Box:
            return self.box(f"{name}.{key}", label, kind, rule.get(key, ""), choices, hint)

        kind = catalogue.kind(rule["kind"]) if rule["kind"] in catalogue.CODES else None
        boxes = [
            box("code", "Code", "text"),
            box("kind", "Reads", "select", _with([(code, kind_title(code)) for code in catalogue.CODES], rule["kind"])),
            box("factor", "Belongs to", "select", _with(factors, rule["factor"])),
            box("counts", "Counts", "select", _with(COUNTS, rule["counts"])),
            box("lapses_after_months", "Months a record counts", "number"),
            box("min", "Takes at most", "number"),
            box("max", "Gives at most", "number"),
            box("max_per_source", "One source at most", "number", hint="Empty: no limit."),
            box("fades", "Fades month by month", "flag"),
        ]
        bins = []
        for place, bin in enumerate(rule["bins"]):
            at = f"{name}.bins[{place}]"
            up_to = self.box(f"{at}.up_to", "Values up to", "number", bin.get("up_to", ""))
            bins.append(
                self.place(at, f"Bin {place + 1}", [up_to, self.box(f"{at}.points", "Points", "number", bin["points"])])
            )
        about = f"{kind.meaning} A value is {kind.allowed} ({kind.unit})." if kind else ""
        return self.place(name, rule_title(rule["code"]) or f"Rule {number + 1}", boxes, bins, about)


def _with(choices: Iterable[tuple[str, str]], value: str) -> Choices:
    """The choices with whatever is chosen now among them, so that showing the form changes nothing."""
    known = list(choices)
    return known if value in dict(known) else [(value, value or "Choose"), *known]


def _is_within(at: str, name: str) -> bool:
    return at == name or at.startswith((f"{name}.", f"{name}["))
