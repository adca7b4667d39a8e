"""Two thousand acts at random with a Stripe that fails: our sums are Stripe's to the cent, account by account."""

import os

import pytest
import time_machine

from tests.factories.holding_run import HoldingRun
from tests.factories.scores import NOW
from tests.perks.services.test_holds_at_random import add_up

pytestmark = pytest.mark.django_db
OPERATIONS = int(os.environ.get("HOLD_OPERATIONS", "2000"))
SEED = int(os.environ.get("HOLD_SEED", "1"))


def test_after_two_thousand_acts_our_sums_are_stripes_to_the_cent(standin, deliver):
    with time_machine.travel(NOW, tick=False) as clock:
        run = HoldingRun(standin, deliver, clock, seed=SEED)
        add_up(run, OPERATIONS)
        seen = run.done
    assert {name for name in ("arrive", "refund", "dispute", "hold_lapses", "refund_fails") if not seen[name]} == set()
