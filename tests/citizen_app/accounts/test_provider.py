"""A real OpenID client library, over HTTP, against the real product in a process of its own."""

import json
import re
import subprocess
import sys
from html import unescape

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from django.db import connection
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from tests.running import ROOT, Running, running_product

REDIRECT = "https://app.example/cb"


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with running_product(tmp_path_factory.mktemp("provider"), people=0) as running:
        yield running


def command(product: Running, *words: str) -> dict:
    ran = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=product.environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def registered(product):
    """An app of a merchant's, registered over the API and approved by an operator."""
    owner = command(
        product,
        *("create_merchant", "Amora", "--sector", "dating_app", "--owner", "app@example.org"),
        *("--approve", "--session"),
    )
    operator = command(product, "create_operator", "op@example.org", "--roles", "merchants")
    assert operator["id"]
    made = requests.post(
        f"{product.base}/api/v1/merchant/clients",
        json={
            "name": "Amora",
            "kind": "app",
            "redirect_uris": [REDIRECT],
            "privacy_url": "https://app.example/privacy",
        },
        headers={"X-Session-Token": owner["session_token"]},
        timeout=20,
    )
    assert made.status_code == 201, made.text
    assert command(product, "approve", "app", made.json()["id"], "--by", "op@example.org")["state"] == "approved"
    return made.json()


@pytest.fixture(scope="module")
def citizen(product):
    return command(
        product,
        *("create_citizen", "ana@example.org", "--password", "correct horse battery", "--first-name", "Ana"),
        *("--enrol", "--document", "--session"),
    )


def consent(citizen, address):
    """Ana says yes in her own app, which took the link; where it then sends her."""
    base, _, query = address.partition("/o/authorize/?")
    answered = requests.post(
        f"{base}/api/v1/oauth/authorize?{query}",
        json={"allow": True, "scopes": ["openid", "boost:read"]},
        headers={"X-Session-Token": citizen["session_token"]},
        timeout=20,
    )
    assert answered.status_code == 200, answered.text
    return answered.json()["redirect"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_authlib_discovers_connects_refreshes_and_revokes(product, registered, citizen):
    found = requests.get(f"{product.base}/o/.well-known/openid-configuration", timeout=20).json()
    assert found["issuer"] == f"{product.base}/o"
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=20).json())
    app = OAuth2Session(
        registered["client_id"],
        registered["client_secret"],
        scope="openid boost:read",
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )
    verifier, nonce = generate_token(48), generate_token(16)
    address, state = app.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    back = consent(citizen, address)
    assert f"iss={found['issuer'].replace(':', '%3A').replace('/', '%2F')}" in back

    token = app.fetch_token(found["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    assert token["token_type"] == "Bearer"
    assert set(token["scope"].split()) == {"openid", "boost:read"}
    read = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": registered["client_id"]},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
    )
    registry.validate(read.claims)
    assert read.header["kid"] in {key.kid for key in keys.keys}
    with pytest.raises(BadSignatureError):
        jwt.decode(token["id_token"][:-8] + "AAAAAAAA", keys, algorithms=["RS256"])

    # Known, but no person's app: a door of people is not for it.
    assert app.get(f"{product.base}/api/v1/me").status_code == 403
    first = dict(token)
    renewed = app.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    assert renewed["access_token"] != first["access_token"]
    assert renewed["refresh_token"] != first["refresh_token"]
    assert app.get(f"{product.base}/api/v1/me").status_code == 403
    again = jwt.decode(renewed["id_token"], keys, algorithms=["RS256"])
    assert again.claims["sub"] == read.claims["sub"]

    revoked = app.revoke_token(found["revocation_endpoint"], token=renewed["refresh_token"])
    assert revoked.status_code == 200
    assert app.get(f"{product.base}/api/v1/me").status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        app.refresh_token(found["token_endpoint"], refresh_token=renewed["refresh_token"])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_the_web_page_connects_somebody_who_first_signs_in(product, registered, citizen):
    """As a browser does it: the app's link, signing in, the page, the boxes, and back to the app."""
    app = OAuth2Session(
        registered["client_id"],
        registered["client_secret"],
        scope="openid boost:read",
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
    )
    verifier = generate_token(48)
    address, state = app.create_authorization_url(f"{product.base}/o/authorize/", code_verifier=verifier)
    browser = requests.Session()
    browser.headers["Referer"] = product.base
    entrance = browser.get(address, timeout=20)
    assert "/accounts/login/" in entrance.url
    form = {
        name: unescape(value)
        for name, value in re.findall(r'name="(csrfmiddlewaretoken|next)" value="([^"]*)"', entrance.text)
    }
    page = browser.post(
        f"{product.base}/accounts/login/",
        data=form | {"login": "ana@example.org", "password": "correct horse battery"},
        timeout=20,
    )
    assert "Connect Amora?" in page.text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page.text)[1]
    done = browser.post(
        page.url, data={"csrfmiddlewaretoken": token, "answer": "allow", "scopes": ["boost:read"]}, timeout=20
    )
    back = unescape(re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', done.text)[1])
    assert back.startswith(REDIRECT)
    token = app.fetch_token(
        f"{product.base}/o/token/", authorization_response=back, state=state, code_verifier=verifier
    )
    assert token["scope"] == "boost:read"
    assert "id_token" not in token
    listed = requests.get(
        f"{product.base}/api/v1/me/connections", headers={"X-Session-Token": citizen["session_token"]}, timeout=20
    ).json()["results"]
    assert [(one["app"]["name"], one["state"]) for one in listed] == [("Amora", "running")]
