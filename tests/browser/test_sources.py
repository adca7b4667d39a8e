"""A guest switches a source on: what it would change is read first, and done without any script."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_guest_reads_what_a_switch_changes_and_then_does_it(open_page, sign_in, shots):
    page = sign_in(open_page(java_script_enabled=False), "rui")
    page.goto("/sources")
    page.screenshot(path=shots / "sources-360.png", full_page=True)
    page.get_by_role("link", name=re.compile("Demo city, invented is Off")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Switch on?")
    row = page.get_by_role("row", name=re.compile("^Your score"))
    before, after = [int(cell.split()[0]) for cell in row.get_by_role("cell").all_inner_texts()]
    assert after > before
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=shots / "source-confirm-360.png", full_page=True)
    page.get_by_role("link", name="Leave it as it is").click()
    expect(page.get_by_role("link", name=re.compile("Demo city, invented is Off"))).to_be_visible()
    page.get_by_role("link", name=re.compile("Demo city, invented is Off")).click()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Demo city, invented counts from now on.")).to_be_visible()
    page.goto("/score")
    expect(page.get_by_text(str(after)).first).to_be_visible()
    page.goto("/sources")
    page.get_by_role("link", name=re.compile("Demo city, invented is On")).click()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Demo city, invented no longer counts.")).to_be_visible()


def test_a_source_leads_to_its_furnishers_record_and_the_account_to_the_document_check(page, sign_in, shots):
    sign_in(page, "ana").goto("/sources")
    page.get_by_role("link", name="Public record of Demo bank").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demo bank")
    expect(page.get_by_role("row", name=re.compile("Records taken [0-9,]+"))).to_be_visible()
    page.screenshot(path=shots / "furnisher-360.png", full_page=True)
    page.goto("/me")
    page.screenshot(path=shots / "me-360.png", full_page=True)
    page.get_by_role("link", name=re.compile("Document check")).click()
    expect(page.get_by_text("Your document was checked")).to_be_visible()
    page.screenshot(path=shots / "document-360.png", full_page=True)
