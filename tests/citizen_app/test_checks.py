"""A deployment that would be unsafe is told so before it starts."""

import pytest
from django.core.checks import run_checks

REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:6379/9"}}


@pytest.fixture
def production(settings):
    settings.PRODUCTION = settings.HTTPS = True
    settings.TRUSTED_PROXIES = 1
    settings.SECRET_KEY, settings.SERVER_KEY = "k" * 60, "s" * 60
    settings.CACHES = REDIS
    settings.BROKER_URL = "amqp://guest@127.0.0.1//"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return settings


def said():
    return [message.id for message in run_checks(tags=["security"]) if message.id.startswith("citizen_app.")]


def test_the_embedded_default_is_fine(settings):
    settings.OUTBOX_RELAY_THREAD = True
    assert said() == []


def test_a_sound_deployment_is_fine(production):
    assert said() == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}, "citizen_app.E001"),
        ({"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}, "citizen_app.E002"),
        ({"SERVER_KEY": "k" * 60}, "citizen_app.E003"),
        ({"BROKER_URL": ""}, "citizen_app.E004"),
        ({"HTTPS": False}, "citizen_app.W001"),
        ({"TRUSTED_PROXIES": 0}, "citizen_app.W002"),
        ({"OUTBOX_RELAY_THREAD": True}, "citizen_app.W003"),
    ],
)
def test_each_unsafe_choice_is_named(production, change, expected):
    for name, value in change.items():
        setattr(production, name, value)
    assert said() == [expected]
