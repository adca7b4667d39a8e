"""The head of the stock (P7): one is kept for who is offered a perk again, and what comes back is theirs first."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from citizen_app.errors import InvalidInput
from citizen_app.invariants import broken
from perks import errors
from perks.models import MakeGood, Perk
from perks.services.catalogue import edit_perk, pause_perk
from perks.services.keeping import keep_for_all_who_wait
from perks.services.make_goods import answer_make_good, expire_make_goods, take_make_good
from perks.services.redemptions import cancel_redemption, take_perk
from scores.services.enrolment import leave
from tests.factories.perks import PerkFactory, citizen_with, make_good_for, person_of, reservation
from tests.perks.api.calls import app_of

pytestmark = pytest.mark.django_db


def counts(perk):
    perk.refresh_from_db()
    return perk.taken_count, perk.promised_count, perk.left


def kept(*make_goods):
    return [MakeGood.objects.get(pk=make_good.pk).is_kept for make_good in make_goods]


def sound():
    return {
        sentence: facts for sentence, facts in broken().items() if facts and not sentence.startswith("A score")
    } == {}


def sold_out_with_two_waiting():
    perk = PerkFactory(stock=2)
    taken = [reservation(perk=perk) for _ in range(2)]
    return perk, taken, [make_good_for(citizen_with(), perk) for _ in range(2)]


def test_others_find_nothing_left_where_the_last_one_is_kept():
    perk = PerkFactory(stock=1)
    make_good = make_good_for(citizen_with(), perk)
    other = citizen_with()
    assert counts(perk) == (0, 1, 0)
    assert app_of(other).get(f"/api/v1/perks/{perk.public_id}").json()["remaining"] == 0
    assert app_of(other).get("/api/v1/perks?eligible=true").json()["results"] == []
    with pytest.raises(errors.SoldOut):
        take_perk(citizen=other, perk=perk)
    assert counts(perk) == (0, 1, 0)
    take_make_good(make_good=make_good)
    assert counts(perk) == (1, 0, 0)
    assert sound()


def test_what_is_left_beside_the_kept_ones_is_for_everybody():
    perk = PerkFactory(stock=2)
    make_good_for(citizen_with(), perk)
    take_perk(citizen=citizen_with(), perk=perk)
    with pytest.raises(errors.SoldOut):
        take_perk(citizen=citizen_with(), perk=perk)
    assert counts(perk) == (1, 1, 0)


def test_what_comes_back_is_for_who_waits_longest():
    perk, taken, waiting = sold_out_with_two_waiting()
    assert kept(*waiting) == [False, False]
    cancel_redemption(redemption=taken[0])
    assert (kept(*waiting), counts(perk)) == ([True, False], (1, 1, 0))
    with pytest.raises(errors.SoldOut):
        take_perk(citizen=citizen_with(), perk=perk)
    cancel_redemption(redemption=taken[1])
    assert (kept(*waiting), counts(perk)) == ([True, True], (0, 2, 0))
    assert sound()


@pytest.mark.parametrize("how", ["expired", "left", "declined", "taken"])
def test_what_was_kept_is_let_go_when_the_offer_is_over(how):
    perk, (first, _), (head, waiting) = sold_out_with_two_waiting()
    cancel_redemption(redemption=first)
    now = timezone.now()
    match how:
        case "expired":
            MakeGood.objects.filter(pk=head.pk).update(expires_at=now)
            assert expire_make_goods(now=now) == 1
        case "left":
            leave(citizen=head.citizen)
        case "declined":
            owner = person_of(perk.merchant)
            pause_perk(perk=perk, by=owner)
            answer_make_good(make_good=head, agrees=False, by=owner)
        case "taken":
            take_make_good(make_good=head)
    if how == "taken":
        assert (kept(waiting), counts(perk)) == ([False], (2, 0, 0))
    else:
        assert (kept(waiting), counts(perk)) == ([True], (1, 1, 0))
    assert sound()


def test_the_last_offer_over_gives_it_to_everybody():
    perk = PerkFactory(stock=1)
    make_good = make_good_for(citizen_with(), perk)
    leave(citizen=make_good.citizen)
    assert counts(perk) == (0, 0, 1)
    assert take_perk(citizen=citizen_with(), perk=perk).state == "reserved"


def test_more_stock_goes_to_who_waits_and_less_than_is_kept_is_refused():
    perk, _, waiting = sold_out_with_two_waiting()
    owner = person_of(perk.merchant)
    edit_perk(perk=perk, by=owner, body={"stock": 3})
    assert (kept(*waiting), counts(perk)) == ([True, False], (2, 1, 0))
    with pytest.raises(InvalidInput):
        edit_perk(perk=perk, by=owner, body={"stock": 2})
    assert (kept(*waiting), counts(perk)) == ([True, False], (2, 1, 0))
    assert sound()


def test_the_sweep_keeps_what_was_free_before_anything_was_kept():
    perk = PerkFactory(stock=3)
    make_good = make_good_for(citizen_with(), perk)
    MakeGood.objects.update(is_kept=False)
    Perk.objects.update(promised_count=0)
    assert not sound()
    assert keep_for_all_who_wait(now=timezone.now()) == 1
    assert keep_for_all_who_wait(now=timezone.now()) == 0
    assert (kept(make_good), counts(perk)) == ([True], (0, 1, 2))
    MakeGood.objects.update(expires_at=timezone.now() - timedelta(seconds=1), is_kept=False)
    Perk.objects.update(promised_count=0)
    assert keep_for_all_who_wait(now=timezone.now()) == 0


def test_without_a_stock_nothing_is_kept():
    perk = PerkFactory(stock=None)
    make_good = make_good_for(citizen_with(), perk)
    assert (kept(make_good), counts(perk)) == ([False], (0, 0, None))
    assert take_make_good(make_good=make_good).state == "reserved"


def test_the_database_keeps_what_is_promised_within_the_stock():
    perk = PerkFactory(stock=2)
    reservation(perk=perk)
    with pytest.raises(IntegrityError, match="perk_not_oversold"):
        Perk.objects.filter(pk=perk.pk).update(promised_count=2)


def test_the_database_keeps_nothing_for_an_offer_that_is_over():
    make_good = make_good_for(citizen_with(), PerkFactory())
    with pytest.raises(IntegrityError, match="make_good_keeps_one_only_while_open"):
        MakeGood.objects.filter(pk=make_good.pk).update(state="expired", closed_at=timezone.now())


def test_the_invariant_finds_a_count_that_is_wrong():
    perk = PerkFactory(stock=5)
    Perk.objects.filter(pk=perk.pk).update(promised_count=1)
    assert not sound()
