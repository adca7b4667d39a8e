"""Disputes in any order of everything that can happen: the score follows, and objecting never makes anything worse."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from citizen_app.errors import DomainError
from scores import scoring
from scores.models import Dispute, DisputedEntry, Entry, Score
from scores.services import verifying as scores_verifying
from scores.services.disputes import verifying
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.batch_upholding import confirm_mass_upholding, propose_mass_upholding, uphold_batch
from scores.services.disputes.clock import end_emptied, remind_furnishers, strike_unanswered
from scores.services.disputes.deciding import admit_dispute, decide_appeal, decide_dispute
from scores.services.disputes.opening import appeal_dispute, open_dispute, withdraw_dispute
from scores.services.identity import record_identity_entry
from scores.services.ingestion import furnish_entries, retract_entry
from scores.services.lapsing import erase_lapsed
from scores.services.linking import switch_source
from scores.services.publishing import current_scorecard
from scores.services.rescoring import entries_to_score, rescore, score_in_force, scoring_day
from tests.budgets import tries
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, link, row

pytestmark = pytest.mark.django_db

KINDS = ["credit.payment", "credit.utilisation", "fulfilment.booking", "conduct.tax"]
GROUNDS = st.sampled_from(["not_mine", "wrong_value"])
ROWS = st.tuples(
    st.sampled_from(
        [
            ("credit.payment", (-1, 0, 1, 2, 4)),
            ("credit.utilisation", (5, 40, 99)),
            ("fulfilment.booking", (0, 1, 2)),
            ("conduct.tax", (0, 3, 400)),
        ]
    ),
    st.integers(0, 4),
    st.integers(0, 400),
)


class Disputes(RuleBasedStateMachine):
    """One citizen with two sources, a clock that goes on, and everybody who may act on a dispute."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.now, self.sent, self.files = NOW, 0, 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize(rows=st.lists(ROWS, min_size=4, max_size=9))
    def begin(self, rows):
        self.citizen = EnrolmentFactory(now=self.now).citizen
        self.sources = [SourceFactory(kinds=KINDS) for _ in range(2)]
        for source in self.sources:
            link(self.citizen, source, subject="s", now=self.now)
        record_identity_entry(citizen=self.citizen, kind="identity.email", now=self.now)
        self.operators = [CitizenFactory() for _ in range(3)]
        for one in rows:
            self.furnish(one, 0)

    # -- What is looked at --------------------------------------------------------------------------------------

    def entries(self):
        return list(Entry.objects.of(self.citizen.pk).order_by("pk"))

    def fresh(self):
        return scoring.score(current_scorecard().card, entries_to_score(self.citizen.pk), scoring_day(self.now))

    def stored(self):
        score = Score.objects.get(pk=self.citizen.pk)
        return score.state, score.value, score.purposes

    def everything(self):
        return (
            self.stored(),
            list(Entry.objects.order_by("pk").values_list("pk", "status")),
            list(Dispute.objects.order_by("pk").values_list("pk", "state")),
            list(DisputedEntry.objects.order_by("pk").values_list("pk", "is_open")),
        )

    @contextmanager
    def perhaps(self):
        """Do something that may be refused; a refusal has changed nothing."""
        before = self.everything()
        try:
            with transaction.atomic():
                yield
        except DomainError:
            assert self.everything() == before

    def pick(self, which, *states):
        found = list(Dispute.objects.filter(state__in=states).order_by("pk"))
        return found[which % len(found)] if found else None

    # -- What can happen ----------------------------------------------------------------------------------------

    @rule(one=ROWS, which=st.integers(0, 1))
    def furnish(self, one, which):
        (kind, values), value, days_ago = one
        self.sent += 1
        day = (self.now - timedelta(days=days_ago)).date().isoformat()
        sent = row("s", self.sent, kind=kind, value=values[value % len(values)], occurred_on=day)
        furnish_entries(source=self.sources[which], rows=[sent], now=self.now)
        rescore(citizen_id=self.citizen.pk, cause="entries", now=self.now)

    @rule(picks=st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True), ground=GROUNDS, shows=st.booleans())
    def open(self, picks, ground, shows):
        self.objected(picks, ground, shows)

    @rule(picks=st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True), ground=GROUNDS)
    def open_and_withdraw(self, picks, ground):
        score_in_force(self.citizen.pk, now=self.now)
        before, statuses = self.stored(), [(one.pk, one.status) for one in self.entries()]
        dispute = self.objected(picks, ground, shows=True)
        if dispute is not None:
            withdraw_dispute(dispute=dispute, by=self.citizen, now=self.now)
            assert self.stored() == before
            assert [(one.pk, one.status) for one in self.entries()] == statuses

    def objected(self, picks, ground, shows):
        entries = self.entries()
        chosen = {entries[pick % len(entries)].pk: entries[pick % len(entries)] for pick in picks}
        first = next(iter(chosen.values()))
        ids = [one.public_id for one in chosen.values() if one.link_id == first.link_id]
        self.files += 1
        file = SimpleUploadedFile("a.pdf", b"%%PDF-1.7 %d %%%%EOF" % self.files) if shows else None
        before, dispute = self.fresh(), None
        with self.perhaps():
            dispute = open_dispute(
                citizen=self.citizen, entry_ids=ids, ground=ground, statement="No.", evidence=file, now=self.now
            )
        after = self.fresh()
        assert after.value is None or after.value >= before.value
        assert (after.state, after.value is None) == (before.state, before.value is None)
        for code, was in before.purposes.items():
            assert after.purposes[code].state == was.state
            assert was.value is None or after.purposes[code].value >= was.value
        return dispute

    @rule(
        which=st.integers(0, 9), position=st.sampled_from(["confirm", "withdraw", "correct"]), value=st.integers(0, 4)
    )
    def answer(self, which, position, value):
        dispute = self.pick(which, "received", "in_review", "withdrawn", "upheld", "appealed")
        if dispute is not None:
            day = (self.now - timedelta(days=3)).date().isoformat()
            right = {"occurred_on": day, "value": value} if position == "correct" else None
            with self.perhaps():
                answer_dispute(dispute=dispute, position=position, correction=right, now=self.now)

    @rule(which=st.integers(0, 9))
    def withdraw(self, which):
        dispute = self.pick(which, *Dispute.State.values)
        if dispute is not None:
            with self.perhaps():
                withdraw_dispute(dispute=dispute, by=self.citizen, now=self.now)

    @rule(which=st.integers(0, 9), is_upheld=st.booleans(), by=st.integers(0, 2))
    def decide(self, which, is_upheld, by):
        dispute = self.pick(which, *Dispute.State.values)
        if dispute is not None:
            with self.perhaps():
                decide_dispute(dispute=dispute, is_upheld=is_upheld, reason="x", by=self.operators[by], now=self.now)

    @rule(which=st.integers(0, 9))
    def admit(self, which):
        dispute = self.pick(which, "received")
        if dispute is not None:
            with self.perhaps():
                admit_dispute(dispute=dispute, by=self.operators[0], now=self.now)

    @rule(which=st.integers(0, 9))
    def appeal(self, which):
        dispute = self.pick(which, "rejected", "rejected_on_appeal", "withdrawn")
        if dispute is not None:
            with self.perhaps():
                appeal_dispute(dispute=dispute, by=self.citizen, now=self.now)

    @rule(which=st.integers(0, 9), is_upheld=st.booleans(), by=st.integers(0, 2))
    def hear(self, which, is_upheld, by):
        dispute = self.pick(which, "appealed", "rejected")
        if dispute is not None:
            with self.perhaps():
                decide_appeal(dispute=dispute, is_upheld=is_upheld, reason="x", by=self.operators[by], now=self.now)

    @rule(which=st.integers(0, 20))
    def retract(self, which):
        sent = list(Entry.objects.filter(link__source__in=self.sources).select_related("link__source").order_by("pk"))
        if sent:
            entry = sent[which % len(sent)]
            retract_entry(
                source=entry.link.source, external_id=entry.external_id, subject=entry.link.subject, now=self.now
            )
            rescore(citizen_id=self.citizen.pk, cause="entries", now=self.now)

    @rule(which=st.integers(0, 1), on=st.booleans())
    def switch(self, which, on):
        switch_source(citizen=self.citizen, source_code=self.sources[which].code, on=on, now=self.now)

    @rule(days=st.integers(1, 20))
    def time_goes_on(self, days):
        self.now += timedelta(days=days)

    @rule()
    def the_sweeps_run(self):
        remind_furnishers(now=self.now, limit=50)
        strike_unanswered(now=self.now, limit=50)
        end_emptied(now=self.now, limit=50)
        erase_lapsed(now=self.now, limit=50)
        end_emptied(now=self.now, limit=50)
        overdue = Dispute.objects.unanswered().filter(due_on__lt=scoring_day(self.now))
        assert not overdue.exists()

    @precondition(lambda self: self.now > NOW + timedelta(days=10))
    @rule(which=st.integers(0, 20))
    def a_batch_is_upheld(self, which):
        sent = list(Entry.objects.filter(link__source__in=self.sources).select_related("link__source").order_by("pk"))
        if sent:
            entry = sent[which % len(sent)]
            with self.perhaps():
                proposal = propose_mass_upholding(
                    source=entry.link.source,
                    recorded_at=entry.recorded_at,
                    ground="wrong_value",
                    reason="x",
                    by=self.operators[0],
                    now=self.now,
                )
                confirm_mass_upholding(proposal=proposal, by=self.operators[1], now=self.now)
                uphold_batch(proposal_id=str(proposal.pk), now=self.now)

    # -- What is true after every step --------------------------------------------------------------------------

    @invariant()
    def the_score_shown_is_a_fresh_computation(self):
        score_in_force(self.citizen.pk, now=self.now)
        fresh = self.fresh()
        purposes = {code: one._asdict() for code, one in fresh.purposes.items()}
        assert self.stored() == (fresh.state, fresh.value, purposes)

    @invariant()
    def the_doubt_is_where_it_was_given_and_nowhere_else(self):
        for check in (
            verifying.doubts_without_dispute,
            verifying.disputes_without_doubt,
            verifying.disputed_entries_astray,
            verifying.too_many_doubts,
            scores_verifying.wrong_changes,
        ):
            assert list(check()) == []

    @invariant()
    def what_is_over_has_left_no_doubt(self):
        over = DisputedEntry.objects.exclude(dispute__state__in=Dispute.UNDECIDED)
        for one in over.filter(dispute__state__in=Dispute.WON).select_related("entry"):
            assert one.entry.status == "struck"


def test_p7_in_any_order_the_score_follows_and_no_dispute_makes_anything_worse(settings_of_machine):
    run_state_machine_as_test(Disputes, settings=settings_of_machine)


@pytest.fixture
def settings_of_machine():
    return settings(
        max_examples=tries(12, 25, 200),
        stateful_step_count=tries(15, 25, 40),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
