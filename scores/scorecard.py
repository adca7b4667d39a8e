"""The scorecard: the versioned, immutable document that says what every record earns.

`load_scorecard` reads the YAML an operator publishes and `scorecard_from_document` the form kept in the database, both
strictly: whatever is unknown, missing, doubled or out of bounds is refused, all of it at once and each with its place.
Numbers are decimal text and never become floats. No Django here.
"""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from scores import catalogue
from scores.scorecard_parts import (
    EVERY,
    LATEST,
    POINT,
    Band,
    Bin,
    Factor,
    Need,
    Problem,
    Purpose,
    Rule,
    Scorecard,
)
from scores.scorecard_yaml import NUMBER, Quoted, read_yaml

__all__ = [
    "EVERY",
    "LATEST",
    "POINT",
    "PURPOSES",
    "Band",
    "Bin",
    "Factor",
    "InvalidScorecard",
    "Need",
    "Problem",
    "Purpose",
    "Rule",
    "Scorecard",
    "load_scorecard",
    "scorecard_from_document",
]

PURPOSES: Final = ("travel", "rental", "retail", "dating")
NEVER_BELOW_ZERO: Final = ("conduct", "identity", "vouches")
"""Factors that may only help (P5)."""
POINTS_LIMIT: Final = 10_000
LONGEST_LAPSE: Final = 1_200

T = TypeVar("T")
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}", re.ASCII)
_RULE_KEYS = ["code", "kind", "factor", "counts", "lapses_after_months", "fades", "min", "max", "bins"]


class InvalidScorecard(ValueError):
    """The document is no scorecard; `errors` name every place."""

    def __init__(self, errors: list[Problem]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


def load_scorecard(text: str) -> Scorecard:
    """The scorecard written in this YAML; `InvalidScorecard` names everything that is wrong with it."""
    errors: list[Problem] = []
    document = read_yaml(text, errors)
    if errors:
        raise InvalidScorecard(errors)
    return _Reader(numbers_are_text=False).scorecard(document)


def scorecard_from_document(document: Mapping[str, Any]) -> Scorecard:
    """The scorecard kept as `Scorecard.document`, checked as strictly as when it was loaded."""
    return _Reader(numbers_are_text=True).scorecard(document)


class _Reader:
    """Reads one document, noting every error. A part that could not be read is None, and skipped by later checks."""

    def __init__(self, *, numbers_are_text: bool) -> None:
        self.numbers_are_text = numbers_are_text
        self.errors: list[Problem] = []
        self.failed_paths: set[str] = set()

    # -- Pieces -----------------------------------------------------------------------------------------------

    def fail(self, path: str, message: str) -> None:
        """Note an error, unless one at the same place or around it has said why already."""
        around = (path[:end] for end, letter in enumerate(path) if letter in ".[")
        if path in self.failed_paths or not self.failed_paths.isdisjoint(around):
            return
        self.failed_paths.add(path)
        self.errors.append(Problem(path, message))

    def mapping(self, raw: Any, path: str, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
        if not isinstance(raw, dict):
            self.fail(path, f"There must be a mapping here with {', '.join(required)}.")
            return {}
        for key in raw:
            if key not in required and key not in optional:
                self.fail(f"{path}.{key:.40}" if path else f"{key:.40}", "This key is not known.")
        for key in required:
            if key not in raw:
                self.fail(f"{path}.{key}" if path else key, "This is missing.")
        return raw

    def listed(self, raw: Any, path: str, read: Callable[[Any, str], T | None]) -> list[T | None]:
        if not isinstance(raw, list) or not raw:
            self.fail(path, "There must be a list with at least one item here.")
            return []
        return [read(item, f"{path}[{place}]") for place, item in enumerate(raw)]

    def number(self, raw: Any, path: str, decimals: int) -> int | None:
        """The number times ten to the power of `decimals`."""
        if self.numbers_are_text and isinstance(raw, int) and not isinstance(raw, bool):
            raw = Decimal(raw)
        if self.numbers_are_text and isinstance(raw, str) and NUMBER.fullmatch(raw):
            raw = Decimal(raw)
        if not isinstance(raw, Decimal):
            self.fail(path, f"There must be a plain decimal number here, not {_shown(raw)}.")
            return None
        scaled = raw.scaleb(decimals)
        if scaled != scaled.to_integral_value():
            self.fail(path, f"{raw} has too many decimals: at most {decimals} are read.")
            return None
        return int(scaled)

    def points(self, raw: Any, path: str) -> int | None:
        """Points as micro-points: at most three decimals, at most 10,000 either way."""
        milli = self.number(raw, path, 3)
        if milli is None:
            return None
        if abs(milli) > POINTS_LIMIT * 1_000:
            self.fail(path, f"Points must be within ±{POINTS_LIMIT:,}.")
            return None
        return milli * 1_000

    def whole(self, raw: Any, path: str, least: int, most: int) -> int | None:
        number = self.number(raw, path, 0)
        if number is not None and not least <= number <= most:
            self.fail(path, f"This must be a whole number from {least:,} to {most:,}.")
            return None
        return number

    def flag(self, raw: Any, path: str) -> bool | None:
        if not isinstance(raw, bool):
            self.fail(path, f"This must be true or false, not {_shown(raw)}.")
            return None
        return raw

    def code(self, raw: Any, path: str) -> str | None:
        if not isinstance(raw, str) or not _CODE.fullmatch(raw):
            self.fail(path, f"There must be a code in lower case here, not {_shown(raw)}.")
            return None
        return str(raw)

    def one_of(self, raw: Any, path: str, known: Collection[str], what: str) -> str | None:
        if not isinstance(raw, str) or raw not in known:
            self.fail(path, f"{_shown(raw)} is not a known {what}: {', '.join(known)}.")
            return None
        return str(raw)

    def unique(self, codes: list[str | None], path: str, key: str) -> None:
        for place, code in enumerate(codes):
            if code is not None and code in codes[:place]:
                self.fail(f"{path}[{place}]{key}", f"{code} stands here twice.")

    def bounds(self, raw: dict[str, Any], path: str) -> tuple[int | None, int | None]:
        """A min and a max with zero between them."""
        least = self.points(raw["min"], f"{path}.min") if "min" in raw else None
        most = self.points(raw["max"], f"{path}.max") if "max" in raw else None
        if least is not None and least > 0:
            self.fail(f"{path}.min", "min must be 0 or less.")
        if most is not None and most < 0:
            self.fail(f"{path}.max", "max must be 0 or more.")
        return least, most

    # -- Parts ------------------------------------------------------------------------------------------------

    def band(self, raw: Any, path: str) -> tuple[str | None, int | None]:
        read = self.mapping(raw, path, ("code", "from"))
        return (
            self.code(read["code"], f"{path}.code") if "code" in read else None,
            self.points(read["from"], f"{path}.from") if "from" in read else None,
        )

    def factor(self, raw: Any, path: str) -> tuple[str | None, int | None, int | None]:
        read = self.mapping(raw, path, ("code", "min", "max"))
        code = self.code(read["code"], f"{path}.code") if "code" in read else None
        least, most = self.bounds(read, path)
        if code in NEVER_BELOW_ZERO and least is not None and least != 0:
            self.fail(f"{path}.min", f"{code} may only help, so its min must be 0.")
        return code, least, most

    def codes(self, raw: Any, path: str, known: Collection[str], what: str) -> tuple[str, ...]:
        codes = self.listed(raw, path, lambda item, place: self.one_of(item, place, known, what))
        self.unique(codes, path, "")
        return tuple(code for code in codes if code is not None)

    def need(self, raw: Any, path: str, factors: Collection[str]) -> Need:
        read = self.mapping(raw, path, ("any", "entries"))
        among = self.codes(read["any"], f"{path}.any", factors, "factor of this purpose") if "any" in read else ()
        entries = self.whole(read["entries"], f"{path}.entries", 1, 10_000) if "entries" in read else None
        return Need(among, entries or 1)

    def purpose(self, code: str, raw: Any, path: str, known: Collection[str]) -> Purpose:
        read = self.mapping(raw, path, ("factors", "needs"))
        factors = self.codes(read["factors"], f"{path}.factors", known, "factor") if "factors" in read else ()
        needs: list[Need | None] = []
        # A purpose may ask for nothing, which is an empty list.
        if "needs" in read and read["needs"] != []:
            needs = self.listed(read["needs"], f"{path}.needs", lambda item, at: self.need(item, at, factors))
        return Purpose(code, factors, tuple(need for need in needs if need is not None))

    def bin(self, raw: Any, path: str) -> tuple[int | None, int | None, bool]:
        """Its bound in ten-thousandths, its milli-points, and whether it has a bound."""
        read = self.mapping(raw, path, ("points",), ("up_to",))
        micro = self.points(read["points"], f"{path}.points") if "points" in read else None
        up_to = None
        if "up_to" in read:
            up_to = self.number(read["up_to"], f"{path}.up_to", 4)
            if up_to is not None and abs(up_to) > catalogue.VALUE_LIMIT:
                self.fail(f"{path}.up_to", "No value goes beyond ±999,999,999.9999.")
        return up_to, None if micro is None else micro // 1_000, "up_to" in read

    def bins(self, raw: Any, path: str) -> tuple[Bin, ...]:
        read = [one for one in self.listed(raw, path, self.bin) if one is not None]
        before: int | None = None
        for place, (up_to, _, has_bound) in enumerate(read):
            is_last = place == len(read) - 1
            if is_last and has_bound:
                self.fail(f"{path}[{place}].up_to", "The last bin takes every other value, so it has no up_to.")
            if not is_last and not has_bound:
                self.fail(f"{path}[{place}].up_to", "This is missing: only the last bin has no up_to.")
            if up_to is not None and before is not None and up_to <= before:
                self.fail(f"{path}[{place}].up_to", "Bins must rise: this up_to is not above the one before.")
            before = up_to if up_to is not None else before
        return tuple(Bin(up_to, milli or 0) for up_to, milli, _ in read)

    def rule(self, raw: Any, path: str, factors: Collection[str]) -> Rule | None:
        errors_before = len(self.errors)
        read = self.mapping(raw, path, _RULE_KEYS, ("max_per_source",))
        if any(key not in read for key in _RULE_KEYS):
            return None
        code = self.code(read["code"], f"{path}.code")
        kind = self.one_of(read["kind"], f"{path}.kind", catalogue.CODES, "kind")
        factor = self.one_of(read["factor"], f"{path}.factor", factors, "factor")
        counts = self.one_of(read["counts"], f"{path}.counts", (EVERY, LATEST), "way to count")
        lapses = self.whole(read["lapses_after_months"], f"{path}.lapses_after_months", 1, LONGEST_LAPSE)
        if lapses and kind and lapses > (longest := catalogue.kind(kind).max_months):
            self.fail(f"{path}.lapses_after_months", f"An entry of {kind} lives {longest} months at most.")
        fades = self.flag(read["fades"], f"{path}.fades")
        least, most = self.bounds(read, path)
        max_per_source = None
        if "max_per_source" in read:
            max_per_source = self.points(read["max_per_source"], f"{path}.max_per_source")
            if max_per_source is not None and max_per_source <= 0:
                self.fail(f"{path}.max_per_source", "This must be more than 0.")
        bins = self.bins(read["bins"], f"{path}.bins")
        if len(self.errors) > errors_before:
            return None
        return Rule(
            code=str(code),
            kind=str(kind),
            factor=str(factor),
            counts=str(counts),
            lapses_after_months=lapses or 1,
            fades=bool(fades),
            least=least or 0,
            most=most or 0,
            max_per_source=max_per_source,
            bins=bins,
        )

    # -- The whole --------------------------------------------------------------------------------------------

    def scorecard(self, raw: Any) -> Scorecard:
        parts = ("version", "range", "base", "thin_file", "bands", "factors", "purposes", "rules")
        read = dict.fromkeys(parts) | self.mapping(raw, "", parts)
        version = self.version(read["version"])
        among = {"min": None, "max": None} | self.mapping(read["range"], "range", ("min", "max"))
        least, most = self.points(among["min"], "range.min"), self.points(among["max"], "range.max")
        base = self.points(read["base"], "base")
        if least is not None and least < 0:
            self.fail("range.min", "The range must not go below 0.")
            least = None
        if least is not None and most is not None and least >= most:
            self.fail("range.max", "The range's max must be above its min.")
            most = None
        if None not in (least, base, most) and not least <= base <= most:  # type: ignore[operator]
            self.fail("base", "The base must be inside the range.")
        thin = {"min_entries": None} | self.mapping(read["thin_file"], "thin_file", ("min_entries",))
        min_entries = self.whole(thin["min_entries"], "thin_file.min_entries", 1, 10_000)

        bands = self.bands(read["bands"], least)
        factors = self.listed(read["factors"], "factors", self.factor)
        known = [factor[0] for factor in factors if factor and factor[0]]
        self.unique([factor[0] for factor in factors if factor], "factors", ".code")
        purposes = self.purposes(read["purposes"], known)
        rules = self.listed(read["rules"], "rules", lambda item, path: self.rule(item, path, known))
        self.unique([rule.code if rule else None for rule in rules], "rules", ".code")
        if self.errors:
            raise InvalidScorecard(self.errors)

        card = Scorecard(
            version=version,
            least=least or 0,
            most=most or 0,
            base=base or 0,
            min_entries=min_entries or 1,
            bands=bands,
            factors=tuple(Factor(str(code), low or 0, high or 0) for code, low, high in filter(None, factors)),
            purposes=purposes,
            rules=tuple(rule for rule in rules if rule is not None),
        )
        self.check_reach(card)
        if self.errors:
            raise InvalidScorecard(self.errors)
        return card

    def version(self, raw: Any) -> str:
        if not self.numbers_are_text and not isinstance(raw, Quoted):
            self.fail("version", f'The version must stand in quotes, like "2026-11", not {_shown(raw)}.')
        elif not isinstance(raw, str) or not _VERSION.fullmatch(raw):
            self.fail("version", "The version is 1 to 32 letters, digits, dots, dashes or underscores.")
        return str(raw)

    def bands(self, raw: Any, least: int | None) -> tuple[Band, ...]:
        read = [band for band in self.listed(raw, "bands", self.band) if band is not None]
        self.unique([code for code, _ in read], "bands", ".code")
        before: int | None = None
        for place, (_, starts_at) in enumerate(read):
            if starts_at is None:
                continue
            if place == 0 and least is not None and starts_at != least:
                self.fail("bands[0].from", "The first band must begin at the range's min.")
            if before is not None and starts_at <= before:
                self.fail(f"bands[{place}].from", "Bands must rise: this one does not begin above the one before.")
            before = starts_at
        return tuple(Band(str(code), starts_at or 0) for code, starts_at in read)

    def purposes(self, raw: Any, known: Collection[str]) -> tuple[Purpose, ...]:
        read = self.mapping(raw, "purposes", PURPOSES)
        return tuple(self.purpose(code, read[code], f"purposes.{code}", known) for code in read if code in PURPOSES)

    def check_reach(self, card: Scorecard) -> None:
        """Refuse a purpose that can never rise above the base's own band."""
        home = card.bands.index(card.band_of(card.rounded(card.base)))
        for purpose in card.purposes:
            highest = min(card.base + sum(card.factor_of[code].most for code in purpose.factors), card.most)
            if card.bands.index(card.band_of(card.rounded(highest))) <= home:
                self.fail(
                    f"purposes.{purpose.code}",
                    f"At {card.rounded(highest)} the best its factors can do is still the band of the base.",
                )


def _shown(raw: Any) -> str:
    match raw:
        case None:
            return "nothing"
        case bool():
            return "true" if raw else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case Quoted() | str():
            return f"the text {str(raw)!r:.60}"
    return str(raw)[:60]
