"""An owner takes an app back: asked once more, and everybody who connected it learns that it was not their doing."""

import re

import pytest
from django.core import mail

from citizen_app.models import AuditEvent, Connection, ConsentEvent
from citizen_app.outbox import run_due
from perks.models import Merchant
from perks.services.closing import close_merchant
from tests.factories.people import api_client_for, browser_for, operator_with
from tests.factories.perks import MerchantFactory, app_of, connection_of, person_of, server_of
from tests.factories.scores import connectable_citizen
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory(sector=Merchant.Sector.DATING_APP, name="Evenly Ltd")


@pytest.fixture
def client_of_app(merchant):
    return app_of(merchant, name="Evenly")


@pytest.fixture
def connected(client_of_app):
    citizen = connectable_citizen()
    connection_of(citizen, client_of_app)
    return citizen


def asked_of(page, client):
    """The step before revoking: closed until it is opened, without a script."""
    found = re.findall(r"<details class=\"more\"><summary>Revoke.*?</details>", page.content.decode(), re.DOTALL)
    return next(one for one in found if client.public_id in one)


def test_revoking_asks_once_more_and_says_who_loses_what_without_a_count(merchant, client_of_app, connected):
    page = browser_for(person_of(merchant, "owner")).get("/merchant/clients")
    asked = asked_of(page, client_of_app)
    assert "It ends for everybody who connected it, at once" in asked
    assert re.search(r"\b\d+ (people|person|connection)", asked) is None
    # No button that revokes stands outside of such a step.
    outside = re.sub(r"<details.*?</details>", "", page.content.decode(), flags=re.DOTALL)
    assert 'name="remove"' not in outside
    server = server_of(merchant)
    page = browser_for(person_of(merchant, "owner")).get("/merchant/clients")
    assert "everybody who connected" not in asked_of(page, server)


def test_who_connected_it_reads_that_its_owner_withdrew_it(merchant, client_of_app, connected):
    given = ConsentEvent.objects.get(citizen=connected, purpose__startswith="app:")
    owner = person_of(merchant, "owner")
    browser_for(owner).post("/merchant/clients", {"remove": client_of_app.public_id})
    ended = ConsentEvent.objects.get(citizen=connected, purpose=given.purpose, act="withdrawn")
    assert ended.via == "owner"
    assert Connection.objects.get().ended_because == "app_closed"
    event = AuditEvent.objects.filter(action="connection.end").get()
    assert event.actor == "system"  # it was no act of the person's

    browser = browser_for(connected)
    told = text_of(browser.get(f"/consents/{ended.public_id}"))
    assert re.search(r"Ended on [^.]+, because its owner withdrew the app\.", told)
    told = text_of(browser.get(f"/consents/{given.public_id}"))
    assert re.search(r"It ended on [^.]+, because its owner withdrew the app\.", told)
    assert "You took it back" not in told
    acts = text_of(browser.get("/consents"))
    assert ("because its owner withdrew the app" in acts, "by the platform" in acts) == (True, False)
    receipt = api_client_for(connected).get(f"/api/v1/me/consents/{given.public_id}").json()
    assert (receipt["is_in_force"], receipt["withdrawn_via"]) == (False, "owner")


def test_who_connected_it_gets_one_mail_and_nobody_else_does(merchant, client_of_app, connected):
    left = connectable_citizen()
    connection_of(left, client_of_app)
    api_client_for(left).delete(f"/api/v1/me/connections/{Connection.objects.get(citizen=left).public_id}")
    run_due()
    mail.outbox.clear()
    browser_for(person_of(merchant, "owner")).post("/merchant/clients", {"remove": client_of_app.public_id})
    run_due()
    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == (f"{client_of_app.name} is no longer connected", [connected.email])
    assert "Its owner has withdrawn the app" in sent.body


def test_an_app_of_a_merchant_that_is_closed_was_not_withdrawn_by_its_owner(merchant, client_of_app, connected):
    mail.outbox.clear()
    close_merchant(merchant=merchant, by=operator_with("merchants"), reason="It is gone.")
    run_due()
    assert ConsentEvent.objects.get(citizen=connected, act="withdrawn").via == "system"
    (sent,) = [one for one in mail.outbox if one.to == [connected.email]]
    assert "The app is no longer offered here" in sent.body


def test_who_ended_it_themselves_still_reads_that_they_took_it_back(connected):
    given = ConsentEvent.objects.get(citizen=connected, purpose__startswith="app:")
    browser = browser_for(connected)
    browser.post(f"/me/apps/{Connection.objects.get().public_id}/end")
    assert "You took it back on" in text_of(browser.get(f"/consents/{given.public_id}"))
