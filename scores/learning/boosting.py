"""The upper line: what gradient boosting gets out of the same records, which no scorecard has to reach.

It sees each kind's value in each of the last months, and may combine them in ways nobody could explain to a citizen;
a card that comes near it has left little behind. The same machine says how much a kind gives away about a group.

Needs scikit-learn (`requirements-analysis.txt`). Seeded: the same input gives the same figures.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from scores.catalogue import VALUE_SCALE
from scores.scoring import ACTIVE, Entry, month

SEED = 20_051_001
MONTHS = 24
ROUNDS = 150


def months_of(entries: Collection[Entry], kinds: Sequence[str], as_of: date) -> list[float]:
    """The latest value of each kind in each of the months up to the day, NaN where there is none."""
    found = [float("nan")] * (len(kinds) * MONTHS)
    for entry in sorted(entries, key=lambda entry: (entry.occurred_on, entry.id)):
        age = month(as_of) - month(entry.occurred_on)
        if entry.kind in kinds and 0 <= age < MONTHS and entry.occurred_on <= as_of and entry.status == ACTIVE:
            found[kinds.index(entry.kind) * MONTHS + age] = entry.value / VALUE_SCALE
    return found


def boosted(rows: Sequence[Sequence[float]], is_so: Sequence[bool], tested: Sequence[Sequence[float]]) -> list[float]:
    """How unlikely it is of each of the tested, by what was learned from the rows: higher is better, like a score."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    learned = np.asarray(rows, dtype=float)
    seen = ~np.isnan(learned).all(axis=0)
    # One thread: the same sums in the same order, and no quarrel over a busy machine's cores.
    with threadpool_limits(1):
        machine: Any = _machine()
        machine.fit(learned[:, seen], np.asarray(is_so))
        chances = machine.predict_proba(np.asarray(tested, dtype=float)[:, seen])[:, 1]
    return [-float(one) for one in chances]


def _machine() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=60,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=SEED,
    )


def gives_away(
    by_kind: Mapping[str, tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]],
    groups_to_fit: Sequence[str],
    groups_to_test: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Of each kind and group, how well the kind alone tells who is in the group (AUC; 0.5 is not at all)."""
    from scores.learning.measures import SMALLEST_CELL, power

    told: dict[str, dict[str, float]] = {}
    for kind, (rows, tested) in by_kind.items():
        for group in sorted(set(groups_to_fit)):
            inside, tested_inside = ([one == group for one in each] for each in (groups_to_fit, groups_to_test))
            if SMALLEST_CELL <= sum(tested_inside) <= len(tested_inside) - SMALLEST_CELL:
                told.setdefault(kind, {})[group] = power(boosted(rows, inside, tested), tested_inside).auc
    return told
