"""Closing an account: what stands in its way, what becomes of the row, and who is asked once more."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts.closing import AccountInUse, close_account, reasons_to_wait
from citizen_app.accounts.freshness import RECENT
from citizen_app.accounts.operators import grant_role, withdraw_role
from citizen_app.models import Citizen
from citizen_app.outbox import run_due
from scores.models import MassUpholding
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for
from tests.factories.perks import MerchantFactory, person_of, reservation
from tests.factories.scores import NOW, SourceFactory

pytestmark = pytest.mark.django_db
NOT_YET = "Nothing was erased yet: tick the box and press Close my account again."


def refused(citizen):
    with pytest.raises(AccountInUse) as refusal:
        close_account(citizen=citizen)
    assert Citizen.objects.get(pk=citizen.pk).is_active
    return refusal.value.facts["reasons"]


def test_somebody_who_never_enrolled_closes_at_once():
    ana = CitizenFactory(verified=True)
    receipt = close_account(citizen=ana)
    assert (receipt.erased["account"], receipt.erased["email_addresses"]) == (1, 1)
    assert [one.what for one in receipt.kept] == [
        "what was done in the record of acts, under the number of an account that is gone"
    ]
    assert not Citizen.objects.filter(pk=ana.pk).exists()
    run_due()
    assert [message.to for message in mail.outbox] == [[ana.email]]


def test_the_only_owner_makes_somebody_else_one_first():
    merchant = MerchantFactory(name="Hotel Aurora")
    owner = person_of(merchant, "owner")
    assert refused(owner) == ["You are the only owner of Hotel Aurora: make somebody else one first."]
    person_of(merchant, "owner")
    close_account(citizen=owner)
    assert merchant.members.count() == 1


def test_what_is_reserved_is_used_or_cancelled_first():
    taken = reservation()
    (reason,) = refused(taken.citizen)
    assert reason.endswith("use it or cancel it.")
    with time_machine.travel(taken.expires_at):
        assert reasons_to_wait(citizen=taken.citizen) == []


def test_an_operator_gives_the_roles_back_and_their_decisions_stand_without_a_name():
    boss, operator = CitizenFactory(), CitizenFactory(first_name="Otto")
    grant_role(citizen=operator, role="disputes", by=boss)
    assert refused(operator) == ["You are an operator: another operator takes your roles back first."]
    withdraw_role(citizen=operator, role="disputes", by=boss)
    MassUpholding.objects.create(
        source=SourceFactory(), recorded_at=NOW, ground="wrong_date", reason="x", proposed_by=operator, proposed_at=NOW
    )
    receipt = close_account(citizen=operator)
    assert "what you decided as an operator" in receipt.kept[-1].what
    row = Citizen.objects.get(pk=operator.pk)
    assert (row.email, row.first_name, row.is_active, row.has_usable_password()) == (
        f"{row.public_id}@account.invalid",
        "",
        False,
        False,
    )
    # The address is free for somebody else, or for them again.
    CitizenFactory(email=operator.email)


def test_a_session_that_was_left_open_closes_nothing():
    ana = CitizenFactory(verified=True, password=True)
    app, browser = api_client_for(ana), browser_for(ana)
    with time_machine.travel(timezone.now() + timedelta(seconds=RECENT + 1)):
        assert app.delete("/api/v1/me").json()["code"] == "reauthentication_required"
        answer = browser.post(reverse("close"), {"sure": "true"})
        assert answer.url == "/accounts/reauthenticate/?next=%2Fme%2Fclose%3Fagain%3D1"
        assert NOT_YET not in browser.get(reverse("close") + "?again=1").content.decode()  # nobody confirmed yet
        back = browser.post(answer.url, {"password": PASSWORD, "next": "/me/close?again=1"})
        assert NOT_YET in browser.get(back.url).content.decode()
    assert Citizen.objects.filter(pk=ana.pk).exists()


def test_the_page_says_what_stands_in_the_way_asks_once_and_hands_the_receipt_over():
    ana = CitizenFactory()
    browser = browser_for(ana)
    assert "Nothing was erased." in browser.post(reverse("close"), {}).content.decode()
    page = browser.post(reverse("close"), {"sure": "true"})
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "Your account is closed" in page.content.decode()
    told = re.findall(r'<th scope="row">([\w ]+)</th>\s*<td>(\d+)</td>', page.content.decode())
    assert ("Account", "1") in told
    assert "0" not in dict(told).values()
    assert not Citizen.objects.filter(pk=ana.pk).exists()
    assert browser.get(reverse("me")).status_code == 302

    owner = person_of(MerchantFactory(name="Hotel Aurora"), "owner")
    browser = browser_for(owner)
    assert "You are the only owner of Hotel Aurora" in browser.get(reverse("close")).content.decode()
    page = browser.post(reverse("close"), {"sure": "true"}).content.decode()
    assert "Something still runs that needs you." in page
    assert Citizen.objects.filter(pk=owner.pk).exists()
