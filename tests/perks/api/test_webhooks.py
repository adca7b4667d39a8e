"""A merchant's endpoints over the API: shown without secrets, changed with If-Match, told what is theirs alone."""

import socket
import time

import pytest
from django.utils import timezone

from citizen_app import calling_out
from citizen_app.models import AuditEvent, WebhookDelivery, WebhookEndpoint
from citizen_app.outbox import run_due
from citizen_app.sealing import unseal
from citizen_app.webhooks.signing import PURPOSE
from perks.services.catalogue import pause_perk
from tests.factories.boosts import dater, dating_app
from tests.factories.people import CitizenFactory, api_client_for
from tests.factories.perks import MerchantFactory, PerkFactory, app_of, person_of, reservation
from tests.factories.webhooks import RECEIVER, EndpointFactory, delivery_to

pytestmark = pytest.mark.django_db
AT = "/api/v1/merchant/webhook-endpoints"


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def app(merchant):
    return api_client_for(person_of(merchant, "manager"))


def test_the_secret_is_shown_once_sealed_at_rest_and_not_in_a_replay(app, merchant):
    said, key = {"url": RECEIVER, "events": ["redemption.redeemed"]}, {"HTTP_IDEMPOTENCY_KEY": "k1"}
    answer = app.post(AT, said, format="json", **key)
    assert answer.status_code == 201
    body = answer.json()
    endpoint = WebhookEndpoint.objects.get()
    assert body["secret"] == unseal(PURPOSE, endpoint.secret_sealed)
    assert body["secret"] not in endpoint.secret_sealed
    assert (body["url"], body["events"], body["state"], body["failing"]) == (RECEIVER, said["events"], "on", False)
    again = app.post(AT, said, format="json", **key).json()
    assert (again["id"], again["secret"], again["secret_already_shown"]) == (body["id"], None, True)
    assert "secret" not in app.get(f"{AT}/{body['id']}").json()
    assert "secret" not in app.get(AT).json()["results"][0]
    assert body["secret"] not in repr(list(AuditEvent.objects.values_list("facts", flat=True)))
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"url": "https://[::ffff:127.0.0.1]/"}, "/url"),
        ({"url": "https://2130706433/"}, "/url"),
        ({"url": "http://93.184.215.14/"}, "/url"),
        ({"url": RECEIVER, "events": ["link.created"]}, "/events/0"),
        ({"url": RECEIVER, "events": ["perk.paused", "perk.eaten"]}, "/events/1"),
        ({"url": RECEIVER, "client": "cli_none"}, "/client"),
        ({"url": RECEIVER, "secret": "whsec_mine"}, "/secret"),
        ({}, "/url"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(app, said, pointer):
    answer = app.post(AT, said, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert WebhookEndpoint.objects.count() == 0


def test_a_name_that_is_slow_to_resolve_is_refused(app, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(0.3) or [])
    monkeypatch.setattr(calling_out, "LOOKUP", 0.05)
    answer = app.post(AT, {"url": "https://slow.example/"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/url")
    assert WebhookEndpoint.objects.count() == 0


def test_a_change_names_the_version_it_saw_and_its_address_is_judged_again(app, merchant):
    at = f"{AT}/{EndpointFactory(owner=merchant.public_id).public_id}"
    etag = app.get(at)["ETag"]
    assert app.patch(at, {"events": []}, format="json").status_code == 428
    assert app.patch(at, {"url": "https://10.0.0.1/"}, format="json", HTTP_IF_MATCH=etag).status_code == 400
    changed = app.patch(at, {"events": ["perk.paused"], "state": "disabled"}, format="json", HTTP_IF_MATCH=etag)
    assert (changed.json()["events"], changed.json()["disabled_because"]) == (["perk.paused"], "owner")
    assert app.patch(at, {"state": "on"}, format="json", HTTP_IF_MATCH=etag).status_code == 412
    on = app.patch(at, {"state": "on"}, format="json", HTTP_IF_MATCH=changed["ETag"]).json()
    assert (on["state"], on["disabled_because"]) == ("on", None)


def test_there_are_ten_endpoints_at_most(app, merchant):
    EndpointFactory.create_batch(10, owner=merchant.public_id)
    answer = app.post(AT, {"url": RECEIVER}, format="json")
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "too_many_endpoints", 10)
    assert WebhookEndpoint.objects.count() == 10


def test_a_rotated_secret_is_another_and_the_former_signs_for_a_day(app, merchant):
    endpoint = EndpointFactory(owner=merchant.public_id)
    answer = app.post(f"{AT}/{endpoint.public_id}/rotate-secret", format="json").json()
    assert answer["secret"] != unseal(PURPOSE, endpoint.secret_sealed)
    left = WebhookEndpoint.objects.get().former_secret_until - timezone.now()
    assert 86_300 < left.total_seconds() <= 86_400
    assert answer["former_secret_until"] is not None


def test_deliveries_are_listed_latest_first_in_the_same_number_of_statements(app, merchant, django_assert_num_queries):
    endpoint = EndpointFactory(owner=merchant.public_id)
    first = delivery_to(endpoint)
    at = f"{AT}/{endpoint.public_id}/deliveries"
    with django_assert_num_queries(count_of(app, at)):
        app.get(at)
    counted = count_of(app, at)
    latest = [delivery_to(endpoint) for _ in range(4)][-1]
    assert count_of(app, at) == counted
    results = app.get(at).json()["results"]
    assert (results[0]["id"], results[-1]["id"]) == (latest.public_id, first.public_id)


def count_of(app, at):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as told:
        assert app.get(at).status_code == 200
    return len(told)


def test_what_happens_reaches_the_merchant_s_own_endpoints_alone(merchant):
    mine, theirs = EndpointFactory(owner=merchant.public_id), EndpointFactory(owner=MerchantFactory().public_id)
    perk = PerkFactory(merchant=merchant)
    reservation(perk=perk)
    pause_perk(perk=perk, by=person_of(merchant, "manager"))
    run_due()
    told = list(WebhookDelivery.objects.order_by("id").values_list("endpoint_id", "event__type"))
    assert told == [(mine.pk, "redemption.reserved"), (mine.pk, "perk.paused")]
    assert theirs.deliveries.count() == 0


def test_an_app_s_endpoint_hears_of_its_connections_alone():
    amora = dating_app()
    other = app_of(amora.merchant)
    both = EndpointFactory(owner=amora.merchant.public_id)
    own = EndpointFactory(owner=amora.merchant.public_id, application=amora.application)
    another = EndpointFactory(owner=amora.merchant.public_id, application=other.application)
    before = both.deliveries.count()
    amora.phone_of(dater())
    PerkFactory(merchant=amora.merchant)
    run_due()
    assert both.deliveries.count() == before + 1
    (told,) = own.deliveries.all()
    assert told.event.type == "connection.created"
    assert another.deliveries.count() == 0


def test_a_citizen_and_a_cashier_have_nothing_here(merchant):
    EndpointFactory(owner=merchant.public_id)
    for person in (CitizenFactory(), person_of(merchant, "cashier")):
        assert api_client_for(person).get(AT).status_code == 403


def test_old_events_go_with_their_deliveries_and_attempts(app, merchant):
    from datetime import timedelta

    from citizen_app.pruning import prune_all

    endpoint = EndpointFactory(owner=merchant.public_id)
    delivery_to(endpoint)
    now = timezone.now()
    assert prune_all(now + timedelta(days=29))["webhook_events"] == 0
    assert prune_all(now + timedelta(days=31))["webhook_events"] == 1
    assert endpoint.deliveries.count() == 0
