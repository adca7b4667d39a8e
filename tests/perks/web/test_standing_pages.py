"""The public pages of merchants and of registered enterprises."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from perks.models import Merchant
from tests.factories.people import browser_for
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, enterprise, person_of
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db
BEST = [{"mark": mark, "on": date(2026, month, 1)} for mark, month in ((97, 6), (98, 7), (100, 8))]


def test_a_suspended_merchant_s_page_says_why_and_until_when():
    merchant = MerchantFactory(name="Pensão Aurora")
    BranchFactory(merchant=merchant, name="At the river")
    enterprise({"mark": 65, "on": date(2026, 5, 1), "text": "Routine inspection: 65 of 100."}, merchant=merchant)
    said = text_of(Client().get(f"/merchants/{merchant.public_id}"))
    for words in (
        "Pensão Aurora Hotel, PT.",
        "Penalty not remedied",
        "Grave penalty 1 May",
        "Routine inspection: 65 of 100.",
        "Not remedied. Counts until 1 May 2029.",
        "Source: Food office",
        "At the river",
    ):
        assert words in said, words


def test_the_badge_is_on_every_perk_and_on_the_page():
    merchant = MerchantFactory()
    enterprise(*BEST, merchant=merchant)
    perk = PerkFactory(merchant=merchant)
    browser = browser_for(citizen_with())
    for address in ("/perks", f"/perks/{perk.public_id}", f"/merchants/{merchant.public_id}"):
        assert "Red list" in text_of(browser.get(address)), address
    assert f"/merchants/{merchant.public_id}" in browser.get(f"/perks/{perk.public_id}").content.decode()


def test_a_merchant_nobody_let_in_has_no_page():
    merchant = MerchantFactory(state="pending", approved_at=None)
    assert Client().get(f"/merchants/{merchant.public_id}").status_code == 404
    assert Client().get("/merchants/mer_nothing").status_code == 404


def test_the_register_finds_enterprises_by_name_and_by_standing():
    poor, best = enterprise({"mark": 60}, name="Café Sol"), enterprise(*BEST, name="Bar Lua")
    client = Client()
    assert "Café Sol" in text_of(client.get("/register"))
    found = text_of(client.get("/register?standing=suspended"))
    assert ("Café Sol" in found, "Bar Lua" in found) == (True, False)
    found = text_of(client.get("/register?standing=red_list&q=lua"))
    assert ("Café Sol" in found, "Bar Lua" in found) == (False, True)
    assert "No enterprise is found so." in text_of(client.get("/register?q=nothing"))
    assert "Penalty not remedied" in text_of(client.get(f"/register/{poor.public_id}"))
    assert "Red list" in text_of(client.get(f"/register/{best.public_id}"))
    assert client.get("/register/reg_nothing").status_code == 404


def test_the_register_costs_the_same_at_any_length(django_assert_num_queries):
    def more():
        for number in range(3):
            enterprise({"mark": 90}, name=f"Café {number}")

    more()
    Client().get("/register")
    with CaptureQueriesContext(connection) as captured:
        Client().get("/register")
    more()
    with django_assert_num_queries(len(captured)):
        Client().get("/register")


def test_the_console_says_what_a_new_merchant_may_and_what_stands_in_its_way():
    merchant = MerchantFactory(approved_at=timezone.now() - timedelta(days=1))
    console = browser_for(person_of(merchant))
    said = text_of(console.get("/merchant"))
    assert "At most 3 perks on offer and 200 more reservations; no gift card above 10 EUR" in said
    enterprise({"mark": 60}, merchant=merchant)
    assert "A grave penalty is not remedied." in text_of(console.get("/merchant"))
    perk = PerkFactory(merchant=merchant, state="approved")
    assert "nothing can go live until the authority" in text_of(console.get(f"/merchant/perks/{perk.public_id}"))
    Merchant.objects.update(approved_at=timezone.now() - timedelta(days=40))
    assert "first days" not in text_of(console.get("/merchant"))
