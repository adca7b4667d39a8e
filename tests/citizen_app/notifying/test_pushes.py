"""Web push against a push service on this machine, which opens what it gets as the browser would."""

import base64
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.sign_in import open_session
from citizen_app.errors import InvalidInput
from citizen_app.leases import ATTEMPTS
from citizen_app.models import Notification, OutboxMessage, PushDevice
from citizen_app.notifying import notify
from citizen_app.notifying.choices import change_choices
from citizen_app.notifying.devices import MOST, TooManyDevices, add_device, is_of_push_service, take_off_device
from citizen_app.outbox import run_due
from tests.citizen_app.notifying.test_telling import NOON, WHY
from tests.factories.notifications import Browser
from tests.factories.people import api_client_for
from tests.factories.scores import EnrolmentFactory

MORE = ATTEMPTS + 2

pytestmark = pytest.mark.django_db


class PushService:
    """Answers what it is told to and keeps what it got."""

    def __init__(self) -> None:
        self.answers, self.got = [], []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.got.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                status, *waits = service.answers.pop(0) if service.answers else (201,)
                self.send_response(status)
                for wait in waits:
                    self.send_header("Retry-After", wait)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service(settings):
    settings.CALL_OUT_TO_LOOPBACK, settings.PUSH_HOSTS = True, ["127.0.0.1"]
    service = PushService()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def ana():
    citizen = EnrolmentFactory().citizen
    change_choices(citizen=citizen, push=["score"], via="web")
    return citizen


def tell(citizen, cause="score:1"):
    with transaction.atomic():
        notify(citizen, "score.changed", facts=WHY, cause=cause)
    run_due()


def _bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_browser_alone_reads_it_and_the_service_knows_who_sent_it(service, ana, settings):
    browser = Browser(f"{service.address}/push/1")
    device = browser.let_notify(ana)
    assert browser.endpoint not in device.sealed
    tell(ana)
    ((path, headers, body),) = service.got
    opened = http_ece.decrypt(body, private_key=browser.private_key, auth_secret=browser.secret, version="aes128gcm")
    assert json.loads(opened) == {
        "title": "Your score changed",
        "body": "A record was added. Your page says what each did.",
        "path": "/score/history",
    }
    assert (path, headers["ttl"], headers["urgency"], headers["content-encoding"]) == (
        "/push/1", "86400", "normal", "aes128gcm",
    )  # fmt: skip
    assert 0 < len(headers["topic"]) <= 32
    # VAPID (RFC 8292): a token signed with the key that browsers subscribe with, for this service alone.
    told = dict(part.strip().split("=", 1) for part in headers["authorization"].removeprefix("vapid ").split(","))
    assert told["k"] == api_client_for(ana).get("/api/v1/me/notification-settings").json()["push_key"]
    header, claims, signature = told["t"].split(".")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(told["k"]))
    raw = _bytes(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))
    assert json.loads(_bytes(claims))["aud"] == service.address
    device.refresh_from_db()
    assert device.last_ok_at is not None


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_goes_from_the_list(service, ana, status):
    Browser(f"{service.address}/push/1").let_notify(ana)
    service.answers = [(status,)]
    tell(ana)
    assert not PushDevice.objects.exists()
    assert OutboxMessage.objects.get(topic="notification.push").done_at is not None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_later(service, ana, status):
    Browser(f"{service.address}/push/1").let_notify(ana)
    service.answers = [(status,)]
    tell(ana)
    waiting = OutboxMessage.objects.get(topic="notification.push")
    assert (waiting.done_at, waiting.attempt_count) == (None, 1)
    with time_machine.travel(waiting.due_at):
        run_due()
    assert len(service.got) == 2
    assert service.got[0][1]["topic"] == service.got[1][1]["topic"]  # the second takes the first one's place
    assert PushDevice.objects.get().last_ok_at is not None


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_that_says_when_is_asked_then_however_often_it_says_so(service, ana, status):
    Browser(f"{service.address}/push/1").let_notify(ana)
    service.answers = [(status, "3600")] * MORE + [(status, "0")]
    tell(ana)
    for number in range(1, MORE + 1):
        waiting = OutboxMessage.objects.get(topic="notification.push")
        assert (len(service.got), waiting.attempt_count, waiting.dead_at) == (number, 0, None)
        with time_machine.travel(waiting.due_at):
            assert run_due() == 0
            waiting.refresh_from_db()
            asked = timedelta(hours=1) if number < MORE else timedelta(minutes=1)
            assert timedelta(0) <= asked - (waiting.due_at - timezone.now()) < timedelta(seconds=30)
    with time_machine.travel(waiting.due_at):
        assert run_due() == 1
    assert PushDevice.objects.get().last_ok_at is not None


def test_a_refusal_is_not_repeated_and_a_redirect_not_followed(service, ana):
    Browser(f"{service.address}/push/1").let_notify(ana)
    for number, status in enumerate((400, 413)):
        service.answers = [(status,)]
        tell(ana, f"score:{number}")
    assert (len(service.got), PushDevice.objects.count()) == (2, 1)
    assert not OutboxMessage.objects.filter(topic="notification.push", done_at=None).exists()


def test_what_was_read_or_ticked_off_or_is_old_is_not_pushed(service, ana):
    device = Browser(f"{service.address}/push/1").let_notify(ana)
    with transaction.atomic():
        notify(ana, "score.changed", facts=WHY, cause="read")
    Notification.objects.update(read_at=NOON)
    run_due()
    with transaction.atomic():
        notify(ana, "score.changed", facts=WHY, cause="old", now=NOON.replace(year=2025))
    run_due()
    tell_later = Notification.objects.create(
        citizen=ana, event="score.changed", facts=WHY, cause="off", created_at=NOON
    )
    with transaction.atomic():
        from citizen_app.outbox import enqueue

        enqueue("notification.push", notification=str(tell_later.pk), device=str(device.pk))
    change_choices(citizen=ana, push=[], via="web")
    run_due()
    assert service.got == []


def test_a_browser_two_people_use_notifies_who_asked_last(ana):
    other, browser = EnrolmentFactory().citizen, Browser()
    first = browser.let_notify(ana)
    assert browser.let_notify(other).pk == first.pk
    assert PushDevice.objects.get().citizen == other
    take_off_device(citizen=ana, device=first)
    assert PushDevice.objects.count() == 1


def test_ten_browsers_and_no_more(ana):
    browsers = [Browser() for _ in range(MOST)]
    for browser in browsers:
        browser.let_notify(ana)
    with pytest.raises(TooManyDevices):
        Browser().let_notify(ana)
    browsers[0].let_notify(ana)
    assert PushDevice.objects.count() == MOST


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.example.org/x",
        "https://evilfcm.googleapis.com/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "https://fcm.googleapis.com\\@127.0.0.1/x",
        "https://fcm.googleapis.com /x",
        "https://xpush.apple.com.evil/x",
        "file:///etc/passwd",
        "https://",
        "x",
        "https://fcm.googleapis.com/" + "x" * 600,
    ],
)
def test_only_addresses_of_push_services_are_kept(ana, endpoint):
    with pytest.raises(InvalidInput):
        Browser(endpoint).let_notify(ana)
    assert not PushDevice.objects.exists()


def test_the_push_services_of_the_browsers_are_known():
    for host in (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "wns2-par02p.notify.windows.com",
    ):
        assert is_of_push_service(f"https://{host}/w/?token=abc")


@pytest.mark.parametrize("wrong", [{"auth": "x"}, {"p256dh": "BAAA"}, {"p256dh": "A" * 87}, {"auth": "A" * 24}])
def test_keys_that_are_none_are_refused(ana, wrong):
    with pytest.raises(InvalidInput):
        add_device(
            citizen=ana,
            session_key=open_session(ana).session_key,
            endpoint=Browser().endpoint,
            keys=Browser().keys | wrong,
        )
    answer = api_client_for(ana).post("/api/v1/me/devices", Browser().body | {"keys": Browser().keys | wrong})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/keys/")
