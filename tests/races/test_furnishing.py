"""Records that arrive at the same moment are taken once, and the score that follows is the one they make."""

from collections import Counter

import pytest
from django.utils import timezone

from citizen_app import outbox
from citizen_app.models import OutboxMessage
from scores import scoring
from scores.models import Entry, EntryStatusChange, Inquiry, Link, Score, ScoreChange
from scores.services.enrolment import leave
from scores.services.ingestion import furnish_entries, retract_entry
from scores.services.linking import switch_source
from scores.services.publishing import current_scorecard
from scores.services.rescoring import entries_to_score, rescore, rescore_together, scoring_day
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.scores import EnrolmentFactory, SourceFactory, explanation_of, link, row
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def linked(*, citizens=3, sources=1):
    """Enrolled people, each known to each source as `person-<n>`."""
    found = [SourceFactory() for _ in range(sources)]
    people = [EnrolmentFactory().citizen for _ in range(citizens)]
    for number, citizen in enumerate(people):
        for source in found:
            link(citizen, source, subject=f"person-{number}")
    return people, found


def test_two_furnishers_sending_one_batch_8_times_each_are_two_batches():
    _, (bank, bureau) = linked(sources=2)
    batch = [row(f"person-{number}", 10 * number + month) for number in range(3) for month in range(4)]
    # Turned round, so that nothing but the order of the locks keeps two batches from waiting for each other.
    results = at_once(
        *[
            lambda source=source, rows=rows: furnish_entries(source=source, rows=rows)
            for source in (bank, bureau)
            for rows in [batch, batch[::-1]] * 4
        ]
    )
    for answers in (results[:8], results[8:]):
        assert Counter((answer.accepted, answer.duplicates) for answer in answers) == {(12, 0): 1, (0, 12): 7}
        assert all(answer.rejected == [] for answer in answers)
    assert Entry.objects.count() == 24
    assert Inquiry.objects.count() == 6  # one line per person and furnisher, for the one batch that told something
    assert set(Inquiry.objects.values_list("count", flat=True)) == {1}


def test_contradicting_rows_at_the_same_moment_leave_the_first():
    _, (source,) = linked(citizens=1)
    results = at_once(
        *[lambda late=late: furnish_entries(source=source, rows=[row("person-0", value=late)]) for late in range(12)]
    )
    assert sum(answer.accepted for answer in results) == 1
    assert Counter(refused.code for answer in results for refused in answer.rejected) == {"entry_contradicted": 11}
    stands = next(late for late, answer in enumerate(results) if answer.accepted)
    assert Entry.objects.get().value == stands * 10_000


def test_one_entry_is_replaced_once():
    _, (source,) = linked(citizens=1)
    furnish_entries(source=source, rows=[row("person-0", 1, value=3)])
    corrections = [row("person-0", number, value=0, replaces="r1") for number in range(2, 12)]
    results = at_once(*[lambda one=one: furnish_entries(source=source, rows=[one]) for one in corrections])
    assert sum(answer.accepted for answer in results) == 1
    assert Counter(refused.code for answer in results for refused in answer.rejected) == {"invalid": 9}
    assert Counter(Entry.objects.values_list("status", flat=True)) == {"struck": 1, "active": 1}


def test_an_entry_taken_back_8_times_is_struck_once():
    _, (source,) = linked(citizens=1)
    furnish_entries(source=source, rows=[row("person-0", 1)])
    results = at_once(*[lambda: retract_entry(source=source, external_id="r1", subject="person-0")] * 8)
    assert Counter(results) == {True: 1, False: 7}
    assert EntryStatusChange.objects.count() == 1


def test_16_rescorings_while_records_arrive_end_at_what_the_records_make():
    (citizen,), (source,) = linked(citizens=1)
    batches = [
        [row("person-0", 10 * batch + number, occurred_on=f"2026-{number + 1:02}-15") for number in range(4)]
        for batch in range(8)
    ]
    now = timezone.now().replace(year=2026, month=11, day=23)
    before = Score.objects.get().revision
    at_once(
        *[lambda batch=batch: furnish_entries(source=source, rows=batch, now=now) for batch in batches],
        *[lambda: rescore(citizen_id=citizen.pk, cause="entries", now=now)] * 16,
    )
    assert Entry.objects.filter(link__source=source).count() == 32
    assert Score.objects.get().revision == before + 16  # none of them overwrote another
    rescore(citizen_id=citizen.pk, cause="entries", now=now)
    fresh = scoring.score(current_scorecard().card, entries_to_score(citizen.pk), scoring_day(now))
    stored = Score.objects.get()
    assert (stored.value, stored.factors) == (fresh.value, fresh.factors)
    assert stored.value is not None
    assert list(wrong_changes()) == []
    last = ScoreChange.objects.order_by("-id").first()
    assert (last.state, last.value) == (stored.state, stored.value)


def test_switches_rescorings_and_batches_at_once_end_at_the_right_number():
    (citizen,), (source,) = linked(citizens=1)
    rows = [row("person-0", number, occurred_on=f"2026-{number + 1:02}-05") for number in range(6)]
    at_once(
        *[lambda one=one: furnish_entries(source=source, rows=[one]) for one in rows],
        *[lambda on=on: switch_source(citizen=citizen, source_code=source.code, on=on) for on in (False, True) * 2],
        *[lambda: rescore(citizen_id=citizen.pk, cause="entries")] * 4,
    )
    outbox.run_due()
    is_on = Link.objects.get(source=source).is_on
    assert explanation_of(Score.objects.get().pk).counted == (6 if is_on else 0)
    assert [*wrong_scores(), *wrong_changes(), *wrong_explanations()] == []


def test_people_rescored_together_in_any_order_meet_without_harm():
    people, (source,) = linked(citizens=6)
    names = [citizen.pk for citizen in people]
    batch = [row(f"person-{n}", m, occurred_on=f"2026-{m + 1:02}-05") for n in range(6) for m in range(4)]
    at_once(
        *[lambda order=names[n:] + names[:n]: rescore_together(citizen_ids=order, cause="entries") for n in range(6)],
        *[lambda order=names[::-1]: rescore_together(citizen_ids=order, cause="entries")] * 4,
        *[lambda rows=batch[n::3]: furnish_entries(source=source, rows=rows) for n in range(3)],
        lambda: leave(citizen=people[0]),
        lambda: switch_source(citizen=people[1], source_code=source.code, on=False),
    )
    outbox.run_due()
    assert {score.pk: explanation_of(score.pk).counted for score in Score.objects.all()} == {
        **dict.fromkeys(names[2:], 4),
        names[1]: 0,
    }
    assert [*wrong_scores(), *wrong_changes(), *wrong_explanations()] == []


def test_what_is_promised_is_delivered_once_by_16_relays():
    _, (source,) = linked(citizens=4)
    furnish_entries(source=source, rows=[row(f"person-{n}", m) for n in range(4) for m in range(3)])
    assert OutboxMessage.objects.filter(done_at=None).exists()
    done = sum(at_once(*[outbox.run_due] * 16))
    assert done == OutboxMessage.objects.count()  # what was promised, and what keeping it promised besides
    assert set(OutboxMessage.objects.values_list("attempt_count", flat=True)) == {1}
    assert not OutboxMessage.objects.filter(done_at=None).exists()
