"""Only a dating app's merchant has an app that people connect, at every door; and what a client may do is in words."""

import pytest
from django.core.management import CommandError

from citizen_app.models import OAuthApplication
from perks.models import Merchant, MerchantClient
from tests.factories.people import REDIRECT, api_client_for, browser_for, operator_with
from tests.factories.perks import MerchantFactory, app_of, person_of, server_of
from tests.perks.test_commands import run
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db

DATING = Merchant.Sector.DATING_APP
OTHERS = [sector for sector in Merchant.Sector.values if sector != DATING]
APP = {"name": "Dates", "kind": "app", "redirect_uris": [REDIRECT], "privacy_url": "https://app.example/privacy"}
FORM = {
    "kind": "app",
    "app-name": "Dates",
    "app-redirect_uris": REDIRECT,
    "app-privacy_url": "https://app.example/privacy",
}


@pytest.mark.parametrize("sector", OTHERS)
def test_no_other_merchant_registers_an_app(sector):
    owner = person_of(MerchantFactory(sector=sector))
    refused = api_client_for(owner).post("/api/v1/merchant/clients", APP, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_dating_app")
    page = browser_for(owner).post("/merchant/clients", FORM, follow=True)
    assert "Only a dating app's merchant has an app that people connect." in text_of(page)
    assert not OAuthApplication.objects.exists()


def test_a_dating_app_registers_one():
    owner = person_of(MerchantFactory(sector=DATING))
    made = api_client_for(owner).post("/api/v1/merchant/clients", APP, format="json")
    assert (made.status_code, made.json()["state"]) == (201, "pending")


def test_one_that_waits_already_is_refused_and_not_approved():
    client = app_of(MerchantFactory(sector="hotel"), approved=False)
    desk = browser_for(operator_with("merchants"))
    said = {"kind": "app", "id": client.public_id}
    assert "Only a dating app's merchant" in text_of(desk.post("/operator/approve", said, follow=True))
    assert OAuthApplication.objects.get().review == "pending"
    desk.post("/operator/refuse", said | {"reason": "You are a hotel."})
    assert OAuthApplication.objects.get().review == "refused"


def test_the_console_offers_apps_and_looking_boosts_up_to_dating_apps_only():
    offered = ("New app", "Look up the boosts", "Of which app it looks boosts up")
    hotel = text_of(browser_for(person_of(MerchantFactory(sector="hotel"))).get("/merchant/clients"))
    assert [words in hotel for words in offered] == [False] * 3
    assert "Scan codes and take scans back" in hotel
    dating = text_of(browser_for(person_of(MerchantFactory(sector=DATING))).get("/merchant/clients"))
    assert [words in dating for words in offered] == [True] * 3


def test_a_refused_app_is_not_offered_to_a_server_nor_taken():
    merchant = MerchantFactory(sector=DATING)
    fine, refused = app_of(merchant, name="Fine"), app_of(merchant, name="Turned down", approved=False)
    OAuthApplication.objects.filter(pk=refused.application_id).update(review="refused", refusal="Who are you?")
    owner = person_of(merchant)
    page = browser_for(owner).get("/merchant/clients").content.decode()
    assert f'<option value="{fine.public_id}"' in page
    assert f'<option value="{refused.public_id}"' not in page
    body = {"name": "Backend", "scopes": ["boost:lookup"], "app": refused.public_id}
    answer = api_client_for(owner).post("/api/v1/merchant/clients", body, format="json")
    assert [(one["pointer"], one["detail"]) for one in answer.json()["errors"]] == [
        ("/app", "This app was refused: nobody connects it.")
    ]
    assert MerchantClient.objects.count() == 2


def test_what_a_client_may_do_is_in_words_for_its_owner_and_for_operators():
    merchant = MerchantFactory(sector=DATING)
    app_of(merchant, approved=False)
    server_of(merchant, "boost:lookup")
    desk = browser_for(operator_with("merchants"))
    console = browser_for(person_of(merchant)).get("/merchant/clients")
    house = desk.get(f"/operator/merchants/{merchant.public_id}")
    queue = desk.get("/operator")
    for page in (console, house, queue):
        assert "Read whether somebody has a boost there, and how much it is" in text_of(page)
        assert "Know somebody by a name that no other app has" in text_of(page)
        assert "boost:read" not in page.content.decode()
    assert "Look up the boosts of people connected to an app" in text_of(house)


def test_the_command_names_the_app_and_its_server_apart_and_refuses_other_merchants():
    merchant, hotel = MerchantFactory(sector=DATING), MerchantFactory(sector="hotel")
    person_of(merchant)
    person_of(hotel)
    run("create_app", "Evenly", "--merchant", merchant.public_id, "--redirect-uri", REDIRECT)
    assert sorted(MerchantClient.objects.values_list("name", "application__name")) == [
        ("Evenly", "Evenly"),
        ("Evenly, server", "Evenly, server"),
    ]
    with pytest.raises(CommandError, match="is no dating app with an owner"):
        run("create_app", "Meliá Dates", "--merchant", hotel.public_id, "--redirect-uri", REDIRECT)
    assert MerchantClient.objects.count() == 2
