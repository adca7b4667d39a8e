"""The catalogue is what is sent: every example and every event of the product fits its schema, and names no person."""

import json
import re

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.test import APIClient

from citizen_app.models import OutboxMessage
from citizen_app.webhooks.catalogue import EVENTS, TO_FURNISHERS, TO_MERCHANTS
from tests.factories.world import make_world

FORBIDDEN = re.compile(r"score|band|factor|points|email|name|phone|birth|citizen|cit_", re.I)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_an_example_fits_its_schema_and_both_hold_no_score_and_no_person(event):
    Draft202012Validator.check_schema(event.schema())
    Draft202012Validator(event.schema(), format_checker=FormatChecker()).validate(event.example())
    assert not FORBIDDEN.search(json.dumps(event.example()))
    assert not FORBIDDEN.search(" ".join(event.schema()["properties"]))
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.type)
    assert len(json.dumps(event.example())) < 20_000


def test_the_contract_s_types_are_all_there():
    deposit = ["offered", "accepted", "active", "returned", "claimed", "contested", "settled", "closed"]
    assert set(TO_MERCHANTS) == {
        *(f"redemption.{state}" for state in ("reserved", "redeemed", "expired", "cancelled", "reversed")),
        *("gift_card.charged", "gift_card.refunded", "perk.published", "perk.paused", "perk.sold_out"),
        *(f"deposit.{state}" for state in [*deposit, "cancelled", "expired", "hold_expiring", "held", "disputed"]),
        *("standing.changed", "connection.created", "connection.revoked"),
    }
    assert set(TO_FURNISHERS) == {"link.created", "link.ended", "dispute.opened", "dispute.due_soon"}


@pytest.mark.django_db
def test_what_a_whole_town_does_fits_the_catalogue():
    make_world()
    told = [message.payload for message in OutboxMessage.objects.filter(topic="webhook")]
    for payload in told:
        schema = EVENTS[payload["type"]].schema()
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(payload)
        assert not FORBIDDEN.search(json.dumps(payload)), payload
    kinds = {payload["type"].partition(".")[0] for payload in told}
    assert kinds >= {"redemption", "gift_card", "deposit", "connection"}


def test_everybody_may_read_the_catalogue(db):
    answer = APIClient().get("/api/v1/webhook-events").json()["results"]
    assert [line["type"] for line in answer] == list(EVENTS)
    for line in answer:
        Draft202012Validator(line["body_schema"]).validate(line["example"])
