"""Trust by hand, against a second and slower way to the same number, and under what people would try."""

import random
from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scores.trust import SCALE, trust_reaching
from tests.budgets import tries


def trust(graph, *seeds):
    return trust_reaching(seeds, lambda people: {person: graph[person] for person in people if person in graph})


def naive_trust(graph, seeds):
    """Every walk of one to four vouches from a seed, one by one, in fractions."""
    reached = {}
    walks = [(seed, Fraction(1)) for seed in set(seeds)]
    for _ in range(4):
        longer = [
            (receiver, held / max(3, len(graph[person])))
            for person, held in walks
            for receiver in graph.get(person, ())
        ]
        for person, part in longer:
            reached[person] = reached.get(person, Fraction(0)) + part
        walks = longer
    values = {person: int(min(part, Fraction(1)) * 10_000) for person, part in reached.items()}
    return {person: value for person, value in values.items() if value}


def test_a_third_goes_along_each_vouch_for_four_steps():
    chain = {"seed": "a", "a": "b", "b": "c", "c": "d", "d": "e"}
    assert trust(chain, "seed") == {"a": 3333, "b": 1111, "c": 370, "d": 123}


def test_who_gives_more_than_three_shares_equally():
    assert trust({"seed": "abcd"}, "seed") == dict.fromkeys("abcd", 2500)
    assert trust({"seed": "abc"}, "seed") == dict.fromkeys("abc", 3333)
    assert trust({"seed": "ab"}, "seed") == dict.fromkeys("ab", 3333)
    assert trust({"seed": "abcdefg", "a": "x"}, "seed")["x"] == 476  # 1/7 of a third


def test_what_reaches_a_person_is_summed_before_it_is_rounded_and_capped_at_one():
    three = {"r": "x", "s": "x", "t": "x"}
    assert trust(three, "r", "s", "t")["x"] == 10_000  # three thirds, not three times 0.3333
    four = three | {"u": "x", "x": "y"}
    assert trust(four, "r", "s", "t", "u") == {"x": 10_000, "y": 4444}  # only the sum is capped, not what is passed on


def test_a_person_passes_on_only_what_newly_reached_them():
    # a is reached twice, by the seed and by b, and passes each part on once.
    assert trust({"seed": "ab", "b": "a", "a": "x"}, "seed") == {"a": 4444, "b": 3333, "x": 1481}


def test_what_a_seed_holds_has_not_reached_it():
    assert trust({"seed": "a"}, "seed") == {"a": 3333}
    assert trust({"seed": "a", "a": ["seed"]}, "seed") == {"a": 3703, "seed": 1234}
    assert trust({"r": ["s"], "s": ["r"]}, "r", "s") == {"r": 4938, "s": 4938}


def test_nobody_beyond_four_vouches_is_reached_or_asked_about():
    asked = []
    chain = {0: [1], 1: [2], 2: [3], 3: [4], 4: [5]}

    def given_by(people):
        asked.append(sorted(people))
        return {person: chain[person] for person in people}

    assert trust_reaching([0], given_by) == {1: 3333, 2: 1111, 3: 370, 4: 123}
    assert asked == [[0], [1], [2], [3]]


def test_without_a_seed_nobody_is_reached():
    assert trust({"a": "b", "b": "a"}) == {}
    assert trust({"a": "b", "b": "a"}, "a seed that gave nothing") == {}


def test_the_same_seed_named_twice_is_one():
    assert trust({"s": "a"}, "s", "s") == {"a": 3333}


@pytest.mark.parametrize("order", list(permutations("rst")))
def test_the_order_of_people_and_of_vouches_decides_nothing(order):
    graph = {"r": "abcde", "s": "abcdefg", "t": "ab", "a": "bcdefgh", "b": "acd"}
    turned = {person: "".join(sorted(graph[person], reverse=True)) for person in reversed(graph)}
    assert trust(turned, *order) == trust(graph, "r", "s", "t")


SMALL = st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=6), max_size=8)


@settings(max_examples=tries(100, 500, 2000), deadline=None)
@given(graph=SMALL, seeds=st.sets(st.integers(0, 7), max_size=3))
def test_it_is_the_sum_over_every_walk(graph, seeds):
    graph = {giver: receivers - {giver} for giver, receivers in graph.items()}
    assert trust(graph, *seeds) == naive_trust(graph, seeds)


@settings(max_examples=tries(50, 250, 1000), deadline=None)
@given(graph=SMALL, seeds=st.sets(st.integers(0, 7), max_size=3), ring=st.integers(2, 5))
def test_a_ring_nobody_outside_vouches_into_gains_nothing_however_it_vouches(graph, seeds, ring):
    graph = {giver: receivers - {giver} for giver, receivers in graph.items()}
    members = [f"ring {n}" for n in range(ring)]
    attacked = graph | {one: {*members, 0} - {one} for one in members}
    assert trust(attacked, *seeds) == trust(graph, *seeds)


# -- What people would try, with three vouches each as the product allows --------------------------------------------


def town(people=300, seed=7):
    """A town of three vouches each, at random, and ten seeds."""
    luck = random.Random(seed)
    graph = {one: luck.sample([other for other in range(people) if other != one], 3) for one in range(people)}
    return graph, list(range(10))


def test_vouches_bought_from_anybody_bring_nothing_and_from_the_trusted_a_third_of_what_reached_them():
    graph, seeds = town(people=3000)
    before, luck = trust(graph, *seeds), random.Random(1)

    def bought_from(sellers):
        # Three vouches to one buyer are one: there is at most one from one person to another.
        return trust(graph | {one: ["buyer"] for one in sellers}, *seeds).get("buyer", 0)

    assert bought_from(luck.sample(sorted(graph.keys() - before.keys() - set(seeds)), 100)) == 0
    trusted = sorted(before.keys() - set(seeds))
    for sellers in (luck.sample(trusted, number) for number in (1, 3, 10, 30)):
        assert bought_from(sellers) <= sum(before[one] for one in sellers) // 3 + 1
    assert [bought_from(trusted[:number]) for number in (1, 3, 10)] == [370, 370, 864]


def test_a_buyer_of_vouches_passes_on_a_third_of_what_they_bought():
    sellers = {f"seller {n}": ["buyer"] for n in range(3)}
    graph = {"seed": list(sellers), **sellers, "buyer": ["friend"]}
    assert trust(graph, "seed") == dict.fromkeys(sellers, 3333) | {"buyer": 3333, "friend": 1111}


def test_a_chain_bought_from_one_seller_is_worth_a_third_at_each_step_and_nothing_from_the_fifth_on():
    chain = {"seed": ["seller"], "seller": [0]} | {n: [n + 1] for n in range(300)}
    reached = trust(chain, "seed")
    assert [reached.get(n, 0) for n in range(4)] == [1111, 370, 123, 0]


def test_a_compromised_seed_gives_a_ring_at_most_what_it_holds_at_each_step_and_taking_it_off_takes_all_back():
    graph, seeds = town()
    graph = {one: [other for other in given if other != 0] for one, given in graph.items()}
    ring = [f"ring {n}" for n in range(300)]
    captured = graph | {one: [ring[(n + step) % 300] for step in (1, 2, 3)] for n, one in enumerate(ring)}
    captured[0] = ring[:3]  # the seed gives its three to the ring, whose members give theirs to each other
    gained = [value for one, value in trust(captured, *seeds).items() if one in set(ring)]
    assert (len(gained), max(gained), sum(gained)) == (12, 5925, 39_993)  # of three hundred
    without = trust(captured, *seeds[1:])
    assert not set(without) & set(ring)
    assert without == trust(graph | {0: []}, *seeds[1:])


def test_every_small_graph_gives_nobody_more_than_one():
    for edges in product([False, True], repeat=6):
        pairs = [(a, b) for a in range(3) for b in range(3) if a != b]
        graph = {}
        for (a, b), is_there in zip(pairs, edges, strict=True):
            if is_there:
                graph.setdefault(a, set()).add(b)
        assert trust(graph, 0, 1, 2) == naive_trust(graph, {0, 1, 2})
        assert all(0 < value <= SCALE for value in trust(graph, 0, 1, 2).values())
