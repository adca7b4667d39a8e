"""Mails: text and HTML, nothing that reports back, and a link that switches one group off."""

import re

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.test import Client

from citizen_app.models import ConsentEvent
from citizen_app.notifying import notify
from citizen_app.notifying.choices import change_choices, choices_of
from citizen_app.outbox import run_due
from tests.citizen_app.notifying.test_telling import NOON, WHY
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db


def mailed(citizen, event, facts, about=""):
    with time_machine.travel(NOON, tick=False) as clock:
        with transaction.atomic():
            notify(citizen, event, about=about, facts=facts)
        run_due()
        clock.shift(360)
        run_due()
    return mail.outbox[-1]


@pytest.fixture
def ana():
    citizen = EnrolmentFactory().citizen
    with time_machine.travel(NOON, tick=False):
        change_choices(citizen=citizen, email=["score", "asked"], via="web")
    return citizen


def test_it_is_text_and_html_without_pictures_scripts_or_tracking(ana, settings):
    settings.SITE_URL = "https://citizen.example"
    sent = mailed(ana, "score.changed", WHY)
    (html,) = [part.content for part in sent.alternatives if part.mimetype == "text/html"]
    assert "A record was added." in sent.body
    assert "A record was added." in html
    assert re.findall(r"<(?:img|script|link|iframe|object|video|style)\b|url\(|@import", html) == []
    addresses = re.findall(r'https?://[^\s"<]+', html + sent.body)
    assert {address.startswith("https://citizen.example/") for address in addresses} == {True}
    assert all("?" not in address for address in addresses)


def test_names_are_no_markup(ana):
    sent = mailed(ana, "asked", {"who": "<b>Bank</b> & Sons", "did": "wrote"})
    (html,) = [part.content for part in sent.alternatives]
    assert "&lt;b&gt;Bank&lt;/b&gt; &amp; Sons" in html
    assert "<b>Bank</b> & Sons" in sent.body


def test_the_link_switches_that_group_off_by_one_post_and_nothing_else(ana):
    sent = mailed(ana, "score.changed", WHY)
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = re.fullmatch(r"<https?://[^/]+(/mails/off/[^>]+)>", sent.extra_headers["List-Unsubscribe"])[1]
    assert ana.email not in address
    assert ana.public_id not in address
    stranger = Client(enforce_csrf_checks=True)
    assert "No more of these mails?" in stranger.get(address).content.decode()
    assert "score" in choices_of([ana.pk])[ana.pk].on["email"]  # looking is not pressing
    for _ in range(2):
        done = stranger.post(address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert done.status_code == 200
    assert choices_of([ana.pk])[ana.pk].on["email"] == {"asked", "disputes", "deposits"}
    last = ConsentEvent.objects.filter(citizen=ana, purpose="notifications:email").latest("pk")
    assert (last.act, last.scopes, last.via) == ("given", "asked", "mail")


def test_a_link_that_is_none_is_a_page_that_says_so(ana):
    for token in ("x", "gAAAA", "%00", "a" * 3000):
        assert Client().post(f"/mails/off/{token}").status_code == 404


def test_mails_about_disputes_have_no_such_link(ana):
    sent = mailed(ana, "dispute.answered", {"source": "Bank", "dispute": "dsp_x"}, about="dsp_x")
    assert "List-Unsubscribe" not in sent.extra_headers
    assert "/mails/off/" not in sent.body
