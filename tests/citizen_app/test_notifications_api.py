"""The inbox, the choices and the browsers, as a person's app and pages have them."""

import pytest
from django.db import transaction

from citizen_app.models import Notification, NotificationSetting, PushDevice, QuietTime
from citizen_app.notifying import notify
from tests.factories.notifications import Browser
from tests.factories.people import CitizenFactory, api_client_for, browser_for

pytestmark = pytest.mark.django_db
V1 = "/api/v1/me"


@pytest.fixture
def ana():
    citizen = CitizenFactory(zone="Europe/Lisbon")
    with transaction.atomic():
        for number in range(3):
            notify(citizen, "export.ready", cause=f"export:{number}")
    return citizen


def test_the_inbox_is_paged_and_what_is_unread_alone_can_be_asked_for(ana):
    app = api_client_for(ana)
    first = app.get(f"{V1}/notifications?limit=2").json()
    assert [len(first["results"]), first["previous"]] == [2, None]
    rest = app.get(first["next"]).json()
    ids = [one["id"] for one in first["results"] + rest["results"]]
    assert len(set(ids)) == 3
    read = app.post(f"{V1}/notifications/{ids[0]}/read", {}).json()
    assert (read["id"], read["read_at"] is not None, read["path"]) == (ids[0], True, "/me/data")
    assert {one["id"] for one in app.get(f"{V1}/notifications?unread=true").json()["results"]} == set(ids[1:])
    assert [one["id"] for one in app.get(f"{V1}/notifications?unread=false").json()["results"]] == ids[:1]
    assert app.post(f"{V1}/notifications/read-all", {}).json() == {"read": 2}
    assert app.get(f"{V1}/notifications?unread=maybe").status_code == 400


def test_choices_are_kept_as_they_are_sent_and_what_is_left_out_stays(ana):
    app = api_client_for(ana)
    before = app.get(f"{V1}/notification-settings").json()
    assert (before["email"], before["push"], before["quiet"]) == (["gift_cards", "account"], [], None)
    assert before["always"] == ["disputes", "deposits"]
    quiet = {"begins": "22:00", "ends": "07:00"}
    sent = {"email": ["score"], "push": ["score", "asked"], "quiet": quiet}
    after = app.put(f"{V1}/notification-settings", sent).json()
    assert (after["email"], after["push"], after["quiet"]) == (["score"], ["score", "asked"], quiet)
    assert app.put(f"{V1}/notification-settings", {}).json() == after
    assert app.put(f"{V1}/notification-settings", {"quiet": None}).json()["quiet"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": ["disputes"]}, "/email/0"),
        ({"push": ["digest"]}, "/push/0"),
        ({"quiet": {"begins": "22:00", "ends": "22:00"}}, "/quiet/ends"),
        ({"quiet": {"begins": "25:00", "ends": "07:00"}}, "/quiet/begins"),
        ({"sms": []}, "/sms"),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_nothing_kept(ana, body, pointer):
    answer = api_client_for(ana).put(f"{V1}/notification-settings", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert not NotificationSetting.objects.exists()
    assert not QuietTime.objects.exists()


def test_a_browser_is_added_listed_without_its_address_and_taken_off(ana):
    app, browser = api_client_for(ana), Browser()
    made = app.post(f"{V1}/devices", browser.body)
    assert (made.status_code, made.json()["service"]) == (201, "updates.push.services.mozilla.com")
    assert browser.endpoint not in app.get(f"{V1}/devices").content.decode()
    assert app.post(f"{V1}/devices", browser.body).json()["id"] == made.json()["id"]
    assert app.delete(f"{V1}/devices/{made.json()['id']}").status_code == 204
    assert not PushDevice.objects.exists()


def test_the_pages_show_the_inbox_open_one_and_keep_choices(ana):
    browser = browser_for(ana)
    assert '<span class="bell-count">3' in browser.get("/me").content.decode()
    one = Notification.objects.latest("pk")
    assert browser.post(f"/me/inbox/{one.public_id}/open").headers["Location"] == "/me/data"
    assert '<span class="bell-count">2' in browser.get("/me/inbox").content.decode()
    browser.post("/me/inbox")
    assert "bell-count" not in browser.get("/me/inbox").content.decode()
    form = {"email": ["score"], "push": ["perks"], "is_quiet": "true", "begins": "23:00", "ends": "06:30"}
    page = browser.post("/me/inbox/settings", form, follow=True).content.decode()
    assert "Your choices are kept." in page
    assert 'value="06:30"' in page
    centre = browser.get("/consents").content.decode()
    assert "News by e-mail" in centre
    assert "Your score" in centre


def test_the_worker_reaches_the_inbox_alone_and_keeps_nothing(client):
    answer = client.get("/me/inbox/worker.js")
    assert answer.headers["Service-Worker-Allowed"] == "/me/inbox"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "caches" not in answer.content.decode()
