"""Callers and calls that the tests of the API share."""

from typing import Any
from uuid import uuid4

from rest_framework.test import APIClient

from citizen_app.models import Citizen
from perks.models import Merchant, Perk
from tests.factories.people import api_client_for, api_client_of
from tests.factories.perks import person_of, scored_tier, server_of

PERK = {
    "kind": "discount",
    "title": "Late check-out",
    "terms": "Until 14:00.",
    "fair_terms": "Ask at the desk, for 15 euros.",
    "tiers": [scored_tier(600)],
}


def app_of(citizen: Citizen) -> APIClient:
    return api_client_for(citizen)


def team_app(merchant: Merchant, role: str = "owner") -> APIClient:
    return api_client_for(person_of(merchant, role))


def server_app(merchant: Merchant, *scopes: str) -> APIClient:
    return api_client_of(server_of(merchant, *scopes).application)


def key() -> dict[str, str]:
    return {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}


def take(app: APIClient, perk: Perk, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return app.post(f"/api/v1/perks/{perk.public_id}/redemptions", body or {}, format="json", **(headers or key()))


def scan(app: APIClient, nonce: str = "", **body: Any) -> Any:
    return app.post("/api/v1/merchant/scans", {"nonce": nonce or str(uuid4()), **body}, format="json")


def code_of(answer: Any) -> str:
    """The code of an answer's problem, or its status."""
    return answer.json()["code"] if answer.status_code >= 400 else str(answer.status_code)


def members_of(answer: Any) -> set[str]:
    """Every member name anywhere in an answer."""
    names: set[str] = set()
    waiting = [answer]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            names.update(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return names
