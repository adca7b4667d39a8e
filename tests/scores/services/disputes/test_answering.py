"""The furnisher's answer: confirmed waits for a human, withdrawn is struck, corrected is replaced."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from citizen_app.errors import InvalidInput, NotFound, WrongState
from citizen_app.models import AuditEvent
from scores.errors import AnswerTooLate
from scores.models import Dispute, Entry, Inquiry, Score, Source
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.opening import withdraw_dispute
from scores.services.enrolment import leave
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph
from tests.factories.scores import NOW, entry_of

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(days=2)


@pytest.fixture
def life():
    citizen, late = citizen_in_arrears()
    return citizen, late, dispute_of(citizen, late)


def value_of(citizen):
    return Score.objects.get(pk=citizen.pk).value


def test_confirming_leaves_the_doubt_until_a_human_decides(life):
    citizen, late, dispute = life
    before = value_of(citizen)
    answer_dispute(dispute=dispute, position="confirm", statement="Our books say so.", now=SOON)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.position, dispute.answered_at) == ("in_review", "confirm", SOON)
    assert Entry.objects.get(pk=late.pk).status == "disputed"
    assert value_of(citizen) == before
    said = dispute.events.get(what="answered")
    assert (said.by, said.text) == ("furnisher", "Our books say so.")
    assert not Inquiry.objects.exists()  # nothing was written


def test_withdrawing_strikes_and_is_told_as_a_retraction(life):
    _citizen, late, dispute = life
    answer_dispute(dispute=dispute, position="withdraw", statement="Our mistake.", now=SOON)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.decided_at, dispute.decided_by, dispute.ended_at) == ("upheld", SOON, None, SOON)
    assert Entry.objects.get(pk=late.pk).status == "struck"
    asked = Inquiry.objects.get()
    assert (asked.asker_kind, asked.what, asked.count) == ("furnisher", "entry", 1)
    assert AuditEvent.objects.get(action="dispute.answer").facts == {"position": "withdraw"}


def test_a_correction_takes_the_place_of_the_record_and_lapses_no_later(life):
    _citizen, late, dispute = life
    Entry.objects.filter(pk=late.pk).update(lapses_on=date(2030, 1, 1))
    right = {"occurred_on": "2026-11-02", "value": Decimal("1")}
    answer_dispute(dispute=dispute, position="correct", correction=right, now=SOON)
    new = Entry.objects.get(replaces=late)
    assert (new.occurred_on, new.value, new.status) == (date(2026, 11, 2), 10_000, "active")
    assert (new.lapses_on, new.external_id, new.link_id) == (date(2030, 1, 1), dispute.public_id, late.link_id)
    assert Entry.objects.get(pk=late.pk).status == "struck"
    assert Dispute.objects.get().state == "upheld"
    assert Inquiry.objects.get().what == "entry"


@pytest.mark.parametrize(
    ("right", "pointer"),
    [
        ({"occurred_on": "2026-11-02", "value": 1000}, "/entry/value"),
        ({"occurred_on": "2026-11-02", "value": "x"}, "/entry/value"),
        ({"occurred_on": "2027-01-01", "value": 0}, "/entry/occurred_on"),
        ({"occurred_on": "2026-02-30", "value": 0}, "/entry/occurred_on"),
        ({"occurred_on": "1999-02-01", "value": 0}, "/entry/occurred_on"),
        ({"occurred_on": "2026-10-30", "value": 4}, "/entry"),
    ],
)
def test_a_correction_is_judged_as_any_record_is(life, right, pointer):
    _, late, dispute = life
    with pytest.raises(InvalidInput) as refusal, transaction.atomic():
        answer_dispute(dispute=dispute, position="correct", correction=right, now=SOON)
    assert [error["pointer"] for error in refusal.value.facts["errors"]] == [pointer]
    assert Entry.objects.get(pk=late.pk).status == "disputed"
    assert Dispute.objects.get().answered_at is None
    assert not Entry.objects.filter(replaces=late).exists()


def test_a_correction_of_what_lapses_today_is_refused(life):
    _, late, dispute = life
    Entry.objects.filter(pk=late.pk).update(lapses_on=SOON.date())
    with pytest.raises(InvalidInput), transaction.atomic():
        answer_dispute(
            dispute=dispute, position="correct", correction={"occurred_on": "2026-11-02", "value": 0}, now=SOON
        )
    assert Dispute.objects.get().answered_at is None


def test_a_correction_is_of_one_record():
    citizen, late = citizen_in_arrears()
    other = Entry.objects.of(citizen.pk).get(external_id="p1")
    dispute = dispute_of(citizen, late, other)
    with pytest.raises(InvalidInput), transaction.atomic():
        answer_dispute(
            dispute=dispute, position="correct", correction={"occurred_on": "2026-11-02", "value": 0}, now=SOON
        )
    assert Entry.objects.filter(status="disputed").count() == 2


@pytest.mark.parametrize(
    ("position", "correction"), [("correct", None), ("confirm", {"occurred_on": "2026-11-02"}), ("withdraw", {})]
)
def test_a_correction_comes_with_its_position_and_only_then(life, position, correction):
    *_, dispute = life
    with pytest.raises(InvalidInput):
        answer_dispute(dispute=dispute, position=position, correction=correction, now=SOON)
    assert Dispute.objects.get().answered_at is None


@pytest.mark.parametrize("position", ["confirm", "withdraw"])
def test_it_answers_once(life, position):
    citizen, _, dispute = life
    answer_dispute(dispute=dispute, position="confirm", now=SOON)
    value = value_of(citizen)
    with pytest.raises(WrongState), transaction.atomic():
        answer_dispute(dispute=dispute, position=position, now=SOON)
    assert (Dispute.objects.get().position, value_of(citizen)) == ("confirm", value)


def test_it_answers_until_the_end_of_the_due_day_and_no_later(life):
    _, late, dispute = life
    with pytest.raises(AnswerTooLate), transaction.atomic():
        answer_dispute(dispute=dispute, position="confirm", now=NOW.replace(month=12, day=24, hour=0))
    assert Dispute.objects.get().state == "received"
    last = NOW.replace(month=12, day=23, hour=23, minute=59)
    assert answer_dispute(dispute=dispute, position="confirm", now=last).state == "in_review"
    assert Entry.objects.get(pk=late.pk).status == "disputed"


def test_what_was_withdrawn_or_left_is_not_answered(life):
    citizen, late, dispute = life
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    with pytest.raises(WrongState), transaction.atomic():
        answer_dispute(dispute=dispute, position="withdraw", now=SOON)
    assert Entry.objects.get(pk=late.pk).status == "active"
    leave(citizen=citizen, now=SOON)
    with pytest.raises(NotFound):
        answer_dispute(dispute=dispute, position="withdraw", now=SOON)


def test_what_waits_for_an_operator_s_look_is_not_answered(life):
    citizen, late, dispute = life
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    again = dispute_of(citizen, late, evidence=photograph())
    with pytest.raises(WrongState), transaction.atomic():
        answer_dispute(dispute=again, position="withdraw", now=SOON)
    assert Entry.objects.get(pk=late.pk).status == "active"


def test_a_kind_the_source_no_longer_sends_can_still_be_corrected(life):
    _, late, dispute = life
    Source.objects.filter(pk=dispute.source_id).update(kinds=[])
    answer_dispute(dispute=dispute, position="correct", correction={"occurred_on": "2026-11-02", "value": 0}, now=SOON)
    assert Entry.objects.get(replaces=late).value == 0


def test_other_records_stay_as_they_were(life):
    citizen, late, dispute = life
    other = entry_of(late.link, external_id="other")
    answer_dispute(dispute=dispute, position="withdraw", now=SOON)
    assert Entry.objects.get(pk=other.pk).status == "active"
    assert set(Entry.objects.of(citizen.pk).filter(status="struck")) == {late}
