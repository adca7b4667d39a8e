"""PURE: the bars: one factor's points on a scale all factors share, and a value on its purpose's own scale."""

from collections.abc import Sequence
from decimal import Decimal

Number = int | Decimal


def _percent(part: Number, whole: Number) -> str:
    return f"{Decimal(part) / Decimal(whole) * 100:.2f}%"


def factor_bar_svg(*, points: Number, low: Number, high: Number, reach: Number) -> str:
    """A factor's points from the zero line, inside the range it may take; `reach` is the widest of all factors.

    Equal reach puts every factor's zero line at the same place, so bars can be compared by eye.
    """
    whole = 2 * Decimal(reach)
    points = min(max(Decimal(points), Decimal(low)), Decimal(high))
    zero = Decimal(reach)
    bar = ""
    if points:
        start = zero if points > 0 else zero + points
        side = "pos" if points > 0 else "neg"
        bar = (
            f'<rect class="fb-{side}" x="{_percent(start, whole)}" y="3" width="{_percent(abs(points), whole)}"'
            ' height="8"/>'
        )
    return (
        '<svg aria-hidden="true">'
        f'<rect class="fb-tr" x="{_percent(zero + low, whole)}" y="3" '
        f'width="{_percent(Decimal(high) - Decimal(low), whole)}" height="8" rx="4"/>'
        f'{bar}<rect class="fb-zero" x="49.80%" y="0" width="1.5" height="14"/></svg>'
    )


def scale_svg(*, value: int | None, thresholds: Sequence[int], low: int, high: int) -> str:
    """A purpose's value on that purpose's scale, with a mark at each threshold asked for."""
    span = high - low
    fill = ""
    if value is not None:
        share = _percent(min(max(value, low), high) - low, span)
        fill = f'<rect class="sc-fi" y="5" width="{share}" height="8" rx="4"/>'
    marks = "".join(
        f'<rect class="sc-tier" x="{_percent(threshold - low, span)}" y="0" width="5" height="18" rx="2" '
        'transform="translate(-2.5)"/>'
        for threshold in thresholds
        if low <= threshold <= high
    )
    return f'<svg aria-hidden="true"><rect class="sc-tr" y="5" width="100%" height="8" rx="4"/>{fill}{marks}</svg>'


def share_bar_svg(*, part: int, whole: int) -> str:
    """How much of something is left or used, as a plain bar."""
    share = _percent(min(max(part, 0), whole), whole) if whole else "0%"
    return (
        '<svg class="bar" aria-hidden="true"><rect class="tr" width="100%" height="100%"/>'
        f'<rect class="fi" width="{share}" height="100%" rx="4"/></svg>'
    )
