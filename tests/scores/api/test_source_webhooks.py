"""A source keeps endpoints with its own client, signed where everything it changes is, and hears of its own alone."""

import pytest

from citizen_app.models import WebhookEndpoint
from citizen_app.outbox import run_due
from tests.factories.scores import EnrolmentFactory, SourceFactory, furnisher_client, link
from tests.factories.webhooks import RECEIVER, EndpointFactory

pytestmark = pytest.mark.django_db
AT = "/api/v1/sources/webhook-endpoints"


def test_a_source_adds_an_endpoint_and_hears_of_its_own_links():
    source, other = SourceFactory(), SourceFactory()
    server = furnisher_client(source)
    furnisher_client(other)
    made = server.post(AT, {"url": RECEIVER, "events": ["link.created"]}, format="json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    link(EnrolmentFactory().citizen, other, "O-1")
    link(EnrolmentFactory().citizen, source, "S-1")
    run_due()
    (line,) = server.get(f"{AT}/{made.json()['id']}/deliveries").json()["results"]
    assert (line["type"], line["state"]) == ("link.created", "pending")
    assert server.post(AT, {"url": RECEIVER, "events": ["perk.paused"]}, format="json").status_code == 400


def test_what_changes_an_endpoint_must_be_signed_where_signatures_are_required(settings):
    settings.SOURCE_SIGNATURES = "required"
    source = SourceFactory()
    server = furnisher_client(source)
    endpoint = EndpointFactory(owner_kind="source", owner=source.code)
    at = f"{AT}/{endpoint.public_id}"
    etag = server.get(at)["ETag"]
    for answer in (
        server.post(AT, {"url": RECEIVER}, format="json"),
        server.patch(at, {"state": "disabled"}, format="json", HTTP_IF_MATCH=etag),
        server.delete(at),
        server.post(f"{at}/rotate-secret", format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_missing")
    assert WebhookEndpoint.objects.get().state == "on"
