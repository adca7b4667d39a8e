"""Applying, the team, branches and servers over HTTP."""

import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from rest_framework.test import APIClient

from citizen_app.models import IdempotentRequest
from citizen_app.outbox import run_due
from perks.api.citizen.answers import BranchLineSerializer
from perks.api.merchant.answers import ClientSerializer, MemberSerializer, MerchantSerializer
from perks.models import Branch, Member, Merchant, MerchantClient
from tests.factories.people import CitizenFactory
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory
from tests.perks.api.calls import app_of, code_of, team_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def app(merchant):
    return team_app(merchant)


def test_anybody_may_apply_and_is_the_first_owner():
    app = app_of(CitizenFactory())
    body = {"name": "Aurora", "sector": "hotel", "country": "PT", "website": "https://aurora.example"}
    answer = app.post("/api/v1/merchants", body, format="json")
    assert answer.status_code == 201
    assert set(answer.json()) == set(MerchantSerializer().fields)
    assert answer.json()["state"] == "pending"
    assert app.get("/api/v1/merchant/members").json()["results"][0]["role"] == "owner"
    # Nobody else hears of it before an operator has let it in.
    path = f"/api/v1/merchants/{answer.json()['id']}"
    assert app.get(path).json() == answer.json()
    assert [code_of(other.get(path)) for other in (APIClient(), app_of(CitizenFactory()))] == ["not_found"] * 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sector": "bank"}, "/sector"),
        ({"country": "Portugal"}, "/country"),
        ({"website": "javascript:alert(1)"}, "/website"),
        ({"state": "active"}, "/state"),
        ({"name": "\u200b"}, "/name"),
    ],
)
def test_an_application_that_makes_no_sense_is_refused(body, pointer):
    whole = {"name": "Aurora", "sector": "hotel", "country": "PT"} | body
    answer = app_of(CitizenFactory()).post("/api/v1/merchants", whole, format="json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Merchant.objects.exists()


def test_a_merchants_page_is_public(merchant):
    BranchFactory(merchant=merchant, name="Lisboa", iata="LIS", latitude=38.78, longitude=-9.14)
    page = APIClient().get(f"/api/v1/merchants/{merchant.public_id}").json()
    assert page["standing"] == {
        "state": "good",
        "badge": None,
        "records": 0,
        "open_penalties": 0,
        "as_of": None,
        "enterprises": [],
    }
    assert page["branches"][0] | {"id": ""} == {
        "id": "",
        "name": "Lisboa",
        "zone": "Europe/Lisbon",
        "address": "",
        "iata": "LIS",
        "position": {"latitude": 38.78, "longitude": -9.14},
    }


def test_somebody_joins_by_the_link_in_the_mail(merchant, app, mailoutbox):
    invited = app.post("/api/v1/merchant/members", {"email": "ana@example.org", "role": "manager"}, format="json")
    assert (invited.status_code, invited.json()["state"]) == (201, "invited")
    assert set(invited.json()) == set(MemberSerializer().fields)
    run_due()
    token = re.search(r"/invitations/(\S+)", mailoutbox[0].body)[1]
    ana = app_of(CitizenFactory(email="ana@example.org"))
    path = f"/api/v1/invitations/{token}/accept"
    assert code_of(app_of(CitizenFactory()).post(path)) == "invitation_of_somebody_else"
    joined = ana.post(path)
    assert (joined.status_code, joined.json()["role"]) == (201, "manager")
    assert code_of(ana.post(path)) == "invitation_over"
    assert code_of(ana.post("/api/v1/invitations/nonsense/accept")) == "not_found"
    assert ana.get("/api/v1/merchant/perks").status_code == 200


def test_the_team_is_listed_with_its_invitations(merchant, app):
    MemberFactory(merchant=merchant)
    MemberFactory()
    app.post("/api/v1/merchant/members", {"email": "ana@example.org", "role": "cashier"}, format="json")
    listed = app.get("/api/v1/merchant/members").json()["results"]
    assert [(one["role"], one["state"], one["is_you"]) for one in listed] == [
        ("cashier", "invited", False),
        ("cashier", "active", False),
        ("owner", "active", True),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_team_is_read_in_pages_of_the_limit(merchant, app, limit, django_assert_num_queries):
    MemberFactory(merchant=merchant)
    for name in ("ana", "rui", "eva"):
        app.post("/api/v1/merchant/members", {"email": f"{name}@example.org", "role": "cashier"}, format="json")
    whole = app.get("/api/v1/merchant/members").json()["results"]
    assert len(whole) == 5
    url, met, pages = f"/api/v1/merchant/members?limit={limit}", [], []
    while url:
        with django_assert_num_queries(4):  # the person, their seats, members, invitations
            answer = app.get(url).json()
        assert len(answer["results"]) <= limit
        met, url = met + answer["results"], answer["next"]
        pages.append(answer)
    assert met == whole
    assert app.get(pages[-1]["previous"]).json()["results"] == pages[-2]["results"]


def test_a_removed_member_is_out_at_once_and_the_last_owner_stays(merchant, app):
    seat = MemberFactory(merchant=merchant, role="manager")
    manager = app_of(seat.citizen)
    assert manager.get("/api/v1/merchant/perks").status_code == 200
    assert app.delete(f"/api/v1/merchant/members/{seat.public_id}").status_code == 204
    assert code_of(manager.get("/api/v1/merchant/perks")) == "wrong_caller"
    owner = Member.objects.get(merchant=merchant)
    assert code_of(app.delete(f"/api/v1/merchant/members/{owner.public_id}")) == "last_owner"
    assert Member.objects.filter(merchant=merchant).count() == 1


def test_an_invitation_is_taken_back(app):
    body = {"email": "ana@example.org", "role": "cashier"}
    invited = app.post("/api/v1/merchant/members", body, format="json").json()
    assert app.delete(f"/api/v1/merchant/members/{invited['id']}").status_code == 204
    assert len(app.get("/api/v1/merchant/members").json()["results"]) == 1


def test_branches_are_added_changed_and_closed(merchant, app):
    body = {"name": "Lisboa", "zone": "Europe/Lisbon", "address": "Avenida 12", "iata": "LIS"}
    made = app.post(
        "/api/v1/merchant/branches", body | {"position": {"latitude": 38.78, "longitude": -9.14}}, format="json"
    )
    assert made.status_code == 201
    assert set(made.json()) == set(BranchLineSerializer().fields)
    path = f"/api/v1/merchant/branches/{made.json()['id']}"
    assert code_of(app.patch(path, {"name": "Porto"}, format="json")) == "precondition_required"
    changed = app.patch(path, {"iata": None, "position": None}, format="json", HTTP_IF_MATCH=made["ETag"])
    assert (changed.json()["iata"], changed.json()["position"], changed.json()["name"]) == (None, None, "Lisboa")
    late = app.patch(path, {"name": "Porto"}, format="json", HTTP_IF_MATCH=made["ETag"])
    assert code_of(late) == "precondition_failed"
    assert app.get(path)["ETag"] == changed["ETag"]
    assert app.delete(path).status_code == 204
    assert code_of(app.get(path)) == "not_found"
    assert Branch.objects.get().closed_at is not None


def new_client(app, key=None, *, name="Till", **headers):
    headers = headers if key is None else headers | {"HTTP_IDEMPOTENCY_KEY": key}
    return app.post("/api/v1/merchant/clients", {"name": name, "scopes": ["merchant:scan"]}, format="json", **headers)


def test_a_retry_with_a_key_makes_no_second_server_and_shows_no_secret_again(merchant, app):
    first, again = new_client(app, "one"), new_client(app, "one")
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json() | {"client_secret": None, "secret_already_shown": True}
    assert MerchantClient.objects.get().merchant == merchant
    assert first.json()["client_secret"] not in str(list(IdempotentRequest.objects.values()))
    assert code_of(new_client(app, "one", name="Other")) == "idempotency_key_reused"
    assert code_of(new_client(app, "a b")) == "idempotency_key_invalid"
    assert MerchantClient.objects.count() == 1


def test_without_a_key_each_request_makes_a_server(app):
    assert new_client(app).json()["client_id"] != new_client(app).json()["client_id"]
    assert (MerchantClient.objects.count(), IdempotentRequest.objects.count()) == (2, 0)


def test_a_key_used_for_one_merchant_is_another_key_for_the_next(merchant, app):
    other = MerchantFactory()
    MemberFactory(merchant=other, citizen=Member.objects.get(merchant=merchant).citizen, role="owner")
    made = [new_client(app, "one", HTTP_X_MERCHANT=each.public_id).json() for each in (merchant, other)]
    assert made[0]["client_id"] != made[1]["client_id"]
    assert [MerchantClient.objects.filter(merchant=each).count() for each in (merchant, other)] == [1, 1]


@pytest.mark.parametrize(
    "body", [{"zone": "Mars/Olympus"}, {"iata": "lisbon"}, {"position": {"latitude": 91, "longitude": 0}}, {"name": ""}]
)
def test_a_branch_that_is_nowhere_is_refused(app, body):
    whole = {"name": "Lisboa", "zone": "Europe/Lisbon"} | body
    assert code_of(app.post("/api/v1/merchant/branches", whole, format="json")) == "invalid_input"
    assert not Branch.objects.exists()


def test_a_servers_secret_is_shown_once_and_opens_the_api(app, merchant):
    made = app.post("/api/v1/merchant/clients", {"name": "Till", "scopes": ["merchant:scan"]}, format="json")
    client = made.json()
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert set(client) == {*ClientSerializer().fields, "client_secret"}
    (listed,) = app.get("/api/v1/merchant/clients").json()["results"]
    assert "client_secret" not in listed
    asked = {"grant_type": "client_credentials"} | {name: client[name] for name in ("client_id", "client_secret")}
    token = Client().post("/o/token/", urlencode(asked), content_type="application/x-www-form-urlencoded")
    assert token.status_code == 200, token.content
    server = APIClient()
    server.credentials(HTTP_AUTHORIZATION=f"Bearer {token.json()['access_token']}")
    body = {"code": "00000-00000", "nonce": "nonce-0001"}
    assert server.post("/api/v1/merchant/scans", body, format="json").status_code == 201
    assert code_of(server.get("/api/v1/merchant/perks")) == "wrong_caller"
    assert app.delete(f"/api/v1/merchant/clients/{client['id']}").status_code == 204
    assert code_of(server.post("/api/v1/merchant/scans", body, format="json")) == "not_authenticated"


@pytest.mark.parametrize("scopes", [[], ["source:write"], ["merchant:scan", "boost:lookup"], "merchant:scan"])
def test_a_server_gets_only_a_merchants_scopes(app, scopes):
    answer = app.post("/api/v1/merchant/clients", {"name": "Till", "scopes": scopes}, format="json")
    assert code_of(answer) == "invalid_input"
    assert app.get("/api/v1/merchant/clients").json()["results"] == []
