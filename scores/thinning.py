"""What is kept of an old month of somebody's history: its last value, and why it came to that, exactly.

The rows that go hand their lines to the row that stays, summed where they say the same thing, so that the lines of
what is left still sum to its difference and each row still follows the one before (P6, P8). No Django here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scores.changes import LINE_KINDS, Line


class Step(NamedTuple):
    """One row of history: from which value to which (None is no score), and the lines that sum to the difference.

    Coming from no value the lines sum to the value; going to none there are none.
    """

    previous: int | None
    value: int | None
    lines: Sequence[Line]

    @property
    def difference(self) -> int | None:
        return None if self.previous is None or self.value is None else self.value - self.previous


def thin(month: Sequence[Step]) -> dict[int, Step]:
    """The rows kept of one month, by their place in it: the last, and with it, where the score was lost on the way,
    the row that says so (what led to the new value starts from none and cannot be told as a difference).

    `month` holds its rows in order, at least one. At most one of what is kept has a value, and at most one has none.
    """
    last = len(month) - 1
    previous = month[0].previous
    lost = max((place for place, step in enumerate(month) if step.value is None), default=None)
    if lost == last:
        return {last: Step(previous, None, ())}
    kept = {}
    if lost is not None:
        if previous is not None:
            kept[lost] = Step(previous, None, ())
        previous, month = None, [*[Step(None, None, ())] * (lost + 1), *month[lost + 1 :]]
    kept[last] = Step(previous, month[last].value, summed(line for step in month for line in step.lines))
    return kept


def summed(lines: Iterable[Line]) -> list[Line]:
    """One line for each thing said, with all its points; what comes to nothing is not said."""
    points: dict[Line, int] = {}
    for line in lines:
        what = line._replace(micro=0)
        points[what] = points.get(what, 0) + line.micro
    told = [what._replace(micro=micro) for what, micro in points.items() if micro]
    return sorted(told, key=lambda line: LINE_KINDS.index(line.kind))
