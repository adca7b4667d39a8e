"""PURE: the history as a step line: a score stays what it was until something changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

WIDTH, HEIGHT = 358, 244
LEFT, RIGHT, TOP, BOTTOM = 34.0, 354.0, 20.0, 216.0
MARK_ABOVE = 14.0
LABEL_ROOM = 16.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LABELS = 7


@dataclass(frozen=True, kw_only=True)
class Step:
    """The score from an instant on; None while there is none. `mark` numbers it in the list below the chart."""

    at: datetime
    value: int | None
    mark: int | None = None


def _bounds(values: Sequence[int]) -> tuple[int, int]:
    """Round numbers around the values, at least 40 points apart, so that a small change is not drawn as a cliff."""
    low, high = min(values), max(values)
    spare = max(40 - (high - low), 16) // 2
    low, high = low - spare, high + spare
    return low - low % 10, high + -high % 10


def _month_starts(start: datetime, end: datetime, zone: tzinfo) -> list[datetime]:
    first = start.astimezone(zone)
    year, month = first.year, first.month
    starts: list[datetime] = []
    while True:
        month += 1
        year, month = (year + 1, 1) if month > 12 else (year, month)
        at = datetime(year, month, 1, tzinfo=zone)
        if at >= end:
            return starts[:: max(1, -(-len(starts) // LABELS))]
        starts.append(at)


def step_chart_svg(
    *,
    steps: Sequence[Step],
    start: datetime,
    end: datetime,
    bands: Sequence[tuple[str, int]],
    zone: tzinfo,
) -> str:
    """The line between two instants; `steps` ascend and the first is the score held at `start`.

    `bands` are (name, first value); those in view are drawn as dotted thresholds. With no value at all there is
    nothing to draw and the answer is empty.
    """
    values = [step.value for step in steps if step.value is not None]
    if not values or end <= start:
        return ""
    low, high = _bounds(values)
    span = (end - start).total_seconds()

    def x(at: datetime) -> float:
        share = (min(max(at, start), end) - start).total_seconds() / span
        return LEFT + (RIGHT - 12 - LEFT) * share

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    grid = []
    thresholds = [(name, first) for name, first in bands if low < first < high]
    for name, first in thresholds:
        grid.append(
            f'<line class="c-band" x1="{LEFT:g}" x2="{RIGHT:g}" y1="{y(first):.1f}" y2="{y(first):.1f}"/>'
            f'<text class="c-t" x="28" y="{y(first) + 4:.1f}" text-anchor="end">{first}</text>'
            f'<text class="c-t" x="38" y="{y(first) - 6:.1f}">{escape(name)} from {first}</text>'
        )
    grid += [
        f'<line class="c-grid" x1="{LEFT:g}" x2="{RIGHT:g}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text class="c-t" x="28" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>'
        for value in (low, high)
        if all(abs(y(value) - y(first)) > LABEL_ROOM for _, first in thresholds)
    ]
    grid += [
        f'<line class="c-grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{BOTTOM:g}" y2="{BOTTOM + 5:g}"/>'
        f'<text class="c-t" x="{x(at) + 3:.1f}" y="236">{MONTHS[at.month - 1]}</text>'
        for at in _month_starts(start, end, zone)
    ]
    areas, lines = "", ""
    for run in _runs(steps, end):
        path = f"M{x(run[0].at):.1f} {y(run[0].value):.1f}"
        path += "".join(f"V{y(part.value):.1f}H{x(part.until):.1f}" for part in run)
        areas += f'<path class="c-area" d="{path}V{BOTTOM:g}H{x(run[0].at):.1f}Z"/>'
        lines += f'<path class="c-line" d="{path}"/>'
    marks = ""
    for step in steps:
        if step.mark is not None and step.value is not None:
            above = y(step.value) - MARK_ABOVE
            marks += (
                f'<circle class="c-dotn" cx="{x(step.at):.1f}" cy="{above:.1f}" r="9"/>'
                f'<text class="c-dott" x="{x(step.at):.1f}" y="{above + 4:.1f}">{step.mark}</text>'
            )
    if steps[-1].value is not None:
        marks += f'<circle class="c-dot" cx="{x(end):.1f}" cy="{y(steps[-1].value):.1f}" r="4.5"/>'
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f"{areas}{''.join(grid)}{lines}{marks}</svg>"
    )


@dataclass(frozen=True, kw_only=True)
class _Part:
    at: datetime
    until: datetime
    value: int


def _runs(steps: Sequence[Step], end: datetime) -> list[list[_Part]]:
    """The stretches that have a score; where there is none the line is interrupted, never drawn as zero."""
    runs: list[list[_Part]] = []
    open_run = False
    for index, step in enumerate(steps):
        if step.value is None:
            open_run = False
            continue
        if not open_run:
            runs.append([])
            open_run = True
        until = steps[index + 1].at if index + 1 < len(steps) else end
        runs[-1].append(_Part(at=step.at, until=until, value=step.value))
    return runs
