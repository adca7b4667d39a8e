"""A scorecard from the form to everybody: faults as one types, a run that is watched, a second operator, the log."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser


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
