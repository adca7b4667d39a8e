"""What one scorecard changes of another, in the words people read it in. No Django here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from scores import catalogue
from scores.catalogue import VALUE_SCALE, format_value
from scores.scorecard_parts import EVERY, FULL_WEIGHT, Need, Rule, Scorecard
from scores.wording import band_title, factor_title, kind_title, purpose_title, rule_title

MINUS = "−"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing before and after; "" where there is none on that side."""

    what: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Part:
    """What changes about one part of the scorecard. A rule shows its bins side by side, also those that stay."""

    title: str
    about: str
    changes: list[Change]
    bins: list[Change] = field(default_factory=list)
    unit: str = ""


def differences(before: Scorecard, after: Scorecard) -> list[Part]:
    """Every part that differs, in the order of the document; nothing where both earn everybody the same."""
    parts = [
        Part("The sum", "Where everybody starts, and how far a score goes.", list(_frame(before, after))),
        Part("Bands", "The first score of each band.", list(_bands(before, after))),
        Part("Factors", "How much each group of rules can take and give.", list(_factors(before, after))),
        *_purposes(before, after),
        *_rules(before, after),
    ]
    return [part for part in parts if part.changes or any(row.differs for row in part.bins)]


def _changed(what: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        yield Change(what, before, after)


def _frame(before: Scorecard, after: Scorecard) -> Iterator[Change]:
    yield from _changed("Everybody starts at", _points(before.base), _points(after.base))
    yield from _changed("Lowest score", _points(before.least), _points(after.least))
    yield from _changed("Highest score", _points(before.most), _points(after.most))
    yield from _changed("Records needed for a score", str(before.min_entries), str(after.min_entries))


def _bands(before: Scorecard, after: Scorecard) -> Iterator[Change]:
    was, is_ = ({band.code: str(band.first_value) for band in card.bands} for card in (before, after))
    for code in _in_order(was, is_):
        yield from _changed(band_title(code), was.get(code, ""), is_.get(code, ""))


def _factors(before: Scorecard, after: Scorecard) -> Iterator[Change]:
    was, is_ = (
        {one.code: f"{_signed(one.least)} to {_signed(one.most)}" for one in card.factors} for card in (before, after)
    )
    for code in _in_order(was, is_):
        yield from _changed(factor_title(code), was.get(code, ""), is_.get(code, ""))


def _purposes(before: Scorecard, after: Scorecard) -> Iterator[Part]:
    was, is_ = ({one.code: one for one in card.purposes} for card in (before, after))
    for code in _in_order(was, is_):
        old, new = was[code], is_[code]  # all four purposes are in every scorecard
        changes = [
            *_changed("Uses", _factor_list(old.factors), _factor_list(new.factors)),
            *_changed("Asks for", _needs(old.needs), _needs(new.needs)),
        ]
        yield Part(purpose_title(code), "What may count for perks of this purpose.", changes)


def _factor_list(codes: Sequence[str]) -> str:
    return ", ".join(map(factor_title, codes))


def _needs(needs: Sequence[Need]) -> str:
    return "; ".join(f"{need.entries} of {' or '.join(map(factor_title, need.factors))}" for need in needs) or "nothing"


def _rules(before: Scorecard, after: Scorecard) -> Iterator[Part]:
    was, is_ = before.rule_of, after.rule_of
    for code in _in_order(was, is_):
        old, new = was.get(code), is_.get(code)
        one = new or old
        assert one is not None  # noqa: S101  (the code is of one of them)
        about = f"Reads: {kind_title(one.kind)}."
        if old is None or new is None:
            about += " A new rule." if old is None else " The rule goes: these records no longer count here."
        kinds = {rule.kind for rule in (old, new) if rule}
        bins = _bins(old, new) if len(kinds) == 1 else [*_bins(old, None), *_bins(None, new)]
        changes = [
            change
            for name, said in _ASPECTS
            for change in _changed(name, said(old) if old else "", said(new) if new else "")
        ]
        if not changes and not any(row.differs for row in bins):
            continue
        yield Part(rule_title(code), about, changes, bins, catalogue.kind(one.kind).unit)


def _limit(rule: Rule) -> str:
    return "no limit" if rule.max_per_source is None else f"{_points(rule.max_per_source)} either way"


_ASPECTS = (
    ("Reads", lambda rule: kind_title(rule.kind)),
    ("Belongs to", lambda rule: factor_title(rule.factor)),
    ("Counts", lambda rule: "every record" if rule.counts == EVERY else "the latest record"),
    ("A record counts for", lambda rule: f"{rule.lapses_after_months} months"),
    ("With time", lambda rule: "fades month by month" if rule.fades else "stays whole until it lapses"),
    ("Least it can come to", lambda rule: _signed(rule.least)),
    ("Most it can come to", lambda rule: _signed(rule.most)),
    ("From one source at most", _limit),
)


def _bins(old: Rule | None, new: Rule | None) -> list[Change]:
    """Every stretch of values on which both rules give one number of points, neighbours alike put together."""
    rule = new or old
    assert rule is not None  # noqa: S101
    kind = catalogue.kind(rule.kind)
    bounds = sorted({bin.up_to for one in (old, new) if one for bin in one.bins if bin.up_to is not None})
    rows: list[tuple[int | None, int | None, str, str]] = []
    for low, high in zip([None, *bounds], [*bounds, None], strict=True):
        if low is not None and low >= kind.most:
            break  # nothing of this kind is above
        value = high if high is not None else kind.most
        if value < kind.least:
            continue  # nothing of this kind is below
        was, is_ = (_earned(one, value) for one in (old, new))
        if rows and rows[-1][2:] == (was, is_):
            rows[-1] = (rows[-1][0], high, was, is_)
        else:
            rows.append((low, high, was, is_))
    return [
        Change(value_text(kind, low if place else None, high if place < len(rows) - 1 else None), was, is_)
        for place, (low, high, was, is_) in enumerate(rows)
    ]


def value_text(kind: catalogue.Kind, above: int | None, up_to: int | None) -> str:
    """The values above one bound and up to the other, in the kind's own words: `3 or more`, `over 0.05 to 0.3`."""
    if above is None and up_to is None:
        return "any value"
    if not kind.is_whole:
        if above is None or up_to is None:
            return f"over {_number(above)}" if above is not None else f"up to {_number(up_to or 0)}"
        return f"over {_number(above)} to {_number(up_to)}"
    first = kind.least if above is None else (above // VALUE_SCALE + 1) * VALUE_SCALE
    last = kind.most if up_to is None else up_to // VALUE_SCALE * VALUE_SCALE
    if first >= last:
        return _number(last)
    if up_to is None:
        return f"{_number(first)} or more"
    return f"{_number(first)} to {_number(last)}"


def _earned(rule: Rule | None, value: int) -> str:
    return "" if rule is None else _signed(rule.milli_points(value) * FULL_WEIGHT)


def _in_order(was: Iterable[str], is_: Iterable[str]) -> list[str]:
    """The codes of both, those that stay or come in the new order, those that go after them."""
    codes = list(is_)
    return [*codes, *(code for code in was if code not in codes)]


def _number(value: int) -> str:
    return format_value(value).replace("-", MINUS)


def _points(micro: int) -> str:
    return format_value(micro // 100).replace("-", MINUS)


def _signed(micro: int) -> str:
    return f"+{_points(micro)}" if micro > 0 else _points(micro)
