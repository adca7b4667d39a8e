"""Whether what several callers were answered at the same moment can be explained by them coming one after the other.

A call is one or several steps of `tests.perks.model.Town`. All orders of the steps are tried until one gives every call
the answer it was given and ends in the rows that are there; where there is none, the calls got in each other's way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.perks.model import Town

Steps = list[Callable[[Town], Any]]


@dataclass(frozen=True)
class Call:
    """What somebody asked (`name`, `run` for the real thing), and the steps it means in memory.

    The real answer must be what `answer` makes of the answers of the steps. A step may return several towns by yielding
    (town, answer) pairs: each is legal.
    """

    name: str
    run: Callable[[], Any]
    steps: tuple[Callable[[Town], Any], ...]
    answer: Callable[[list[Any]], Any] = field(default=lambda said: said[0])


def explained(start: Town, calls: list[Call], answers: list[Any], ends_in: Callable[[Town], bool]) -> list[str] | None:
    """Return an order of the calls' names that explains every answer and the end; None when there is none."""
    seen: set[Any] = set()

    def search(town: Town, done: tuple[tuple[Any, ...], ...]) -> list[str] | None:
        if (state := (repr(town), done)) in seen:
            return None
        seen.add(state)
        waiting = [n for n, call in enumerate(calls) if len(done[n]) < len(call.steps)]
        if not waiting:
            return [] if ends_in(town) else None
        for number in waiting:
            call = calls[number]
            for after, said in _outcomes(town, call.steps[len(done[number])]):
                heard = (*done[number], said)
                if len(heard) == len(call.steps) and call.answer(list(heard)) != answers[number]:
                    continue
                rest = search(after, (*done[:number], heard, *done[number + 1 :]))
                if rest is not None:
                    return [call.name, *rest]
        return None

    return search(start, ((),) * len(calls))


def _outcomes(town: Town, step: Callable[[Town], Any]) -> Iterator[tuple[Town, Any]]:
    after = town.copy()
    said = step(after)
    if isinstance(said, list):
        yield from said
    else:
        yield after, said
