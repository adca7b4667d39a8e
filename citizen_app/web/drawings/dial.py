"""PURE: the dial, an arch of wedge stones as wide as their bands, the current one raised and marked."""

import math
from collections.abc import Sequence
from itertools import pairwise

WIDTH, HEIGHT = 390, 202
CENTRE_X, CENTRE_Y = 195.0, 178.0
STONE, RAISED, MARK = (142.0, 114.0), (147.0, 109.0), (150.0, 103.0)
GAP, MARK_HALF = 0.5, 1.3  # degrees
LABEL_ROOM = 9.0  # degrees below which two labels would touch
COLOURS = 5


def _at(angle: float, radius: float) -> str:
    turned = math.radians(angle)
    return f"{CENTRE_X + radius * math.cos(turned):.2f} {CENTRE_Y - radius * math.sin(turned):.2f}"


def _wedge(left: float, right: float, radii: tuple[float, float]) -> str:
    outer, inner = radii
    return (
        f"M{_at(left, outer)}A{outer:g} {outer:g} 0 0 1 {_at(right, outer)}"
        f"L{_at(right, inner)}A{inner:g} {inner:g} 0 0 0 {_at(left, inner)}Z"
    )


def angle_of(value: float, low: int, high: int) -> float:
    """Where a value stands on the arch: 180 degrees at the range's minimum, 0 at its maximum."""
    share = (min(max(value, low), high) - low) / (high - low)
    return 180.0 - 180.0 * share


def band_index(value: int, starts: Sequence[int]) -> int:
    """Which band (0 first) holds the value."""
    return max(sum(start <= value for start in starts) - 1, 0)


def colour_of(index: int, count: int) -> int:
    """The step of the dawn ramp (1..5) for band `index` of `count`, so that the last band is always daylight."""
    return 1 + round(index * (COLOURS - 1) / max(count - 1, 1))


def dial_svg(*, value: int | None, starts: Sequence[int], low: int, high: int) -> str:
    """The arch for a value (None leaves every stone dim); `starts` are the bands' first values, ascending."""
    edges = [*starts, high]
    current = None if value is None else band_index(value, starts)
    stones, labels = [], []
    for index, (start, end) in enumerate(pairwise(edges)):
        left = angle_of(start, low, high) - (GAP if index else 0)
        right = angle_of(end, low, high) + (GAP if end != high else 0)
        lit = current is not None and index <= current
        stones.append(
            f'<path class="d-{colour_of(index, len(starts)) if lit else 0}" '
            f'd="{_wedge(left, right, RAISED if index == current else STONE)}"/>'
        )
    if value is not None:
        at = angle_of(value, low, high)
        stones.append(f'<path class="d-mark" d="{_wedge(at + MARK_HALF, at - MARK_HALF, MARK)}"/>')
    last = 180.0
    for index, edge in enumerate(edges[1:-1], start=1):
        angle = angle_of(edge, low, high)
        raised = current is not None and index in (current, current + 1)
        if last - angle < LABEL_ROOM or angle < LABEL_ROOM:
            continue
        last = angle
        radius = 161.0 if raised else 156.0
        x = CENTRE_X + radius * math.cos(math.radians(angle))
        y = CENTRE_Y + 4 - radius * math.sin(math.radians(angle))
        labels.append(
            f'<text class="d-t{" on" if raised else ""}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{edge}</text>'
        )
    ends = (
        f'<text class="d-t" x="45" y="178" text-anchor="end">{low}</text>'
        f'<text class="d-t" x="345" y="178" text-anchor="start">{high}</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true"><g>{"".join(stones)}</g>{"".join(labels)}{ends}</svg>'
    )
