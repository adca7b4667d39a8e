"""A code goes to one person whoever takes at the same moment, and withdrawing meets taking without a deadlock."""

from collections import Counter

import pytest
from django.db import transaction
from django.utils import timezone

from citizen_app.outbox import run_due
from perks.models import CodeList, OutsideCode, Redemption
from perks.services.code_lists import generate_codes, withdraw_codes, work_on
from perks.services.redemptions import take_perk
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of, reservation
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def list_of(merchant, count):
    made = generate_codes(merchant=merchant, by=person_of(merchant, "manager"), name="Shop", count=count)
    run_due()
    return made


def take(citizen, perk):
    return lambda: take_perk(citizen=citizen, perk=perk).outside


@pytest.mark.usefixtures("crowd", "sound")
def test_32_citizens_of_two_perks_and_10_codes_are_10_codes_each_given_once():
    merchant = MerchantFactory()
    codes = list_of(merchant, 10)
    perks = [PerkFactory(merchant=merchant, code_list=codes, stock=None) for _ in range(2)]
    results = at_once(*[take(citizen_with(), perks[number % 2]) for number in range(32)])
    given = Counter(results)
    assert given.pop("sold_out") == 22
    assert set(given.values()) == {1}
    assert len(given) == 10
    codes.refresh_from_db()
    assert (codes.free_count, codes.given_count) == (0, 10)
    assert Redemption.objects.count() == OutsideCode.objects.filter(given_at__isnull=False).count() == 10


@pytest.mark.usefixtures("crowd", "sound")
def test_withdrawing_while_16_take_gives_each_code_once_or_erases_it():
    merchant = MerchantFactory()
    codes = list_of(merchant, 12)
    perk = PerkFactory(merchant=merchant, code_list=codes, stock=None)
    manager = person_of(merchant, "manager")

    def withdraw():
        withdraw_codes(code_list=codes, by=manager)
        work_on(list_id=codes.pk)

    results = at_once(*[take(citizen_with(), perk) for _ in range(16)], withdraw)
    work_on(list_id=codes.pk)
    given = [one for one in results[:-1] if one != "sold_out"]
    codes.refresh_from_db()
    assert (codes.state, codes.free_count, codes.given_count) == ("withdrawn", 0, len(given))
    assert codes.withdrawn_count == 12 - len(given)
    assert len(set(given)) == len(given) == OutsideCode.objects.count()


@pytest.mark.usefixtures("crowd", "sound")
def test_four_workers_on_one_list_make_each_code_once():
    merchant = MerchantFactory()
    made = generate_codes(merchant=merchant, by=person_of(merchant, "manager"), name="Shop", count=20_000)
    at_once(*[lambda: work_on(list_id=made.pk)] * 4)
    made.refresh_from_db()
    assert (made.state, made.done_count, OutsideCode.objects.count()) == ("ready", 20_000, 20_000)


@pytest.mark.usefixtures("postgresql", "crowd")
def test_without_the_guard_one_code_is_given_to_several():
    """The negative control: reading a free code and then writing whose it is."""
    merchant = MerchantFactory()
    codes = list_of(merchant, 4)
    perk = PerkFactory(merchant=merchant, stock=None)
    redemptions = [reservation(perk=perk) for _ in range(16)]
    seen = []

    @transaction.atomic
    def give_naively(redemption):
        code = OutsideCode.objects.filter(code_list=codes, given_at=None).order_by("pk").first()
        if code is None:
            return "sold_out"
        seen.append(code.pk)
        code.given_at, code.redemption = timezone.now(), redemption
        code.save()
        return "given"

    results = Counter(at_once(*[lambda one=one: give_naively(one) for one in redemptions]))
    assert results["given"] > 4
    assert max(Counter(seen).values()) > 1
    assert CodeList.objects.get(pk=codes.pk).given_count == 0
