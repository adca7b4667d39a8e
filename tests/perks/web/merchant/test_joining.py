"""Coming to a console: applying, being invited."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from perks.models import Invitation, Member, Merchant
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import MerchantFactory, person_of
from tests.perks.web.merchant.pages import errors_of, hidden, problem_of, text_of

pytestmark = pytest.mark.django_db

APPLICATION = {"name": "Pensão Aurora", "sector": "hotel", "country": "pt", "website": "aurora.example", "key": "k1"}


def invited(mailoutbox, browser, email, role="manager"):
    """Invite somebody and return the address in their mail."""
    browser.post("/merchant/team", {"email": email, "role": role})
    run_due()
    return re.search(r"http://testserver(/invitations/\S+)", mailoutbox[-1].body)[1]


def test_who_applies_is_the_owner_of_a_merchant_that_waits():
    citizen = CitizenFactory()
    browser = browser_for(citizen)
    page = browser.post("/merchant/apply", APPLICATION, follow=True)
    assert "Pensão Aurora has applied" in text_of(page)
    merchant = Merchant.objects.get()
    assert (merchant.state, merchant.country, merchant.purpose) == ("pending", "PT", "travel")
    assert merchant.website == "https://aurora.example"
    assert merchant.members.get().role == "owner"
    assert "Waiting for approval." in text_of(browser.get("/merchant"))


def test_a_double_tap_is_one_application():
    browser = browser_for(CitizenFactory())
    key = hidden(browser.get("/merchant/apply"), "key")
    first, second = (browser.post("/merchant/apply", APPLICATION | {"key": key}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Merchant.objects.count() == 1
    assert browser.post("/merchant/apply", APPLICATION | {"key": key, "name": "Other"}).status_code == 302
    assert Merchant.objects.count() == 1


def test_somebody_elses_application_is_not_shown():
    merchant = MerchantFactory()
    page = browser_for(CitizenFactory()).get(f"/merchant/apply?applied={merchant.public_id}")
    assert merchant.name not in text_of(page)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u2800"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"sector": "casino"}, "sector"),
        ({"country": "P1"}, "country"),
        ({"country": "Portugal"}, "country"),
        ({"website": "javascript:alert(1)"}, "website"),
    ],
)
def test_a_mistake_in_an_application_is_said_and_nobody_applied(changes, wrong):
    page = browser_for(CitizenFactory()).post("/merchant/apply", APPLICATION | changes)
    assert set(errors_of(page)) == {wrong}
    assert not Merchant.objects.exists()
    assert not Member.objects.exists()


def test_an_invitation_is_mailed_and_taken_once(mailoutbox):
    merchant = MerchantFactory(name="Hotel Foz")
    owner = browser_for(person_of(merchant, "owner"))
    address = invited(mailoutbox, owner, "Nuno@example.org")
    assert "Invited as manager" in text_of(owner.get("/merchant/team"))
    newcomer = CitizenFactory(email="nuno@example.org")
    browser = browser_for(newcomer)
    assert "Join Hotel Foz? As manager." in text_of(browser.get(address))
    done = browser.post(address, follow=True)
    assert "You have joined Hotel Foz." in text_of(done)
    assert merchant.members.get(citizen=newcomer).role == "manager"
    again = browser.post(address)
    assert again.status_code == 404
    assert "This invitation is over" in text_of(again)
    assert merchant.members.count() == 2


def test_an_invitation_of_somebody_else_is_as_if_there_were_none(mailoutbox):
    merchant = MerchantFactory(name="Hotel Foz")
    address = invited(mailoutbox, browser_for(person_of(merchant, "owner")), "nuno@example.org")
    stranger = browser_for(CitizenFactory(email="other@example.org"))
    answers = [stranger.get(address), stranger.get("/invitations/nothing"), stranger.post(address)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({text_of(answer) for answer in answers}) == 1
    assert "Hotel Foz" not in text_of(answers[0])
    assert merchant.members.count() == 1


def test_an_invitation_ends_after_seven_days_and_when_withdrawn(mailoutbox):
    merchant = MerchantFactory()
    owner = browser_for(person_of(merchant, "owner"))
    address = invited(mailoutbox, owner, "nuno@example.org")
    browser = browser_for(CitizenFactory(email="nuno@example.org"))
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.get(address).status_code == 404
    fresh = invited(mailoutbox, owner, "nuno@example.org")
    owner.post("/merchant/team", {"remove": Invitation.objects.get(expires_at__gt=timezone.now()).public_id})
    assert browser.get(fresh).status_code == 404
    assert merchant.members.count() == 1


def test_who_belongs_already_keeps_their_role(mailoutbox):
    merchant = MerchantFactory()
    citizen = CitizenFactory(email="nuno@example.org")
    address = invited(mailoutbox, browser_for(person_of(merchant, "owner")), citizen.email, role="owner")
    Member.objects.create(merchant=merchant, citizen=citizen, role="cashier", since=timezone.now())
    refused = browser_for(citizen).post(address)
    assert problem_of(refused).startswith("This person belongs to the team already.")
    assert merchant.members.get(citizen=citizen).role == "cashier"
    assert not AuditEvent.objects.filter(action="member.join").exists()
