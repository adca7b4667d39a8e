"""Signing out while the same session asks to be notified: no browser stays behind without its session."""

import pytest
from django.contrib.sessions.models import Session

from citizen_app.accounts.sign_in import open_session
from citizen_app.models import PushDevice
from tests.factories.notifications import Browser
from tests.factories.people import CitizenFactory
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


@pytest.mark.parametrize("times", range(8))
def test_who_signs_out_while_a_browser_is_added_leaves_none(times):
    citizen = CitizenFactory()
    session = open_session(citizen)
    key, browsers = session.session_key, [Browser() for _ in range(3)]
    added = [lambda browser=browser: browser.let_notify(citizen, key) and "added" for browser in browsers]
    answers = at_once(*added, lambda: session.delete(key))
    assert set(answers) <= {"added", "not_found", None}
    assert not PushDevice.objects.exists()
    assert not Session.objects.exists()
