"""An owner's password alone opens the desk; team, machines, tills, money and publishing need a second factor."""

import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from citizen_app.accounts.set_up import set_up_authenticator
from perks.models import Invitation, Member, MerchantClient, Perk, Till
from perks.services.access import NEEDS
from tests.citizen_app.accounts.app import App
from tests.citizen_app.accounts.authenticator import Phone
from tests.citizen_app.accounts.test_headless import totp
from tests.citizen_app.accounts.test_passkey_pages import credential, options_in
from tests.citizen_app.accounts.test_passkeys import add_passkey, sign_in
from tests.citizen_app.accounts.test_web import confirm_password
from tests.citizen_app.accounts.test_web import sign_in as sign_in_page
from tests.factories.gift_cards import card_perk, charge, taken_card
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, open_tier

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return BranchFactory(merchant=MerchantFactory(name="Hotel Beira")).merchant


@pytest.fixture
def owner(merchant):
    olga = CitizenFactory(email="ana@example.org", verified=True, password=True)
    MemberFactory(merchant=merchant, citizen=olga, role="owner")
    return olga


def approved(merchant):
    return PerkFactory(merchant=merchant, state="approved", tiers=[open_tier()])


def sensitive(merchant):
    perk = approved(merchant)
    return [
        ("get", "members", None),
        ("post", "members", {"email": "new@example.org", "role": "cashier"}),
        ("get", "clients", None),
        ("post", "clients", {"name": "Till", "scopes": ["merchant:scan"]}),
        ("get", "devices", None),
        ("post", "devices", {"name": "Desk 1"}),
        ("post", f"perks/{perk.public_id}/publish", {}),
        ("post", "webhook-endpoints", {"url": "https://93.184.215.14/hooks"}),
    ]


BILLING = [("post", f"billing/{way}", {}) for way in ("checkout", "portal", "onboarding")]


def test_the_table_says_what_an_owner_needs_a_factor_for():
    assert {action for action, need in NEEDS.items() if need.factor} == {
        "team",
        "clients",
        "tills",
        "refund",
        "refund deposits",
        "publish",
        "billing",
        "webhooks",
    }


def test_an_owner_without_a_factor_is_told_so_and_nothing_happens(merchant, owner):
    app = api_client_for(owner, second_factor=False)
    for method, path, body in [*sensitive(merchant), *BILLING]:
        refused = getattr(app, method)(f"/api/v1/merchant/{path}", body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required"), path
    assert (Invitation.objects.count(), MerchantClient.objects.count(), Till.objects.count()) == (0, 0, 0)
    assert Perk.objects.get().state == "approved"
    # The desk's work and the drafts stay open.
    assert app.get("/api/v1/merchant/perks").status_code == 200
    assert app.get("/api/v1/merchant/redemptions").status_code == 200


def test_money_goes_back_onto_a_card_only_by_an_owner_with_a_factor(merchant, owner):
    card = taken_card(perk=card_perk(merchant=merchant))
    paid = charge(card, amount=1000)
    body = {"amount": {"amount": 1000, "currency": "EUR"}, "charge": paid.public_id}
    path = f"/api/v1/merchant/gift-cards/{card.public_id}/refund"
    app = api_client_for(owner, second_factor=False)
    refused = app.post(path, body, format="json", headers={"Idempotency-Key": "a-new-key"})
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    before = card.postings.count()
    done = api_client_for(owner).post(path, body, format="json", headers={"Idempotency-Key": "a-new-key"})
    assert (done.status_code, card.postings.count()) == (200, before + 1)


def test_with_a_factor_an_owner_does_all_of_it_and_a_manager_needs_none(merchant, owner):
    app = api_client_for(owner)
    for method, path, body in sensitive(merchant):
        answer = getattr(app, method)(f"/api/v1/merchant/{path}", body, format="json")
        assert answer.status_code in (200, 201), (path, answer.content)
    manager = MemberFactory(merchant=merchant, role="manager").citizen
    by_manager = api_client_for(manager, second_factor=False)
    assert by_manager.get("/api/v1/merchant/devices").status_code == 200
    refused = by_manager.get("/api/v1/merchant/members")
    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")


def test_an_owner_signs_in_by_password_and_confirms_the_session_with_a_passkey(merchant, owner):
    app, phone = App(), Phone()
    app.post("/auth/login", email=owner.email, password=PASSWORD)
    assert app.call("GET", "/api/v1/merchant/members").json()["code"] == "mfa_required"
    app.post("/auth/reauthenticate", password=PASSWORD)
    assert add_passkey(app, phone).status_code == 200
    # Setting up the first factor has shown it; so has signing in with it.
    assert app.call("GET", "/api/v1/merchant/members").status_code == 200
    assert sign_in(phone).call("GET", "/api/v1/merchant/members").status_code == 200


def test_a_further_factor_does_not_stand_for_the_first(merchant, owner):
    set_up_authenticator(owner)
    app = api_client_for(owner, second_factor=False)
    held = App()
    held.token = app._credentials["HTTP_X_SESSION_TOKEN"]
    held.post("/auth/reauthenticate", password=PASSWORD)
    assert add_passkey(held, Phone()).status_code == 200
    assert held.call("GET", "/api/v1/merchant/members").json()["code"] == "mfa_required"


def test_a_factor_that_is_taken_off_counts_no_more(merchant, owner):
    app, phone = App(), Phone()
    app.post("/auth/login", email=owner.email, password=PASSWORD)
    app.post("/auth/reauthenticate", password=PASSWORD)
    key = add_passkey(app, phone).json()["data"]["id"]
    assert app.call("GET", "/api/v1/merchant/members").status_code == 200
    app.call("DELETE", "/_allauth/app/v1/account/authenticators/webauthn", {"authenticators": [key]})
    assert app.me().status_code == 200
    assert app.call("GET", "/api/v1/merchant/members").json()["code"] == "mfa_required"


def test_a_page_leads_an_owner_without_a_factor_to_setting_one_up(merchant, owner):
    browser = browser_for(owner, second_factor=False)
    for name in ("team", "clients", "tills"):
        led = browser.get(reverse(f"merchant:{name}"))
        assert led.status_code == 302
        assert led.url == f"/accounts/2fa/totp/activate/?next=%2Fmerchant%2F{name}"
    assert browser.get("/merchant").status_code == 200
    assert browser.get("/merchant/perks").status_code == 200


def test_a_form_sent_without_a_factor_changes_nothing_and_comes_back_to_its_page(merchant, owner):
    set_up_authenticator(owner)
    perk = approved(merchant)
    browser = browser_for(owner, second_factor=False)
    led = browser.post(f"/merchant/perks/{perk.public_id}/publish")
    assert (led.status_code, led.url) == (302, "/accounts/2fa/reauthenticate/?next=%2Fmerchant%2Fperks")
    led = browser.post("/merchant/team", {"email": "new@example.org", "role": "cashier"})
    assert led.url.startswith("/accounts/2fa/reauthenticate/?next=%2Fmerchant")
    perk.refresh_from_db()
    assert (perk.state, Invitation.objects.count(), Member.objects.count()) == ("approved", 0, 1)


def test_an_owner_confirms_on_the_page_and_is_where_they_were(client, merchant, owner):
    secret, _ = set_up_authenticator(owner)
    browser = browser_for(owner, second_factor=False)
    led = browser.get("/merchant/team")
    assert browser.get(led.url).status_code == 200
    back = browser.post(led.url, {"code": totp(secret), "next": "/merchant/team"})
    assert (back.status_code, back.url) == (302, "/merchant/team")
    assert browser.get("/merchant/team").status_code == 200


def test_an_owner_with_a_passkey_only_is_asked_for_it(client, merchant, owner):
    phone = Phone()
    sign_in_page(client)
    confirm_password(client)
    options = options_in(client.get("/accounts/2fa/webauthn/add/"))
    client.post("/accounts/2fa/webauthn/add/", {"credential": credential(phone.make(options))})
    browser = browser_for(owner, second_factor=False)
    led = browser.get("/merchant/team")
    assert led.url == "/accounts/2fa/webauthn/reauthenticate/?next=%2Fmerchant%2Fteam"
    shown = phone.show(options_in(browser.get(led.url)))
    back = browser.post(led.url, {"credential": credential(shown), "next": "/merchant/team"})
    assert (back.status_code, back.url) == (302, "/merchant/team")
    assert browser.get("/merchant/team").status_code == 200


@pytest.mark.django_db(transaction=True)  # allauth says that an app was added when it is stored for good
def test_an_owner_is_told_what_comes_and_is_led_back_after_setting_it_up(client, merchant, owner):
    sign_in_page(client)
    led = client.get("/merchant/team")
    asked = client.get(led.url)
    assert asked.url.startswith("/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Ftotp%2Factivate%2F%3Fnext%3D")
    told = client.get(asked.url).content.decode()
    assert "First we ask for your password, then you set one up, and then you come back here." in told
    back = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": led.url})
    assert back.url == led.url

    page = client.get(led.url)
    assert 'action="/accounts/2fa/totp/activate/?next=%2Fmerchant%2Fteam"' in page.content.decode()
    wrong = client.post(led.url, {"code": "000000"})
    assert wrong.status_code == 200
    assert 'action="/accounts/2fa/totp/activate/?next=%2Fmerchant%2Fteam"' in wrong.content.decode()
    secret = re.search(r'<p class="secret" translate="no">(\w+)</p>', wrong.content.decode())[1]
    made = client.post(led.url, {"code": totp(secret)})
    assert (made.status_code, made.url) == (302, "/accounts/2fa/recovery-codes/?next=%2Fmerchant%2Fteam")
    assert (
        '<a class="btn btn-1 btn-w" href="/merchant/team">I have them, go on</a>'
        in client.get(made.url).content.decode()
    )
    assert client.get("/merchant/team").status_code == 200


def test_a_passkey_instead_leads_back_too_and_a_further_factor_at_once(client, merchant, owner):
    sign_in_page(client)
    led = client.get("/merchant/tills")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": led.url})
    instead = "/accounts/2fa/webauthn/add/?next=%2Fmerchant%2Ftills"
    assert f'href="{instead}"' in client.get(led.url).content.decode()
    refused = client.post(instead, {"credential": "{}"})
    assert f'action="{instead}"' in refused.content.decode()
    made = client.post(instead, {"credential": credential(Phone().make(options_in(client.get(instead))))})
    assert (made.status_code, made.url) == (302, "/accounts/2fa/recovery-codes/?next=%2Fmerchant%2Ftills")
    again = client.post(instead, {"credential": credential(Phone().make(options_in(client.get(instead))))})
    assert (again.status_code, again.url) == (302, "/merchant/tills")


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_setting_up_a_factor_leads_to_no_other_site(client, merchant, owner, then):
    sign_in_page(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    add = f"/accounts/2fa/webauthn/add/?{urlencode({'next': then})}"
    made = client.post(add, {"credential": credential(Phone().make(options_in(client.get(add))))})
    assert (made.status_code, made.url) == (302, "/accounts/2fa/recovery-codes/")
    shown = client.get(f"/accounts/2fa/recovery-codes/?{urlencode({'next': then})}").content.decode()
    assert "go on" not in shown
    assert f'href="{then}' not in shown
    again = client.post(add, {"credential": credential(Phone().make(options_in(client.get(add))))})
    assert again.url == "/accounts/2fa/"
