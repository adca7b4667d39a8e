"""What became of what furnishers sent: counted with it, told in figures that name nobody."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from scores.models import SourceMonth
from scores.services.furnisher_record import (
    LOST,
    RECEIVED,
    UNANSWERED,
    count_batch,
    count_dispute,
    figure,
    public_records,
)
from scores.services.ingestion import furnish_entries
from tests.factories.scores import NOW, EnrolmentFactory, FurnisherFactory, SourceFactory, link, row

pytestmark = pytest.mark.django_db


def counters():
    return list(
        SourceMonth.objects.order_by("month").values_list(
            "month", "accepted_count", "contradicted_count", "disputed_count", "lost_count", "unanswered_count"
        )
    )


def test_a_batch_counts_what_it_wrote_and_what_contradicted():
    source = SourceFactory()
    link(EnrolmentFactory(now=NOW).citizen, source, "s-1", now=NOW)
    furnish_entries(source=source, rows=[row("s-1", number) for number in (1, 2, 3)], now=NOW)
    assert counters() == [(date(2026, 11, 1), 3, 0, 0, 0, 0)]
    again = [row("s-1", 1), row("s-1", 2, value=5), row("s-1", 4), row("stranger", 9)]
    furnish_entries(source=source, rows=again, now=NOW)
    assert counters() == [(date(2026, 11, 1), 4, 1, 0, 0, 0)]
    furnish_entries(source=source, rows=[row("s-1", 3, value=5)], now=NOW)
    furnish_entries(source=source, rows=[row("s-1", 8), row("s-1", 3, value=5)], dry_run=True, now=NOW)
    furnish_entries(source=source, rows=[row("s-1", 1), row("stranger", 9)], now=NOW)
    assert counters() == [(date(2026, 11, 1), 4, 2, 0, 0, 0)]


def test_what_is_undone_is_not_counted():
    source = SourceFactory()
    with transaction.atomic():
        count_batch(source, accepted=5, contradicted=1, now=NOW)
        transaction.set_rollback(True)
    assert counters() == []


def test_disputes_count_once_for_each_outcome_and_month(django_assert_num_queries):
    source = SourceFactory()
    for outcome in (RECEIVED, RECEIVED, RECEIVED, LOST, UNANSWERED):
        with django_assert_num_queries(1):
            count_dispute(source, outcome=outcome, now=NOW)
    count_dispute(source, outcome=RECEIVED, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert counters() == [(date(2026, 11, 1), 0, 0, 3, 1, 1), (date(2026, 12, 1), 0, 0, 1, 0, 0)]
    with pytest.raises(KeyError):
        count_dispute(source, outcome="won", now=NOW)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, (None, 20)), (1, (None, 20)), (19, (None, 20)), (20, (20, None)), (29, (20, None)), (30, (30, None)),
        (12_345, (12_340, None)),
    ],
)  # fmt: skip
def test_a_figure_is_rounded_down_and_a_small_one_not_told(count, told):
    assert tuple(figure(count).values()) == told


def test_a_record_looks_back_twenty_four_months_over_all_channels(django_assert_num_queries):
    furnisher, other = FurnisherFactory(name="City"), FurnisherFactory(name="Other")
    bins, works = (SourceFactory(furnisher=furnisher, name=name, kinds=["conduct.recycling"]) for name in "ab")
    for source, month in ((bins, (2026, 11)), (works, (2024, 12)), (works, (2024, 11))):
        count_batch(source, accepted=25, contradicted=2, now=datetime(*month, 5, tzinfo=UTC))
    with django_assert_num_queries(2):
        told, nothing = public_records([furnisher, other], now=NOW)
    assert told["record"] == {
        "since": date(2024, 12, 1),
        "accepted": {"count": 50, "fewer_than": None},
        "contradicted": {"count": None, "fewer_than": 20},
        "disputes": {key: {"count": None, "fewer_than": 20} for key in ("received", "lost", "unanswered")},
    }
    assert [source["name"] for source in told["sources"]] == ["a", "b"]
    assert nothing["record"]["accepted"] == {"count": None, "fewer_than": 20}
    assert nothing["sources"] == []


def test_one_record_more_about_one_person_changes_no_figure_but_at_tens():
    source = SourceFactory()
    seen = []
    for _ in range(45):
        count_batch(source, accepted=1, contradicted=0, now=NOW)
        seen.append(public_records([source.furnisher], now=NOW)[0]["record"]["accepted"]["count"])
    assert seen == [None] * 19 + [20] * 10 + [30] * 10 + [40] * 6


def test_a_month_begins_on_its_first_day_and_is_there_once():
    source = SourceFactory()
    for months in ([date(2026, 11, 2)], [date(2026, 11, 1)] * 2):
        with pytest.raises(IntegrityError), transaction.atomic():
            SourceMonth.objects.bulk_create(SourceMonth(source=source, month=month) for month in months)
    assert counters() == []
