"""A scorecard from the form to everybody: faults as one types, a run that is watched, a second operator, the log."""

import os
import subprocess
import sys

import pyotp
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, ROOT

pytestmark = pytest.mark.browser
SECRET = """
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import Citizen
print("secret", set_up_authenticator(Citizen.objects.get(email="{who}@demo.example.org"))[0])
"""


@pytest.fixture
def operator(product, sign_in):
    """Sign an operator of the demo in with both factors."""

    def signed_in(page, who):
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        asked = [sys.executable, "manage.py", "shell", "-v0", "-c", SECRET.format(who=who)]
        environment |= {"VAR_DIR": str(product.var)}
        run = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(f"{who}@demo.example.org")
        page.get_by_label("Password").fill(product.password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/2fa/authenticate/**")
        page.locator("input[name=code]").fill(pyotp.TOTP(run.stdout.split()[-1]).now())
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/accounts/" not in url)
        return page

    return signed_in


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_a_scorecard_goes_from_the_form_to_everybody(open_page, operator, shots):
    page = operator(open_page(DESK), "operator.scoring")
    page.goto("/operator/scorecards")
    page.get_by_role("button", name="Start a draft").click()
    page.get_by_label("What changes, and why").fill("Paying on time counts for more.")
    page.locator("summary", has_text="Payments on time").click()
    points = page.locator("[id='f-rules[0].bins[1].points']")
    points.fill("six")
    expect(page.locator("[id='e-rules[0].bins[1].points']")).to_contain_text("There must be a plain decimal number")
    expect(points).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-count]")).to_have_text("1 fault, not saved")
    points.fill("6.5")
    expect(page.locator("[id='e-rules[0].bins[1].points']")).to_be_hidden()
    expect(page.locator("[data-count]")).to_have_text("No fault, not saved")
    page.get_by_role("button", name="Add a bin to Payments on time").click()
    page.get_by_role("button", name="Remove Bin 3 of Payments on time").click()
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scorecard ")
    draft = page.url
    page.get_by_role("button", name="Start the shadow run").click()
    # The bar moves by itself, and the page turns to the result.
    expect(page.get_by_text("Nothing has changed for anyone.")).to_be_visible(timeout=60_000)
    for size in (PHONE, DESK):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=scheme)
            for part in ("", "/edit", "/yaml", "/run"):
                page.goto(draft + part)
                assert (part, sideways(page)) == (part, 0)
                page.screenshot(
                    path=f"{shots}/scorecard{part.replace('/', '-')}-{size[0]}-{scheme}.png", full_page=True
                )
    page.goto(draft)
    page.get_by_role("button", name="Submit to another operator").click()
    expect(page.get_by_text("You have written on it or submitted it, so another operator decides.")).to_be_visible()

    second = operator(open_page(DESK), "operator.merchants")
    second.goto(draft)
    second.get_by_role("button", name="Publish for everybody").click()
    expect(second.get_by_text("is in force. Everybody’s score follows")).to_be_visible()
    expect(second.get_by_text("All scores are made with")).to_be_visible(timeout=60_000)

    anybody = open_page(PHONE)
    anybody.goto("/scorecards")
    expect(anybody.get_by_text("Paying on time counts for more.")).to_be_visible()
    anybody.locator("summary", has_text="What it changed of").first.click()
    expect(anybody.get_by_role("heading", name="Payments on time")).to_be_visible()
    assert sideways(anybody) == 0
