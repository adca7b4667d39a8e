"""P10, the canary of an app: once it is disconnected, nothing it could call with is anywhere, nor its name for somebody
but where a later connection, and its own message that this one is over, need it."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from citizen_app.outbox import run_due, run_sweeps
from citizen_app.pruning import prune_all
from perks.models import Merchant
from perks.services.redemptions import take_perk
from tests.factories.boosts import dater
from tests.factories.dating_app import calls_with, claims_in, code_for, redeem
from tests.factories.people import api_client_for, app_client, browser_for
from tests.factories.perks import MerchantFactory, PerkFactory
from tests.promises.traces import cached_that_say, files_that_say, tables_that_say

pytestmark = pytest.mark.django_db
NAMES = "citizen_app.PairwiseSubject"
PROMISES = "citizen_app.OutboxMessage"


@pytest.fixture
def connected(caplog):
    """Somebody an app reads a boost of, by a whole flow: the code, the tokens and the name it got."""
    caplog.set_level(logging.DEBUG)
    merchant = MerchantFactory(sector=Merchant.Sector.DATING_APP, name="Amora")
    tiers = [{"min_score": 600, "benefit": {"boost": "1.20"}}]
    perk = PerkFactory(merchant=merchant, kind="visibility_boost", tiers=tiers, stock=None)
    issued, citizen = app_client(owner=merchant.public_id, name="Amora"), dater()
    take_perk(citizen=citizen, perk=perk)
    code = code_for(browser_for(citizen), issued)
    got = redeem(issued, code).json()
    assert calls_with(got["access_token"], "/api/v1/boost").json()["boost"] == "1.20"
    keys = (code, got["access_token"], got["refresh_token"], got["id_token"])
    return citizen, keys, claims_in(got["id_token"])["sub"]


def logged(caplog):
    """All that was logged, the connecting included."""
    return "\n".join(one.getMessage() for phase in ("setup", "call") for one in caplog.get_records(phase))


def test_p10_what_an_app_calls_with_stands_nowhere_even_while_it_is_connected(connected, caplog):
    _, keys, name = connected
    run_due()
    assert tables_that_say(*keys) == set()
    assert files_that_say(*keys, name) == []
    assert cached_that_say(*keys, name) == []
    assert not [one for one in (*keys, name) if one in logged(caplog)]
    # The control: what is there is found.
    assert NAMES in tables_that_say(name)


def test_p10_a_disconnected_app_is_found_only_where_it_is_told_and_would_be_known_again(connected, caplog):
    citizen, keys, name = connected
    phone = api_client_for(citizen)
    (connection,) = phone.get("/api/v1/me/connections").json()["results"]
    assert phone.delete(f"/api/v1/me/connections/{connection['id']}").status_code == 204
    assert calls_with(keys[1], "/api/v1/boost").status_code == 401
    run_sweeps()
    run_due()
    assert tables_that_say(*keys) == set()
    assert tables_that_say(name) <= {NAMES, PROMISES}
    assert files_that_say(*keys, name) == []
    assert cached_that_say(*keys, name) == []
    assert not [one for one in (*keys, name) if one in logged(caplog)]


def test_p10_a_month_later_only_the_name_is_left_and_leaving_takes_it(connected):
    citizen, _, name = connected
    phone = api_client_for(citizen)
    (connection,) = phone.get("/api/v1/me/connections").json()["results"]
    phone.delete(f"/api/v1/me/connections/{connection['id']}")
    run_due()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        prune_all(timezone.now())
        assert tables_that_say(name) <= {NAMES, PROMISES}
    receipt = api_client_for(citizen).delete("/api/v1/me/enrolment").json()
    assert receipt["erased"]["pairwise_subjects"] == 1
    assert NAMES not in tables_that_say(name)
