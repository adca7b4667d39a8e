"""Callers of one endpoint: at any moment one; an event fanned out twice is delivered once. With a negative control."""

import pytest
from django.utils import timezone

from citizen_app.models import WebhookDelivery, WebhookEndpoint
from citizen_app.webhooks import delivering
from citizen_app.webhooks.events import fan_out
from tests.factories.webhooks import EndpointFactory, tell
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def test_of_eight_callers_one_has_the_endpoint():
    EndpointFactory()
    tell()
    now = timezone.now()
    turns = at_once(*[lambda: delivering.take_turn(now, slow=False)] * 8)
    assert len([turn for turn in turns if turn is not None]) == 1


def test_of_eight_callers_each_has_an_endpoint_of_its_own():
    EndpointFactory.create_batch(8)
    tell()
    now = timezone.now()

    def take():
        while True:  # where rows cannot be skipped, two may reach for the same one
            turn = delivering.take_turn(now, slow=False)
            if turn is not None or not WebhookEndpoint.objects.called_at(now).exists():
                return turn

    turns = [turn for turn in at_once(*[take] * 8) if turn is not None]
    assert len({turn.endpoint_id for turn in turns}) == len(turns) == 8


def test_without_the_lease_several_would_call_at_once(monkeypatch):
    """The negative control: without a lease that is free, nobody knows of the others."""
    EndpointFactory()
    tell()
    now = timezone.now()
    monkeypatch.setattr(delivering, "LEASE", -delivering.LEASE)
    turns = at_once(*[lambda: delivering.take_turn(now, slow=False)] * 8)
    assert len([turn for turn in turns if turn is not None]) > 1


def test_the_same_event_fanned_out_by_eight_is_delivered_once():
    EndpointFactory()
    EndpointFactory()
    said = tell()
    WebhookDelivery.objects.all().delete()
    from citizen_app.models import WebhookEvent

    WebhookEvent.objects.all().delete()
    at_once(*[lambda: fan_out(**said)] * 8)
    assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count()) == (1, 2)
