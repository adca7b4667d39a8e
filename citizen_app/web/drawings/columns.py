"""PURE: how many of each, as columns with their number above and their name below."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, FLOOR, TALLEST = 550, 128, 104, 84
WIDEST = 62.6


def columns_svg(columns: Sequence[tuple[str, int, str]]) -> str:
    """Columns of (name, number, tone); a tone is `up`, `dn` or `m`. Beside it the page tells the same in a table."""
    if not columns:
        return ""
    step = WIDTH / len(columns)
    width, tallest = min(WIDEST, step * 0.8), max(number for _, number, _ in columns) or 1
    drawn = [f'<line class="c-axis" x1="0" x2="{WIDTH}" y1="{FLOOR}" y2="{FLOOR}"/>']
    for place, (name, number, tone) in enumerate(columns):
        middle, height = step * (place + 0.5), TALLEST * number / tallest
        top = FLOOR - height
        drawn.append(
            f'<rect class="c-{tone}" x="{middle - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}"/><text class="c-ts" x="{middle:.1f}" y="{top - 5:.1f}" text-anchor="middle">'
            f'{number:,}</text><text class="c-t" x="{middle:.1f}" y="{FLOOR + 17}" text-anchor="middle">'
            f"{escape(name)}</text>"
        )
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(drawn)}</svg>'
