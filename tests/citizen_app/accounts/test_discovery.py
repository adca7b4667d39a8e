"""What an app's library reads of the provider, and the keys it verifies with: kept, given, rotated."""

import stat

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from citizen_app.accounts.scopes import OF_PEOPLE
from citizen_app.keys import pems_in, signing_key_kept_in
from tests.factories.dating_app import code_for, redeem
from tests.factories.people import app_client, browser_for, connected_app
from tests.factories.scores import connectable_citizen

KEYS = "/o/.well-known/jwks.json"


def a_key():
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


def key_set():
    return KeySet.import_key_set(Client().get(KEYS).json())


def id_token():
    issued = app_client()
    return redeem(issued, code_for(browser_for(connectable_citizen()), issued)).json()["id_token"]


@pytest.mark.django_db
def test_the_provider_says_what_it_can_do_and_nothing_else(settings):
    answer = Client().get("/o/.well-known/openid-configuration")
    said = answer.json()
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert said["issuer"] == settings.OIDC_ISSUER
    assert set(said["scopes_supported"]) == OF_PEOPLE
    assert said["subject_types_supported"] == ["pairwise"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"]
    assert said["id_token_signing_alg_values_supported"] == ["RS256"]
    for name in ("userinfo_endpoint", "registration_endpoint", "device_authorization_endpoint"):
        assert name not in said
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"):
        path = said[name].removeprefix(settings.OIDC_ISSUER)
        assert Client().get(f"/o{path}").status_code in (200, 400, 405), name
    assert Client().post("/o/.well-known/openid-configuration").status_code == 405


def test_only_the_public_half_of_a_key_is_told():
    (key,) = Client().get(KEYS).json()["keys"]
    assert set(key) == {"alg", "use", "kid", "kty", "n", "e"}


@pytest.mark.django_db
def test_after_a_rotation_old_tokens_still_verify_and_new_ones_are_of_the_new_key(settings):
    first, second = a_key(), a_key()
    settings.OAUTH2_PROVIDER = settings.OAUTH2_PROVIDER | {"OIDC_RSA_PRIVATE_KEY": first}
    old = id_token()
    settings.OAUTH2_PROVIDER = settings.OAUTH2_PROVIDER | {
        "OIDC_RSA_PRIVATE_KEY": second,
        "OIDC_RSA_PRIVATE_KEYS_INACTIVE": [first],
    }
    new = id_token()
    both = key_set()
    assert len(both.keys) == 2
    assert (
        jwt.decode(old, both, algorithms=["RS256"]).header["kid"]
        != jwt.decode(new, both, algorithms=["RS256"]).header["kid"]
    )
    settings.OAUTH2_PROVIDER = settings.OAUTH2_PROVIDER | {"OIDC_RSA_PRIVATE_KEYS_INACTIVE": []}
    assert jwt.decode(new, key_set(), algorithms=["RS256"]).claims["sub"]
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(old, key_set(), algorithms=["RS256"])


def test_a_key_is_made_once_and_kept_from_others(tmp_path):
    path = tmp_path / "var" / "key.pem"
    first = signing_key_kept_in(path)
    assert first == signing_key_kept_in(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert RSAKey.import_key(first).is_private


def test_keys_are_read_one_after_another_also_from_a_single_line():
    first, second = a_key().strip(), a_key().strip()
    assert pems_in(f"{first}\n{second}\n") == [first, second]
    assert pems_in(first.replace("\n", "\\n")) == [first]
    assert pems_in("") == []


@pytest.mark.django_db
def test_knowing_an_app_and_its_person_costs_one_query(django_assert_num_queries):
    client = connected_app(connectable_citizen(), app_client().application)
    with django_assert_num_queries(1):
        assert client.get("/api/v1/me").status_code == 403
