"""Operators: only with a role, only in a session that showed a second factor."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from rest_framework.exceptions import NotAuthenticated

from citizen_app.accounts.operators import (
    RoleRequired,
    SecondFactorRequired,
    grant_role,
    is_operator,
    operator_page,
    require_operator,
    withdraw_role,
)
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.accounts.sign_in import open_session
from citizen_app.models import AuditEvent, Citizen, OperatorRole
from tests.factories.people import CitizenFactory, operator_with

pytestmark = pytest.mark.django_db


def asked_by(citizen, session=None):
    request = RequestFactory().get("/operator/documents")
    request.user = citizen
    request.session = session or {}
    return request


def test_a_role_makes_an_operator_once_and_is_on_record():
    boss, newcomer = operator_with("support"), CitizenFactory()
    grant_role(citizen=newcomer, role="disputes", by=boss)
    grant_role(citizen=newcomer, role="disputes", by=boss)
    assert is_operator(newcomer)
    assert is_operator(newcomer, "disputes")
    assert not is_operator(newcomer, "merchants")
    assert Citizen.objects.get(pk=newcomer.pk).is_staff
    event = AuditEvent.objects.get(object=newcomer.public_id)
    assert (event.actor, event.action, event.object, event.facts) == (
        f"person:{boss.pk}",
        "operator.grant",
        newcomer.public_id,
        {"role": "disputes"},
    )


def test_an_unknown_role_is_refused_and_nobody_is_made():
    citizen = CitizenFactory()
    with pytest.raises(ValueError, match="There is no role"):
        grant_role(citizen=citizen, role="god", by=None)
    assert not Citizen.objects.get(pk=citizen.pk).is_staff
    assert OperatorRole.objects.count() == 0


def test_the_last_role_taken_ends_it():
    operator = operator_with("support", "disputes")
    withdraw_role(citizen=operator, role="support", by=None)
    assert Citizen.objects.get(pk=operator.pk).is_staff
    withdraw_role(citizen=operator, role="disputes", by=None)
    assert not Citizen.objects.get(pk=operator.pk).is_staff
    assert not is_operator(operator)


def test_somebody_switched_off_is_no_operator():
    operator = operator_with("support", is_active=False)
    assert not is_operator(operator)


def test_the_guard_asks_for_a_person_a_role_and_a_factor_in_this_order():
    operator = operator_with("support")
    complete = open_session(operator)
    with pytest.raises(NotAuthenticated):
        require_operator(asked_by(AnonymousUser()))
    with pytest.raises(RoleRequired):
        require_operator(asked_by(CitizenFactory()))
    with pytest.raises(RoleRequired):
        require_operator(asked_by(operator, complete), "merchants")
    with pytest.raises(SecondFactorRequired):
        require_operator(asked_by(operator), "support")
    assert require_operator(asked_by(operator, complete), "support") == operator


def test_a_session_made_before_the_factor_was_set_up_does_not_count():
    operator = CitizenFactory(verified=True, password=True)
    grant_role(citizen=operator, role="support", by=None)
    before = open_session(operator, second_factor=False)
    set_up_authenticator(operator)
    with pytest.raises(SecondFactorRequired):
        require_operator(asked_by(operator, before), "support")


def test_another_persons_factor_in_the_session_does_not_count():
    operator, other = operator_with("support"), operator_with("support")
    with pytest.raises(SecondFactorRequired):
        require_operator(asked_by(operator, open_session(other)), "support")


def test_a_page_leads_to_what_is_missing():
    @operator_page("support")
    def page(request):
        return HttpResponse("inside")

    operator = operator_with("support")
    assert page(asked_by(AnonymousUser())).url == "/accounts/login/?next=/operator/documents"
    assert page(asked_by(operator)).url == "/accounts/2fa/reauthenticate/?next=%2Foperator%2Fdocuments"
    assert page(asked_by(operator, open_session(operator))).content == b"inside"
    newcomer = CitizenFactory()
    grant_role(citizen=newcomer, role="support", by=None)
    assert page(asked_by(newcomer)).url.startswith("/accounts/2fa/totp/activate/")
    with pytest.raises(RoleRequired):
        page(asked_by(CitizenFactory()))
