"""Words in forms are held to the same rules as words in the API."""

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError

from citizen_app.errors import Busy, WrongState
from citizen_app.web.fields import PlainText
from citizen_app.web.pages import said


def test_text_is_kept_in_one_form_and_without_its_margins():
    assert PlainText().clean("  Cafe\u0301 do Mar ") == "Café do Mar"
    assert PlainText(required=False).clean(None) == ""


@pytest.mark.parametrize("text", ["TP\u202e321", "a\x07b", "one\ntwo", "nul\x00"])
def test_what_cannot_be_seen_is_refused(text):
    with pytest.raises(ValidationError):
        PlainText().clean(text)


def test_lines_are_kept_where_there_may_be_several():
    assert PlainText(multiline=True).clean("one\ntwo") == "one\ntwo"


def test_a_page_says_what_would_change_a_refusal_unless_it_is_for_programs():
    assert said(WrongState("It was used.")) == f"{WrongState.title} It was used."
    assert said(Busy()) == Busy.title
    assert "`" in Busy.remedy


def test_the_icon_every_browser_asks_for_is_there(client):
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert finders.find(response.headers["Location"].removeprefix("/static/"))
