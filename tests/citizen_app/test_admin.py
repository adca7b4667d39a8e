"""`/admin/` opens only for operators whose session showed a second factor, and holds little."""

import pytest
from django.conf import settings
from django.contrib import admin

from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import OAuthApplication, OperatorRole
from tests.citizen_app.accounts.test_headless import totp
from tests.citizen_app.accounts.test_web import sign_in
from tests.factories.people import PASSWORD, CitizenFactory, browser_for, machine_client, operator_with

pytestmark = pytest.mark.django_db


def test_a_stranger_is_asked_to_sign_in_with_the_ordinary_page(client):
    turned = client.get("/admin/", follow=True)
    assert turned.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2F"


def test_a_citizen_is_refused():
    client = browser_for(CitizenFactory())
    assert client.get("/admin/", follow=True).status_code == 403


def test_a_password_alone_does_not_open_it(client):
    staff = CitizenFactory(email="op@example.org", verified=True, password=True, is_staff=True, is_superuser=True)
    sign_in(client, email=staff.email)
    assert client.get("/admin/").status_code == 302
    turned = client.get("/admin/login/?next=/admin/")
    assert turned.url == "/accounts/2fa/totp/activate/?next=%2Fadmin%2F"
    # The admin's own form is not there to be posted to either.
    posted = client.post("/admin/login/?next=/admin/", {"username": staff.email, "password": PASSWORD})
    assert posted.url == "/accounts/2fa/totp/activate/?next=%2Fadmin%2F"
    assert client.get("/admin/citizen_app/operatorrole/").status_code == 302


def test_a_password_and_a_code_open_it(client):
    secret, _ = set_up_authenticator(operator_with("support", email="op@example.org"))
    assert sign_in(client, email="op@example.org", next="/admin/").url == "/accounts/2fa/authenticate/"
    assert client.get("/admin/").url == "/admin/login/?next=/admin/"
    assert client.post("/accounts/2fa/authenticate/", {"code": totp(secret)}).url == "/admin/"
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "Back office" in page.content.decode()


def test_a_session_without_the_factor_is_asked_for_it_and_comes_back(client):
    operator = CitizenFactory(email="op@example.org", verified=True, password=True, is_staff=True)
    sign_in(client, email=operator.email)
    secret, _ = set_up_authenticator(operator)
    asked = client.get("/admin/", follow=True)
    assert asked.redirect_chain[-1][0] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"
    confirmed = client.post("/accounts/2fa/reauthenticate/?next=/admin/", {"code": totp(secret), "next": "/admin/"})
    assert confirmed.url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_it_never_leads_to_another_site():
    client = browser_for(operator_with("support"))
    assert client.get("/admin/login/?next=https://evil.example/").url == "/admin/"


def test_only_what_an_operator_needs_is_there():
    ours = {model._meta.label for model in admin.site._registry}
    assert {"citizen_app.OperatorRole", "citizen_app.OAuthApplication"} <= ours
    assert all(label.split(".")[0] in {"citizen_app", "scores", "perks"} for label in ours)
    forbidden = {"Citizen", "ConsentEvent", "Score", "Entry", "ScoreChange", "Inquiry", "Vouch", "Enrolment", "Link"}
    assert not {label.split(".")[1] for label in ours} & forbidden


def test_roles_are_given_by_a_superuser_and_taken_from_others_only():
    root = operator_with("support", is_superuser=True)
    citizen = CitizenFactory()
    client = browser_for(root)
    added = client.post("/admin/citizen_app/operatorrole/add/", {"citizen": citizen.pk, "role": "merchants"})
    assert added.status_code == 302
    granted = OperatorRole.objects.get(citizen=citizen)
    assert client.get(f"/admin/citizen_app/operatorrole/{granted.pk}/change/").status_code == 200
    own = OperatorRole.objects.get(citizen=root)
    assert client.post(f"/admin/citizen_app/operatorrole/{own.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/citizen_app/operatorrole/{granted.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(OperatorRole.objects.values_list("citizen_id", flat=True)) == [root.pk]

    plain = browser_for(operator_with("support"))
    assert plain.get("/admin/citizen_app/operatorrole/").status_code == 200
    refused = plain.post("/admin/citizen_app/operatorrole/add/", {"citizen": citizen.pk, "role": "scoring"})
    assert refused.status_code == 403
    assert not OperatorRole.objects.filter(citizen=citizen).exists()


def test_a_client_is_switched_off_by_the_role_for_merchants_and_its_secret_is_not_shown():
    issued = machine_client()
    data = {"action": "suspend", "_selected_action": [issued.application.pk]}
    support, merchants = browser_for(operator_with("support")), browser_for(operator_with("merchants"))
    address = "/admin/citizen_app/oauthapplication/"
    support.post(address, data)
    assert not OAuthApplication.objects.get().suspended
    merchants.post(address, data)
    assert OAuthApplication.objects.get().suspended
    page = merchants.get(f"{address}{issued.application.pk}/change/").content.decode()
    assert issued.client_id in page
    assert OAuthApplication.objects.get().client_secret not in page
    assert settings.APPEND_SLASH is False
