"""What time does: reminders on their days, silence strikes, evidence goes; a day off is caught up."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from citizen_app.outbox import run_due, run_sweeps
from scores.models import Dispute, DisputedEntry, Entry, Evidence, Score, SourceMonth
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.clock import end_emptied, remind_furnishers, strike_unanswered
from scores.services.disputes.deciding import admit_dispute
from scores.services.disputes.evidence import erase_old_evidence
from scores.services.disputes.opening import appeal_dispute, withdraw_dispute
from scores.services.enrolment import leave
from scores.services.ingestion import retract_entry
from scores.services.lapsing import erase_lapsed
from scores.services.linking import unlink_source
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import operator_with
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def life():
    citizen, late = citizen_in_arrears()
    return citizen, late, dispute_of(citizen, late, evidence=photograph())


def steps_of(dispute):
    return list(dispute.events.order_by("id").values_list("what", flat=True))


def test_silence_of_30_days_strikes(life):
    citizen, late, dispute = life
    last = NOW.replace(month=12, day=23, hour=23, minute=59)
    assert strike_unanswered(now=last, limit=10) == 0
    after = last + timedelta(minutes=1)
    assert strike_unanswered(now=after, limit=10) == 1
    dispute.refresh_from_db()
    assert (dispute.state, dispute.ended_at) == ("lapsed_unanswered", after)
    assert Entry.objects.get(pk=late.pk).status == "struck"
    assert Score.objects.get(pk=citizen.pk).as_of == after.date()
    assert strike_unanswered(now=after + DAY, limit=10) == 0


def test_an_answer_stops_the_clock(life):
    _, late, dispute = life
    answer_dispute(dispute=dispute, position="confirm", now=NOW + DAY)
    assert strike_unanswered(now=NOW + 60 * DAY, limit=10) == 0
    assert Entry.objects.get(pk=late.pk).status == "disputed"


def test_what_is_raised_again_has_its_30_days_from_the_look_on(life):
    citizen, late, dispute = life
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    again = dispute_of(citizen, late, evidence=photograph(2))
    assert strike_unanswered(now=NOW + 60 * DAY, limit=10) == 0
    admit_dispute(dispute=again, by=operator_with("disputes"), now=NOW + 60 * DAY)
    assert strike_unanswered(now=NOW + 90 * DAY, limit=10) == 0
    assert strike_unanswered(now=NOW + 91 * DAY, limit=10) == 1


def test_reminders_come_on_days_15_25_and_28_once_each(life):
    *_, dispute = life
    counts = [remind_furnishers(now=NOW + number * DAY, limit=10) for number in range(30)]
    assert [day for day, count in enumerate(counts) if count] == [15, 25, 28]
    assert steps_of(dispute).count("reminded") == 3
    assert Dispute.objects.get().reminded_day == 28


def test_of_reminders_that_were_missed_the_latest_is_given(life):
    *_, dispute = life
    assert remind_furnishers(now=NOW + 26 * DAY, limit=10) == 1
    assert remind_furnishers(now=NOW + 26 * DAY, limit=10) == 0
    assert (Dispute.objects.get().reminded_day, steps_of(dispute).count("reminded")) == (25, 1)


def test_who_answered_is_not_reminded(life):
    *_, dispute = life
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    assert remind_furnishers(now=NOW + 28 * DAY, limit=10) == 0


def test_what_its_furnisher_retracts_meanwhile_is_decided_for_the_citizen(life):
    _citizen, late, dispute = life
    retract_entry(source=dispute.source, external_id="late", subject=late.link.subject, now=NOW)
    run_due()
    assert end_emptied(now=NOW, limit=10) == 1
    dispute.refresh_from_db()
    assert (dispute.state, dispute.decided_by) == ("upheld", None)
    assert steps_of(dispute)[-1] == "taken_back"
    assert end_emptied(now=NOW, limit=10) == 0


def test_a_dispute_with_a_record_that_stands_goes_on():
    citizen, late = citizen_in_arrears()
    dispute = dispute_of(citizen, late, Entry.objects.of(citizen.pk).get(external_id="p1"))
    retract_entry(source=dispute.source, external_id="late", subject=late.link.subject, now=NOW)
    assert end_emptied(now=NOW, limit=10) == 0
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    assert Dispute.objects.get().state == "in_review"


@pytest.mark.parametrize("way", ["unlinked", "lapsed"])
@pytest.mark.parametrize("is_appealed", [False, True])
def test_what_is_erased_leaves_nothing_to_decide(life, way, is_appealed):
    citizen, late, dispute = life
    if is_appealed:
        appeal_dispute(dispute=rejected(dispute), by=citizen, now=NOW + 2 * DAY)
    if way == "unlinked":
        unlink_source(citizen=citizen, source_code=dispute.source.code, now=NOW + 3 * DAY)
    else:
        Entry.objects.filter(pk=late.pk).update(lapses_on=NOW.date() + DAY)
        assert erase_lapsed(now=NOW + 40 * DAY, limit=10) == 1
    assert not DisputedEntry.objects.exists()
    assert end_emptied(now=NOW + 40 * DAY, limit=10) == 1
    dispute.refresh_from_db()
    assert dispute.state == ("rejected_on_appeal" if is_appealed else "withdrawn")
    assert dispute.events.latest("id").text == "The records are erased: there is nothing left to decide."


def test_evidence_is_erased_90_days_after_the_end(life, settings):
    citizen, _, dispute = life
    file = settings.VAR_DIR / "kept" / Evidence.objects.get().name
    assert erase_old_evidence(now=NOW + 200 * DAY, limit=10) == 0  # it is open
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    assert erase_old_evidence(now=NOW + 90 * DAY - timedelta(seconds=1), limit=10) == 0
    assert file.exists()
    assert erase_old_evidence(now=NOW + 90 * DAY, limit=10) == 1
    run_due()
    assert not Evidence.objects.exists()
    assert not file.exists()
    assert steps_of(dispute)[-1] == "evidence_erased"
    assert erase_old_evidence(now=NOW + 91 * DAY, limit=10) == 0


def test_leaving_erases_disputes_with_their_files_and_the_receipt_counts_them(life, settings):
    citizen, _late, _dispute = life
    file = settings.VAR_DIR / "kept" / Evidence.objects.get().name
    receipt = leave(citizen=citizen, now=NOW + DAY)
    assert {name: receipt.erased[name] for name in ("disputes", "disputed_entries", "dispute_events", "evidence")} == {
        "disputes": 1,
        "disputed_entries": 1,
        "dispute_events": 2,
        "evidence": 1,
    }
    run_due()
    assert not file.exists()
    assert not Dispute.objects.exists()


def test_the_sweeps_are_registered_and_idle_the_second_time(life):
    later = NOW + 31 * DAY
    names = ("scores.unanswered_disputes", "scores.dispute_reminders", "scores.emptied_disputes")
    assert [run_sweeps(later)[name] for name in names] == [1, 0, 0]
    assert [run_sweeps(later)[name] for name in names] == [0, 0, 0]
    assert "scores.dispute_evidence" in run_sweeps(later)


def test_the_furnishers_public_record_counts_what_it_was_asked_what_it_lost_and_where_it_was_silent(life):
    *_, dispute = life
    counted = SourceMonth.objects.filter(source=dispute.source)
    assert counted.values_list("disputed_count", "lost_count", "unanswered_count").get() == (1, 0, 0)
    strike_unanswered(now=NOW + 31 * DAY, limit=10)
    other, later = citizen_in_arrears(dispute.source)
    answer_dispute(dispute=dispute_of(other, later), position="withdraw", now=NOW + DAY)
    sums = counted.aggregate(*[Sum(f"{name}_count") for name in ("disputed", "lost", "unanswered")])
    assert sums == {"disputed_count__sum": 2, "lost_count__sum": 1, "unanswered_count__sum": 1}
