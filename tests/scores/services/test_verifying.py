"""Each check finds what it is for, and names internal ids only."""

from datetime import timedelta

import pytest

from citizen_app.invariants import broken
from citizen_app.outbox import run_due
from scores.models import Entry, Inquiry, Link, Score, ScoreChange
from scores.services import verifying
from scores.services.rescoring import request_rescore
from tests.factories.files import open_one
from tests.factories.people import operator_with
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, scored_citizen
from tests.factories.tampering import entry_guards_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen():
    return scored_citizen()


def test_a_sound_life_breaks_nothing(citizen):
    assert not any(broken().values())


def test_a_value_that_does_not_follow_from_the_entries_is_found(citizen):
    Score.objects.filter(pk=citizen.pk).update(value=700)
    assert list(verifying.wrong_scores()) == [f"score {citizen.pk}"]
    assert list(verifying.history_behind()) == [f"score {citizen.pk}"]


def test_an_entry_changed_behind_the_scores_back_is_found(citizen):
    with entry_guards_off():
        Entry.objects.update(value=30_000)
    assert list(verifying.wrong_scores()) == [f"score {citizen.pk}"]


def test_entries_whose_rescoring_is_on_its_way_are_no_fault(citizen):
    with entry_guards_off():
        Entry.objects.update(value=30_000)
    request_rescore([citizen.pk])
    assert list(verifying.wrong_scores()) == []
    run_due()
    assert list(verifying.wrong_scores()) == []
    with entry_guards_off():
        Entry.objects.update(value=0)
    assert list(verifying.wrong_scores()) == [f"score {citizen.pk}"]


def test_an_explanation_that_does_not_add_up_is_found(citizen):
    score = Score.objects.get(pk=citizen.pk)
    sound = score.compared_with["factors"][0]["micro"]
    score.compared_with["factors"][0]["micro"] += 1
    score.save()
    assert list(verifying.wrong_explanations()) == [f"explanation kept with score {citizen.pk}"]
    score.compared_with["factors"][0]["micro"] = sound
    score.kept["rounding"] += 1
    score.save()
    assert list(verifying.wrong_explanations()) == [f"explanation kept with score {citizen.pk}"]


def test_lines_that_do_not_sum_and_rows_that_do_not_follow_are_found(citizen):
    change = ScoreChange.objects.get(enrolment_id=citizen.pk, cause="entries")
    ScoreChange.objects.filter(pk=change.pk).update(lines=change.lines[1:])
    assert list(verifying.wrong_changes()) == [f"score change {change.pk}"]
    ScoreChange.objects.filter(pk=change.pk).update(lines=change.lines, previous=change.value, difference=0)
    assert list(verifying.wrong_changes()) == [f"score change {change.pk}"]


def test_an_enrolment_without_a_score_is_found(citizen):
    Score.objects.all().delete()
    assert list(verifying.enrolled_without_score()) == [f"enrolment {citizen.pk}"]


def test_an_entry_under_anothers_link_is_found(citizen):
    other = link(EnrolmentFactory().citizen, SourceFactory())
    entry = Entry.objects.first()
    with entry_guards_off():
        Entry.objects.filter(pk=entry.pk).update(link=other)
    assert list(verifying.entries_of_others()) == [f"entry {entry.pk}"]
    assert Link.objects.filter(pk=other.pk).exists()


def test_p3_an_entry_of_no_kind_and_p8_one_that_lives_too_long_are_found(citizen):
    first, second = Entry.objects.order_by("pk")[:2]
    with entry_guards_off():
        Entry.objects.filter(pk=first.pk).update(kind_number=999)
        Entry.objects.filter(pk=second.pk).update(lapses_on=second.lapses_on + timedelta(days=31))
    assert list(verifying.entries_not_allowed()) == [f"entry {first.pk}", f"entry {second.pk}"]


def test_a_file_that_was_opened_in_silence_is_found(citizen):
    opening = open_one(citizen, operator_with("support"))
    assert list(verifying.openings_untold()) == []
    Inquiry.objects.filter(enrolment_id=citizen.pk).update(asker_id="cit_somebody_else")
    assert list(verifying.openings_untold()) == [f"file opening {opening.pk}"]
