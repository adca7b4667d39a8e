"""Group C, outbound: what each answer of an endpoint means, and that one endpoint never keeps another."""

import json
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from citizen_app.models import OutboxMessage, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from citizen_app.outbox import run_due
from citizen_app.sealing import unseal
from citizen_app.webhooks import delivering
from citizen_app.webhooks.delivering import RETRIES, deliver_due, take_turn
from citizen_app.webhooks.endpoints import change_endpoint, judge_address, rotate_secret
from citizen_app.webhooks.events import fan_out
from citizen_app.webhooks.replaying import redeliver, replay, send_ping
from citizen_app.webhooks.signing import PURPOSE
from tests.factories.people import CitizenFactory
from tests.factories.webhooks import MERCHANT, EndpointFactory, tell
from tests.receiving import plain, serving

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.CALL_OUT_TO_LOOPBACK = True


@pytest.fixture
def receiver():
    """What an endpoint was sent, and what it answers next (200 where nothing is left)."""

    class Receiver(list):
        answers: list

    got = Receiver()
    got.answers = []

    def answer(handler):
        got.append((dict(handler.headers), handler.sent))
        status, headers = got.answers.pop(0) if got.answers else (200, {})
        plain(handler, status, b"heard", **headers)

    with serving(answer) as url:
        got.url = url
        yield got


def at(instant):
    return lambda: instant


def delivery():
    return WebhookDelivery.objects.get()


def test_an_event_arrives_signed_under_its_own_id(receiver):
    endpoint = EndpointFactory(url=receiver.url)
    said = tell()
    assert deliver_due() == 1
    ((headers, body),) = receiver
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["webhook-id"] == said["id"] == WebhookEvent.objects.get().public_id
    assert headers["content-type"] == "application/json"
    assert Webhook(unseal(PURPOSE, endpoint.secret_sealed)).verify(body, headers) == said
    assert (delivery().state, delivery().attempts.get().status, delivery().attempts.get().answer) == (
        "delivered",
        200,
        "heard",
    )
    assert deliver_due() == 0


def test_a_zone_does_not_change_the_signature(receiver):
    from zoneinfo import ZoneInfo

    EndpointFactory(url=receiver.url)
    tell()
    now = timezone.now().astimezone(ZoneInfo("Asia/Tehran"))
    deliver_due(clock=at(now))
    headers = {name.lower(): value for name, value in receiver[0][0].items()}
    assert int(headers["webhook-timestamp"]) == int(now.timestamp())
    Webhook(unseal(PURPOSE, WebhookEndpoint.objects.get().secret_sealed)).verify(receiver[0][1], headers)


def test_fanning_out_twice_delivers_once(receiver):
    EndpointFactory(url=receiver.url)
    EndpointFactory(url=receiver.url)
    said = tell()
    fan_out(**said)
    assert WebhookDelivery.objects.count() == 2
    deliver_due()
    assert len(receiver) == 2
    assert {json.loads(body)["id"] for _, body in receiver} == {said["id"]}


def test_without_an_endpoint_nothing_is_kept():
    tell()
    assert WebhookEvent.objects.count() == 0
    assert OutboxMessage.objects.get(topic="webhook").done_at is not None


def test_an_endpoint_hears_the_types_it_asked_for_and_its_own_owner_only(receiver):
    EndpointFactory(url=receiver.url, events=["redemption.redeemed"])
    EndpointFactory(url=receiver.url, owner="mer_other")
    EndpointFactory(url=receiver.url, state="disabled", disabled_because="owner")
    tell()
    assert WebhookDelivery.objects.count() == 0
    tell(sequence=2, state="redeemed")
    assert deliver_due() == 1


def test_failures_are_tried_again_on_schedule_and_then_kept_to_be_replayed(receiver):
    EndpointFactory(url=receiver.url)
    now = timezone.now()
    tell(now=now)
    receiver.answers = [(500, {})] * 10
    waits = []
    for _ in range(10):
        now = max(now, delivery().due_at)
        deliver_due(clock=at(now))
        waits.append(delivery().due_at - now)
    for wait, planned in zip(waits, RETRIES, strict=False):
        assert 0.9 * planned <= wait <= 1.1 * planned
    assert [planned.total_seconds() for planned in RETRIES] == [
        5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ]  # fmt: skip
    assert (delivery().state, delivery().attempts.count()) == ("failed", 10)
    assert deliver_due(clock=at(now + timedelta(days=3))) == 0
    # What failed is there to be replayed, under the same id.
    WebhookEndpoint.objects.update(rests_until=None)
    assert replay(endpoint=WebhookEndpoint.objects.get(), since=now - timedelta(days=5), by=None, now=now) == 1
    deliver_due(clock=at(now))
    assert delivery().state == "delivered"
    assert len({headers["webhook-id"] for headers, _ in receiver}) == 1


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
def test_what_is_not_2xx_is_a_failure(receiver, status):
    EndpointFactory(url=receiver.url)
    tell()
    receiver.answers = [(status, {"Location": "http://127.0.0.1:1/"})]
    deliver_due()
    assert (delivery().state, delivery().attempt_count) == ("pending", 1)
    assert len(receiver) == 1


def test_no_answer_is_a_failure_with_a_reason(receiver):
    EndpointFactory(url="http://127.0.0.1:9/closed")
    tell()
    deliver_due()
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.reason) == (None, "The connection was refused or broke off.")


def test_an_address_that_became_an_inner_one_is_not_called(settings, receiver):
    EndpointFactory(url=receiver.url.replace("http:", "https:"))
    settings.CALL_OUT_TO_LOOPBACK = False
    tell()
    deliver_due()
    assert WebhookAttempt.objects.get().reason == "It leads back to this service."
    assert receiver == []


@pytest.mark.parametrize(
    ("asked", "waits"), [("120", 120), ("999999999", 24 * 3600), ("nonsense", 5), ("-5", 5), ("0", 5), ("", 5)]
)
def test_retry_after_is_believed_within_bounds(receiver, asked, waits):
    EndpointFactory(url=receiver.url)
    now = timezone.now()
    tell(now=now)
    receiver.answers = [(429, {"Retry-After": asked})]
    deliver_due(clock=at(now := timezone.now()))
    assert abs((delivery().due_at - now).total_seconds() - waits) <= 0.1 * waits


def test_retry_after_keeps_the_other_events_of_the_endpoint_too(receiver):
    EndpointFactory(url=receiver.url)
    tell(red="red_1")
    tell(red="red_2")
    receiver.answers = [(503, {"Retry-After": "60"})]
    now = timezone.now()
    deliver_due(clock=at(now))
    assert len(receiver) == 1
    deliver_due(clock=at(now + timedelta(seconds=61)))
    assert len(receiver) == 3


def test_410_disables_the_endpoint_and_mails_its_owner(receiver, monkeypatch):
    from citizen_app.webhooks import endpoints

    monkeypatch.setitem(endpoints._mailed, "merchant", lambda owner: ["owner@example.org"])
    EndpointFactory(url=receiver.url)
    tell(red="red_1")
    tell(red="red_2")
    receiver.answers = [(410, {})]
    deliver_due()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.state, endpoint.disabled_because, len(receiver)) == ("disabled", "gone", 1)
    assert WebhookDelivery.objects.pending().count() == 0
    run_due()
    (sent,) = mail.outbox
    assert (sent.to, "410" in sent.body) == (["owner@example.org"], True)


def test_a_later_event_of_an_object_waits_for_the_earlier_and_other_objects_do_not(receiver):
    """Lesson 20."""
    EndpointFactory(url=receiver.url)
    tell(sequence=1)
    tell(sequence=2, state="redeemed")
    tell(red="red_2")
    receiver.answers = [(500, {})]
    now = timezone.now()
    deliver_due(clock=at(now))
    told = [json.loads(body) for _, body in receiver]
    assert [(one["object"]["id"], one["sequence"]) for one in told] == [("red_1", 1), ("red_2", 1)]
    deliver_due(clock=at(now + timedelta(seconds=6)))
    told = [json.loads(body) for _, body in receiver]
    assert [(one["object"]["id"], one["sequence"]) for one in told][2:] == [("red_1", 1), ("red_1", 2)]


def test_an_event_fanned_out_before_an_earlier_one_waits_for_it(receiver):
    EndpointFactory(url=receiver.url)
    tell(sequence=1)
    first, second = (tell_later(sequence) for sequence in (2, 3))
    fan_out(**second.payload)
    fan_out(**first.payload)
    deliver_due()
    assert [json.loads(body)["sequence"] for _, body in receiver] == [1, 2, 3]


def tell_later(sequence):
    """An event that is promised and that no relay has taken yet."""
    from django.db import transaction

    from citizen_app.webhooks.events import event

    with transaction.atomic():
        promised = event(
            "redemption.redeemed",
            kind="redemption",
            public_id="red_1",
            state="redeemed",
            sequence=sequence,
            now=timezone.now(),
            merchant=MERCHANT,
            perk="perk_1",
        )
        promised.save()
    return promised


def test_a_name_that_leads_inwards_since_it_was_saved_is_not_called(receiver, settings, monkeypatch):
    meanings, port = ["93.184.215.14", "127.0.0.1"], urlsplit(receiver.url).port
    settings.CALL_OUT_TO_LOOPBACK, settings.CALL_OUT_PORTS = False, [str(port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (meanings.pop(0), port))])
    address = f"https://rebinding.example:{port}/"
    judge_address(address)
    EndpointFactory(url=address)
    tell()
    assert deliver_due() == 1
    assert receiver == meanings == []
    assert (delivery().state, WebhookAttempt.objects.get().reason) == ("pending", "It is not on the public internet.")


def test_after_giving_up_the_next_of_the_object_has_its_turn(receiver, monkeypatch):
    monkeypatch.setattr(delivering, "RETRIES", ())
    EndpointFactory(url=receiver.url)
    tell(sequence=1)
    tell(sequence=2, state="redeemed")
    receiver.answers = [(500, {})]
    deliver_due()
    assert [one.state for one in WebhookDelivery.objects.order_by("sequence")] == ["failed", "delivered"]


def test_a_revocation_is_insisted_on_until_it_is_acknowledged(receiver, monkeypatch):
    """Lesson 18."""
    monkeypatch.setattr(delivering, "RETRIES", (timedelta(days=1),))
    EndpointFactory(url=receiver.url)
    with_client = {"kind": "connection", "id": "sub-1", "state": "ended"}
    fan_out(
        type="connection.revoked",
        at="2026-11-29T09:00:00+00:00",
        merchant=MERCHANT,
        sequence=2,
        object=with_client,
        client="app-1",
    )
    receiver.answers = [(500, {})] * 5
    now = timezone.now()
    for day in range(6):
        deliver_due(clock=at(now + timedelta(days=2 * day)))
    assert (delivery().state, delivery().attempts.count()) == ("delivered", 6)


def test_a_breaker_opens_rests_lets_one_through_and_closes(receiver, monkeypatch):
    monkeypatch.setattr(delivering, "BREAKER_FAILURES", 3)
    EndpointFactory(url=receiver.url)
    for number in range(6):
        tell(red=f"red_{number}")
    receiver.answers = [(500, {})] * 4
    now = timezone.now()
    deliver_due(clock=at(now))
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_open, len(receiver)) == (True, 3)
    assert deliver_due(clock=at(now + timedelta(seconds=60))) == 0
    later = now + timedelta(seconds=121)
    assert deliver_due(clock=at(later)) == 1  # half open: one, which fails
    assert deliver_due(clock=at(later + timedelta(seconds=60))) == 0
    later += timedelta(seconds=121)
    assert deliver_due(clock=at(later)) == 6
    endpoint.refresh_from_db()
    assert (endpoint.is_open, WebhookDelivery.objects.pending().count()) == (False, 0)


def test_an_endpoint_that_mostly_succeeds_keeps_its_breaker_closed(receiver, monkeypatch):
    monkeypatch.setattr(delivering, "BREAKER_FAILURES", 2)
    EndpointFactory(url=receiver.url)
    for number in range(8):
        tell(red=f"red_{number}")
    receiver.answers = [(200, {}), (200, {}), (500, {}), (200, {}), (200, {}), (500, {}), (200, {}), (500, {})]
    deliver_due()
    assert (WebhookEndpoint.objects.get().is_open, len(receiver)) == (False, 8)


def test_a_slow_endpoint_stands_in_another_queue_until_it_is_quick(receiver, monkeypatch):
    monkeypatch.setattr(delivering, "SLOW", -1)
    EndpointFactory(url=receiver.url)
    tell()
    deliver_due()
    assert WebhookEndpoint.objects.get().is_slow
    tell(red="red_2")
    now = timezone.now()
    assert take_turn(now, slow=False) is None
    monkeypatch.setattr(delivering, "SLOW", 60_000)
    deliver_due()
    assert not WebhookEndpoint.objects.get().is_slow


def test_one_caller_at_a_time_holds_an_endpoint_and_a_lost_one_is_replaced(receiver):
    EndpointFactory(url=receiver.url)
    tell()
    now = timezone.now()
    assert take_turn(now, slow=False) is not None
    assert take_turn(now + timedelta(seconds=59), slow=False) is None
    assert take_turn(now + timedelta(seconds=60), slow=False) is not None  # the first was killed


def test_both_secrets_sign_for_a_day_after_a_change(receiver):
    endpoint = EndpointFactory(url=receiver.url)
    old = unseal(PURPOSE, endpoint.secret_sealed)
    now = timezone.now()
    new = rotate_secret(endpoint=endpoint, by=None, now=now).secret
    tell()
    deliver_due()
    headers = {name.lower(): value for name, value in receiver[0][0].items()}
    for secret in (old, new):
        Webhook(secret).verify(receiver[0][1], headers)
    tell(red="red_2")
    deliver_due(clock=at(now + timedelta(hours=24)))
    assert len(receiver[1][0]["webhook-signature"].split()) == 1


def test_redelivering_sends_the_same_again_under_the_same_id(receiver):
    """Lesson 20."""
    EndpointFactory(url=receiver.url)
    tell()
    deliver_due()
    redeliver(delivery=delivery(), by=CitizenFactory())
    deliver_due()
    (first, one), (second, two) = receiver
    assert (first["webhook-id"], one) == (second["webhook-id"], two)
    assert delivery().attempts.count() == 2


def test_replay_sends_what_happened_while_an_endpoint_was_disabled(receiver):
    """Lesson 20."""
    person = CitizenFactory()
    endpoint = EndpointFactory(url=receiver.url, events=["redemption.reserved"])
    tell(red="red_1")
    endpoint = change_endpoint(endpoint=endpoint, changes={"state": "disabled"}, by=person)
    tell(red="red_2")
    tell(red="red_2", sequence=2, state="redeemed")
    assert deliver_due() == 0
    endpoint = change_endpoint(endpoint=endpoint, changes={"state": "on"}, by=person)
    assert replay(endpoint=endpoint, since=timezone.now() - timedelta(hours=1), by=person) == 2
    deliver_due()
    assert {json.loads(body)["object"]["id"] for _, body in receiver} == {"red_1", "red_2"}


def test_a_ping_reaches_an_endpoint_that_asked_for_other_types(receiver):
    endpoint = EndpointFactory(url=receiver.url, events=["perk.paused"])
    send_ping(endpoint=endpoint, by=CitizenFactory())
    send_ping(endpoint=endpoint, by=CitizenFactory())
    deliver_due()
    told = [json.loads(body) for _, body in receiver]
    assert [(one["type"], one["sequence"]) for one in told] == [("endpoint.ping", 1), ("endpoint.ping", 2)]


def test_nothing_of_the_database_is_held_while_a_call_is_out(receiver, monkeypatch):
    from django.db import connection

    seen = []
    real = delivering.post

    def watched(*args, **kwargs):
        seen.append(connection.in_atomic_block and len(connection.savepoint_ids))
        return real(*args, **kwargs)

    EndpointFactory(url=receiver.url)
    tell()
    depth = len(connection.savepoint_ids)
    monkeypatch.setattr(delivering, "post", watched)
    deliver_due()
    assert seen == [depth]


def test_an_answer_is_kept_up_to_a_kilobyte_whatever_it_is():
    EndpointFactory(url="http://127.0.0.1:1/")
    with serving(lambda handler: plain(handler, 400, b"\xff\x00" * 5000)) as url:
        WebhookEndpoint.objects.update(url=url)
        tell()
        deliver_due()
    assert len(WebhookAttempt.objects.get().answer) == 1024
