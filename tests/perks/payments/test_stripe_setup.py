"""Setting up at Stripe: everything once, found by its name, and only differences later."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from perks import plans
from perks.payments import catalogue
from perks.payments.standin import Fault


def set_up():
    out = StringIO()
    call_command("stripe_setup", stdout=out)
    return out.getvalue().splitlines()


def test_it_is_made_once(standin):
    first = set_up()
    assert len(first) == 5
    assert all(line.endswith("(made)") for line in first)
    made = len(standin.objects)
    assert set_up() == [line.replace("(made)", "(was there)") for line in first]
    assert len(standin.objects) == made


def test_what_is_sold_is_found_by_its_name(standin, settings):
    settings.CURRENCY = "CHF"
    set_up()
    plan, usage = (standin.get(catalogue.price_id(key)) for key in (plans.PLAN_PRICE, plans.USAGE_PRICE))
    assert (plan["unit_amount"], plan["currency"], plan["product"]) == (4_900, "chf", plans.STANDARD_PRODUCT)
    assert (usage["unit_amount"], usage["recurring"]["meter"]) == (20, catalogue.meter_id())
    features = standin.get(catalogue.portal_configuration_id())["features"]
    assert {name for name, feature in features.items() if feature["enabled"]} == {
        "invoice_history",
        "payment_method_update",
        "subscription_cancel",
    }


def test_another_amount_is_another_price_under_the_same_name(standin, monkeypatch):
    set_up()
    before = catalogue.price_id(plans.PLAN_PRICE)
    monkeypatch.setattr(plans, "PLAN_AMOUNT", 5_900)
    lines = set_up()
    after = catalogue.price_id(plans.PLAN_PRICE)
    assert f"price 'plan_standard_monthly': {after} (replaced {before})" in lines
    assert (standin.get(before)["lookup_key"], standin.get(after)["unit_amount"]) == (None, 5_900)


def test_a_run_that_broke_off_is_finished_by_the_next(standin):
    standin.faults.append(Fault("POST /v1/prices$", "status", status=500, times=2))
    with pytest.raises(CommandError, match="Stripe did not do it"):
        set_up()
    assert [line.split("(")[1] for line in set_up()] == ["was there)", "was there)", "made)", "made)", "made)"]


def test_nothing_is_found_before(standin):
    for find in (catalogue.meter_id, catalogue.portal_configuration_id, lambda: catalogue.price_id(plans.PLAN_PRICE)):
        with pytest.raises(catalogue.NotSetUp):
            find()


def test_without_a_key_there_is_nothing_to_set_up():
    with pytest.raises(CommandError, match="Billing is off"):
        call_command("stripe_setup")
