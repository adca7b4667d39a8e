"""Apps that people connect: registered by a merchant, looked at by an operator, shut out and let in again."""

import pytest
from django.core.management import CommandError

from citizen_app.accounts.connections import connect
from citizen_app.models import Connection, OAuthApplication
from perks.errors import MerchantSuspended
from perks.models import Merchant, MerchantClient
from perks.services.closing import close_merchant
from tests.factories.dating_app import calls_with, code_for, link_of, redeem
from tests.factories.people import (
    REDIRECT,
    CitizenFactory,
    api_client_for,
    api_client_of,
    browser_for,
    connected_app,
    operator_with,
)
from tests.factories.perks import MemberFactory, MerchantFactory, app_of, server_of
from tests.factories.scores import connectable_citizen
from tests.perks.test_commands import run

pytestmark = pytest.mark.django_db

APP = {
    "name": "Amora",
    "kind": "app",
    "redirect_uris": [REDIRECT],
    "privacy_url": "https://app.example/privacy",
}


@pytest.fixture
def merchant(db):
    return MerchantFactory(name="Amora Ltd", sector=Merchant.Sector.DATING_APP)


@pytest.fixture
def owner(merchant):
    return MemberFactory(merchant=merchant, role="owner").citizen


@pytest.fixture
def app(owner):
    return api_client_for(owner)


@pytest.fixture
def operator(db):
    return operator_with("merchants")


def register(app, **changes):
    body = {name: value for name, value in (APP | changes).items() if value is not None}
    return app.post("/api/v1/merchant/clients", body, format="json")


def pointers(answer):
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    return {error["pointer"] for error in answer.json()["errors"]}


def test_an_app_waits_until_an_operator_has_approved_it(app, operator, merchant):
    made = register(app)
    said = made.json()
    assert (made.status_code, said["kind"], said["state"]) == (201, "app", "pending")
    assert said["redirect_uris"] == [REDIRECT]
    assert said["scopes"] == ["boost:read", "openid"]
    visitor = browser_for(connectable_citizen())
    client = MerchantClient.objects.select_related("application").get()
    issued = type("Issued", (), {"client_id": said["client_id"], "client_secret": said["client_secret"]})
    assert visitor.get(link_of(issued)).status_code == 400

    desk = browser_for(operator)
    queue = desk.get("/operator").content.decode()
    assert "1 to decide" in queue
    assert REDIRECT in queue
    desk.post("/operator/approve", {"kind": "app", "id": client.public_id})
    assert app.get("/api/v1/merchant/clients").json()["results"][0]["state"] == "approved"
    tokens = redeem(issued, code_for(visitor, issued)).json()
    assert calls_with(tokens["access_token"]).status_code == 403  # a door of people: it is known, and an app

    desk.post(f"/operator/merchants/{merchant.public_id}/act", {"act": "shut", "id": client.public_id})
    assert calls_with(tokens["access_token"]).status_code == 401
    assert app.get("/api/v1/merchant/clients").json()["results"][0]["state"] == "suspended"
    desk.post(f"/operator/merchants/{merchant.public_id}/act", {"act": "open", "id": client.public_id})
    assert calls_with(tokens["access_token"]).status_code == 403

    assert app.delete(f"/api/v1/merchant/clients/{client.public_id}").status_code == 204
    assert calls_with(tokens["access_token"]).status_code == 401
    assert Connection.objects.running().count() == 0


def test_a_refusal_is_read_by_the_merchant_and_opens_nothing(app, operator):
    register(app)
    client = MerchantClient.objects.get()
    browser_for(operator).post(
        "/operator/refuse", {"kind": "app", "id": client.public_id, "reason": "Say who you are."}
    )
    (line,) = app.get("/api/v1/merchant/clients").json()["results"]
    assert (line["state"], line["refusal"]) == ("refused", "Say who you are.")
    browser_for(operator).post("/operator/approve", {"kind": "app", "id": client.public_id})
    assert OAuthApplication.objects.get().review == "refused"


def test_nobody_decides_on_their_own_app(app, owner, merchant):
    register(app)
    client = MerchantClient.objects.get()
    insider = operator_with("merchants")
    MemberFactory(merchant=merchant, role="manager", citizen=insider)
    browser_for(insider).post("/operator/approve", {"kind": "app", "id": client.public_id})
    assert OAuthApplication.objects.get().review == "pending"


def test_commands_decide_too(app, operator):
    made = register(app).json()
    assert run("approve", "app", made["id"], "--by", operator.email) == {"id": made["id"], "state": "approved"}
    with pytest.raises(CommandError, match="wrong_state"):
        run("refuse", "app", made["id"], "--by", operator.email, "--reason", "Late.")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"redirect_uris": None}, {"/redirect_uris"}),
        ({"privacy_url": None}, {"/privacy_url"}),
        ({"redirect_uris": ["http://app.example/cb"]}, {"/redirect_uris/0"}),
        ({"redirect_uris": [REDIRECT, "https://app.example/#x"]}, {"/redirect_uris/1"}),
        ({"scopes": ["merchant:scan"]}, {"/scopes"}),
        ({"privacy_url": "javascript:alert(1)"}, {"/privacy_url"}),
        ({"kind": "server"}, {"/scopes", "/redirect_uris", "/privacy_url"}),
        ({"kind": "robot"}, {"/kind"}),
    ],
)
def test_what_is_no_app_is_not_registered(app, changes, wrong):
    assert pointers(register(app, **changes)) == wrong
    assert not OAuthApplication.objects.exists()


def test_a_server_that_looks_boosts_up_names_people_as_one_of_its_merchants_apps(app, merchant):
    mine, theirs = app_of(merchant), app_of(MerchantFactory())

    def make(**body):
        return app.post("/api/v1/merchant/clients", {"name": "Backend", **body}, format="json")

    assert pointers(make(scopes=["boost:lookup"])) == {"/app"}
    assert pointers(make(scopes=["boost:lookup"], app=theirs.public_id)) == {"/app"}
    assert pointers(make(scopes=["merchant:scan"], app=mine.public_id)) == {"/app"}
    assert pointers(make(scopes=["boost:lookup"], app="cli_none")) == {"/app"}
    made = make(scopes=["boost:lookup"], app=mine.public_id)
    assert (made.status_code, made.json()["state"]) == (201, "approved")
    server = OAuthApplication.objects.get(client_id=made.json()["client_id"])
    assert server.sector == mine.application.client_id


def test_nobody_connects_the_app_of_a_merchant_that_is_suspended(merchant):
    citizen, client = connectable_citizen(), app_of(merchant)
    Merchant.objects.filter(pk=merchant.pk).update(state="suspended")
    with pytest.raises(MerchantSuspended):
        connect(citizen=citizen, application=client.application, scopes=["openid"], via="web")
    assert not Connection.objects.exists()


def test_the_console_registers_an_app_and_shows_its_secret_once(owner):
    browser = browser_for(owner)
    form = {
        "kind": "app",
        "app-name": "Amora",
        "app-redirect_uris": REDIRECT,
        "app-privacy_url": "https://app.example/privacy",
    }
    page = browser.post("/merchant/clients", form).content.decode()
    assert "Amora waits for an operator" in page
    assert OAuthApplication.objects.get().review == "pending"
    again = browser.get("/merchant/clients").content.decode()
    assert "Waits for an operator: nobody can connect it yet." in again
    refused = browser.post("/merchant/clients", form | {"app-redirect_uris": "http://app.example/cb"})
    assert "Answers are sent over https." in refused.content.decode()
    assert OAuthApplication.objects.count() == 1


def test_a_persons_own_pages_list_and_end_their_apps(merchant):
    citizen, client = connectable_citizen(), app_of(merchant)
    connection = connect(citizen=citizen, application=client.application, scopes=["boost:read", "openid"], via="web")
    browser = browser_for(citizen)
    assert "/me/apps" in browser.get("/me").content.decode()
    page = browser.get("/me/apps").content.decode()
    assert "Amora" in page
    assert "Read whether you have a boost there" in page
    assert f"/me/apps/{connection.public_id}/end" in page
    assert browser_for(CitizenFactory()).get(f"/me/apps/{connection.public_id}/end").status_code == 404
    assert "Disconnect Amora?" in browser.get(f"/me/apps/{connection.public_id}/end").content.decode()
    ended = browser.post(f"/me/apps/{connection.public_id}/end", follow=True).content.decode()
    assert "Amora is disconnected. It reads nothing more." in ended
    assert Connection.objects.running().count() == 0
    assert "It reads nothing any more." in browser.get("/me/apps").content.decode()


def test_closing_a_merchant_ends_its_apps_and_leaves_its_servers_to_the_desk(merchant, operator):
    citizen, client, server = connectable_citizen(), app_of(merchant), server_of(merchant)
    app = connected_app(citizen, client.application)
    till = api_client_of(server.application)
    close_merchant(merchant=merchant, by=operator, reason="It is gone.")
    assert app.get("/api/v1/me").status_code == 401
    assert Connection.objects.get().ended_because == "app_closed"
    assert till.get("/api/v1/merchant/redemptions").status_code == 200
