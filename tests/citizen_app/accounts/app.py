"""The citizen's phone as these tests drive it: allauth's app API, and the mailbox beside it."""

import re
from typing import Any

from django.core import mail
from django.test import Client

from citizen_app.outbox import run_due

BASE = "/_allauth/app/v1"
CODE = re.compile(r"^\s+([B-Z]{4}-[B-Z]{4})\s*$", re.MULTILINE)


class App:
    """Keeps the newest session token, as an app must, and sends it with every call."""

    def __init__(self) -> None:
        self.client = Client()
        self.token: str | None = None

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"X-Session-Token": self.token} if self.token else {}
        response = self.client.generic(
            method, path, data=b"" if body is None else _json(body), content_type="application/json", headers=headers
        )
        token = (response.json().get("meta") or {}).get("session_token") if response.content else None
        if token:
            self.token = token
        return response

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", BASE + path, body)

    def get(self, path: str) -> Any:
        return self.call("GET", BASE + path)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", BASE + path)

    def me(self) -> Any:
        return self.call("GET", "/api/v1/me")


def mails() -> list[Any]:
    """Every mail so far: what is on its way is delivered first."""
    run_due()
    return mail.outbox


def newest_code() -> str:
    """The code in the plain text of the newest mail."""
    found = CODE.search(mails()[-1].body)
    assert found, mail.outbox[-1].body
    return found[1]


def pending(response: Any) -> list[str]:
    """Which steps the answer says are still open."""
    return [flow["id"] for flow in response.json()["data"]["flows"] if flow.get("is_pending")]


def _json(body: dict[str, Any]) -> bytes:
    import json

    return json.dumps(body).encode()
