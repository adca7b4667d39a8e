"""The promises are tried on a Monday noon in November 2026, from which time goes on."""

import pytest
import time_machine

from tests.factories.scores import NOW


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield
