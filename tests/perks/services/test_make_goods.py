"""Making good (P7): exactly the refusals that wrong records caused, offered again as they were, and taken once.

Disputes themselves are rows here: what their services promise (`scores.services.outcomes`) is all that perks know.
"""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from citizen_app.errors import InvalidInput, WrongState
from citizen_app.invariants import broken
from citizen_app.models import AuditEvent
from perks.errors import (
    CitizenLimitReached,
    DailyLimitReached,
    EnrolmentPaused,
    MakeGoodOver,
    MerchantMustAgree,
    MerchantNotActive,
    TooManyReservations,
)
from perks.models import MakeGood, Merchant, Perk, PerkVersion, Redemption, RefusedAttempt
from perks.services.catalogue import end_perk, pause_perk, resume_perk
from perks.services.make_goods import (
    OPEN_FOR,
    answer_make_good,
    expire_make_goods,
    offer_make_goods,
    state_of,
    take_make_good,
    waiting_for,
)
from perks.services.redemptions import cancel_redemption, take_perk
from scores.assessments import assess_as_if
from scores.models import Scorecard
from scores.services.enrolment import leave, pause_enrolment
from tests.budgets import tries
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    reservation,
    scored_tier,
)
from tests.factories.scores import NOW
from tests.factories.wronged import become, make_good_of, recorded, refused, win, wronged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=20)


def perk_from(min_score=600, **fields):
    return PerkFactory(**{"tiers": [scored_tier(min_score)], "made_at": NOW, "published_at": NOW} | fields)


def offered(**fields):
    """Somebody wronged who was refused a perk, and the offer that makes it good."""
    citizen, wrong = wronged()
    perk = perk_from(**fields)
    refused(citizen, perk, now=NOW + HOUR)
    win(wrong, now=LATER)
    return make_good_of(citizen)


def unsound():
    """What breaks an invariant; scores that a test sets by hand are not what their entries make them."""
    return {sentence: facts for sentence, facts in broken().items() if facts and not sentence.startswith("A score")}


def reread(make_good):
    return make_good_of(make_good.citizen)


# -- Which refusals are made good -------------------------------------------------------------------------------------


def test_a_won_dispute_offers_again_what_its_record_kept_away():
    citizen, wrong = wronged()
    perk = perk_from(600, terms="Terms of then.")
    attempt = refused(citizen, perk, now=NOW + HOUR)
    win(wrong, now=LATER, dispute="dsp_abc")
    make_good = make_good_of(citizen)
    assert (make_good.perk, make_good.version, make_good.min_score) == (perk, perk.in_force, 600)
    assert make_good.benefit == {"text": "10 % off"}
    assert (make_good.dispute, make_good.state, make_good.answer) == ("dsp_abc", "open", "")
    assert make_good.expires_at - make_good.offered_at == OPEN_FOR
    assert list(make_good.refusals.all()) == [attempt]
    assert state_of(make_good, now=make_good.offered_at) == "offered"


def test_what_would_have_been_refused_anyway_is_not_made_good():
    citizen, wrong = wronged()
    others = {
        "out of reach either way": perk_from(640),
        "sold out": perk_from(600, stock=0),
        "paused": perk_from(600, state="paused"),
        "for people with a document": perk_from(600, kind="gift_card", tiers=[GIFT]),
        "of a suspended merchant": perk_from(600, merchant=MerchantFactory(state="suspended")),
        "over": perk_from(600, valid_until_at=NOW - HOUR),
        "not open yet": perk_from(600, valid_from_at=NOW + 50 * HOUR),
        "without budget": perk_from(600, budget_amount=0, budget_currency="EUR"),
    }
    for perk in others.values():
        refused(citizen, perk, now=NOW + HOUR)
    assert RefusedAttempt.objects.count() == len(others)
    win(wrong, now=LATER)
    assert not MakeGood.objects.exists()


GIFT = {"min_score": 600, "benefit": {"face": {"amount": 1000, "currency": "EUR"}, "lives_months": 24}}


def test_a_tier_the_budget_could_not_have_paid_is_not_made_good():
    citizen, wrong = wronged()
    tier = {"min_score": 600, "benefit": {"text": "5 off", "amount": {"amount": 500, "currency": "EUR"}}}
    dear = perk_from(tiers=[tier], budget_amount=499, budget_currency="EUR")
    paid = perk_from(tiers=[tier], budget_amount=500, budget_currency="EUR")
    for perk in (dear, paid):
        refused(citizen, perk, now=NOW + HOUR)
    win(wrong, now=LATER)
    assert make_good_of(citizen).perk == paid


def test_a_refusal_before_the_wrong_record_came_is_not_its_work():
    citizen, _ = wronged(late=1)
    perk = perk_from(600)
    refused(citizen, perk, now=NOW)
    second = recorded(citizen, value=2, external_id="second", now=NOW + 5 * HOUR)
    win(second, now=LATER)
    assert not MakeGood.objects.exists()


def test_a_refusal_while_the_doubt_was_given_is_not_the_records_work():
    citizen, wrong = wronged()
    become(wrong, "disputed", now=NOW + HOUR)
    refused(citizen, perk_from(640), now=NOW + 2 * HOUR)
    win(wrong, now=LATER)
    assert not MakeGood.objects.exists()


def test_a_corrected_record_makes_good_only_what_the_right_one_would_have_opened():
    citizen, wrong = wronged(late=3)  # 425; with one month late 580
    opened, still_shut = perk_from(550), perk_from(600)
    refused(citizen, opened, now=NOW + HOUR)
    refused(citizen, still_shut, now=NOW + HOUR)
    become(wrong, "struck", why="replaced", now=LATER)
    right = recorded(citizen, value=1, external_id="right", replaces=wrong, now=LATER)
    win(wrong, corrected=[right], now=LATER)
    assert make_good_of(citizen).perk == opened


def test_two_records_that_only_together_kept_it_away_make_it_good_once_both_are_struck():
    citizen, first = wronged(late=1)
    second = recorded(citizen, value=1, external_id="second", now=NOW)
    perk = perk_from(600)
    refused(citizen, perk, now=NOW + HOUR)
    assert assess_as_if(citizen, at=NOW + HOUR, without=[first.pk]).purposes["travel"].value < 600
    win(first, now=LATER)
    assert not MakeGood.objects.exists()
    win(second, now=LATER + HOUR)
    assert make_good_of(citizen).perk == perk


def test_several_refusals_of_one_perk_are_one_offer_of_its_best_tier():
    citizen, wrong = wronged()
    worse = recorded(citizen, value=3, external_id="worse", now=NOW)  # 425 with both
    tiers = [scored_tier(500, "5 % off"), scored_tier(600, "10 % off")]
    perk = perk_from(tiers=tiers)
    first = refused(citizen, perk, now=NOW + HOUR)
    second = refused(citizen, perk, now=NOW + 30 * HOUR)
    win(worse, wrong, now=LATER)
    make_good = make_good_of(citizen)
    assert set(make_good.refusals.all()) == {first, second}
    assert (make_good.min_score, make_good.benefit) == (600, {"text": "10 % off"})


def test_asking_again_on_the_same_day_is_one_refusal_unless_something_changed():
    citizen, _ = wronged()
    perk = perk_from(600)
    first = refused(citizen, perk, now=NOW)
    assert refused(citizen, perk, now=NOW + HOUR) == first
    recorded(citizen, value=2, external_id="new", now=NOW + 2 * HOUR)
    assert refused(citizen, perk, now=NOW + 2 * HOUR) != first
    assert RefusedAttempt.objects.count() == 2


def test_the_version_of_then_is_offered_even_when_the_perk_has_another_now():
    citizen, wrong = wronged()
    perk = perk_from(600, terms="Terms of then.")
    refused(citizen, perk, now=NOW + HOUR)
    newer = PerkVersion.objects.create(
        perk=perk, number=2, title="Dearer", tiers=[scored_tier(680, "1 % off")], made_at=NOW, approved_at=NOW
    )
    Perk.objects.filter(pk=perk.pk).update(in_force=newer)
    win(wrong, now=LATER)
    redemption = take_make_good(make_good=make_good_of(citizen), now=LATER)
    assert (redemption.version.terms, redemption.benefit) == ("Terms of then.", {"text": "10 % off"})


def test_being_told_twice_changes_nothing():
    make_good = offered()
    win_again = {"dispute_id": "dsp_1", "entry_ids": [], "now": LATER}
    assert offer_make_goods(citizen=make_good.citizen, **win_again) == []
    assert MakeGood.objects.count() == 1


def test_a_second_dispute_does_not_offer_the_same_refusals_again():
    citizen, wrong = wronged(late=1)
    perk = perk_from(600)
    refused(citizen, perk, now=NOW + HOUR)
    win(wrong, now=LATER)
    take_make_good(make_good=make_good_of(citizen), now=LATER)
    other = recorded(citizen, value=3, external_id="other", now=NOW)
    win(other, now=LATER + HOUR)
    assert MakeGood.objects.count() == 1


def test_whoever_has_left_is_offered_nothing_and_leaving_erases_what_was_offered():
    make_good = offered()
    receipt = leave(citizen=make_good.citizen, now=LATER)
    assert (receipt.erased["make_goods"], receipt.erased["refused_attempts"]) == (1, 1)
    assert not MakeGood.objects.exists()
    assert offer_make_goods(citizen=make_good.citizen, dispute_id="dsp_1", entry_ids=[1], now=LATER) == []


def test_leaving_after_taking_honours_the_reservation():
    make_good = offered()
    redemption = take_make_good(make_good=make_good, now=LATER)
    leave(citizen=make_good.citizen, now=LATER)
    redemption.refresh_from_db()
    assert (redemption.state, redemption.forgets_citizen) == ("reserved", True)
    assert not MakeGood.objects.exists()


# -- Taking it --------------------------------------------------------------------------------------------------------


def test_it_is_taken_whatever_the_score_has_become():
    make_good = offered(stock=3)
    recorded(make_good.citizen, value=3, external_id="a bad month", now=LATER)
    redemption = take_make_good(make_good=make_good, now=LATER)
    assert (redemption.state, redemption.min_score, redemption.taken_at) == ("reserved", 600, LATER)
    make_good = reread(make_good)
    assert (make_good.state, make_good.redemption, make_good.closed_at) == ("taken", redemption, LATER)
    perk = Perk.objects.get()
    assert (perk.stock, perk.taken_count) == (3, 1)
    assert unsound() == {}


def test_it_is_taken_once():
    make_good = offered(limit_per_citizen=None)
    take_make_good(make_good=make_good, now=LATER)
    with pytest.raises(MakeGoodOver) as refusal:
        take_make_good(make_good=make_good, now=LATER)
    assert refusal.value.code == "wrong_state"
    assert Redemption.objects.count() == 1


def test_a_pause_and_the_limits_of_everybody_hold():
    make_good = offered()
    pause_enrolment(citizen=make_good.citizen, now=LATER)
    with pytest.raises(EnrolmentPaused):
        take_make_good(make_good=make_good, now=LATER)
    assert (reread(make_good).state, Redemption.objects.count()) == ("open", 0)


def test_somebody_who_has_had_all_one_person_can_is_told_so():
    citizen, wrong = wronged()
    perk = perk_from(600, limit_per_citizen=1)
    refused(citizen, perk, now=NOW + HOUR)
    win(wrong, now=LATER)
    take_perk(citizen=citizen, perk=perk, now=LATER)
    with pytest.raises(CitizenLimitReached):
        take_make_good(make_good=make_good_of(citizen), now=LATER)


def test_five_open_reservations_are_the_most_here_too():
    make_good = offered()
    for _ in range(5):
        reservation(make_good.citizen, PerkFactory(), now=LATER)
    with pytest.raises(TooManyReservations):
        take_make_good(make_good=make_good, now=LATER)


def test_a_full_day_is_over_tomorrow():
    make_good = offered(limit_per_day=1)
    reservation(citizen_with(700), make_good.perk)  # today, by the clock of the machine
    today = Redemption.objects.get().taken_at
    MakeGood.objects.update(expires_at=today + timedelta(days=3))
    with pytest.raises(DailyLimitReached):
        take_make_good(make_good=make_good, now=today)
    assert take_make_good(make_good=make_good, now=today + timedelta(days=1)).state == "reserved"
    assert unsound() == {}


def test_priority_is_taken_for_a_new_day_at_a_branch():
    merchant = MerchantFactory()
    branch = BranchFactory(merchant=merchant)
    citizen, wrong = wronged()
    perk = perk_from(merchant=merchant, kind="priority", tiers=[scored_tier(600, "Faster")])
    refused(citizen, perk, now=NOW + HOUR, date=NOW.date(), branch=branch)
    win(wrong, now=LATER)
    make_good = make_good_of(citizen)
    with pytest.raises(InvalidInput):
        take_make_good(make_good=make_good, now=LATER)
    day = (LATER + timedelta(days=3)).date()
    redemption = take_make_good(make_good=make_good, date=day, branch=branch, booking_reference="B7", now=LATER)
    assert (redemption.date, redemption.branch, redemption.booking_reference) == (day, branch, "B7")


# -- When the perk is not to be had any more --------------------------------------------------------------------------


def gone(make_good, how):
    perk, owner = make_good.perk, person_of(make_good.perk.merchant)
    if how == "ended":
        end_perk(perk=perk, by=owner, now=LATER)
    elif how == "paused":
        pause_perk(perk=perk, by=owner, now=LATER)
    elif how == "over":
        Perk.objects.filter(pk=perk.pk).update(valid_until_at=LATER - HOUR)
    elif how == "sold out":
        Perk.objects.filter(pk=perk.pk).update(stock=0, promised_count=0)
        MakeGood.objects.filter(perk=perk).update(is_kept=False)
    return owner


WAYS = ("ended", "paused", "over", "sold out")


@pytest.mark.parametrize("how", WAYS)
def test_the_merchant_is_asked_and_nothing_is_taken_without_their_yes(how):
    make_good = offered()
    gone(make_good, how)
    make_good = reread(make_good)
    assert state_of(make_good, now=LATER) == "needs_merchant"
    assert list(waiting_for(make_good.perk.merchant, now=LATER)) == [make_good]
    with pytest.raises(MerchantMustAgree):
        take_make_good(make_good=make_good, now=LATER)
    assert (reread(make_good).state, Redemption.objects.count()) == ("open", 0)


@pytest.mark.parametrize("how", WAYS)
def test_with_the_merchants_yes_one_more_is_given_and_never_more_than_the_stock(how):
    make_good = offered()
    owner = gone(make_good, how)
    answer_make_good(make_good=make_good, agrees=True, by=owner, now=LATER + HOUR)
    make_good = reread(make_good)
    assert state_of(make_good, now=LATER + HOUR) == "offered"
    assert make_good.expires_at == LATER + HOUR + OPEN_FOR
    assert list(waiting_for(make_good.perk.merchant, now=LATER + HOUR)) == []
    redemption = take_make_good(make_good=make_good, now=LATER + HOUR)
    assert (redemption.state, redemption.expires_at) == ("reserved", LATER + 25 * HOUR)
    perk = Perk.objects.get()
    assert perk.taken_count == 1
    assert perk.stock == (1 if how == "sold out" else 10)
    assert AuditEvent.objects.filter(action="make_good.accept", object=make_good.public_id).count() == 1
    assert unsound() == {}


def test_one_given_beyond_the_stock_goes_to_nobody_else():
    make_good = offered()
    owner = gone(make_good, "sold out")
    answer_make_good(make_good=make_good, agrees=True, by=owner, now=LATER)
    redemption = take_make_good(make_good=reread(make_good), now=LATER)
    cancel_redemption(redemption=redemption, now=LATER)
    perk = Perk.objects.get()
    assert (perk.stock, perk.taken_count) == (1, 1)
    assert unsound() == {}


def test_a_budget_that_is_spent_grows_by_what_the_merchant_agreed_to():
    tier = {"min_score": 600, "benefit": {"text": "5 off", "amount": {"amount": 500, "currency": "EUR"}}}
    make_good = offered(tiers=[tier], budget_amount=800, budget_currency="EUR")
    Perk.objects.update(budget_amount=0)
    assert state_of(reread(make_good), now=LATER) == "needs_merchant"
    owner = person_of(make_good.perk.merchant)
    answer_make_good(make_good=make_good, agrees=True, by=owner, now=LATER)
    take_make_good(make_good=make_good, now=LATER)
    perk = Perk.objects.get()
    assert (perk.budget_amount, perk.budget_spent) == (500, 500)
    assert unsound() == {}


def test_a_no_stands_until_the_perk_is_on_offer_again():
    make_good = offered()
    owner = gone(make_good, "paused")
    answer_make_good(make_good=make_good, agrees=False, by=owner, now=LATER)
    make_good = reread(make_good)
    assert state_of(make_good, now=LATER) == "declined"
    with pytest.raises(MakeGoodOver):
        take_make_good(make_good=make_good, now=LATER)
    with pytest.raises(WrongState):
        answer_make_good(make_good=make_good, agrees=True, by=owner, now=LATER)
    # Whoever may take it anew is never refused what everybody may take.
    resume_perk(perk=make_good.perk, by=owner, now=LATER)
    assert state_of(reread(make_good), now=LATER) == "offered"
    assert take_make_good(make_good=make_good, now=LATER).state == "reserved"


def test_a_merchant_is_not_asked_about_what_can_be_taken_anyway_and_a_suspended_one_cannot_agree():
    make_good = offered()
    owner = person_of(make_good.perk.merchant)
    with pytest.raises(WrongState):
        answer_make_good(make_good=make_good, agrees=False, by=owner, now=LATER)
    Merchant.objects.update(state="suspended")
    with pytest.raises(MerchantNotActive):
        answer_make_good(make_good=make_good, agrees=True, by=owner, now=LATER)
    assert reread(make_good).answer == ""


def test_an_offer_ends_after_thirty_days():
    make_good = offered()
    over = make_good.expires_at
    assert state_of(make_good, now=over - HOUR) == "offered"
    assert state_of(make_good, now=over) == "expired"
    with pytest.raises(MakeGoodOver):
        take_make_good(make_good=make_good, now=over)
    assert expire_make_goods(now=over - HOUR) == 0
    assert expire_make_goods(now=over) == 1
    assert expire_make_goods(now=over) == 0
    assert (reread(make_good).state, Redemption.objects.count()) == ("expired", 0)


# -- What the database holds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "taken"}, "make_good_has_a_redemption_iff_taken"),
        ({"answer": "accepted"}, "make_good_answer_is_known_and_dated"),
        ({"answer": "perhaps", "answered_at": NOW}, "make_good_answer_is_known_and_dated"),
    ],
)
def test_the_database_refuses_what_cannot_be(changes, constraint):
    make_good = offered()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MakeGood.objects.filter(pk=make_good.pk).update(**changes)


def test_the_database_refuses_a_second_open_offer_of_one_perk():
    make_good = offered()
    make_good.pk = None
    make_good._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        make_good.save(force_insert=True)


# -- As a property ----------------------------------------------------------------------------------------------------


class ExactlyTheRefusals(TestCase):
    """Whatever was recorded and whenever a perk was asked for, a dispute makes good what it undoes and nothing else."""

    # Each example lives a life in the database.
    @settings(max_examples=tries(10, 40, 300), deadline=None, database=None)
    @given(
        lates=st.lists(st.integers(0, 3), min_size=1, max_size=4),
        thresholds=st.lists(st.sampled_from([400, 480, 560, 600, 640]), min_size=1, max_size=4),
        asked_at=st.lists(st.integers(0, 5), min_size=1, max_size=5),
        is_wrong=st.lists(st.booleans(), min_size=4, max_size=4),
    )
    def test_exactly_the_refusals_that_a_correction_undoes(self, lates, thresholds, asked_at, is_wrong):
        if not Scorecard.objects.exists():
            from scores.services.publishing import load_reference_data

            load_reference_data()
        citizen, first = wronged(late=lates[0])
        entries = [first]
        for number, late in enumerate(lates[1:], start=1):
            entries.append(recorded(citizen, value=late, external_id=f"w{number}", now=NOW + number * 24 * HOUR))
        wrong = [entry for entry, flag in zip(entries, is_wrong, strict=False) if flag] or [first]
        perks = [perk_from(threshold, tiers=[scored_tier(threshold), scored_tier(800)]) for threshold in thresholds]
        expected = set()
        for day in sorted(asked_at):
            at = NOW + day * 24 * HOUR + HOUR
            value = assess_as_if(citizen, at=at).purposes["travel"].value
            without = assess_as_if(citizen, at=at, without=[entry.pk for entry in wrong]).purposes["travel"].value
            for perk, threshold in zip(perks, thresholds, strict=True):
                if value < threshold:
                    attempt = RefusedAttempt.objects.create(
                        citizen=citizen,
                        version=perk.in_force,
                        at=at,
                        reasons=[{"code": "below_threshold", "detail": "", "points_to_go": threshold - value}],
                    )
                    if without >= threshold:
                        expected.add(attempt.pk)
        win(*wrong, now=LATER)
        assert set(RefusedAttempt.objects.exclude(make_good=None).values_list("pk", flat=True)) == expected
        offers = MakeGood.objects.filter(citizen=citizen)
        assert offers.count() == len({one.version_id for one in RefusedAttempt.objects.filter(pk__in=expected)})
        assert set(offers.values_list("min_score", flat=True)) <= set(thresholds)


def test_an_open_tier_is_never_made_good_since_it_was_never_refused():
    citizen, wrong = wronged()
    perk = perk_from(tiers=[open_tier(), scored_tier(600)])
    take_perk(citizen=citizen, perk=perk, now=NOW)
    win(wrong, now=LATER)
    assert not MakeGood.objects.exists()
