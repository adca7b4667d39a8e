"""PURE: how much trust reaches each person from a few chosen seeds, along the vouches people give.

A seed holds 1. In each of four steps a person passes on what newly reached them, a third of it along each vouch given,
or an equal share where they gave more than three. What reaches a person in all steps is summed, capped at 1 and rounded
down to four decimals. What a seed holds has not reached it: being chosen earns nobody points.

Exact, whatever the order of people and vouches: everything that newly reached people is a whole number of one common
part, which is made finer before each step by the least common multiple of the shares given in it. A ring that no path
from a seed leads to is never visited, and neither is anybody more than four vouches away: the cost is that of the
seeds' surroundings, not of the population. No Django here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from math import lcm
from typing import Final, TypeVar

STEPS: Final = 4
SHARES: Final = 3
"""A vouch passes on a third at most, so that who gives one vouch gives no more with it than who gives three."""
SCALE: Final = 10_000
"""A value of 1, counted in ten-thousandths as an entry's value is."""

Person = TypeVar("Person")
GivenBy = Callable[[Collection[Person]], Mapping[Person, Collection[Person]]]
"""Who each of these people vouches for: nobody twice, nobody themself. Asked once in each step."""


def trust_reaching(seeds: Iterable[Person], given_by: GivenBy[Person]) -> dict[Person, int]:
    """The trust that reaches people, in ten-thousandths; who is not in it is reached by less than one of them."""
    one = 1  # how many parts a seed holds
    newly = dict.fromkeys(seeds, one)
    reached: dict[Person, int] = {}
    for _ in range(STEPS):
        given = {giver: receivers for giver, receivers in given_by(newly.keys()).items() if receivers}
        finer = lcm(*{_shares(receivers) for receivers in given.values()})
        one *= finer
        passed: dict[Person, int] = {}
        for giver, receivers in given.items():
            share = newly[giver] * finer // _shares(receivers)  # leaves no rest
            for receiver in receivers:
                passed[receiver] = passed.get(receiver, 0) + share
        reached = {person: parts * finer for person, parts in reached.items()}
        for person, parts in passed.items():
            reached[person] = reached.get(person, 0) + parts
        newly = passed
    values = {person: min(parts, one) * SCALE // one for person, parts in reached.items()}
    return {person: value for person, value in values.items() if value}


def _shares(receivers: Collection[Person]) -> int:
    return max(SHARES, len(receivers))
