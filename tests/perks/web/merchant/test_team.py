"""The team, the branches and the servers of a merchant, on their pages."""

import re
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from citizen_app.models import OAuthApplication
from perks.models import Branch, MerchantClient
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import (
    BranchFactory,
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    person_of,
    reservation,
    server_of,
)
from tests.perks.web.merchant.pages import errors_of, problem_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "owner"))


def test_a_member_is_removed_at_once(merchant, browser):
    cashier = MemberFactory(merchant=merchant)
    their_browser = browser_for(cashier.citizen)
    assert their_browser.get("/merchant/scan").status_code == 200
    done = browser.post("/merchant/team", {"remove": cashier.public_id}, follow=True)
    assert "They are no longer of the team." in text_of(done)
    assert their_browser.get("/merchant/scan").headers["Location"] == "/merchant/apply"


def test_the_last_owner_stays(merchant, browser):
    owner = merchant.members.get()
    refused = browser.post("/merchant/team", {"remove": owner.public_id})
    assert problem_of(refused) == "A merchant keeps at least one owner. Invite another owner first."
    assert merchant.members.get() == owner


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"email": "nobody", "role": "cashier"}, {"email": "Enter a valid email address."}),
        ({"email": "a@example.org", "role": "king"}, {"role": None}),
        ({"role": "cashier"}, {"email": "This field is required."}),
    ],
)
def test_a_bad_invitation_sends_nothing(merchant, browser, mailoutbox, sent, wrong):
    said = errors_of(browser.post("/merchant/team", sent))
    assert set(said) == set(wrong)
    assert all(sentence is None or said[name] == sentence for name, sentence in wrong.items())
    assert merchant.invitations.count() == len(mailoutbox) == 0


def test_who_belongs_is_not_invited_again(merchant, browser):
    member = MemberFactory(merchant=merchant, citizen=CitizenFactory(email="nuno@example.org"))
    refused = browser.post("/merchant/team", {"email": member.citizen.email.upper(), "role": "owner"})
    assert problem_of(refused).startswith("This person belongs to the team already.")
    assert merchant.invitations.count() == 0


def test_a_branch_is_added_changed_and_closed(merchant, browser):
    place = {"name": "Foz", "zone": "Europe/Lisbon", "address": "Rua 1", "iata": "opo"}
    browser.post("/merchant/branches", place)
    branch = Branch.objects.get()
    assert (branch.name, branch.zone, branch.iata, branch.merchant) == ("Foz", "Europe/Lisbon", "OPO", merchant)
    page = browser.get(f"/merchant/branches?edit={branch.public_id}")
    assert 'value="OPO"' in page.content.decode()
    browser.post("/merchant/branches", place | {"edit": branch.public_id, "name": "Foz do Douro", "iata": ""})
    branch.refresh_from_db()
    assert (branch.name, branch.iata) == ("Foz do Douro", "")
    done = browser.post("/merchant/branches", {"remove": branch.public_id}, follow=True)
    assert "Foz do Douro is closed." in text_of(done)
    branch.refresh_from_db()
    assert branch.closed_at is not None
    assert browser.get(f"/merchant/branches?edit={branch.public_id}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"zone": "Lisbon"}, "zone"),
        ({"iata": "L1S"}, "iata"),
        ({"iata": "LISB"}, "iata"),
        ({"address": "x" * 241}, "address"),
    ],
)
def test_a_mistake_in_a_branch_is_said_and_nothing_stored(merchant, browser, changes, wrong):
    sent = {"name": "Foz", "zone": "Europe/Lisbon"} | changes
    assert set(errors_of(browser.post("/merchant/branches", sent))) == {wrong}
    assert not Branch.objects.exists()
    branch = BranchFactory(merchant=merchant)
    refused = browser.post("/merchant/branches", sent | {"edit": branch.public_id})
    assert set(errors_of(refused)) == {wrong}
    assert f"Edit {branch.name}" in text_of(refused)
    assert Branch.objects.values_list("name", "zone").get() == (branch.name, branch.zone)


def test_a_branch_with_open_reservations_stays(merchant, browser):
    branch = BranchFactory(merchant=merchant)
    perk = PerkFactory(merchant=merchant, kind="priority")
    reservation(citizen_with(), perk, branch=branch, date=timezone.now().date())
    refused = browser.post("/merchant/branches", {"remove": branch.public_id})
    assert problem_of(refused).startswith("Reservations are open at this branch.")
    branch.refresh_from_db()
    assert branch.closed_at is None


def test_a_secret_is_shown_once_and_opens_the_api(merchant, browser, client):
    page = browser.post("/merchant/clients", {"name": "Front desk", "scopes": ["merchant:scan"]})
    client_id, secret = re.findall(r'class="secret" translate="no">([^<]+)<', page.content.decode())
    assert page.headers["Cache-Control"] == "no-store"
    assert secret not in browser.get("/merchant/clients").content.decode()
    form = urlencode({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret})
    granted = client.post("/o/token/", form, content_type="application/x-www-form-urlencoded")
    assert granted.status_code == 200
    assert granted.json()["scope"] == "merchant:scan"
    assert MerchantClient.objects.get().merchant == merchant


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "Till"},
        {"name": "", "scopes": ["merchant:scan"]},
        {"name": "Till", "scopes": ["source:write"]},
    ],
)
def test_a_client_without_a_name_or_with_other_scopes_is_not_made(browser, sent):
    page = browser.post("/merchant/clients", sent)
    assert page.status_code == 200
    assert len(errors_of(page)) == 1
    assert not MerchantClient.objects.exists()
    assert not OAuthApplication.objects.exists()


def test_a_revoked_client_is_gone_and_a_strangers_is_not_there(merchant, browser):
    mine, theirs = server_of(merchant), server_of(MerchantFactory())
    assert browser.post("/merchant/clients", {"remove": theirs.public_id}).status_code == 404
    browser.post("/merchant/clients", {"remove": mine.public_id})
    assert list(MerchantClient.objects.all()) == [theirs]
    assert "No client yet" in text_of(browser.get("/merchant/clients"))


def test_a_form_without_its_token_does_nothing(merchant):
    owner = merchant.members.create(citizen=CitizenFactory(), role="owner", since=timezone.now())
    browser = browser_for(owner.citizen, enforce_csrf_checks=True)
    assert browser.post("/merchant/branches", {"name": "Foz", "zone": "Europe/Lisbon"}).status_code == 403
    assert not Branch.objects.exists()
