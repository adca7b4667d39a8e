"""The threats of the design that meet the OpenID provider, each by its number."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from citizen_app.accounts.clients import suspend_client
from citizen_app.accounts.connections import disconnect
from citizen_app.models import Connection, ConsentEvent, OAuthApplication, PairwiseSubject
from tests.factories.dating_app import (
    answer_in,
    calls_with,
    claims_in,
    code_for,
    exchange,
    link_of,
    query_of,
    redeem,
    refresh,
    said_at,
)
from tests.factories.people import (
    REDIRECT,
    CitizenFactory,
    api_client_for,
    api_client_of,
    app_client,
    browser_for,
    machine_client,
    session_in,
)
from tests.factories.scores import connectable_citizen

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def citizen():
    return connectable_citizen()


@pytest.fixture
def browser(citizen):
    return browser_for(citizen)


def left_open(browser):
    """The session's proofs of who it is are an hour old."""
    session = session_in(browser)
    key = "account_authentication_methods"
    session[key] = [record | {"at": record["at"] - 3600} for record in session[key]]
    session.save()


# -- 1: app B obtains data because the person connected app A ---------------------------------------------------------


def test_threat_01_another_app_gets_nothing_from_the_first_ones_consent(browser):
    a, b = app_client(name="A"), app_client(name="B")
    code = code_for(browser, a)
    stolen = redeem(b, code)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    # B is asked about like anybody new, and nothing it sends skips that.
    page = browser.get(link_of(b, approval_prompt="auto"))
    assert page.status_code == 200
    assert "Connect B?" in page.content.decode()
    assert Connection.objects.filter(application=b.application).count() == 0
    tokens = redeem(a, code).json()
    assert refresh(b, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_threat_01_nobody_skips_a_consent_they_gave_before(browser):
    issued = app_client()
    redeem(issued, code_for(browser, issued))
    for trick in ({"approval_prompt": "auto"}, {"prompt": "consent"}, {}):
        page = browser.get(link_of(issued, **trick))
        assert (page.status_code, "Connect Amora?" in page.content.decode()) == (200, True)
    assert get_grant_model().objects.count() == 0


def test_threat_01_nothing_happens_silently_and_nobody_learns_who_is_signed_in(browser, citizen):
    issued = app_client()
    redeem(issued, code_for(browser, issued))
    for visitor in (browser, Client()):
        sent = visitor.get(link_of(issued, prompt="none"))
        assert sent.status_code == 302
        answer = said_at(sent["Location"])
        assert (answer["error"], answer["state"], answer["iss"]) == ("login_required", "xyz", settings.OIDC_ISSUER)
    without_openid = browser.get(link_of(issued, prompt="none", scope="boost:read"))
    assert said_at(without_openid["Location"])["error"] == "login_required"
    assert get_grant_model().objects.count() == 0


# -- 2: two apps link a person ----------------------------------------------------------------------------------------


def test_threat_02_two_apps_know_a_person_by_two_names_and_by_nothing_else(browser, citizen):
    claims = {}
    for name in ("A", "B"):
        issued = app_client(name=name)
        claims[name] = claims_in(redeem(issued, code_for(browser, issued)).json()["id_token"])
    a, b = claims["A"], claims["B"]
    assert set(a) == set(b) == {"iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "jti"}
    assert a["sub"] != b["sub"]
    assert a["jti"] != b["jti"]
    for said in (a["sub"], b["sub"]):
        assert citizen.public_id not in said
        assert str(citizen.pk) != said
    assert PairwiseSubject.objects.count() == 2


def test_threat_02_a_name_stays_and_cannot_be_foretold(browser, citizen):
    issued = app_client()
    first = claims_in(redeem(issued, code_for(browser, issued)).json()["id_token"])["sub"]
    again = claims_in(redeem(issued, code_for(browser, issued)).json()["id_token"])["sub"]
    assert first == again
    assert len(first) == 32  # 192 bits


def test_threat_02_no_scope_tells_an_address_or_a_name(browser):
    issued = app_client()
    for scope in ("openid email", "openid profile", "openid phone", "merchant:scan", "boost:lookup", ""):
        answer = said_at(browser.get(link_of(issued, scope=scope or None))["Location"])
        assert answer["error"] == "invalid_scope"
    assert browser.get("/o/userinfo/").status_code == 404


# -- 3: a code or refresh token is replayed (raced in tests/races/test_exchanging.py) ----------------------------------


def test_threat_03_a_code_that_comes_again_ends_what_it_gave(browser):
    issued = app_client()
    code = code_for(browser, issued)
    tokens = redeem(issued, code).json()
    assert calls_with(tokens["access_token"]).status_code == 403
    assert redeem(issued, code).json() == {"error": "invalid_grant"}
    assert calls_with(tokens["access_token"]).status_code == 401
    assert refresh(issued, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert Connection.objects.running().count() == 1  # what the person decided stands


def test_threat_03_only_the_apps_own_secret_can_end_what_a_code_gave(browser):
    issued, other = app_client(), app_client(name="B")
    code = code_for(browser, issued)
    tokens = redeem(issued, code).json()
    assert redeem(other, code).json()["error"] == "invalid_grant"
    assert redeem(issued, code, client_secret="wrong").status_code == 401
    assert calls_with(tokens["access_token"]).status_code == 403


def test_threat_03_a_used_refresh_token_ends_its_whole_family(browser):
    issued = app_client()
    first = redeem(issued, code_for(browser, issued)).json()
    second = refresh(issued, first["refresh_token"]).json()
    assert calls_with(first["access_token"]).status_code == 401
    assert calls_with(second["access_token"]).status_code == 403
    assert refresh(issued, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert calls_with(second["access_token"]).status_code == 401
    assert refresh(issued, second["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 50},
        {"code_verifier": ""},
        {"redirect_uri": "https://app.example/cb2"},
        {"redirect_uri": ""},
    ],
)
def test_threat_03_a_code_is_worth_nothing_without_what_belongs_to_it(browser, changes):
    issued = app_client()
    for code in (code_for(browser, issued), "guessed"):
        refused = redeem(issued, code, **changes)
        assert refused.status_code == 400
        assert refused.json()["error"] in ("invalid_grant", "invalid_request")
    assert get_access_token_model().objects.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ],
)
def test_threat_03_pkce_is_s256_for_everybody(browser, changes):
    issued = app_client()
    answer = said_at(browser.get(link_of(issued, **changes))["Location"])
    assert (answer["error"], answer["state"]) == ("invalid_request", "xyz")
    posted = answer_in(browser.post(link_of(issued, **changes), {"answer": "allow", "scopes": ["openid"]}))
    assert posted["error"] == "invalid_request"
    assert get_grant_model().objects.count() == 0
    assert Connection.objects.count() == 0


# -- 4: a stolen access token -----------------------------------------------------------------------------------------


def test_threat_04_tokens_live_ten_minutes_and_only_their_hashes_are_kept(browser):
    issued = app_client()
    code = code_for(browser, issued)
    assert code not in str(vars(get_grant_model().objects.get()))
    tokens = redeem(issued, code).json()
    assert tokens["expires_in"] == 600
    access, renewal = get_access_token_model().objects.get(), get_refresh_token_model().objects.get()
    assert (access.token, renewal.token) == ("", "")
    assert tokens["access_token"] not in str(vars(access))
    assert tokens["refresh_token"] not in str(vars(renewal))


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_threat_04_what_the_app_gives_back_opens_nothing(browser, which):
    issued = app_client()
    tokens = redeem(issued, code_for(browser, issued)).json()
    assert exchange(issued, path="/o/revoke_token/", token=tokens[which]).status_code == 200
    assert calls_with(tokens["access_token"]).status_code == 401


def test_threat_04_disconnecting_is_true_at_the_next_request(browser, citizen):
    issued = app_client()
    code = code_for(browser, issued)
    tokens = redeem(issued, code).json()
    late = code_for(browser, issued)
    connection = Connection.objects.get()
    assert api_client_for(citizen).delete(f"/api/v1/me/connections/{connection.public_id}").status_code == 204
    assert calls_with(tokens["access_token"]).status_code == 401
    assert refresh(issued, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert redeem(issued, late).json()["error"] == "invalid_grant"


# -- 5, 6: the wrong kind of token ------------------------------------------------------------------------------------


def test_threat_05_an_id_token_is_no_credential(browser):
    issued = app_client()
    tokens = redeem(issued, code_for(browser, issued)).json()
    assert calls_with(tokens["id_token"]).status_code == 401
    assert calls_with(tokens["refresh_token"]).status_code == 401


def test_threat_06_a_servers_token_is_no_persons(browser, citizen):
    """`GET /boost` itself is tested where it is; here the kinds of caller."""
    from citizen_app.api.authentication import Credential
    from citizen_app.api.permissions import ConnectedWith, MachineWith

    app, server = app_client().application, machine_client(scopes=("boost:lookup",)).application

    class Asked:
        user = None

    asked, scopes = Asked(), frozenset({"boost:read", "boost:lookup"})
    as_server = Credential("bearer", application=server, scopes=scopes)
    as_app = Credential("bearer", application=app, scopes=scopes)
    assert MachineWith("boost:lookup")().admits(asked, as_server) is True
    assert ConnectedWith("boost:read")().admits(asked, as_server) is False
    assert ConnectedWith("boost:read")().admits(asked, as_app) is False
    asked.user = citizen
    assert ConnectedWith("boost:read")().admits(asked, as_app) is True
    assert ConnectedWith("boost:read")().admits(asked, as_server) is False
    assert ConnectedWith("openid")().admits(asked, as_app) is False
    assert MachineWith("boost:lookup")().admits(asked, as_app) is False
    assert ConnectedWith("boost:read")().admits(asked, Credential("session_token", scopes=scopes)) is False


def test_threat_06_an_app_gets_no_token_without_a_person_and_a_server_none_with_one(browser):
    app, server = app_client(), machine_client()
    refused = exchange(app, grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    assert exchange(server, grant_type="authorization_code", code="x").status_code == 400
    assert browser.get(link_of(server)).status_code == 400
    assert get_access_token_model().objects.count() == 0
    assert api_client_of(server.application).get("/api/v1/me/connections").status_code == 403


# -- 7: redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        REDIRECT + "/",
        REDIRECT + "?next=https://evil.example",
        REDIRECT + "#fragment",
        "https://app.example.evil.example/cb",
        "https://app.example@evil.example/cb",
        "https://APP.example/cb",
        "http://app.example/cb",
        "https://app.example/cb/../evil",
        "https://app.example:443/cb",
        "javascript:alert(1)",
        "",
    ],
)
def test_threat_07_an_answer_goes_to_the_very_address_that_was_registered(browser, trick):
    issued = app_client()
    for response in (
        browser.get(link_of(issued, redirect_uri=trick)),
        browser.post(link_of(issued, redirect_uri=trick), {"answer": "allow", "scopes": ["openid"]}),
    ):
        assert response.status_code == 400
        assert "Location" not in response
        assert 'http-equiv="refresh"' not in response.content.decode()
    assert get_grant_model().objects.count() == 0
    assert Connection.objects.count() == 0


def test_threat_07_a_parameter_given_twice_is_refused(browser):
    issued = app_client()
    for name in ("redirect_uri", "client_id", "scope"):
        assert browser.get(f"{link_of(issued)}&{name}=x").status_code == 400


def test_threat_07_the_answer_says_who_answers(browser):
    issued = app_client()
    answer = answer_in(browser.post(link_of(issued), {"answer": "allow", "scopes": ["openid", "boost:read"]}))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("xyz", settings.OIDC_ISSUER)
    denied = answer_in(browser.post(link_of(issued), {"answer": "deny"}))
    assert denied == {"error": "access_denied", "state": "xyz", "iss": settings.OIDC_ISSUER}


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb",
        "https://*.app.example/cb",
        "app://cb",
        "https://u:p@app.example/cb",
        "https://app.example/cb#x",
        "https://app.example/a/../b",
        "https:///cb",
        "https://app.example/c b",
        "https://app.example:notaport/",
        "javascript:alert(1)",
    ],
)
def test_threat_07_such_an_address_is_never_registered(uri):
    with pytest.raises(ValueError, match="No answers may be sent"):
        app_client(redirect_uris=[uri])
    assert OAuthApplication.objects.count() == 0


def test_threat_07_a_developers_own_machine_is_one_only_outside_production(browser, settings):
    local = "http://127.0.0.1:5000/cb"
    issued = app_client(redirect_uris=[local])
    assert browser.get(link_of(issued, redirect_uri=local)).status_code == 200
    settings.PRODUCTION = True
    assert browser.get(link_of(issued, redirect_uri=local)).status_code == 400
    with pytest.raises(ValueError, match="No answers may be sent"):
        app_client(redirect_uris=[local])


# -- 8: clickjacked or forged consent ---------------------------------------------------------------------------------


def test_threat_08_a_yes_from_elsewhere_is_no_yes(citizen):
    issued = app_client()
    strict = browser_for(citizen, enforce_csrf_checks=True)
    assert strict.post(link_of(issued), {"answer": "allow", "scopes": ["openid"]}).status_code == 403
    assert Connection.objects.count() == 0


def test_threat_08_the_page_stands_in_no_frame_and_its_form_goes_nowhere_else(browser):
    page = browser.get(link_of(app_client()))
    assert page["X-Frame-Options"] == "DENY"
    policy = page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "no-store" in page["Cache-Control"]


def test_threat_08_the_answer_after_a_form_is_a_page_and_no_redirect_that_browsers_stop(browser):
    done = browser.post(link_of(app_client()), {"answer": "allow", "scopes": ["openid"]})
    assert done.status_code == 200
    assert "form-action 'self'" in done["Content-Security-Policy"]
    assert answer_in(done)["code"]


def test_threat_08_a_session_that_was_left_open_gives_no_consent(browser, citizen):
    issued = app_client()
    left_open(browser)
    for response in (
        browser.get(link_of(issued)),
        browser.post(link_of(issued), {"answer": "allow", "scopes": ["openid"]}),
    ):
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/reauthenticate/?next=%2Fo%2Fauthorize%2F%3F")
    assert Connection.objects.count() == 0
    # A no needs no proof.
    assert answer_in(browser.post(link_of(issued), {"answer": "deny"}))["error"] == "access_denied"


def test_threat_08_nothing_is_ticked_beforehand_and_ticking_nothing_shares_nothing(browser):
    issued = app_client()
    boxes = re.findall(r'<input type="checkbox"[^>]*>', browser.get(link_of(issued)).content.decode())
    assert len(boxes) == 2
    assert not any("checked" in box for box in boxes)
    again = browser.post(link_of(issued), {"answer": "allow"})
    assert "Tick what you want to share" in again.content.decode()
    assert Connection.objects.count() == 0


# -- 9, 10: what is not offered, and apps nobody looked at -------------------------------------------------------------


@pytest.mark.parametrize("path", ["device-authorization/", "device/", "introspect/", "userinfo/", "logout/"])
def test_threat_09_no_code_is_typed_on_another_device(path):
    assert Client().get(f"/o/{path}").status_code == 404
    assert Client().post(f"/o/{path}").status_code == 404
    issued = app_client()
    grant = exchange(issued, grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code="x")
    assert (grant.status_code, grant.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("path", ["register/", "applications/", "applications/register/"])
def test_threat_10_nobody_registers_by_themselves(path):
    assert Client().get(f"/o/{path}").status_code == 404
    assert Client().post(f"/o/{path}").status_code == 404


def test_threat_10_an_app_that_waits_opens_nothing(browser):
    issued = app_client(approved=False)
    assert browser.get(link_of(issued)).status_code == 400
    assert redeem(issued, "x").status_code == 401
    assert Connection.objects.count() == 0


def test_threat_10_a_suspended_app_is_shut_out_at_once_and_lives_on_afterwards(browser, citizen):
    issued = app_client()
    tokens = redeem(issued, code_for(browser, issued)).json()
    late = code_for(browser, issued)
    suspend_client(application=issued.application, by=CitizenFactory())
    assert calls_with(tokens["access_token"]).status_code == 401
    assert refresh(issued, tokens["refresh_token"]).status_code == 401
    assert redeem(issued, late).status_code == 401
    assert browser.get(link_of(issued)).status_code == 400
    suspend_client(application=issued.application, suspended=False, by=CitizenFactory())
    assert refresh(issued, tokens["refresh_token"]).status_code == 200


# -- 13, 26, 27, 28 ---------------------------------------------------------------------------------------------------


def test_threat_13_somebody_who_was_switched_off_opens_nothing(browser, citizen):
    issued = app_client()
    tokens = redeem(issued, code_for(browser, issued)).json()
    late = code_for(browser, issued)
    citizen.is_active = False
    citizen.save()
    assert calls_with(tokens["access_token"]).status_code == 401
    assert refresh(issued, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert redeem(issued, late).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("library", ["django-oauth-toolkit", "oauthlib", "jwcrypto"])
def test_threat_26_what_these_protections_hang_on_is_pinned(library):
    pinned = (ROOT / "requirements.txt").read_text().lower()
    assert re.search(rf"^{library}=={re.escape(version(library))}$", pinned, re.MULTILINE)


def test_threat_27_a_no_looks_like_not_being_able_to_say_yes(browser):
    """An app learns of a no what it learns of somebody who is not enrolled: nothing."""
    issued = app_client()
    unwilling = answer_in(browser.post(link_of(issued), {"answer": "deny"}))
    nobody = browser_for(CitizenFactory())
    page = nobody.get(link_of(issued)).content.decode()
    assert "This cannot be done yet." in page
    assert "This is for enrolled people." in page
    assert "checkbox" not in page
    assert nobody.post(link_of(issued), {"answer": "allow", "scopes": ["openid"]}).status_code == 200
    unable = answer_in(nobody.post(link_of(issued), {"answer": "deny"}))
    assert unwilling == unable
    assert Connection.objects.count() == 0


def test_threat_27_the_person_chooses_and_the_connection_lapses_by_itself(browser, citizen):
    issued = app_client()
    tokens = redeem(issued, code_for(browser, issued, scopes=("boost:read",))).json()
    assert tokens["scope"] == "boost:read"
    assert "id_token" not in tokens
    wider = refresh(issued, tokens["refresh_token"], scope="openid boost:read")
    assert wider.json()["error"] == "invalid_scope"
    listed = api_client_for(citizen).get("/api/v1/me/connections").json()["results"]
    assert [scope["code"] for scope in listed[0]["scopes"]] == ["boost:read"]
    assert listed[0]["lapses_at"] > listed[0]["connected_at"]
    acts = ConsentEvent.objects.filter(citizen=citizen, purpose__startswith="app:").values_list("act", flat=True)
    assert list(acts) == ["given"]


def test_threat_28_no_host_header_names_the_provider(browser, settings):
    assert Client().get("/o/.well-known/openid-configuration", headers={"Host": "evil.example"}).status_code == 400
    settings.ALLOWED_HOSTS = ["*"]
    told = Client().get("/o/.well-known/openid-configuration", headers={"Host": "evil.example"}).json()
    assert "evil" not in str(told)
    assert told["issuer"] == settings.OIDC_ISSUER
    issued = app_client()
    done = browser.post(link_of(issued), {"answer": "allow", "scopes": ["openid"]}, headers={"Host": "evil.example"})
    answer = answer_in(done)
    assert answer["iss"] == settings.OIDC_ISSUER
    tokens = redeem(issued, answer["code"]).json()
    assert claims_in(tokens["id_token"])["iss"] == settings.OIDC_ISSUER


def test_the_in_app_door_judges_alike(citizen):
    issued = app_client()
    app = api_client_for(citizen)
    read = app.get(f"/api/v1/oauth/authorize?{query_of(issued)}")
    assert read.status_code == 200
    assert read.json()["client"]["name"] == "Amora"
    assert [scope["code"] for scope in read.json()["scopes"]] == ["openid", "boost:read"]
    said_no = app.post(f"/api/v1/oauth/authorize?{query_of(issued)}", {"allow": False})
    assert said_at(said_no.json()["redirect"])["error"] == "access_denied"
    nothing = app.post(f"/api/v1/oauth/authorize?{query_of(issued)}", {"allow": True, "scopes": []})
    assert said_at(nothing.json()["redirect"])["error"] == "access_denied"
    assert Connection.objects.count() == 0
    yes = app.post(f"/api/v1/oauth/authorize?{query_of(issued)}", {"allow": True, "scopes": ["boost:read"]})
    answer = said_at(yes.json()["redirect"])
    assert answer["iss"] == settings.OIDC_ISSUER
    assert redeem(issued, answer["code"]).json()["scope"] == "boost:read"
    for changes, error in (
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
    ):
        refused = app.get(f"/api/v1/oauth/authorize?{query_of(issued, **changes)}")
        said = refused.json()
        assert (refused.status_code, said["code"], said["error"]) == (400, "authorization_invalid", error)
    stranger = api_client_for(CitizenFactory()).get(f"/api/v1/oauth/authorize?{query_of(issued)}")
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_enrolled")


def test_the_in_app_door_asks_for_a_fresh_proof(citizen, monkeypatch):
    from citizen_app.accounts import freshness

    issued = app_client()
    app = api_client_for(citizen)
    now = freshness.time.time()
    monkeypatch.setattr(freshness.time, "time", lambda: now + 301)
    refused = app.post(f"/api/v1/oauth/authorize?{query_of(issued)}", {"allow": True, "scopes": ["openid"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    assert disconnect(citizen=citizen, application=issued.application) is False
