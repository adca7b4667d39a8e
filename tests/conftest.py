"""What every test stands on: cheap password hashes, caches that start empty, reference data that is always there."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _a_house_of_its_own(settings, tmp_path):
    """Give each test its own mail folder and cheap hashes; nothing else of the settings differs from the product's."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.VAR_DIR = tmp_path
    settings.OUTBOX_RELAY_THREAD = False
    cache.clear()
    yield
    cache.clear()
