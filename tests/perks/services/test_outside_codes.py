"""A code of the merchant's own shop goes to one person, once, and to nobody after them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import IdempotentRequest, OutboxMessage
from citizen_app.outbox import run_due
from perks.errors import SoldOut
from perks.models import CodeList, OutsideCode, Perk, Redemption
from perks.services.catalogue import edit_perk
from perks.services.code_lists import codes_of, receive_codes, withdraw_codes
from perks.services.eligibility_reading import terms_of
from perks.services.outside_codes import outside_code_of
from perks.services.redemptions import cancel_redemption, expire_redemptions, take_perk
from perks.services.showing_perks import redemption_line, redemption_page
from scores.services.enrolment import leave
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.perks.api.calls import app_of, code_of, key, take

pytestmark = pytest.mark.django_db


def list_of(merchant, *codes):
    lines = list(enumerate(codes, start=1))
    made = receive_codes(merchant=merchant, by=person_of(merchant, "manager"), name="Shop", lines=lines)
    run_due()
    made.refresh_from_db()
    return made


def perk_with(*codes, **fields):
    merchant = MerchantFactory()
    return PerkFactory(merchant=merchant, code_list=list_of(merchant, *codes), **{"stock": None} | fields)


def counts(perk):
    found = CodeList.objects.get(pk=perk.code_list_id)
    return found.free_count, found.given_count, found.withdrawn_count


def test_who_takes_is_given_one_and_reads_it_again():
    perk, citizen = perk_with("A1", "B2"), citizen_with()
    redemption = take_perk(citizen=citizen, perk=perk)
    assert redemption.outside == "A1"
    again = Redemption.objects.select_related("perk").get(pk=redemption.pk)
    assert outside_code_of(again) == "A1"
    assert counts(perk) == (1, 1, 0)


def test_the_next_one_is_given_the_next_and_then_it_is_sold_out():
    perk = perk_with("A1", "B2")
    assert [take_perk(citizen=citizen_with(), perk=perk).outside for _ in range(2)] == ["A1", "B2"]
    citizen = citizen_with()
    with pytest.raises(SoldOut):
        take_perk(citizen=citizen, perk=perk)
    assert not Redemption.objects.filter(citizen=citizen).exists()
    assert (counts(perk), Perk.objects.get(pk=perk.pk).taken_count) == ((0, 2, 0), 2)


def test_a_list_that_says_less_than_it_has_refuses_and_changes_nothing():
    perk = perk_with("A1")
    OutsideCode.objects.all().delete()  # the count says one, and there is none
    with pytest.raises(SoldOut):
        take_perk(citizen=citizen_with(), perk=perk)
    assert (Redemption.objects.count(), Perk.objects.get(pk=perk.pk).taken_count) == (0, 0)


@pytest.mark.parametrize("how", ["cancel", "expire"])
def test_a_code_once_given_is_burnt_and_the_stock_shows_it(how):
    perk = perk_with("A1", "B2", stock=5)
    now = timezone.now()
    redemption = take_perk(citizen=citizen_with(), perk=perk, now=now)
    if how == "cancel":
        cancel_redemption(redemption=redemption, now=now)
    else:
        expire_redemptions(now=now + timedelta(days=2))
    redemption.refresh_from_db()
    assert outside_code_of(redemption) is None
    perk = Perk.objects.get(pk=perk.pk)
    assert (perk.taken_count, counts(perk)) == (0, (1, 1, 0))  # the perk's stock returned, the code did not
    assert take_perk(citizen=citizen_with(), perk=perk).outside == "B2"
    assert list(codes_of(perk.code_list)) == [("A1", "given_back"), ("B2", "given")]


def test_what_is_left_is_the_smaller_of_stock_and_codes():
    assert terms_of(perk_with("A1", "B2", stock=1)).stock == 1
    assert terms_of(perk_with("A1", "B2", stock=9)).stock == 2
    assert terms_of(perk_with("A1", "B2")).stock == 2


def test_a_withdrawn_list_gives_nothing_more_and_who_has_one_keeps_it():
    perk = perk_with("A1", "B2")
    redemption = take_perk(citizen=citizen_with(), perk=perk)
    withdraw_codes(code_list=perk.code_list, by=person_of(perk.merchant, "manager"))
    # At once, while its codes are still there to be erased: no list says that one could be taken.
    assert (counts(perk), terms_of(Perk.objects.get(pk=perk.pk)).stock) == ((1, 1, 0), 1)
    with pytest.raises(SoldOut):
        take_perk(citizen=citizen_with(), perk=perk)
    run_due()
    assert counts(perk) == (0, 1, 1)
    assert outside_code_of(Redemption.objects.select_related("perk").get(pk=redemption.pk)) == "A1"


def test_the_list_never_shows_it_and_the_page_does():
    perk, citizen = perk_with("A1"), citizen_with()
    redemption = take_perk(citizen=citizen, perk=perk)
    now = timezone.now()
    assert "outside_code" not in redemption_line(redemption, now=now)
    assert redemption_page(redemption, now=now, qr_url="x")["outside_code"] == "A1"


def test_a_retry_reads_the_code_again_though_the_kept_answer_holds_none():
    perk, citizen, once = perk_with("SECRET-ONE", "SECRET-TWO"), citizen_with(), key()
    app = app_of(citizen)
    first, second = take(app, perk, **once), take(app, perk, **once)
    assert first.json()["outside_code"] == second.json()["outside_code"] == "SECRET-ONE"
    assert second.headers["Idempotent-Replayed"] == "true"
    assert counts(perk) == (1, 1, 0)
    kept = [*IdempotentRequest.objects.values_list("body"), *OutboxMessage.objects.values_list("payload")]
    assert "SECRET" not in str(kept)
    listed = app.get("/api/v1/me/redemptions").content.decode()
    assert "SECRET" not in listed
    own = app.get(f"/api/v1/me/redemptions/{first.json()['id']}")
    assert (own.json()["outside_code"], own.headers["Cache-Control"]) == ("SECRET-ONE", "no-store")


def test_a_perk_without_codes_says_so_before_it_is_taken():
    perk = perk_with("A1")
    take_perk(citizen=citizen_with(), perk=perk)
    app = app_of(citizen_with())
    answer = app.get(f"/api/v1/perks/{perk.public_id}").json()
    assert ([one["code"] for one in answer["eligibility"]["reasons"]], answer["remaining"]) == (["sold_out"], 0)
    assert app.get("/api/v1/perks?eligible=true").json()["results"] == []
    assert code_of(take(app, perk)) == "sold_out"


def test_leaving_leaves_the_code_given_and_nobody_s():
    perk, citizen = perk_with("A1", "B2"), citizen_with()
    redemption = take_perk(citizen=citizen, perk=perk)
    cancel_redemption(redemption=redemption)
    leave(citizen=citizen)
    code = OutsideCode.objects.get(redemption=redemption)
    assert (code.redemption.citizen, counts(perk)) == (None, (1, 1, 0))


def test_only_a_discount_names_a_list_and_only_one_of_its_merchant():
    perk = perk_with("A1")
    foreign = list_of(MerchantFactory(), "X9")
    by = person_of(perk.merchant, "manager")
    before = Perk.objects.values().get(pk=perk.pk)
    for body in ({"code_list": foreign.public_id}, {"code_list": "cl_nothing"}):
        with pytest.raises(Exception, match="not valid"):
            edit_perk(perk=perk, by=by, body=body)
    assert Perk.objects.values().get(pk=perk.pk) == before
    assert edit_perk(perk=perk, by=by, body={"code_list": None}).code_list is None
