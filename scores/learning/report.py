"""PURE: the report of a fitted scorecard as one HTML page: no scripts, nothing loaded, a table to each figure.

It holds aggregates only: no row about one person, and no figure of fewer than twenty people.
"""

from collections.abc import Iterable, Sequence
from html import escape

from scores import catalogue
from scores.catalogue import format_value
from scores.forbidden_kinds import PROXIES
from scores.learning.drawing import Axis, Series, bar_figure, line_figure, point_bar
from scores.learning.measures import SMALLEST_CELL, CurvePoint, Selection
from scores.learning.study import BinUse, Study
from scores.scorecard import EVERY

GATE, AIM = 0.80, 0.90
SHARES = (0, 0.2, 0.4, 0.6, 0.8, 1)
FEWER = f"fewer than {SMALLEST_CELL}"
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1c1c1c;background:#fff;max-width:46rem;margin:0 auto;padding:1rem}
h1,h2,h3{line-height:1.2}table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-size:.9rem}
th,td{border-bottom:1px solid #ccc;padding:.25rem .6rem;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}caption{text-align:left;font-weight:600;padding:.25rem 0}
.scroll{overflow-x:auto}.figure{width:100%;height:auto;font-size:12px}.legend svg{width:30px;height:8px}
.legend span{margin-right:1rem}.bar{width:120px;height:10px}code,pre{font-size:.85rem;background:#f3f3f3}
pre{padding:.75rem;overflow-x:auto}.below{color:#a11;font-weight:600}
"""


def render(study: Study, *, command: str, source: str, structure_name: str) -> str:
    """The page. `command` made it, `source` says where the records are from and under which licence."""
    version = study.draft.card.version
    body = [
        f"<h1>Scorecard {escape(version)}: how its points were learned</h1>",
        _opening(study, source, structure_name),
        _power(study),
        _roc(study),
        _ks(study),
        _tenths(study),
        _points(study),
        _inputs(study),
        _fairness(study),
        f"<h2>Made by</h2><pre>{escape(command)}</pre><p>The same files give the same card and the same page.</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Scorecard {escape(version)}: how its points were learned</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(body)}\n</main>\n</body>\n</html>\n"
    )


def _opening(study: Study, source: str, structure_name: str) -> str:
    anchors = " and ".join(f"{one.share:.0%} reach {one.value}" for one in study.anchors)
    rules = ", ".join(rule.code for rule in study.draft.rules)
    return (
        f"<p>{escape(source)}</p>"
        f"<p>The points of {len(study.draft.rules)} rules ({escape(rules)}) were found by regularised logistic "
        f"regression on {study.fitted_on:,} people and tested on {study.tested_on:,} others, of whom "
        f"{study.bad_rate:.1%} ended badly. A person is learned from where their number satisfies "
        f"<code>{escape(study.split.rule)}</code>. Everything is counted as on {study.as_of}, by the engine that "
        "scores citizens. Which bins there are, which of them earn nothing, and that later is never better was fixed "
        f"beforehand in <code>{escape(structure_name)}</code>. Points are scaled so that of the people learned from "
        f"{anchors} by these rules alone, and rounded to half a point.</p>"
        "<p>Age, sex and every named proxy are kept out: groups are in this report and nowhere else. Every figure is "
        f"of at least {SMALLEST_CELL} people, and no row is about one person.</p>"
    )


def _power(study: Study) -> str:
    rows = [
        [line.name, f"{line.power.auc:.4f}", f"± {line.power.margin:.3f}", f"{line.power.ks:.4f}"]
        for line in study.lines
    ]
    unscored = (
        f"<p>{study.unscored:,} people have too few records for a value.</p>" if study.unscored >= SMALLEST_CELL else ""
    )
    return (
        "<h2>How well it tells</h2><p>AUC: how often of one person who paid and one who did not the first has the "
        "higher value; 0.5 is a coin. KS: the widest gap between both. The upper line sees the same kinds of record, "
        "month by month, and may combine them in ways no citizen could be told.</p>"
        + _table("On the people tested on", ["Scorecard", "AUC", "95 %", "KS"], rows)
        + unscored
    )


def _roc(study: Study) -> str:
    share = "of those who paid"
    series = [
        Series(line.name, [(0, 0), *((one.good_share, one.bad_share) for one in _thinned(line.curve))])
        for line in study.lines
    ]
    figure = line_figure(
        "ROC: the share found of those who did not pay against the share of those who paid",
        Axis(f"Share {share} up to a value", 0, 1, SHARES, True),
        Axis("Share of those who did not", 0, 1, SHARES, True),
        [*series, Series("A coin", [(0, 0), (1, 1)])],
    )
    marks = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
    rows = [[f"{mark:.0%}", *(f"{_bad_at(line.curve, mark):.0%}" for line in study.lines)] for mark in marks]
    return (
        "<h2>ROC</h2>"
        + figure
        + _table("Share found of those who did not pay", [f"Share {share}", *(line.name for line in study.lines)], rows)
    )


def _bad_at(points: Sequence[CurvePoint], good_share: float) -> float:
    """The share of the bad where the curve passes this share of the good, between its points."""
    before = CurvePoint(0, 0, 0)
    for point in points:
        if point.good_share >= good_share:
            width = point.good_share - before.good_share
            part = (good_share - before.good_share) / width if width else 1
            return before.bad_share + part * (point.bad_share - before.bad_share)
        before = point
    return 1


def _thinned(points: Sequence[CurvePoint], most: int = 60) -> list[CurvePoint]:
    """About so many points of a curve, the last among them."""
    step = max(1, len(points) // most)
    return [*points[step - 1 :: step], points[-1]]


def _ks(study: Study) -> str:
    line = study.lines[0]
    points = _thinned(line.curve, 100)
    least, most = points[0].value, max(points[-1].value, points[0].value + 1)
    start = int(least // 50 * 50)
    marks = [value for value in range(start, int(most) + 50, 50) if least <= value <= most]
    widest = max(line.curve, key=lambda one: one.bad_share - one.good_share)
    figure = line_figure(
        "KS: the shares of those who did not pay and of those who paid, up to each value",
        Axis("Value", least, most, marks),
        Axis("Share up to the value", 0, 1, SHARES, True),
        [
            Series("Did not pay", [(one.value, one.bad_share) for one in points]),
            Series("Paid", [(one.value, one.good_share) for one in points]),
        ],
    )
    rows = []
    for mark in marks:
        below = [one for one in line.curve if one.value <= mark]
        if below:
            one = below[-1]
            rows.append(
                [str(mark), f"{one.bad_share:.0%}", f"{one.good_share:.0%}", f"{one.bad_share - one.good_share:.0%}"]
            )
    return (
        f"<h2>KS</h2>{figure}<p>The gap is widest up to {widest.value:g}: {widest.bad_share:.0%} of those who did not "
        f"pay and {widest.good_share:.0%} of those who paid.</p>"
        + _table(f"{line.name}, up to and including a value", ["Value", "Did not pay", "Paid", "Gap"], rows)
    )


def _tenths(study: Study) -> str:
    tenths = study.tenths
    highest = max((one.bad_rate or 0 for one in tenths), default=0)
    top = max(0.1, -(-highest * 10 // 1) / 10)
    figure = bar_figure(
        "Share that did not pay in each tenth of the people by value, the lowest values first",
        Axis("Tenth by value, the lowest first", 0, len(tenths) + 1, range(1, len(tenths) + 1)),
        Axis("Did not pay", 0, top, [top * part / 4 for part in range(5)], True),
        [(place, one.bad_rate) for place, one in enumerate(tenths, start=1)],
    )
    rows = [
        [str(place), f"{one.lowest:g} to {one.highest:g}", _people(one.people), _share(one.bad_rate)]
        for place, one in enumerate(tenths, start=1)
    ]
    return (
        "<h2>Calibration by tenth</h2>"
        + figure
        + _table("People tested on, by value", ["Tenth", "Values", "People", "Did not pay"], rows)
    )


def _points(study: Study) -> str:
    most = max((abs(bin.milli_points) for bins in study.bins.values() for bin in bins), default=1)
    parts = [
        "<h2>Points per bin</h2><p>What one record earns, and how many of the records learned from counted there.</p>"
    ]
    for rule in study.draft.rules:
        counts = "every record" if rule.counts == EVERY else "the latest record"
        fades = ", fading" if rule.fades else ""
        limits = f"{format_value(rule.least // 100)} to {format_value(rule.most // 100)} points in all"
        rows = [
            [
                _bin(study.bins[rule.code], place),
                _milli(bin.milli_points),
                point_bar(bin.milli_points, most),
                _people(bin.records),
            ]
            for place, bin in enumerate(study.bins[rule.code])
        ]
        caption = (
            f"{rule.code}: {catalogue.kind(rule.kind).title.lower()} ({catalogue.kind(rule.kind).unit}), {counts} of "
            f"{rule.lapses_after_months} months{fades}, {limits}"
        )
        parts.append(_table(caption, ["Value", "Points", "", "Records"], rows, raw=(2,)))
    return "".join(parts)


def _bin(bins: Sequence[BinUse], place: int) -> str:
    up_to = bins[place].up_to
    if up_to is None:
        before = bins[place - 1].up_to if place else None
        return "any" if before is None else f"more than {format_value(before)}"
    return f"up to {format_value(up_to)}"


def _inputs(study: Study) -> str:
    rows = [
        ["none left out" if kind == "" else f"without {kind}", f"{one.auc:.4f}", f"{one.ks:.4f}"]
        for kind, one in study.without.items()
    ]
    proxies = ", ".join(sorted(PROXIES))
    parts = [
        "<h2>What each kind of record adds</h2><p>The points found again without the rules of one kind (in log-odds, "
        "before rounding).</p>",
        _table("On the people tested on", ["Kinds", "AUC", "KS"], rows),
        f"<p>Words by which the catalogue knows a proxy, and refuses it: {escape(proxies)}.</p>",
    ]
    for attribute, kinds in study.gives_away.items():
        groups = sorted({group for told in kinds.values() for group in told})
        rows = [
            [kind, *(f"{told[group]:.2f}" if group in told else "–" for group in groups)]
            for kind, told in kinds.items()
        ]
        parts.append(
            _table(
                f"How well a kind alone tells {attribute}: AUC of gradient boosting, 0.5 is not at all",
                ["Kind", *groups],
                rows,
            )
        )
    return "".join(parts)


def _fairness(study: Study) -> str:
    if not study.fairness:
        return "<h2>Fairness</h2><p>No groups were given, so nothing can be said.</p>"
    bands = {band.first_value: band.code for band in study.draft.card.bands}
    parts = [
        "<h2>Fairness</h2><p>Of each group, the share that reaches a value by these rules alone, and the lowest share "
        f"÷ the highest. The gate is {GATE:.2f} where a band begins, the aim {AIM:.2f}. Every threshold between is "
        "shown as well, because perks set theirs there.</p>"
    ]
    for attribute, selections in study.fairness.items():
        sizes = study.sizes[attribute]
        told = [group for group, size in sizes.items() if size >= SMALLEST_CELL]
        reached = [one for one in selections if one.ratio is not None]
        if not told or not reached:
            continue
        thresholds = [one.threshold for one in reached]
        figure = line_figure(
            f"Share of each group by {attribute} that reaches a value",
            Axis("Threshold", thresholds[0], max(thresholds[-1], thresholds[0] + 1), thresholds[::2]),
            Axis("Share that reaches it", 0, 1, SHARES, True),
            [Series(group, [(one.threshold, one.rates[group] or 0) for one in reached]) for group in told],
        )
        rows = [
            [
                f"{one.threshold}{' (' + bands[one.threshold] + ')' if one.threshold in bands else ''}",
                f"{one.reached:.0%}",
                *(_share(one.rates[group], 0) for group in told),
                _ratio(one, is_gate=one.threshold in bands),
                *(_ratio(others[attribute][place]) for others in study.fairness_of_others.values()),
            ]
            for place, one in enumerate(selections)
        ]
        heads = ["Threshold", "All", *(f"{group} ({sizes[group]:,})" for group in told), "Ratio"]
        heads += [f"Ratio of {name}" for name in study.fairness_of_others]
        parts.append(
            f"<h3>By {escape(attribute)}</h3>{figure}" + _table("People tested on", heads, rows, raw=(len(told) + 2,))
        )
    return "".join(parts)


def _ratio(one: Selection, *, is_gate: bool = False) -> str:
    if one.ratio is None:
        return "nobody reaches it"
    text = f"{one.ratio:.2f}"
    return f'<span class="below">{text}, below the gate</span>' if is_gate and one.ratio < GATE else text


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], raw: Sequence[int] = ()) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{one if place in raw else escape(one)}</td>" for place, one in enumerate(row))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _people(count: int) -> str:
    return f"{count:,}" if count >= SMALLEST_CELL or count == 0 else FEWER


def _share(share: float | None, decimals: int = 1) -> str:
    return FEWER if share is None else f"{share:.{decimals}%}"


def _milli(milli_points: int) -> str:
    return format_value(milli_points * 10)
