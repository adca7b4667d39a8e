"""Each check of disputes finds what it is for, and names internal ids only."""

import pytest

from citizen_app.invariants import broken
from scores.models import Dispute, DisputedEntry, Entry
from scores.services.disputes import verifying
from tests.factories.disputes import citizen_in_arrears, dispute_of
from tests.factories.scores import NOW, scored_citizen

pytestmark = pytest.mark.django_db


@pytest.fixture
def life():
    citizen, late = citizen_in_arrears()
    return citizen, late, dispute_of(citizen, late)


def test_a_sound_dispute_breaks_nothing(life):
    assert not any(broken().values())


def test_a_doubt_nobody_gave_is_found(life):
    citizen, *_ = life
    other = Entry.objects.of(citizen.pk).get(external_id="p1")
    Entry.objects.filter(pk=other.pk).mark_disputed(now=NOW)
    assert list(verifying.doubts_without_dispute()) == [f"entry {other.pk}"]


def test_a_doubt_that_was_forgotten_is_found(life):
    _, late, _ = life
    Entry.objects.filter(pk=late.pk).restore(now=NOW)
    assert list(verifying.disputes_without_doubt()) == [f"entry {late.pk}"]


def test_a_record_open_after_its_dispute_is_found(life):
    _, _, dispute = life
    Dispute.objects.update(state="withdrawn", ended_at=NOW)
    (row,) = DisputedEntry.objects.all()
    assert list(verifying.disputed_entries_astray()) == [f"disputed entry {row.pk}"]
    assert list(verifying.doubts_without_dispute()) == [f"entry {row.entry_id}"]
    assert dispute.pk == row.dispute_id


def test_a_record_of_somebody_else_in_a_dispute_is_found(life):
    *_, dispute = life
    foreign = Entry.objects.of(scored_citizen().pk).first()
    row = DisputedEntry.objects.create(dispute=dispute, entry=foreign, ground="other", has_benefit=False)
    assert list(verifying.disputed_entries_astray()) == [f"disputed entry {row.pk}"]


def test_a_fourth_doubt_is_found(life):
    citizen, _, _dispute = life
    for name in ("p1", "p2"):
        dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id=name))
    assert list(verifying.too_many_doubts()) == []
    fourth = dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id="p3"))
    assert not fourth.has_benefit
    assert dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id="p4")).has_benefit is False
    Dispute.objects.filter(pk=fourth.pk).update(has_benefit=True)
    assert list(verifying.too_many_doubts()) == [f"enrolment {citizen.pk}"]
