"""Two operators together strike a whole batch for everybody: one proposes, another confirms, and it goes on once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from citizen_app.errors import InvalidInput, WrongState
from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.errors import AlreadyProposed, OwnDispute, SecondOperatorNeeded
from scores.models import Dispute, Entry, MassUpholding, Score
from scores.services.disputes.batch_upholding import (
    confirm_mass_upholding,
    drop_mass_upholding,
    propose_mass_upholding,
    uphold_batch,
)
from scores.services.ingestion import furnish_entries
from scores.services.verifying import wrong_scores
from tests.factories.disputes import dispute_of, rejected
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, link, row

pytestmark = pytest.mark.django_db
SENT = NOW - timedelta(days=3)


@pytest.fixture
def batch():
    """A bank that sent a wrong batch about three people, and one that is right."""
    source = SourceFactory(code="bank")
    people = [EnrolmentFactory(now=SENT).citizen for _ in range(3)]
    for number, citizen in enumerate(people):
        link(citizen, source, subject=f"s{number}", now=SENT)
    good = [row(f"s{n}", m, occurred_on=f"2026-{m:02}-05") for n in range(3) for m in range(1, 5)]
    furnish_entries(source=source, rows=good, now=SENT - timedelta(days=1))
    bad = [row(f"s{n}", 90 + m, occurred_on="2026-10-05", value=3) for n in range(3) for m in range(2)]
    furnish_entries(source=source, rows=bad, now=SENT)
    run_due(now=SENT)
    return source, people


def proposed(source, by=None):
    return propose_mass_upholding(
        source=source,
        recorded_at=SENT,
        ground="wrong_value",
        reason="The file had its columns swapped.",
        by=by or operator_with("disputes"),
        now=NOW,
    )


def bad_ones(source):
    return Entry.objects.filter(link__source=source, recorded_at=SENT)


def test_nothing_happens_until_another_operator_confirms(batch):
    source, _ = batch
    first = operator_with("disputes")
    proposal = proposed(source, first)
    assert uphold_batch(proposal_id=str(proposal.pk)) == 0
    with pytest.raises(SecondOperatorNeeded):
        confirm_mass_upholding(proposal=proposal, by=first)
    run_due()
    assert set(bad_ones(source).values_list("status", flat=True)) == {"active"}
    assert MassUpholding.objects.get().confirmed_at is None


def test_everything_in_the_batch_is_struck_disputed_or_not_and_nothing_else(batch):
    source, people = batch
    mine = list(bad_ones(source).filter(enrolment_id=people[0].pk))
    dispute = dispute_of(people[0], *mine)
    other = dispute_of(people[1], bad_ones(source).filter(enrolment_id=people[1].pk).first(), ground="not_mine")
    first, second = operator_with("disputes"), operator_with("disputes")
    confirm_mass_upholding(proposal=proposed(source, first), by=second, now=NOW)
    run_due()
    assert set(bad_ones(source).values_list("status", flat=True)) == {"struck"}
    assert set(Entry.objects.exclude(recorded_at=SENT).values_list("status", flat=True)) == {"active"}
    assert {one.state for one in Dispute.objects.all()} == {"upheld"}
    assert dispute.events.latest("id").text == "The file had its columns swapped."
    assert other.events.latest("id").by == "operator"
    assert MassUpholding.objects.get().done_at is not None
    assert list(wrong_scores()) == []
    told = [one.to[0] for one in mail.outbox if one.subject == "Wrong records about you were struck"]
    assert sorted(told) == sorted(citizen.email for citizen in people)
    acts = AuditEvent.objects.filter(action__startswith="mass_upholding").order_by("id")
    assert [(one.action, one.actor) for one in acts] == [
        ("mass_upholding.propose", f"person:{first.pk}"),
        ("mass_upholding.confirm", f"person:{second.pk}"),
    ]


def test_it_is_safe_twice_and_goes_on_where_it_stopped(batch, monkeypatch):
    source, _people = batch
    proposal = confirm_mass_upholding(proposal=proposed(source), by=operator_with("disputes"), now=NOW)
    from scores.services.disputes import batch_upholding

    honest, seen = batch_upholding._uphold_for, []

    def stops(citizen_id, *args, **options):
        if seen:
            raise RuntimeError("killed")
        seen.append(citizen_id)
        honest(citizen_id, *args, **options)

    monkeypatch.setattr(batch_upholding, "_uphold_for", stops)
    with pytest.raises(RuntimeError):
        uphold_batch(proposal_id=str(proposal.pk), now=NOW)
    assert MassUpholding.objects.get().done_at is None
    monkeypatch.setattr(batch_upholding, "_uphold_for", honest)
    assert uphold_batch(proposal_id=str(proposal.pk), now=NOW) == 2
    revisions = list(Score.objects.order_by("pk").values_list("revision", flat=True))
    assert uphold_batch(proposal_id=str(proposal.pk), now=NOW) == 0
    assert list(Score.objects.order_by("pk").values_list("revision", flat=True)) == revisions


def test_an_appeal_about_the_batch_is_won_with_it(batch):
    from scores.services.disputes.opening import appeal_dispute

    source, people = batch
    second = operator_with("disputes")
    dispute = rejected(dispute_of(people[0], *bad_ones(source).filter(enrolment_id=people[0].pk)), second)
    appeal_dispute(dispute=dispute, by=people[0], now=NOW + timedelta(days=2))
    confirm_mass_upholding(proposal=proposed(source), by=second, now=NOW)
    run_due()
    assert Dispute.objects.get().state == "upheld_on_appeal"


def test_a_batch_of_nothing_and_a_second_proposal_are_refused(batch):
    source, _ = batch
    with pytest.raises(InvalidInput):
        propose_mass_upholding(
            source=source, recorded_at=NOW, ground="other", reason="x", by=operator_with("disputes"), now=NOW
        )
    proposed(source)
    with pytest.raises(AlreadyProposed):
        proposed(source)
    assert MassUpholding.objects.count() == 1


def test_who_has_records_in_the_batch_neither_proposes_nor_confirms(batch):
    source, people = batch
    with pytest.raises(OwnDispute):
        proposed(source, people[0])
    with pytest.raises(OwnDispute):
        confirm_mass_upholding(proposal=proposed(source), by=people[1])
    assert MassUpholding.objects.get().confirmed_at is None


def test_a_proposal_can_be_dropped_until_it_is_confirmed_and_made_again(batch):
    source, _ = batch
    first, second = operator_with("disputes"), operator_with("disputes")
    drop_mass_upholding(proposal=proposed(source, first), by=second, now=NOW)
    with pytest.raises(WrongState):
        confirm_mass_upholding(proposal=MassUpholding.objects.get(), by=second)
    again = confirm_mass_upholding(proposal=proposed(source, first), by=second, now=NOW)
    with pytest.raises(WrongState):
        drop_mass_upholding(proposal=again, by=first)


def test_the_database_knows_that_it_takes_two(batch):
    source, _ = batch
    proposal = proposed(source)
    with pytest.raises(IntegrityError), transaction.atomic():
        MassUpholding.objects.update(confirmed_by=proposal.proposed_by, confirmed_at=NOW)
