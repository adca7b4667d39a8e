"""A merchant's standing and a citizen's report, from the perk to the operator's decision, on a phone and on a desk."""

import json
import os
import subprocess
import sys
import time

import pyotp
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, ROOT

pytestmark = pytest.mark.browser
FILES = {
    "food_businesses.csv": (
        "business_id,name,address,city,postal_code,latitude,longitude\n"
        '1,THE BEST KITCHEN OF THE WHOLE TOWN AND ALL ITS SUBURBS,"1 LONG STREET, 3RD FLOOR",Lisboa,94109,,\n'
        "2,A KITCHEN WITH A PENALTY,2 STREET,Lisboa,94109,,\n"
    ),
    "food_inspections.csv": (
        "business_id,date,score,type\n1,2018-01-05,97,routine\n1,2017-06-05,98,routine\n1,2017-01-05,100,routine\n"
        "2,2017-01-05,64,routine\n2,2017-02-05,90,routine\n2,2018-02-01,58,routine\n"
    ),
    "food_violations.csv": (
        "business_id,date,description\n2,2018-02-01,High risk vermin infestation\n"
        "2,2018-01-02,Unclean floors walls or ceilings [ date violation corrected: 1/20/2018 ]\n"
    ),
}
LINK = """
from perks.models import Merchant, Perk
from perks.services.registered import state_and_confirm
first, last = Merchant.objects.filter(is_demo=True, perks__state="published").order_by("-id").distinct()[:2]
for merchant, number in ((first, "1"), (last, "2")):
    state_and_confirm(merchant=merchant, number=number, register="sf-dph", by=None)
perk = Perk.objects.filter(merchant=first, state="published").first()
print("linked", first.public_id, last.public_id, perk.public_id)
"""
SECRET = """
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import Citizen
print("secret", set_up_authenticator(Citizen.objects.get(email="operator.merchants@demo.example.org"))[0])
"""


@pytest.fixture
def manage(product):
    def run(*words):
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        environment |= {"VAR_DIR": str(product.var)}
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    return run


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_from_a_record_to_a_report_to_a_decision(open_page, sign_in, manage, product, tmp_path, shots):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    told = json.loads(manage("import_standing", str(tmp_path)))
    assert (told["suspended"], told["red_listed"]) == (1, 1)
    first, last, perk = manage("shell", "-v0", "-c", LINK).split()[-3:]

    def look(page, name, address):
        for size in (PHONE, DESK):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.goto(address)
            assert sideways(page) == 0, (address, size)
            page.screenshot(path=shots / f"{name}-{size[0]}.png", full_page=True)

    ana = sign_in(open_page(), "ana")
    look(ana, "perks", "/perks")
    look(ana, "perk", f"/perks/{perk}")
    look(ana, "merchant-best", f"/merchants/{first}")
    expect(ana.get_by_text("Red list").first).to_be_visible()
    look(ana, "merchant-suspended", f"/merchants/{last}")
    expect(ana.get_by_text("Penalty not remedied")).to_be_visible()
    look(ana, "register", "/register")
    look(ana, "enterprise", f"/register/{told['examples']['suspended']}")
    look(ana, "report", f"/perks/{perk}/report")
    ana.get_by_label("The merchant did not honour it").check()
    ana.get_by_label("What happened").fill("The desk had never heard of it.")
    ana.get_by_role("button", name="Report it").click()
    expect(ana.get_by_text("An operator will read it.")).to_be_visible()

    operator = open_page(DESK)
    secret = manage("shell", "-v0", "-c", SECRET).split()[-1]
    operator.goto("/accounts/login/")
    operator.get_by_label("Email").fill("operator.merchants@demo.example.org")
    operator.get_by_label("Password").fill(product.password)
    operator.get_by_role("button", name="Sign in", exact=True).click()
    operator.wait_for_url("**/2fa/authenticate/**")
    # A code opens once, and another test may have used this one: the next is nobody's yet.
    operator.wait_for_timeout((30 - time.time() % 30) * 1000 + 500)
    operator.locator("input[name=code]").fill(pyotp.TOTP(secret).now())
    operator.locator("main form button[type=submit]").first.click()
    operator.wait_for_url(lambda url: "/accounts/" not in url)
    look(operator, "operator-merchants", "/operator/merchants")
    look(operator, "operator-merchant", f"/operator/merchants/{last}")
    look(operator, "operator-reports", "/operator/reports")
    operator.get_by_label("Reason").fill("The desk is told of it first.")
    operator.get_by_role("button", name="Pause the perk").click()
    expect(operator.get_by_text("The perk is paused until an operator lets it go on.")).to_be_visible()
    look(operator, "operator-merchant-held", f"/operator/merchants/{first}")
    look(ana, "reports", "/me/reports")
    expect(ana.get_by_text("The desk is told of it first.")).to_be_visible()
