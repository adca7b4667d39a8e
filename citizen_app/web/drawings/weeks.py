"""PURE: two numbers a week as pairs of columns; a number that is not told is a dash on the floor, never a zero."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 358, 190
LEFT, RIGHT, TOP, FLOOR = 34.0, 354.0, 16.0, 160.0
LABELS = 6

Week = tuple[str, int | None, int | None]


def weeks_svg(weeks: Sequence[Week]) -> str:
    """Weeks of (name, first number, second number); empty where no number is told."""
    told = [number for _, *numbers in weeks for number in numbers if number is not None]
    if not told:
        return ""
    highest = _round_above(max(told))
    step = (RIGHT - LEFT) / len(weeks)
    width = min(step * 0.36, 22.0)
    drawn = [
        f'<line class="c-grid" x1="{LEFT:g}" x2="{RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="c-t" x="28" y="{y + 4:.1f}" text-anchor="end">{value:,}</text>'
        for value in (0, highest // 2, highest)
        for y in [_y(value, highest)]
    ]
    every = -(-len(weeks) // LABELS)
    for place, (name, first, second) in enumerate(weeks):
        middle = LEFT + step * (place + 0.5)
        drawn.append(_column("w-a", middle - width - 0.5, width, first, highest))
        drawn.append(_column("w-b", middle + 0.5, width, second, highest))
        if place % every == 0:
            drawn.append(f'<text class="c-t" x="{middle:.1f}" y="180" text-anchor="middle">{escape(name)}</text>')
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(drawn)}</svg>'


def _column(look: str, x: float, width: float, number: int | None, highest: int) -> str:
    if number is None:
        return f'<rect class="w-n" x="{x:.1f}" y="{FLOOR - 2:g}" width="{width:.1f}" height="2"/>'
    top = _y(number, highest)
    return f'<rect class="{look}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{FLOOR - top:.1f}"/>'


def _y(number: int, highest: int) -> float:
    return FLOOR - (FLOOR - TOP) * number / highest


def _round_above(number: int) -> int:
    """The next number a scale ends at: 10, 20, 50, 100, 200, …"""
    size = 10
    while True:
        for times in (1, 2, 5):
            if number <= size * times:
                return size * times
        size *= 10
