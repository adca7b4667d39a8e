"""The site on a home screen: the manifest, its icons, and the pages that name them."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from tests.factories.people import browser_for
from tests.factories.scores import EnrolmentFactory


def icon_of(address):
    """The picture behind a static address, whatever hash its name carries."""
    name = re.sub(r"\.[0-9a-f]{12}\.png$", ".png", address.removeprefix("/static/"))
    return Image.open(finders.find(name))


def test_the_manifest_says_where_the_site_begins_and_its_icons_are_as_large_as_it_says():
    answer = Client().get("/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    said = answer.json()
    assert (said["start_url"], said["scope"], said["display"]) == ("/score", "/", "standalone")
    assert {icon["purpose"] for icon in said["icons"]} == {"any", "maskable"}
    for icon in said["icons"]:
        picture = icon_of(icon["src"])
        assert (picture.format, "{}x{}".format(*picture.size)) == ("PNG", icon["sizes"])


@pytest.mark.django_db
def test_every_page_of_a_citizen_names_it_and_the_policy_lets_it_in():
    page = browser_for(EnrolmentFactory().citizen).get("/me/inbox/settings")
    told = page.content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in told
    assert icon_of(re.search(r'rel="apple-touch-icon" href="([^"]+)"', told)[1]).size == (180, 180)
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]
