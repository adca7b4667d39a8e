"""Codes and refresh tokens brought by six at once: one gets tokens, whoever comes after ends them, nobody gets a 500.

Threat 3. Thirty rounds each on PostgreSQL, where the six really meet; SQLite queues its writers and takes three.
"""

from collections import Counter
from threading import Barrier

import pytest
from django.db import connection
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from oauth2_provider.views import TokenView

from citizen_app.accounts.connections import connect, disconnect
from citizen_app.accounts.tokens import Token
from citizen_app.accounts.validators import Validator
from citizen_app.models import Connection
from tests.factories.dating_app import calls_with, code_for, redeem, refresh
from tests.factories.people import app_client, browser_for
from tests.factories.scores import connectable_citizen
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]

AT_ONCE = 6


def rounds():
    return range(30 if connection.vendor == "postgresql" else 3)


@pytest.fixture
def _unlimited(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def app():
    return app_client()


@pytest.fixture
def browser():
    return browser_for(connectable_citizen())


def patiently(call):
    """As a client does that is told to come again in a moment."""
    for _ in range(20):
        response = call()
        if response.status_code != 503:
            break
    return response


def six_times(call):
    return at_once(*[lambda: patiently(call)] * AT_ONCE)


@pytest.mark.usefixtures("crowd", "_unlimited")
def test_threat_03_of_six_who_bring_one_code_one_gets_tokens(app, browser):
    for _ in rounds():
        code = code_for(browser, app)
        answers = six_times(lambda code=code: redeem(app, code))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 5}
        assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
        # The code was seen by more than one: what it gave is taken back.
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert calls_with(won["access_token"]).status_code == 401
        assert get_access_token_model().objects.count() == 0
        assert get_grant_model().objects.count() == 0


@pytest.mark.usefixtures("crowd", "_unlimited")
def test_threat_03_of_six_who_bring_one_refresh_token_one_gets_tokens(app, browser):
    for _ in rounds():
        token = redeem(app, code_for(browser, app)).json()["refresh_token"]
        answers = six_times(lambda token=token: refresh(app, token))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 5}
        assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert calls_with(won["access_token"]).status_code == 401  # the family is over
        assert refresh(app, won["refresh_token"]).status_code == 400
        assert not get_refresh_token_model().objects.filter(revoked=None).exists()


@pytest.mark.usefixtures("crowd", "_unlimited", "postgresql")
def test_without_the_line_tokens_are_made_for_all_six(app, browser, monkeypatch):
    """The negative control: the provider as it comes judges the code for each before it is used up by one."""
    code = code_for(browser, app)
    monkeypatch.setattr(Token, "post", TokenView.post)
    met, judge = Barrier(AT_ONCE), Validator.validate_code

    def judged_together(*args, **kwargs):
        valid = judge(*args, **kwargs)
        met.wait(timeout=30)
        return valid

    monkeypatch.setattr(Validator, "validate_code", judged_together)
    answers = at_once(*[lambda: redeem(app, code)] * AT_ONCE)
    assert Counter(answer.status_code for answer in answers)[200] == 1
    assert get_access_token_model().objects.count() == AT_ONCE


@pytest.mark.usefixtures("crowd", "_unlimited")
def test_disconnecting_while_an_app_exchanges_leaves_it_nothing(app, browser):
    citizen = connectable_citizen()
    browser = browser_for(citizen)
    for _ in range(10):
        code = code_for(browser, app)
        answers = at_once(
            *[lambda code=code: patiently(lambda: redeem(app, code))] * 3,
            lambda: disconnect(citizen=citizen, application=app.application),
        )
        assert answers[-1] is True
        assert {answer.status_code for answer in answers[:-1]} <= {200, 400}
        assert get_access_token_model().objects.count() == 0
        assert not get_refresh_token_model().objects.filter(revoked=None).exists()
        assert Connection.objects.running().count() == 0


@pytest.mark.usefixtures("crowd")
def test_six_yeses_at_once_are_one_connection(app):
    citizen = connectable_citizen()
    both = ("boost:read", "openid")
    connected = at_once(
        *[lambda: connect(citizen=citizen, application=app.application, scopes=both, via="app").pk] * AT_ONCE
    )
    assert len(set(connected)) == 1
    assert Connection.objects.count() == 1
