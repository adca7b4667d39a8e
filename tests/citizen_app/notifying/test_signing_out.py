"""A browser notifies its person for as long as they are signed in on it."""

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.sign_in import open_session
from citizen_app.errors import NotFound
from citizen_app.models import OutboxMessage, PushDevice
from citizen_app.notifying import notify
from citizen_app.outbox import run_due
from citizen_app.pruning import prune_all
from tests.factories.notifications import Browser, wants_everything
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for, session_in
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana():
    return EnrolmentFactory(citizen=CitizenFactory(verified=True, password=True)).citizen


@pytest.fixture
def elsewhere(ana):
    """Another browser of hers, which goes on."""
    return Browser().let_notify(ana)


def push_to(citizen):
    wants_everything(citizen)
    with transaction.atomic():
        notify(citizen, "score.changed", facts={"why": "A record was added.", "perks": ""}, cause="score:1")
    run_due()


def test_signing_out_on_a_page_takes_that_browser_off(ana, elsewhere):
    page = browser_for(ana)
    Browser().let_notify(ana, session_in(page).session_key)
    page.post("/accounts/logout/")
    assert PushDevice.objects.get() == elsewhere


def test_signing_out_in_an_app_takes_that_browser_off(ana, elsewhere):
    app = api_client_for(ana)
    assert app.post("/api/v1/me/devices", Browser().body, format="json").status_code == 201
    app.delete("/_allauth/app/v1/auth/session")
    assert PushDevice.objects.get() == elsewhere


def test_ending_a_session_from_elsewhere_takes_its_browser_off(ana, elsewhere):
    lost = open_session(ana).session_key
    Browser().let_notify(ana, lost)
    browser_for(ana).post(f"/me/devices/{UserSession.objects.get(session_key=lost).pk}/end")
    assert PushDevice.objects.get() == elsewhere


def test_a_session_that_ran_out_takes_its_browser_along(ana, elsewhere):
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        prune_all(timezone.now())
    assert not PushDevice.objects.exists()


@pytest.mark.parametrize("ends", ["another password", "in time"])
def test_a_session_that_opens_nothing_any_more_is_notified_of_nothing(ana, elsewhere, ends):
    later = timedelta(days=31 if ends == "in time" else 1)
    if ends == "another password":
        ana.set_password(PASSWORD + "!")
        ana.save()
    with time_machine.travel(timezone.now() + later):
        push_to(ana)  # to the address of a real push service: to send anything fails
    assert OutboxMessage.objects.get(topic="notification.push").done_at is not None
    assert not PushDevice.objects.exists()


def test_a_browser_two_people_use_stays_with_who_asked_last(ana, elsewhere):
    browser, first, other = Browser(), open_session(ana), EnrolmentFactory().citizen
    browser.let_notify(ana, first.session_key)
    browser.let_notify(other)
    first.flush()
    assert set(PushDevice.objects.values_list("citizen", flat=True)) == {ana.pk, other.pk}


def test_a_session_that_has_ended_adds_none(ana):
    session = open_session(ana)
    key = session.session_key
    session.flush()
    with pytest.raises(NotFound):
        Browser().let_notify(ana, key)
    assert not PushDevice.objects.exists()
