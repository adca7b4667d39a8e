"""Two engines, one truth: the statement over everybody gives what the pure function gives for each."""

from collections import Counter

import pytest
from hypothesis import given, settings

from scores.scoring import score

from .populations import by_statement, populations, tables
from .random_lives import EDGES, edges_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried_tables(db):
    with tables():
        yield


def by_pure(card, people, as_of):
    """The same from the pure function, with the edges these people stood at."""
    found, edges = {}, Counter()
    for key, entries in people.items():
        scoring = score(card, entries, as_of)
        edges.update(edges_of(card, entries, as_of, scoring))
        found[key] = (
            scoring.explanation.counted,
            scoring.state,
            scoring.value,
            scoring.factors,
            {code: purpose.value for code, purpose in scoring.purposes.items()},
            max((entry.id for entry in entries), default=0),
            len(entries),
        )
    return found, edges


def test_both_engines_are_equal_at_every_edge(tried_tables, least_examples):
    stood_at = Counter()

    @settings(max_examples=settings().max_examples // 8)
    @given(populations)
    def check(case):
        pure, edges = by_pure(*case)
        assert by_statement(*case) == pure
        stood_at.update(edges)

    check()
    assert {edge: stood_at[edge] for edge in EDGES if stood_at[edge] < least_examples} == {}
