"""Trust in the background: what is written, when it rises and falls, and that nobody can tell why on the same day."""

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from citizen_app.errors import DomainError
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from scores import scoring
from scores.models import Enrolment, Entry, EntryStatusChange, Score, Seed, TrustDay, Vouch
from scores.services import trusting
from scores.services.enrolment import leave, pause_enrolment
from scores.services.linking import switch_source
from scores.services.publishing import SCORECARDS, current_scorecard, publish_scorecard
from scores.services.rescoring import entries_to_score
from scores.services.seeding import remove_seed
from scores.services.trusting import recompute_trust, recompute_when_due, trust_on
from scores.services.vouching import ask_for_vouch, end_vouch, forget_old, give_vouch
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import giver, seed, vouch

pytestmark = pytest.mark.django_db

COUNTS = NOW + timedelta(days=30)  # 23 December 2026
JANUARY = datetime(2027, 1, 1, tzinfo=UTC)


def entries(citizen):
    """What is recorded of a citizen's vouches: day, ten-thousandths and status."""
    rows = Entry.objects.filter(enrolment=citizen.pk, kind_number=17).order_by("id")
    return list(rows.values_list("occurred_on", "value", "status"))


def factors(citizen, now):
    return scoring.score(current_scorecard().card, entries_to_score(citizen.pk), now.date()).factors


@pytest.fixture
def chain(db):
    """A seed who vouches for a, who vouches for b, who vouches for c: given at noon."""
    people = [giver() for _ in range(4)]
    seed(people[0])
    for one, other in pairwise(people):
        vouch(one, other)
    return people


def test_a_vouch_counts_from_the_thirtieth_day_on(chain):
    _, a, b, c = chain
    assert recompute_trust(now=COUNTS - timedelta(days=1)) == 0
    assert trust_on(COUNTS.date()) == {a.pk: 3333, b.pk: 1111, c.pk: 370}
    assert recompute_trust(now=COUNTS) == 3
    assert entries(a) == [(COUNTS.date(), 3333, "active")]
    entry = Entry.objects.get(enrolment=a.pk, kind_number=17)
    assert entry.link.source.code == "platform"
    assert (entry.external_id, entry.lapses_on) == ("vouch.received.2026-12-23.1", date(2031, 12, 1))
    assert recompute_trust(now=COUNTS) == 0  # safe twice


def test_the_points_come_in_steps_of_ten_and_only_with_the_platform_s_records_on(chain):
    _, a, b, c = chain
    recompute_trust(now=COUNTS)
    assert factors(a, COUNTS)["vouches"] == 0  # off: stored, not counted
    for citizen, ten in ((a, 30), (b, 20), (c, 10)):
        switch_source(citizen=citizen, source_code="platform", on=True, now=COUNTS)
        assert factors(citizen, COUNTS)["vouches"] == ten * 1_000_000


def test_scores_follow_within_the_outbox_s_next_round(chain):
    _, a, *_ = chain
    switch_source(citizen=a, source_code="platform", on=True, now=COUNTS)
    before = Score.objects.get(pk=a.pk).revision
    recompute_trust(now=COUNTS)
    assert OutboxMessage.objects.filter(topic="score.rescore", done_at=None).count() == 1  # for all of them
    run_due()
    assert Score.objects.get(pk=a.pk).revision == before + 1


def test_a_seed_earns_nothing_by_being_chosen(chain):
    recompute_trust(now=COUNTS)
    assert entries(chain[0]) == []


def test_only_confirmed_seeds_pass_anything_on(chain):
    Seed.objects.update(confirmed_at=None, confirmed_by=None)
    assert trust_on(COUNTS.date()) == {}


@pytest.mark.parametrize("by", ["giver", "receiver"])
def test_what_a_side_ends_goes_at_the_month_s_turn_and_not_before(chain, by):
    first, a, b, c = chain
    given = Vouch.objects.get(giver=first.pk)
    recompute_trust(now=COUNTS)
    end_vouch(vouch_id=given.public_id, citizen=first if by == "giver" else a, now=COUNTS)
    for later in range(1, 9):
        assert recompute_trust(now=COUNTS + timedelta(days=later)) == 0
    assert recompute_trust(now=JANUARY) == 3
    for citizen, value in ((a, 3333), (b, 1111), (c, 370)):
        assert entries(citizen) == [(COUNTS.date(), value, "struck")]
    assert set(EntryStatusChange.objects.values_list("was", "became", "why")) == {("active", "struck", "superseded")}
    forget_old(now=JANUARY)
    assert Vouch.objects.count() == 2
    assert recompute_trust(now=JANUARY) == 0


def test_who_leaves_passes_nothing_on_from_the_next_computation(chain):
    _, a, b, c = chain
    recompute_trust(now=COUNTS)
    leave(citizen=a, now=COUNTS)
    assert recompute_trust(now=COUNTS + timedelta(days=1)) == 2
    assert [status for *_, status in entries(b) + entries(c)] == ["struck", "struck"]


def test_a_paused_person_passes_on_as_before_so_that_nobody_can_tell(chain):
    before = trust_on(COUNTS.date())
    pause_enrolment(citizen=chain[1], now=NOW)
    assert trust_on(COUNTS.date()) == before


def test_a_seed_that_is_taken_off_the_list_stops_at_the_next_computation(chain):
    recompute_trust(now=COUNTS)
    remove_seed(seed_id=Seed.objects.get().public_id, by=operator_with("scoring"), now=COUNTS)
    assert recompute_trust(now=COUNTS + timedelta(days=1)) == 3
    assert not Entry.objects.filter(kind_number=17).exclude(status="struck").exists()


def test_a_change_within_a_step_of_ten_writes_nothing_and_across_one_an_entry(chain):
    _, a, b, _ = chain
    recompute_trust(now=COUNTS)
    later = NOW + timedelta(days=31)
    other = giver()
    vouch(b, other, now=later)  # b is worth a ninth, so the other gets 0.0370
    vouch(other, a, now=later)
    day = later + timedelta(days=30)
    assert trust_on(day.date())[a.pk] == 3456  # from 3333, past the step at 0.34
    assert recompute_trust(now=day) == 2
    assert entries(a) == [(COUNTS.date(), 3333, "struck"), (day.date(), 3456, "active")]
    third = giver()
    vouch(b, third, now=day)
    vouch(third, a, now=day)
    last = day + timedelta(days=30)
    assert trust_on(last.date())[a.pk] == 3580
    assert recompute_trust(now=last) == 1  # the third's own; a stays within the step
    assert entries(a)[-1] == (day.date(), 3456, "active")


def test_an_entry_is_renewed_before_it_would_lapse(chain):
    _, a, *_ = chain
    recompute_trust(now=COUNTS)
    eleven_months = datetime(2027, 11, 1, tzinfo=UTC)
    assert recompute_trust(now=eleven_months - timedelta(days=1)) == 0
    assert recompute_trust(now=eleven_months) == 3
    assert entries(a) == [(COUNTS.date(), 3333, "struck"), (eleven_months.date(), 3333, "active")]
    assert recompute_trust(now=eleven_months + timedelta(days=29)) == 0


def test_another_scorecard_s_steps_decide_from_the_next_computation_on(chain):
    _, a, *_ = chain
    recompute_trust(now=COUNTS)
    text = (SCORECARDS / "2026-11.yaml").read_text().replace('version: "2026-11"', 'version: "2026-12"')
    publish_scorecard(text=text.replace("{up_to: 0.34, points: 30}", "{up_to: 0.33, points: 30}"), now=COUNTS)
    assert recompute_trust(now=COUNTS + timedelta(days=1)) == 0  # the entry of a is read with the new steps as it is
    switch_source(citizen=a, source_code="platform", on=True, now=COUNTS)
    assert factors(a, COUNTS)["vouches"] == 40_000_000


def test_the_sweep_computes_once_a_day_and_costs_one_query_otherwise(chain, django_assert_num_queries):
    assert recompute_when_due(now=COUNTS) == 3
    with django_assert_num_queries(1):
        assert recompute_when_due(now=COUNTS + timedelta(hours=11)) == 0
    assert recompute_when_due(now=COUNTS + timedelta(days=1)) == 0
    assert [one.day for one in TrustDay.objects.all()] == [COUNTS.date() + timedelta(days=1)]
    assert run_sweeps(COUNTS + timedelta(days=2))["scores.trust"] == 0
    assert TrustDay.objects.get().day == COUNTS.date() + timedelta(days=2)


def test_a_computation_in_which_nothing_changed_costs_the_same_for_any_number_of_people(
    chain, django_assert_num_queries
):
    recompute_trust(now=COUNTS)
    OutboxMessage.objects.all().delete()
    with django_assert_num_queries(7):  # seeds, four steps, the scorecard, the entries that stand
        assert recompute_trust(now=COUNTS) == 0
    assert not OutboxMessage.objects.exists()


def test_a_run_that_was_cut_off_is_done_again(chain, monkeypatch):
    real, calls = trusting._record, []

    def cut_off(some, *args, **options):
        calls.append(some)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(some, *args, **options)

    monkeypatch.setattr(trusting, "HELD_AT_ONCE", 1)
    monkeypatch.setattr(trusting, "_record", cut_off)
    with pytest.raises(RuntimeError):
        recompute_when_due(now=COUNTS)
    assert not TrustDay.objects.exists()
    assert recompute_when_due(now=COUNTS) == 2
    assert Entry.objects.filter(kind_number=17).count() == 3


# -- A ring, as its owner would build it -------------------------------------------------------------------------------

RING = int(os.environ.get("RING", 24))


def tried(one, token, now):
    try:
        give_vouch(token=token, citizen=one, now=now)
    except DomainError as refusal:
        return refusal.code
    return "done"


def test_a_ring_of_accounts_gains_nothing_in_180_days_and_nothing_afterwards_without_a_path_from_a_seed(chain):
    start = NOW
    ring = [EnrolmentFactory(now=start, document=True).citizen for _ in range(RING)]
    everybody = Enrolment.objects.count()
    # Every month some of them try, each at least once, and are told that they have not been here for long enough.
    for month in range(6):
        now = start + timedelta(days=30 * month)
        token = ask_for_vouch(citizen=ring[month], now=now).token
        assert {tried(one, token, now) for one in ring[6 + month :: 6]} == {"enrolled_too_recently"}
        recompute_when_due(now=now)
    # From the 180th day each gives the three they have, and learns that there is no fourth.
    now = start + timedelta(days=180)
    for number, one in enumerate(ring):
        for step in (1, 2, 3):
            vouch(one, ring[(number + step) % RING], now=now)
    token = ask_for_vouch(citizen=ring[5], now=now).token
    assert {tried(one, token, now) for one in ring[6::5]} == {"vouch_limit_reached"}
    assert Vouch.objects.filter(giver__in=[one.pk for one in ring]).count() == 3 * RING
    recompute_when_due(now=now + timedelta(days=30))
    ids = [one.pk for one in ring]
    assert not Entry.objects.filter(enrolment__in=ids, kind_number=17).exists()
    # Ending and giving again does not help: six in twelve months, and still nobody outside says a word for them.
    again = now + timedelta(days=30)
    for given in Vouch.objects.filter(giver=ids[0]):
        end_vouch(vouch_id=given.public_id, citizen=ring[0], now=again)
    for step in (4, 5, 6):
        vouch(ring[0], ring[step], now=again)
    for given in Vouch.objects.filter(giver=ids[0], withdrawn_at=None):
        end_vouch(vouch_id=given.public_id, citizen=ring[0], now=again)
    token = ask_for_vouch(citizen=ring[7], now=again).token
    assert tried(ring[0], token, again) == "vouch_limit_reached"
    recompute_when_due(now=again + timedelta(days=60))
    assert not Entry.objects.filter(enrolment__in=ids, kind_number=17).exists()
    # One vouch bought from somebody a seed vouches for reaches what it reaches: a ninth, and thirds of it from there.
    vouch(chain[1], ring[0], now=again)
    after = again + timedelta(days=60)
    recompute_when_due(now=after + timedelta(days=1))
    assert dict(
        Entry.objects.filter(enrolment__in=ids, kind_number=17, status="active").values_list("enrolment_id", "value")
    ) == {ids[0]: 1111}
    assert Enrolment.objects.count() == everybody
