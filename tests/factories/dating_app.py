"""An app as these tests drive it: it sends a person to us, is answered, and exchanges what it got."""

import base64
import hashlib
import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client

from citizen_app.accounts.clients import IssuedClient
from tests.factories.people import REDIRECT

FORM = "application/x-www-form-urlencoded"
VERIFIER = "v" * 50


def challenge_of(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def query_of(issued: IssuedClient, **changes: Any) -> str:
    """What the app puts into its link; None leaves a parameter out."""
    asked = {
        "response_type": "code",
        "client_id": issued.client_id,
        "redirect_uri": REDIRECT,
        "scope": "openid boost:read",
        "state": "xyz",
        "nonce": "n-1",
        "code_challenge": challenge_of(),
        "code_challenge_method": "S256",
    } | changes
    return urlencode({name: value for name, value in asked.items() if value is not None})


def link_of(issued: IssuedClient, **changes: Any) -> str:
    return f"/o/authorize/?{query_of(issued, **changes)}"


def answer_in(response: Any) -> dict[str, str]:
    """What the page that leads back says to the app, as the app reads it from its address."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', response.content.decode())
    assert found, response.content.decode()
    return said_at(html.unescape(found[1]))


def said_at(address: str) -> dict[str, str]:
    assert address.startswith(REDIRECT + "?"), address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def code_for(browser: Client, issued: IssuedClient, scopes: tuple[str, ...] = ("openid", "boost:read")) -> str:
    """The person says yes on the web page; the code the app is sent."""
    answer = answer_in(browser.post(link_of(issued), {"answer": "allow", "scopes": list(scopes)}))
    return answer["code"]


def exchange(issued: IssuedClient, path: str = "/o/token/", **form: Any) -> Any:
    body = {"client_id": issued.client_id, "client_secret": issued.client_secret} | form
    return Client().post(path, urlencode(body), content_type=FORM)


def redeem(issued: IssuedClient, code: str, **changes: Any) -> Any:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return exchange(issued, **form | changes)


def refresh(issued: IssuedClient, token: str, **changes: Any) -> Any:
    return exchange(issued, grant_type="refresh_token", refresh_token=token, **changes)


def calls_with(token: str, path: str = "/api/v1/me") -> Any:
    return Client().get(path, headers={"Authorization": f"Bearer {token}"})


def claims_in(id_token: str) -> dict[str, Any]:
    """The claims, unverified: verifying is `test_provider`'s."""
    body = id_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims
