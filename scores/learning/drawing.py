"""PURE: the report's figures as SVG, drawn without any library. The same numbers stand in a table below each."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 44
COLOURS = ("#0b5fa5", "#b3450b", "#4d6b16", "#6b3fa0", "#555555")
DASHES = ("", "6 4", "2 3", "9 3 2 3", "1 4")


class Series(NamedTuple):
    """A named line; points run from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """What an axis shows, from where to where, and the values written at it."""

    title: str
    least: float
    most: float
    marks: Sequence[float]
    is_share: bool = False


def line_figure(title: str, across: Axis, up: Axis, series: Sequence[Series], levels: Sequence[float] = ()) -> str:
    """Lines over two axes; `levels` are drawn across for comparison. Lines differ by dash too, not by colour alone."""
    parts = [*_frame(across, up)]
    for level in levels:
        y = _y(level, up)
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#999" stroke-dasharray="3 3"/>'
        )
    for place, one in enumerate(series):
        path = " ".join(f"{_x(x, across):.1f},{_y(y, up):.1f}" for x, y in one.points)
        style = f'stroke="{COLOURS[place % len(COLOURS)]}" stroke-dasharray="{DASHES[place % len(DASHES)]}"'
        parts.append(f'<polyline points="{path}" fill="none" stroke-width="2" {style}/>')
    return _svg(title, parts, series)


def bar_figure(title: str, across: Axis, up: Axis, bars: Sequence[tuple[float, float | None]]) -> str:
    """Bars, one for each place across; None draws none."""
    parts = [*_frame(across, up)]
    width = (WIDTH - LEFT - RIGHT) / max(len(bars), 1) * 0.7
    for x, height in bars:
        if height is not None:
            top, bottom = sorted((_y(height, up), _y(0, up)))
            parts.append(
                f'<rect x="{_x(x, across) - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{bottom - top:.1f}" fill="{COLOURS[0]}"/>'
            )
    return _svg(title, parts, ())


def point_bar(points: float, most: float) -> str:
    """A short bar for a number of points, to the right what helps and to the left what hurts."""
    length = 60 * abs(points) / most if most else 0
    x, colour = (60, COLOURS[0]) if points >= 0 else (60 - length, COLOURS[1])
    return (
        '<svg class="bar" viewBox="0 0 120 10" aria-hidden="true">'
        f'<line x1="60" y1="0" x2="60" y2="10" stroke="#777"/>'
        f'<rect x="{x:.1f}" y="1" width="{length:.1f}" height="8" fill="{colour}"/></svg>'
    )


def _svg(title: str, parts: Sequence[str], series: Sequence[Series]) -> str:
    legend = "".join(
        f'<svg viewBox="0 0 30 8" aria-hidden="true"><line x1="0" y1="4" x2="30" y2="4" stroke-width="2" '
        f'stroke="{COLOURS[place % len(COLOURS)]}" stroke-dasharray="{DASHES[place % len(DASHES)]}"/></svg>'
        f"<span>{escape(one.name)}</span> "
        for place, one in enumerate(series)
    )
    return (
        f'<svg class="figure" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
        + (f'<p class="legend">{legend}</p>' if legend else "")
    )


def _x(value: float, axis: Axis) -> float:
    return LEFT + (value - axis.least) / (axis.most - axis.least) * (WIDTH - LEFT - RIGHT)


def _y(value: float, axis: Axis) -> float:
    return HEIGHT - BOTTOM - (value - axis.least) / (axis.most - axis.least) * (HEIGHT - TOP - BOTTOM)


def _mark(value: float, axis: Axis) -> str:
    return f"{value:.0%}" if axis.is_share else f"{value:g}"


def _frame(across: Axis, up: Axis) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}" fill="none" stroke="#bbb"/>']
    for value in across.marks:
        x = _x(value, across)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_mark(value, across)}</text>')
    for value in up.marks:
        y = _y(value, up)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_mark(value, up)}</text>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across.title)}</text>')
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(up.title)}</text>'
    )
    return parts
