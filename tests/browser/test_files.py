"""A person's file from the operator's form to the citizen's list, on a desk and on a phone; and their consents."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser

NOTE = "You wrote that a code does not work."


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def kept(page, shots, name):
    page.screenshot(path=f"{shots}/{name}.png", full_page=True)
    assert (name, sideways(page)) == (name, 0)
    assert (name, page.locator("h1").count()) == (name, 1)


def test_a_file_is_opened_with_a_reason_shown_field_by_field_and_read_by_its_citizen(
    open_page, operator, sign_in, shots
):
    page = operator(open_page(DESK), "operator.merchants")
    page.get_by_role("link", name="A person’s file").click()
    kept(page, shots, "files-desk")
    page.get_by_label("E-mail, phone number or id of the citizen").fill("ana@demo.example.org")
    page.get_by_label("Reason").select_option("asked")
    page.get_by_label("In your words").fill(NOTE)
    page.get_by_role("button", name="Open the file").click()
    expect(page.get_by_text(f"You asked for help: {NOTE}")).to_be_visible()
    name = page.locator("main li", has_text="First name")
    expect(name.get_by_text("A•••")).to_be_visible()
    page.get_by_role("button", name="Show the first name").click()
    expect(name.get_by_text("Ana", exact=True)).to_be_visible()
    kept(page, shots, "file-desk")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    kept(page, shots, "file-phone")
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_text("Closed.")).to_be_visible()
    kept(page, shots, "files-phone")

    ana = sign_in(open_page(PHONE), "ana")
    ana.goto("/who-asked")
    expect(ana.get_by_text("Your first name, shown in full")).to_be_visible()
    expect(ana.get_by_text(NOTE).first).to_be_visible()
    kept(ana, shots, "who-asked-phone")


def test_a_person_reads_again_what_they_agreed_to(open_page, sign_in, shots):
    ana = sign_in(open_page(PHONE), "ana")
    ana.goto("/me")
    ana.get_by_role("link", name="Your consents").click()
    kept(ana, shots, "consents-phone")
    ana.get_by_role("link", name="What you agreed to").first.click()
    expect(ana.get_by_text("Nobody is scored here who has not asked for it.")).to_be_visible()
    kept(ana, shots, "consent-phone")
