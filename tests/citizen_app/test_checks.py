"""A deployment that would be unsafe is told so before it starts."""

import pytest
from django.core.checks import run_checks

REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:6379/9"}}


@pytest.fixture
def production(settings):
    settings.PRODUCTION = settings.HTTPS = True
    settings.TRUSTED_PROXIES = 1
    settings.PASSKEY_RP_ID, settings.PASSKEY_ORIGINS = "id.example.org", ["https://id.example.org"]
    settings.SECRET_KEY, settings.SERVER_KEY = "k" * 60, "s" * 60
    settings.CACHES = REDIS
    settings.SMS_BACKEND = ""
    settings.BROKER_URL = "amqp://guest@127.0.0.1//"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.SOURCE_SIGNATURES = "required"
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
        ({"PASSKEY_ANDROID_APPS": ["org.example.citizen:AB"]}, "citizen_app.E005"),
        ({"PASSKEY_RP_ID": "localhost"}, "citizen_app.E006"),
        ({"PASSKEY_RP_ID": "id.example.org:8000"}, "citizen_app.E006"),
        ({"PASSKEY_ORIGINS": ["https://id.example.org", "http://id.example.org"]}, "citizen_app.E006"),
        ({"SMS_BACKEND": "citizen_app.accounts.sms.Console"}, "citizen_app.E007"),
        ({"HTTPS": False}, "citizen_app.W001"),
        ({"TRUSTED_PROXIES": 0}, "citizen_app.W002"),
        ({"OUTBOX_RELAY_THREAD": True}, "citizen_app.W003"),
        ({"SOURCE_SIGNATURES": "optional"}, "citizen_app.W004"),
    ],
)
def test_each_unsafe_choice_is_named(production, change, expected):
    for name, value in change.items():
        setattr(production, name, value)
    assert said() == [expected]
