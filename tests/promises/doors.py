"""The product as its users reach it: by HTTP. A promise is attacked through these doors and no others."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from citizen_app.models import Citizen
from citizen_app.outbox import run_due
from perks.models import Merchant, Perk
from scores.models import Source
from tests.factories.people import CitizenFactory, api_client_for, api_client_of, browser_for
from tests.factories.perks import person_of, server_of
from tests.factories.scores import furnisher_client

V1 = "/api/v1"
FRESH = timedelta(minutes=9)  # a server's token lives ten
CONSENT = {"consent_version": "2026-11", "adult": True}


class App:
    """One caller's app. It gets itself a new credential when time has passed, as months may between two requests."""

    def __init__(self, who: Citizen | Source | None, merchant: Merchant | None = None, scope: str = "") -> None:
        self.who, self.merchant, self.scope = who, merchant, scope
        self._client: Client | None = None
        self._since = timezone.now()

    def client(self) -> Client:
        now = timezone.now()
        if self._client is None or not self._since <= now < self._since + FRESH:
            self._client, self._since = self._new_client(), now
        return self._client

    def _new_client(self) -> Client:
        if isinstance(self.who, Citizen):
            return api_client_for(self.who)
        if isinstance(self.who, Source):
            return furnisher_client(self.who)
        assert self.merchant is not None
        return api_client_of(server_of(self.merchant, self.scope).application)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid4().hex)
        return self.client().generic(  # type: ignore[attr-defined]
            method,
            V1 + path,
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def whole(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows, at = [], f"{V1}{path}?limit=100"
        while at:
            answer = self.client().get(at)
            assert answer.status_code == 200, answer.content
            rows += answer.json()["results"]
            at = answer.json()["next"]
        return rows


def newcomer(**fields: Any) -> tuple[Citizen, App]:
    """Somebody with an account, a verified address and no enrolment."""
    citizen = CitizenFactory(verified=True, **fields)
    return citizen, App(citizen)


def enrolled(**fields: Any) -> tuple[Citizen, App]:
    citizen, app = newcomer(**fields)
    answer = app.post("/me/enrolment", CONSENT)
    assert answer.status_code == 201, answer.content
    return citizen, app


def linked(app: App, source: Source, subject: str) -> App:
    """Hand the source a link code; return the source's server."""
    code = app.post(f"/me/sources/{source.code}/link").json()["link_code"]
    server = App(source)
    answer = server.post("/sources/links", {"link_code": code, "subject": subject})
    assert answer.status_code == 201, answer.content
    return server


def furnish(server: App, *rows: dict[str, Any]) -> dict[str, Any]:
    """Send a batch, and let what it promised happen."""
    answer = server.post("/sources/entries", {"entries": list(rows)})
    assert answer.status_code == 200, answer.content
    run_due()
    return answer.json()


def record(
    subject: str, name: str, kind: str = "credit.payment", on: str = "2026-10-31", **fields: Any
) -> dict[str, Any]:
    return {"external_id": name, "subject": subject, "kind": kind, "occurred_on": on, "value": 0} | fields


def code_of(answer: Any) -> str:
    return answer.json()["code"]


def seat(merchant: Merchant, role: str) -> App:
    return App(person_of(merchant, role))


def take(app: App, perk: Perk, body: Any = None) -> Any:
    return app.post(f"/perks/{perk.public_id}/redemptions", body)


def scan(till: App, nonce: str = "", **body: Any) -> Any:
    return till.post("/merchant/scans", {"nonce": nonce or uuid4().hex, **body})


def operator_checks_document(operator: Citizen, citizen: Citizen, reference: str) -> Any:
    """The operator's page, where a document is checked."""
    form = {"email": citizen.email, "reason": "Asked at the desk.", "reference": reference, "over_18": "on"}
    return browser_for(operator).post("/operator/document-check", form, follow=True)
