"""The sandbox: five test citizens who are nobody, a clock of its own, every refusal, and no way to anybody real."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.accounts.clients import issue_client, suspend_client
from citizen_app.api.codes import catalogue
from citizen_app.models import OutboxMessage
from perks.models import BoostRead, Sandbox, SandboxCitizen
from tests.factories.boosts import dater, dating_app
from tests.factories.people import api_client_for, api_client_of, api_client_with, machine_client
from tests.factories.perks import MerchantFactory, person_of
from tests.factories.scores import NOW
from tests.perks.api.calls import code_of

pytestmark = pytest.mark.django_db

SANDBOX = "/api/v1/sandbox"
MIDNIGHT = "2026-11-24T00:00:00Z"
CASES = ["reached", "not_reached", "paused", "left", "never_connected"]


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client():
    return api_client_of(machine_client(owner=MerchantFactory().public_id, scopes=("sandbox",)).application)


def stage(client):
    return client.get(SANDBOX).json()


def subjects_of(client):
    return {one["case"]: one["subject"] for one in stage(client)["citizens"]}


def connect(client, case="reached"):
    return client.put(f"{SANDBOX}/citizens/{case}/connection")


def phone(client, case="reached"):
    return api_client_with(connect(client, case).json()["access_token"])


def look_up(client, *subjects):
    return client.post(f"{SANDBOX}/boosts/lookup", {"subjects": list(subjects)}, format="json")


def set_clock(client, at):
    return client.put(f"{SANDBOX}/clock", {"now": at.isoformat().replace("+00:00", "Z")}, format="json")


def test_it_has_five_test_citizens_with_fixed_names_and_says_what_it_can(client):
    told = stage(client)
    assert [(one["case"], one["connected"]) for one in told["citizens"]] == list(
        zip(CASES, [True, True, True, False, False], strict=True)
    )
    assert told["limits"] == {"requests": "120/minute", "subjects": 1000, "token_seconds": 600}
    assert told["refusals"] == sorted({code.code for code in catalogue()})
    assert (told["now"], told["began_at"]) == ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z")
    assert stage(client)["citizens"] == told["citizens"]
    assert Sandbox.objects.count() == 1


def test_another_client_has_a_sandbox_of_its_own(client):
    other = api_client_of(machine_client(owner=MerchantFactory().public_id, scopes=("sandbox",)).application)
    own, theirs = subjects_of(client), subjects_of(other)
    assert not set(own.values()) & set(theirs.values())
    assert look_up(other, *own.values()).json() == {"boosts": {}}
    connect(client)
    other.post(f"{SANDBOX}/reset", {}, format="json")
    assert SandboxCitizen.objects.exclude(token_hash="").count() == 1


def test_a_look_up_finds_the_one_who_reaches_it_in_the_shape_of_the_real_address(client):
    named = subjects_of(client)
    answer = look_up(client, *named.values(), "nobody")
    boost = {"boost": "1.20", "expires_at": MIDNIGHT}
    assert (answer.status_code, answer.json()) == (200, {"boosts": {named["reached"]: boost}})
    assert (look_up(client, *map(str, range(1001))).status_code, code_of(look_up(client, *map(str, range(1001))))) == (
        413,
        "too_many_subjects",
    )


@pytest.mark.parametrize(("case", "boost"), [("reached", "1.20"), ("not_reached", "1.00"), ("paused", "1.00")])
def test_a_test_citizen_s_boost_is_read_with_their_token(client, case, boost):
    given = connect(client, case).json()
    assert (given["subject"], given["token_type"], given["expires_in"]) == (subjects_of(client)[case], "Bearer", 600)
    answer = api_client_with(given["access_token"]).get(f"{SANDBOX}/boost")
    assert (answer.status_code, answer.json()) == (200, {"boost": boost, "expires_at": MIDNIGHT})
    assert given["access_token"] not in str(list(SandboxCitizen.objects.values()))


@pytest.mark.parametrize("case", ["left", "never_connected"])
def test_who_left_and_who_never_connects_connect_no_app(client, case):
    answer = connect(client, case)
    assert (answer.status_code, code_of(answer)) == (409, "wrong_state")
    assert [one["connected"] for one in stage(client)["citizens"] if one["case"] == case] == [False]


def test_disconnecting_ends_token_and_boost_at_once_and_a_reset_brings_the_beginning_back(client):
    reached, names = phone(client), subjects_of(client)
    assert client.delete(f"{SANDBOX}/citizens/reached/connection").status_code == 204
    assert client.delete(f"{SANDBOX}/citizens/reached/connection").status_code == 204
    assert (reached.get(f"{SANDBOX}/boost").status_code, look_up(client, names["reached"]).json()) == (
        401,
        {"boosts": {}},
    )
    set_clock(client, NOW + timedelta(days=90))
    told = client.post(f"{SANDBOX}/reset", {}, format="json").json()
    assert (told["now"], [one["connected"] for one in told["citizens"]]) == (
        "2026-11-23T12:00:00Z",
        [True, True, True, False, False],
    )
    assert subjects_of(client) == names
    assert list(look_up(client, names["reached"]).json()["boosts"]) == [names["reached"]]
    assert reached.get(f"{SANDBOX}/boost").status_code == 401


def test_its_clock_moves_ends_tokens_and_lets_the_boost_be_judged_again(client):
    reached, name = phone(client), subjects_of(client)["reached"]
    assert set_clock(client, NOW + timedelta(seconds=599)).json()["now"] == "2026-11-23T12:09:59Z"
    assert reached.get(f"{SANDBOX}/boost").status_code == 200
    set_clock(client, NOW + timedelta(seconds=600))
    assert reached.get(f"{SANDBOX}/boost").status_code == 401
    set_clock(client, NOW + timedelta(days=45, seconds=-1))
    assert look_up(client, name).json()["boosts"] == {name: {"boost": "1.20", "expires_at": "2027-01-08T00:00:00Z"}}
    set_clock(client, NOW + timedelta(days=45))
    assert look_up(client, name).json() == {"boosts": {}}
    assert phone(client).get(f"{SANDBOX}/boost").json() == {"boost": "1.00", "expires_at": "2027-01-08T00:00:00Z"}


@pytest.mark.parametrize("code", sorted({one.code for one in catalogue()}))
def test_every_refusal_can_be_provoked(client, code):
    answer = client.get(SANDBOX, headers={"Sandbox-Refusal": code})
    one = next(one for one in catalogue() if one.code == code)
    assert (answer.status_code, code_of(answer), answer.json()["title"]) == (one.status, code, one.title)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("Retry-After" in answer.headers) == (one.status in (429, 503))
    assert ("WWW-Authenticate" in answer.headers) == (one.status == 401)


def test_a_provoked_refusal_does_nothing_and_an_unknown_one_is_refused(client):
    names, reached = subjects_of(client), phone(client)
    for method, path in (("put", "citizens/paused/connection"), ("delete", "citizens/reached/connection")):
        assert getattr(client, method)(f"{SANDBOX}/{path}", headers={"Sandbox-Refusal": "busy"}).status_code == 503
    assert list(look_up(client, *names.values()).json()["boosts"]) == [names["reached"]]
    assert reached.get(f"{SANDBOX}/boost", headers={"Sandbox-Refusal": "rate_limited"}).status_code == 429
    answer = client.get(SANDBOX, headers={"Sandbox-Refusal": "no_such_code"})
    assert (answer.status_code, code_of(answer)) == (400, "invalid_input")


def test_a_real_client_provokes_nothing():
    amora = dating_app()
    citizen = dater()
    answer = amora.phone_of(citizen).get("/api/v1/boost", headers={"Sandbox-Refusal": "busy"})
    assert answer.status_code == 200


def test_no_sandbox_reaches_anybody_real_and_nobody_real_is_asked_of_the_database(client):
    amora = dating_app()
    citizen = dater()
    amora.phone_of(citizen)
    amora.given_to(citizen)
    name = amora.name_of(citizen)
    reached = phone(client)
    with CaptureQueriesContext(connection) as queries:
        assert look_up(client, name).json() == {"boosts": {}}
        assert reached.get(f"{SANDBOX}/boost").status_code == 200
        assert code_of(client.post("/api/v1/boosts/lookup", {"subjects": [name]}, format="json")) == "wrong_caller"
        assert code_of(reached.get("/api/v1/boost")) == "wrong_caller"
    about_people = ("perks_boost", "citizen_app_connection", "citizen_app_pairwise", "scores_", "perks_redemption")
    assert [one["sql"] for one in queries if any(table in one["sql"] for table in about_people)] == []
    assert not BoostRead.objects.exists()
    assert not OutboxMessage.objects.filter(payload__merchant=Sandbox.objects.get().application.owner).exists()
    # Nor does a real app's token open a sandbox, its own merchant's least of all.
    assert code_of(amora.client.get(SANDBOX)) == "wrong_caller"
    assert code_of(amora.phone_of(citizen).get(f"{SANDBOX}/boost")) == "wrong_caller"


def test_the_scope_of_a_sandbox_stands_alone():
    merchant = MerchantFactory()
    owner = api_client_for(person_of(merchant))
    body = {"name": "Trial", "scopes": ["sandbox", "merchant:scan"]}
    answer = owner.post("/api/v1/merchant/clients", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/scopes")
    with pytest.raises(ValueError, match="no other scope"):
        issue_client(
            name="T", owner_kind="merchant", owner=merchant.public_id, scopes=["sandbox", "boost:lookup"], by=None
        )
    assert owner.post("/api/v1/merchant/clients", body | {"scopes": ["sandbox"]}, format="json").status_code == 201


def test_a_suspended_client_s_test_tokens_open_nothing(client):
    reached = phone(client)
    suspend_client(application=Sandbox.objects.get().application, by=None)
    assert reached.get(f"{SANDBOX}/boost").status_code == 401


@pytest.mark.parametrize("case", ["left", "never_connected"])
def test_the_database_keeps_them_unconnected(client, case):
    stage(client)
    with pytest.raises(IntegrityError, match="sandbox_citizen_gone_is_not_connected"), transaction.atomic():
        SandboxCitizen.objects.filter(case=case).update(is_connected=True)
