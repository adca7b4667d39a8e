"""After anything that can happen, in any order, our sums are Stripe's to the cent (`tests/faults`: for longer)."""

import pytest
import time_machine
from django.core.management import call_command

from tests.factories.holding_run import HoldingRun
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
OPERATIONS = 150


def add_up(run, operations):
    run.go(operations)
    run.end()
    assert run.ours() == run.stripes()
    call_command("verify_invariants")


def test_whatever_happened_our_sums_are_stripes_to_the_cent(standin, deliver):
    with time_machine.travel(NOW, tick=False) as clock:
        add_up(HoldingRun(standin, deliver, clock, seed=5), OPERATIONS)
