"""Endpoints, and events as they are promised."""

from datetime import datetime
from typing import Any

import factory
from django.db import transaction
from django.utils import timezone

from citizen_app.models import WebhookDelivery, WebhookEndpoint
from citizen_app.outbox import run_due
from citizen_app.public_ids import public_id_of
from citizen_app.webhooks.events import event
from citizen_app.webhooks.replaying import send_ping
from citizen_app.webhooks.signing import new_secret, sealed
from tests.factories.people import CitizenFactory

MERCHANT = public_id_of("mer", 1)
RECEIVER = "https://93.184.215.14/hooks"
"""A literal address of the public internet: nothing is looked up, and in tests nothing is called."""


class EndpointFactory(factory.django.DjangoModelFactory):
    """A merchant's, for all of its events."""

    class Meta:
        model = WebhookEndpoint

    owner_kind = WebhookEndpoint.Owner.MERCHANT
    owner = MERCHANT
    url = RECEIVER
    secret_sealed = factory.LazyFunction(lambda: sealed(new_secret()))
    created_at = factory.LazyFunction(timezone.now)


def tell(
    *, sequence: int = 1, red: str = "red_1", state: str = "reserved", now: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """Promise what happened to a redemption, and fan it out."""
    with transaction.atomic():
        promised = event(
            f"redemption.{state}",
            kind="redemption",
            public_id=red,
            state=state,
            sequence=sequence,
            now=now or timezone.now(),
            **({"merchant": MERCHANT, "perk": public_id_of("perk", 1)} | more),
        )
        promised.save()
    run_due()
    return dict(promised.payload)


def delivery_to(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A test event on its way."""
    return send_ping(endpoint=endpoint, by=CitizenFactory())
