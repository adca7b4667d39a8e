"""About how many reach a threshold (P4: shares of everybody, and nobody)."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Reach, Score
from scores.services import reach
from scores.services.reach import Share, count_reach, reach_by_threshold, reach_of
from tests.factories.perks import citizen_with
from tests.factories.scores import NOW, EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_table_is_remembered():
    reach._table.cache_clear()
    yield
    reach._table.cache_clear()


@pytest.fixture
def few_are_enough():
    with mock.patch.object(reach, "LEAST_PEOPLE", 10):
        yield


def members(*values, purpose="travel"):
    return [citizen_with(value, purpose=purpose) for value in values]


def test_the_share_of_scored_people_who_reach_it_to_the_nearest_five(few_are_enough):
    members(500, 560, 590, 599, 600, 600, 640, 650, 700, 710, 720)
    EnrolmentFactory()  # a thin file is not among them
    assert count_reach(now=NOW) == 1
    today = NOW.date()
    assert reach_of(purpose="travel", threshold=500) == Share(100, today)
    assert reach_of(purpose="travel", threshold=600) == Share(65, today)  # 7 of 11
    assert reach_of(purpose="travel", threshold=610) == Share(45, today)  # 5 of 11
    assert reach_of(purpose="travel", threshold=730) == Share(0, today)
    assert reach_of(purpose="dating", threshold=500) == Share(0, today)
    assert all(percent % 5 == 0 for percent in reach_by_threshold(purpose="travel").values())


@pytest.mark.parametrize("threshold", [601, 605, 0, 5_000])
def test_only_multiples_of_ten_of_the_scale_are_known(few_are_enough, threshold):
    members(*[600] * 10)
    count_reach(now=NOW)
    assert reach_of(purpose="travel", threshold=threshold) is None


def test_below_a_thousand_people_nothing_is_known():
    members(*[600] * 12)
    assert reach.LEAST_PEOPLE == 1_000
    assert count_reach(now=NOW) == 1
    assert reach_of(purpose="travel", threshold=600) is None
    assert (Reach.objects.get().percents, reach_by_threshold(purpose="travel")) == ({}, {})


def test_it_changes_once_a_day_however_often_it_is_asked(few_are_enough):
    people = members(*[600] * 10)
    assert reach_of(purpose="travel", threshold=600) is None
    count_reach(now=NOW)
    Score.objects.filter(pk__in=[one.pk for one in people]).update(purposes={})
    assert count_reach(now=NOW) == 0
    assert reach_of(purpose="travel", threshold=600) == Share(100, NOW.date())
    tomorrow = NOW + timedelta(days=1)
    assert count_reach(now=tomorrow) == 1
    assert reach_of(purpose="travel", threshold=600) == Share(0, tomorrow.date())
    assert Reach.objects.count() == 1


def test_counting_costs_one_statement_a_purpose_whatever_the_number_of_people(few_are_enough):
    costs = []
    for number in (10, 30):
        members(*range(500, 500 + number))
        Reach.objects.all().delete()
        with CaptureQueriesContext(connection) as asked:
            count_reach(now=NOW)
        costs.append(len(asked))
    assert costs[0] == costs[1]
