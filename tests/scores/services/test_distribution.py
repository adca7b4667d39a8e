"""Where a score stands among all (P4: counts, and nobody)."""

from datetime import timedelta
from unittest import mock

import pytest

from scores.models import Score, ScoreDistribution
from scores.services import distribution
from scores.services.distribution import count_scores, percentile_of
from tests.factories.scores import NOW, EnrolmentFactory, scored_citizen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_are_enough():
    distribution._table.cache_clear()
    with mock.patch.object(distribution, "LEAST_PEOPLE", 4):
        yield
    distribution._table.cache_clear()


def test_the_share_below_and_half_of_the_same():
    citizens = [scored_citizen(payments=count) for count in (3, 4, 4, 6)]
    EnrolmentFactory(now=NOW)  # a thin file is not among them
    values = [Score.objects.get(pk=citizen.pk).value for citizen in citizens]
    assert count_scores(now=NOW) == 1
    assert [percentile_of(value) for value in values] == [12, 50, 50, 87]
    assert (percentile_of(values[0] - 1), percentile_of(values[-1] + 1), percentile_of(None)) == (0, 100, None)


def test_it_is_counted_once_a_day_and_only_the_latest_day_is_kept():
    for count in (3, 4, 6):
        scored_citizen(payments=count)
    assert (count_scores(now=NOW), count_scores(now=NOW)) == (1, 0)
    assert count_scores(now=NOW + timedelta(days=1)) == 1
    assert ScoreDistribution.objects.get().counted_on == (NOW + timedelta(days=1)).date()


def test_among_too_few_nobody_is_told_where_they_stand():
    citizen = scored_citizen()
    count_scores(now=NOW)
    assert percentile_of(Score.objects.get(pk=citizen.pk).value) is None
