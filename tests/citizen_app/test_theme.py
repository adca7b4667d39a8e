"""The theme: kept in a cookie, rendered by the server, harmless whatever the cookie says."""

import pytest
from django.test import RequestFactory

from citizen_app.web.context import appearance
from citizen_app.web.theme import theme


@pytest.fixture
def browser() -> RequestFactory:
    return RequestFactory()


@pytest.mark.parametrize(
    ("cookie", "shown"), [("dark", "dark"), ("light", "light"), ("auto", "auto"), ('"><script>', "auto"), ("", "auto")]
)
def test_only_known_themes_are_rendered(browser, cookie, shown):
    browser.cookies["theme"] = cookie
    assert appearance(browser.get("/"))["theme"] == shown


def test_choosing_a_theme_keeps_it_for_a_year_and_goes_back(browser):
    response = theme(browser.post("/theme", {"theme": "dark", "next": "/perks?eligible=true"}))
    assert (response.status_code, response["Location"]) == (302, "/perks?eligible=true")
    assert response.cookies["theme"].value == "dark"
    assert response.cookies["theme"]["max-age"] == 365 * 24 * 3600
    assert response.cookies["theme"]["samesite"] == "Lax"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_never_leaves_the_site(browser, elsewhere):
    assert theme(browser.post("/theme", {"theme": "dark", "next": elsewhere}))["Location"] == "/"


def test_an_unknown_theme_is_not_kept(browser):
    response = theme(browser.post("/theme", {"theme": "neon"}))
    assert response.status_code == 302
    assert "theme" not in response.cookies


def test_reading_a_page_cannot_change_the_theme(browser):
    assert theme(browser.get("/theme", {"theme": "dark"})).status_code == 405
