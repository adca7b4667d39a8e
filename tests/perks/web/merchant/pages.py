"""What the tests of the console share: what a page says, and the forms as a browser sends them."""

import html
import re
from typing import Any

from django.test import Client


def text_of(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def errors_of(response: Any) -> dict[str, str]:
    """The mistakes a page shows, by the id of the control they stand beside."""
    page = response.content.decode()
    found = re.findall(r'<ul class="err" id="id_([^"]+)_error">\s*<li>(.*?)</li>', page, re.S)
    return {name: html.unescape(said) for name, said in found}


def problem_of(response: Any) -> str:
    """What stands above the form."""
    found = re.search(r'<div class="note danger" role="alert">(.*?)</div>', response.content.decode(), re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""


def hidden(response: Any, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', response.content.decode())
    assert found, f"no {name} on the page"
    return html.unescape(found[1])


PERK = {
    "kind": "discount",
    "title": "Late check-out",
    "description": "",
    "categories": "",
    "terms": "Until 14:00.",
    "fair_terms": "Everybody may ask at the desk, for 15 euros.",
    "zone": "Europe/Lisbon",
    "hold_minutes": "1440",
    "per_citizen": "1",
    "on_cancel": "all",
    "on_expiry": "all",
    "on_reversal": "nothing",
    "tiers-TOTAL_FORMS": "3",
    "tiers-INITIAL_FORMS": "3",
    "tiers-0-min_score": "600",
    "tiers-0-text": "Until 14:00",
    "hours-TOTAL_FORMS": "3",
    "hours-INITIAL_FORMS": "3",
}
"""The form of a perk that is right, as a browser sends it."""


def write(browser: Client, **changes: Any) -> Any:
    """Send the form of a new perk."""
    return browser.post("/merchant/perks/new", PERK | changes)
