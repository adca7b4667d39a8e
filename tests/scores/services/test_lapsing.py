"""The past lapses (P8)."""

from datetime import UTC, date, datetime

import pytest

from scores.changes import Line
from scores.models import Entry, Score, ScoreChange
from scores.services.lapsing import erase_lapsed
from scores.services.rescoring import rescore
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen():
    citizen = EnrolmentFactory(now=NOW).citizen
    linked = link(citizen, SourceFactory(kinds=["conduct.recycling", "credit.payment"]), now=NOW)
    for number, day in enumerate((date(2026, 1, 5), date(2026, 10, 5), date(2026, 11, 5))):
        entry_of(linked, kind="conduct.recycling", value=30, occurred_on=day, external_id=f"glass{number}")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    return citizen


def at(year, month, day):
    return datetime(year, month, day, tzinfo=UTC)


def test_p8_an_entry_is_erased_thirty_days_after_it_lapsed_and_not_a_day_before(citizen):
    # January 2026 + 60 months: lapses on 2031-01-01.
    assert erase_lapsed(now=at(2031, 1, 30), limit=10) == 0
    assert Entry.objects.count() == 3
    assert erase_lapsed(now=at(2031, 1, 31), limit=10) == 1
    assert set(Entry.objects.values_list("external_id", flat=True)) == {"glass1", "glass2"}


def sums():
    changes = ScoreChange.objects.order_by("id")
    return [sum(Line.from_document(line).micro for line in change.lines) for change in changes]


def test_p8_the_history_keeps_the_points_and_forgets_the_name(citizen):
    gone = Entry.objects.get(external_id="glass0").pk
    before = sums()
    erase_lapsed(now=at(2031, 1, 31), limit=10)
    lines = [Line.from_document(line) for change in ScoreChange.objects.all() for line in change.lines]
    assert gone not in {line.entry_id for line in lines}
    assert "a record that has lapsed" in {line.text for line in lines}
    assert sums()[: len(before)] == before
    score = Score.objects.get(pk=citizen.pk)
    factors = score.compared_with["factors"]
    assert gone not in [line[0] for factor in factors for rule in factor["rules"] for line in rule["entries"]]
    assert not [*wrong_changes(), *wrong_scores(), *wrong_explanations()]


def test_no_more_than_the_limit_are_erased_at_once(citizen):
    assert erase_lapsed(now=at(2040, 1, 1), limit=2) == 2
    assert erase_lapsed(now=at(2040, 1, 1), limit=2) == 1
    assert erase_lapsed(now=at(2040, 1, 1), limit=2) == 0
