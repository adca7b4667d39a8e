"""An app's phone signs up and in with a passkey over HTTP, against a running server."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.citizen_app.accounts.app import newest_code
from tests.citizen_app.accounts.authenticator import Phone

pytestmark = pytest.mark.django_db(transaction=True)


class Network:
    """An app with nothing but an address: the newest session token goes with every call."""

    def __init__(self, address: str) -> None:
        self.host, self.token = urlsplit(address).netloc, ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection(self.host, timeout=20)
        headers = {"Content-Type": "application/json"} | ({"X-Session-Token": self.token} if self.token else {})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.getheader("Set-Cookie") is None
        said = json.loads(answer.read() or b"{}")
        connection.close()
        self.token = (said.get("meta") or {}).get("session_token") or self.token
        return answer.status, said

    def ask(self, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        return self.call(method, f"/_allauth/app/v1/auth/{path}", body or None)


def test_an_app_signs_up_and_in_with_a_passkey_over_http(live_server):
    phone = Phone(origin=live_server.url.replace("127.0.0.1", "localhost"))
    app = Network(live_server.url)
    assert app.ask("POST", "webauthn/signup", email="ana@example.org", first_name="Ana")[0] == 401
    assert app.ask("POST", "email/verify", key=newest_code())[0] == 401
    status, asked = app.ask("GET", "webauthn/signup")
    assert status == 200
    made = phone.make(asked["data"]["creation_options"])
    status, opened = app.ask("PUT", "webauthn/signup", name="Phone", credential=made)
    assert (status, opened["meta"]["is_authenticated"]) == (200, True)
    assert app.call("GET", "/api/v1/me")[1]["email"] == "ana@example.org"
    assert app.ask("DELETE", "session")[0] == 401
    assert app.call("GET", "/api/v1/me")[0] == 401

    again = Network(live_server.url)
    challenge = again.ask("GET", "webauthn/login")[1]["data"]["request_options"]
    shown = phone.show(challenge)
    assert again.ask("POST", "webauthn/login", credential=shown)[0] == 200
    assert again.call("GET", "/api/v1/me")[1]["first_name"] == "Ana"
    assert Network(live_server.url).ask("POST", "webauthn/login", credential=shown)[0] == 400
