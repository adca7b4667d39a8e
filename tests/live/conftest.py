"""A sandbox's key, or a loud reason why nothing was tried.

`STRIPE_TEST_BASE` tries the suite itself at the stand-in (`manage.py stripe_standin`): that proves nothing of Stripe.
"""

import os

import pytest

from perks.payments import client as payments


@pytest.fixture(autouse=True)
def sandbox(settings):
    key = os.environ.get("STRIPE_TEST_KEY", "")
    if not key:
        pytest.skip("NOTHING WAS TRIED AT STRIPE: set STRIPE_TEST_KEY to a sandbox's key (sk_test_ or rk_test_)")
    if not key.startswith(("sk_test_", "rk_test_")):
        pytest.fail("STRIPE_TEST_KEY is no test key: this suite makes charges.")
    settings.STRIPE_API_KEY = key
    settings.STRIPE_API_BASE = os.environ.get("STRIPE_TEST_BASE", "")
    payments.client.cache_clear()
    yield
    payments.client.cache_clear()


@pytest.fixture
def v1(sandbox):
    return payments.client().v1
