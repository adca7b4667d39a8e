"""Stripe settings that could take real money by mistake, or believe anybody, stop the start."""

import logging

import pytest
import stripe
from django.core.checks import run_checks

KEY = "rk_test_1"
SECRETS = {"STRIPE_WEBHOOK_SECRETS": ["whsec_a", "whsec_b"], "STRIPE_CONNECT_WEBHOOK_SECRETS": ["whsec_c"]}


def said():
    return [message.id for message in run_checks(tags=["security"]) if message.id.startswith("perks.")]


@pytest.fixture
def billing(settings):
    settings.STRIPE_API_KEY = KEY
    settings.STRIPE_LIVEMODE = False
    settings.STRIPE_API_BASE = ""
    settings.STRIPE_WEBHOOK_SECRETS = SECRETS["STRIPE_WEBHOOK_SECRETS"]
    settings.STRIPE_CONNECT_WEBHOOK_SECRETS = SECRETS["STRIPE_CONNECT_WEBHOOK_SECRETS"]
    return settings


def test_billing_that_is_off_has_nothing_to_say(settings):
    assert settings.STRIPE_API_KEY == ""
    assert said() == []


@pytest.mark.parametrize(
    "sound",
    [
        {},
        {"STRIPE_API_KEY": "sk_live_1", "STRIPE_LIVEMODE": True, "PRODUCTION": True},
        {"STRIPE_API_BASE": "http://127.0.0.1:8420"},
    ],
)
def test_sound_settings_are_fine(billing, sound):
    for name, value in sound.items():
        setattr(billing, name, value)
    assert said() == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"STRIPE_API_KEY": "pk_test_1"}, "perks.E001"),
        ({"STRIPE_API_KEY": "rk_live_1"}, "perks.E002"),
        ({"STRIPE_LIVEMODE": True}, "perks.E002"),
        ({"STRIPE_API_BASE": "http://stripe.example"}, "perks.E003"),
        ({"STRIPE_API_BASE": "http://127.0.0.1@stripe.example"}, "perks.E003"),
        (
            {"STRIPE_API_BASE": "http://127.0.0.1:1", "STRIPE_API_KEY": "sk_live_1", "STRIPE_LIVEMODE": True},
            "perks.E004",
        ),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1", "PRODUCTION": True}, "perks.E004"),
        ({"STRIPE_WEBHOOK_SECRETS": []}, "perks.E005"),
        ({"STRIPE_CONNECT_WEBHOOK_SECRETS": [""]}, "perks.E005"),
        ({"STRIPE_CONNECT_WEBHOOK_SECRETS": ["whsec_b"]}, "perks.E006"),
    ],
)
def test_unsafe_settings_are_named(billing, change, expected):
    for name, value in change.items():
        setattr(billing, name, value)
    assert said() == [expected]


def test_another_version_of_the_sdk_is_named(billing, monkeypatch):
    monkeypatch.setattr(stripe, "api_version", "2031-01-01.other")
    assert said() == ["perks.E007"]


def test_an_sdk_that_prints_is_named(billing, monkeypatch):
    monkeypatch.setenv("STRIPE_LOG", "debug")
    assert said() == ["perks.E008"]


def test_the_sdk_logs_nothing_of_what_it_sends_whatever_the_level():
    """Its own level, not the root's."""
    assert logging.getLogger("stripe").level == logging.WARNING
