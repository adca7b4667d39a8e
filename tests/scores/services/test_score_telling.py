"""When somebody hears that their score changed: from five points on, or at a door; never because time passed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.models import Notification, OutboxMessage
from scores.changes import CAPPED, ENTRY_ADDED, ENTRY_LAPSED, FADED, ROUNDING, SOURCE_SWITCHED, Line
from scores.models import Score, ScoreChange, ToldScore
from scores.scorecard_parts import POINT
from scores.services.enrolment import pause_enrolment, resume_enrolment
from scores.services.score_telling import promise_telling_range, tell_moved, tell_range
from scores.telling import ENOUGH, Step, doors_moved, reasons_of
from tests.factories.notifications import told
from tests.factories.perks import PerkFactory, scored_tier
from tests.factories.scores import NOW, EnrolmentFactory

pytestmark = pytest.mark.django_db


def person(value=700):
    """Somebody who was told of this value."""
    citizen = EnrolmentFactory().citizen
    ScoreChange.objects.filter(enrolment_id=citizen.pk).delete()
    move(citizen, value, before=None)
    tell_moved(citizen_ids=[citizen.pk])
    Notification.objects.all().delete()
    return citizen


def move(citizen, value, *, before=..., cause="entries", lines=None, at=NOW, purpose=None):
    """A row of history, and the score it leads to."""
    score = Score.objects.get(pk=citizen.pk)
    previous = score.value if before is ... else before
    difference = None if previous is None or value is None else value - previous
    if lines is None:
        lines = [Line(FADED if cause == "month" else ENTRY_ADDED, (difference or 0) * POINT, "credit.payment", 1)]
    ScoreChange.objects.create(
        enrolment_id=citizen.pk,
        at=at,
        state="thin_file" if value is None else "scored",
        value=value,
        previous=previous,
        difference=difference,
        cause=cause,
        scorecard_version="2026-11",
        lines=[line.to_document() for line in lines],
    )
    score.value, score.state = value, "thin_file" if value is None else "scored"
    reached = value if purpose is None else purpose
    score.purposes = {code: {"state": "assessable", "value": reached} for code in score.purposes}
    score.save()


def heard(citizen):
    tell_moved(citizen_ids=[citizen.pk])
    return told(citizen)


def test_four_points_are_not_told_and_five_are():
    four, five, down = person(), person(), person()
    move(four, 704)
    move(five, 705)
    move(down, 695)
    assert (heard(four), heard(five), heard(down)) == ([], ["score.changed"], ["score.changed"])
    assert heard(five) == ["score.changed"]


def test_small_steps_add_up_and_one_back_undoes_the_other():
    up, back = person(), person()
    for value in (702, 704, 706):
        move(up, value)
        heard(up)
    for value in (704, 700, 704, 700):
        move(back, value)
        heard(back)
    assert (told(up), told(back)) == (["score.changed"], [])
    assert ToldScore.objects.get(pk=up.pk).untold == 0
    move(up, 709)
    assert heard(up) == ["score.changed"]


def test_fading_and_lapsing_are_never_told_however_far_and_move_the_start():
    citizen = person()
    for value in (690, 660):
        move(citizen, value, cause="month")
        assert heard(citizen) == []
    move(citizen, 662)  # two points of its own: what faded before is not told with it
    assert heard(citizen) == []
    move(citizen, 640, cause="month", lines=[Line(ENTRY_LAPSED, -22 * POINT, "credit.payment", 1)])
    assert heard(citizen) == []


def test_what_fades_in_the_same_row_as_a_record_is_taken_off():
    citizen = person()
    lines = [
        Line(ENTRY_ADDED, 3 * POINT, "credit.payment", 1),
        Line(FADED, -9 * POINT, "credit.payment"),
        Line(ROUNDING, 0),
    ]
    move(citizen, 694, lines=lines)
    assert heard(citizen) == []


def test_a_perk_that_opens_or_closes_is_told_for_fewer_points_but_not_by_fading():
    PerkFactory(tiers=[scored_tier(702)])
    opens, faded = person(701), person(703)
    move(opens, 702)
    assert heard(opens) == ["score.changed"]
    assert Notification.objects.get(citizen=opens).facts["perks"] == "A perk opened for you."
    move(faded, 701, cause="month")
    assert heard(faded) == []
    move(opens, 701)
    heard(opens)
    assert Notification.objects.filter(citizen=opens).latest("pk").facts["perks"] == "A perk closed for you."


def test_the_first_score_and_the_last_are_told_in_words():
    first, last, faded = person(None), person(), person()
    move(first, 640)
    move(last, None)
    move(faded, None, cause="month")
    assert (heard(first), heard(last), heard(faded)) == (["score.first"], ["score.too_few"], [])


def test_who_is_paused_hears_it_once_they_have_resumed():
    citizen = person()
    pause_enrolment(citizen=citizen)
    move(citizen, 710)
    assert heard(citizen) == []
    resume_enrolment(citizen=citizen)
    move(citizen, 711)
    assert heard(citizen) == ["score.changed"]


def test_enrolling_tells_nothing():
    citizen = EnrolmentFactory().citizen
    assert heard(citizen) == []


def test_no_word_of_it_is_a_number():
    citizen = person(731)
    move(citizen, 787, lines=[Line(ENTRY_ADDED, 56 * POINT, "credit.payment", 9), Line(CAPPED, 0)])
    heard(citizen)
    row = Notification.objects.get()
    assert row.facts == {"why": "A record was added.", "perks": ""}
    assert not any(digit in str(row.facts) for digit in "0123456789")


def test_a_run_over_many_costs_no_statement_for_each():
    def statements(count):
        people = [person() for _ in range(count)]
        Notification.objects.all().delete()
        for one in people:
            move(one, 710)
        low, high = min(one.pk for one in people) - 1, max(one.pk for one in people)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            tell_range(after=low, upto=high, at=NOW)
        assert Notification.objects.filter(citizen__in=people).count() == count
        return len(captured)

    assert statements(2) == statements(12)


def test_a_range_is_one_promise():
    promise_telling_range(after=0, upto=10**6, at=NOW)
    assert OutboxMessage.objects.get(topic="score.range_moved").payload == {
        "after": 0,
        "upto": 10**6,
        "at": NOW.isoformat(),
    }


@pytest.mark.parametrize(
    ("step", "moved"),
    [
        (Step("entries", 707, 700, [Line(ENTRY_ADDED, 7 * POINT, "x", 1)]), 7),
        (Step("month", 690, 700, [Line(FADED, -10 * POINT, "x")]), 0),
        (Step("entries", 690, 700, [Line(ENTRY_LAPSED, -10 * POINT, "x", 1), Line(SOURCE_SWITCHED, 0, "x")]), 0),
        # Told in totals after a run: it cannot be taken apart.
        (Step("entries", 690, 700, [Line(FADED, -10 * POINT, "credit", None, "factor")]), -10),
        (Step("entries", None, 700, []), 0),
    ],
)
def test_time_moves_nothing_here(step, moved):
    assert step.moved == moved * POINT
    assert ENOUGH == 5 * POINT


def test_reasons_are_said_once_and_three_at_most():
    added, switched = Line(ENTRY_ADDED, 1, "x", 1), Line(SOURCE_SWITCHED, 1, "x")
    steps = [Step("entries", 1, 0, [added, added]), Step("source", 2, 1, [switched]), Step("month", 1, 2, [])]
    assert reasons_of(steps) == "A record was added. A source was switched."
    assert reasons_of([Step("dispute", 1, 0, [])]) == "A dispute moved."


def test_doors_are_those_of_their_own_purpose():
    assert doors_moved({"travel": 699, "retail": 700}, {"travel": 700, "retail": 699}, [("travel", 700)]) == (
        True,
        False,
    )
    assert doors_moved({"travel": None}, {"travel": 700}, [("travel", 700), ("dating", 1)]) == (True, False)
    assert doors_moved({"travel": 700}, {"travel": None}, [("travel", 700)]) == (False, True)
