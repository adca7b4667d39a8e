"""AUC, KS, tenths and selection rates, against counting by hand."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scores.learning.measures import TellsNothing, power, selection, share_at_least, tenths


def test_a_perfect_order_and_its_reverse():
    assert (power([1, 2, 3, 4], [True, True, False, False]).auc, power([1, 2, 3, 4], [True] * 2 + [False] * 2).ks) == (
        1,
        1,
    )
    assert power([4, 3, 2, 1], [True, True, False, False]).auc == 0


def test_ties_count_half():
    assert power([5, 5, 5, 5], [True, False, True, False]).auc == 0.5
    assert power([1, 2, 2, 3], [True, True, False, False]).auc == 0.875


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(people):
    bad, good = ([value for value, is_bad in people if is_bad is wanted] for wanted in (True, False))
    if not bad or not good:
        with pytest.raises(TellsNothing):
            power([value for value, _ in people], [is_bad for _, is_bad in people])
        return
    pairs = [1 if low < high else 0.5 if low == high else 0 for low, high in product(bad, good)]
    found = power([value for value, _ in people], [is_bad for _, is_bad in people])
    assert found.auc == pytest.approx(sum(pairs) / len(pairs))
    gaps = [sum(b <= cut for b in bad) / len(bad) - sum(g <= cut for g in good) / len(good) for cut in range(6)]
    assert found.ks == pytest.approx(max(gaps))


def test_tenths_keep_people_of_one_value_together_and_hide_the_few():
    found = tenths([1] * 100 + [2] * 95 + [3] * 5, [True] * 50 + [False] * 150)
    assert [(one.lowest, one.highest, one.people, one.bad_rate) for one in found] == [
        (1, 1, 100, 0.5),
        (2, 2, 95, 0),
        (3, 3, 5, None),
    ]


def test_a_group_of_nineteen_is_not_told_and_one_of_twenty_is():
    values = [600] * 30 + [None] * 10 + [600] * 19 + [500] * 20
    groups = ["many"] * 40 + ["nineteen"] * 19 + ["twenty"] * 20
    found = selection(values, groups, 600)
    assert found.rates == {"many": 0.75, "nineteen": None, "twenty": 0.0}
    assert (found.ratio, round(found.reached, 4)) == (0.0, round(49 / 79, 4))
    assert selection(values, groups, 601).ratio is None


def test_the_value_a_share_reaches():
    values = [1, 2, 3, 4]
    assert [share_at_least(values, share) for share in (0.25, 0.5, 0.51, 1)] == [4, 3, 2, 1]
