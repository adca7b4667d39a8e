"""A stranger's object is answered byte for byte like one that does not exist, wherever an id is taken."""

import re
from typing import Any

import pytest

from citizen_app.public_ids import public_id_of, uuid7
from tests.architecture.test_house import endpoints
from tests.attacks.stored import changed, everything
from tests.factories.gift_cards import charge
from tests.factories.right_requests import PERK, RIGHT, Right, send
from tests.factories.world import World, consent_of

pytestmark = pytest.mark.django_db

# Names of the world's things that stand in addresses: of each, one that is somebody else's.
FOREIGN = {
    "entry": lambda world: world.entry_of_neighbour.public_id,
    "reserved": lambda world: world.of_neighbour.public_id,
    "used": lambda world: world.of_neighbour.public_id,
    "make_good": lambda world: world.make_good_of_neighbour.public_id,
    "export": lambda world: world.export_of_neighbour.public_id,
    "notification": lambda world: world.notification_of_neighbour.public_id,
    "push_device": lambda world: world.push_device_of_neighbour.public_id,
    "card": lambda world: world.card_of_neighbour.public_id,
    "merchant": lambda world: world.applicant.public_id,
    "member": lambda world: world.rival.seats["cashier"].public_id,
    "branch": lambda world: world.rival.branch.public_id,
    "image": lambda world: world.rival.image.public_id,
    "server": lambda world: world.rival.perk_server.public_id,
    "till": lambda world: world.rival.till.public_id,
    "code_list": lambda world: world.rival.codes.public_id,
    "connection": lambda world: world.connection_of_neighbour.public_id,
    "consent": lambda world: consent_of(world.neighbour).public_id,
    "dispute": lambda world: world.dispute_of_neighbour.public_id,
    "rejected": lambda world: world.dispute_of_neighbour.public_id,
    "evidence": lambda world: world.dispute_of_neighbour.evidence.get().public_id,
    "vouch": lambda world: world.vouch_of_others.public_id,
    "source_key": lambda world: world.key_elsewhere.public_id,
    "endpoint": lambda world: world.rival.delivery.endpoint.public_id,
    "delivery": lambda world: world.rival.delivery.public_id,
    "source_endpoint": lambda world: world.delivery_elsewhere.endpoint.public_id,
    "source_delivery": lambda world: world.delivery_elsewhere.public_id,
    **{
        f"deposit_{state}": lambda world: world.deposits["of_neighbour"].public_id
        for state in ("offered", "accepted", "active", "returned", "claimed")
    },
    "deposit_file": lambda world: world.deposits["of_neighbour"].files.get().public_id,
}
PREFIXES_OF_DEPOSITS = {f"deposit_{state}": "dep" for state in ("offered", "accepted", "active", "returned", "claimed")}
SCAN = {"code": "{typed}", "nonce": "a-new-nonce"}
PERKS = {"perk_draft", "perk_approved", "perk_published", "perk_paused", "perk_free"}
PREFIXES = {"entry": "ent", "reserved": "red", "used": "red", "merchant": "mer", "member": "mem", "branch": "br"}
PREFIXES |= {
    "server": "cli",
    "till": "dev",
    "image": "img",
    "code_list": "cl",
    "consent": "cns",
    "dispute": "dsp",
    "rejected": "dsp",
    "evidence": "evi",
    "vouch": "vch",
    "source_key": "key",
    "endpoint": "whe",
    "delivery": "whd",
    "source_endpoint": "whe",
    "source_delivery": "whd",
    "make_good": "mkg",
    "card": "gc",
    "deposit_file": "dpf",
    "notification": "ntf",
    "push_device": "psh",
} | PREFIXES_OF_DEPOSITS
# These name no object of somebody: a source and its furnisher are everybody's, an entry's id its furnisher's own, a
# token a secret, a test case one of five words.
NO_OBJECTS = {"test_case", "source", "furnisher", "external", "token", "vouch_token"}


def foreign_id(world: World, right: Right, name: str) -> str:
    if name in PERKS:
        # What is published is everybody's to see, but its merchant's alone to manage.
        state = name.removeprefix("perk_") if right.path.startswith("merchant/") else "draft"
        return world.rival.perks[state].public_id
    if name == "dispute" and right.path.startswith("sources/"):
        return world.dispute_elsewhere.public_id
    return FOREIGN[name](world)


def taking_ids() -> list[tuple[Right, str]]:
    """Every right request with an id in its path, and the id's name."""
    return [(right, name) for right in RIGHT for name in re.findall(r"\{(\w+)\}", right.path.partition("?")[0])]


def answer_to(world: World, right: Right, path: str, **changes: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers, without what repeats the address or names the one request."""
    answer = send(world, right, path=path, **changes)
    body = answer.json()
    body.pop("instance")
    headers = {name: text for name, text in answer.headers.items() if name not in ("X-Request-ID", "Content-Length")}
    return answer.status_code, body, headers


def missing(name: str) -> str:
    prefix = PREFIXES.get(name, "perk")
    return public_id_of(prefix, 2**40 + 7 if prefix in ("ent", "mem", "evi", "dpf", "cns") else uuid7())


def test_every_endpoint_with_an_id_is_attacked():
    addresses = {path for path, _ in endpoints() if "<" in path}
    attacked = {re.sub(r"\{\w+\}", "<>", right.path.partition("?")[0]) for right, _ in taking_ids()}
    assert {re.sub(r"<[^>]+>", "<>", path.removeprefix("api/v1/")) for path in addresses} == attacked
    assert {name for _, name in taking_ids()} == set(FOREIGN) | PERKS | NO_OBJECTS


@pytest.mark.parametrize(
    ("right", "name"),
    [(right, name) for right, name in taking_ids() if name not in NO_OBJECTS],
    ids=lambda value: f"{value.method} {value.path}" if isinstance(value, Right) else "",
)
def test_somebody_else_s_object_is_like_a_missing_one(world, right, name):
    before = everything()
    foreign = answer_to(world, right, right.path.replace(f"{{{name}}}", foreign_id(world, right, name)))
    nowhere = answer_to(world, right, right.path.replace(f"{{{name}}}", missing(name)))
    assert foreign == nowhere
    assert (foreign[0], foreign[1]["code"]) == (404, "not_found")
    assert changed(before) == []


WRONG = {
    "a word": "x",
    "a number": "1",
    "a prefix": "perk_",
    "another kind's": "cit_01m85s9kh6emra1he19es1z3es",
    "capitals": "PERK_01M85S9KH6EMRA1HE19ES1Z3ES",
    "a character that is not in the alphabet": "perk_01m85s9kh6emra1he19es1z3el",
    "beyond 128 bits": "perk_" + "z" * 26,
    "beyond 64 bits": "ent_" + "z" * 13,
    "a negative key": "ent_" + "8" * 13,
    "NUL": "perk_%00",
    "dots": "%2e%2e",
    "half a character": "%ff%fe",
    "another alphabet": "%D0%BA%D0%BB%D1%8E%D1%87",
    "a template": "%7B%7B7*7%7D%7D",
    "a quote": "'%20OR%201=1%20--",
    "without end": "a" * 2000,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_an_id_that_is_none_is_like_a_missing_one(world, wrong):
    before = everything()
    for right, name in taking_ids():
        status, body, _ = answer_to(world, right, right.path.replace(f"{{{name}}}", wrong))
        assert (status, body["code"]) == (404, "not_found"), (right, wrong)
        if name not in NO_OBJECTS:
            assert body == answer_to(world, right, right.path.replace(f"{{{name}}}", missing(name)))[1]
    assert changed(before) == []


IN_BODIES = {
    # where an id stands in a body: method and address, the member's pointer, whose it is, the body with it
    "what-if": ("POST", "me/score/what-if", "/without/0", "entry", lambda one: {"without": [one]}),
    "dispute": (
        "POST",
        "me/disputes",
        "/entries/0",
        "entry",
        lambda one: {"entries": [one], "ground": "other", "statement": "No."},
    ),
    "new perk": ("POST", "merchant/perks", "/branches/0", "branch", lambda one: {**PERK, "branches": [one]}),
    "perk": ("PATCH", "merchant/perks/{perk_published}", "/branches/0", "branch", lambda one: {"branches": [one]}),
    "codes": ("PATCH", "merchant/perks/{perk_published}", "/code_list", "code_list", lambda one: {"code_list": one}),
    "scan": ("POST", "merchant/scans", "/branch", "branch", lambda one: {**SCAN, "branch": one}),
    "till": ("POST", "merchant/devices", "/branch", "branch", lambda one: {"name": "Desk 3", "branch": one}),
}


@pytest.mark.parametrize("place", IN_BODIES)
def test_somebody_else_s_id_in_a_body_is_like_a_missing_one(world, place):
    method, path, pointer, name, body_with = IN_BODIES[place]
    right = next(right for right in RIGHT if (right.method, right.path) == (method, path))
    before = everything()
    foreign = answer_to(world, right, right.path, body=body_with(FOREIGN[name](world)))
    nowhere = answer_to(world, right, right.path, body=body_with(missing(name)))
    assert foreign == nowhere
    assert foreign[0] == 400
    assert [(error["pointer"], error["code"]) for error in foreign[1]["errors"]] == [(pointer, "invalid")]
    assert changed(before) == []


def test_priority_at_somebody_else_s_branch_is_like_at_a_missing_one(world):
    take = next(right for right in RIGHT if right.path == "perks/{perk_free}/redemptions")
    foreign = answer_to(world, take, take.path, body={"branch": FOREIGN["branch"](world)})
    assert foreign == answer_to(world, take, take.path, body={"branch": missing("branch")})
    assert foreign[0] == 400


def test_a_charge_of_somebody_else_s_card_is_like_a_missing_one(world):
    refund = next(right for right in RIGHT if right.path == "merchant/gift-cards/{card}/refund")
    theirs = charge(world.card_of_neighbour, 5).public_id
    before = everything()
    answers = [
        answer_to(world, refund, refund.path, body={**refund.body, "charge": one}, headers={"Idempotency-Key": one})
        for one in (theirs, public_id_of("gcp", 2**40 + 7), "x")
    ]
    assert answers == [answers[0]] * 3
    assert [error["pointer"] for error in answers[0][1]["errors"]] == ["/charge"]
    assert changed(before) == []


def test_somebody_of_another_team_s_till_is_like_nobody(world):
    shift = next(right for right in RIGHT if (right.method, right.path) == ("POST", "devices/shift"))
    answers = [
        answer_to(world, shift, shift.path, body={"member": one, "pin": "2580"})
        for one in (world.rival.seats["cashier"].public_id, missing("member"), "x")
    ]
    assert answers == [answers[0]] * 3
    assert (answers[0][0], answers[0][1]["code"]) == (403, "wrong_pin")


@pytest.mark.parametrize("name", ["branch", "merchant"])
def test_somebody_else_s_id_in_a_filter_finds_what_a_missing_one_finds(world, name):
    path = "merchant/redemptions" if name == "branch" else "perks"
    right = next(right for right in RIGHT if (right.method, right.path) == ("GET", path))
    answers = [
        send(world, right, path=f"{path}?{name}={one}").json() for one in (FOREIGN[name](world), missing(name), "x")
    ]
    assert answers == [{"next": None, "previous": None, "results": []}] * 3


@pytest.mark.parametrize("caller", ["cashier", "manager", "owner", "scan_server", "perk_server"])
def test_naming_somebody_else_s_merchant_is_like_naming_a_missing_one(world, caller):
    right = next(right for right in RIGHT if (right.method, right.path) == ("GET", "merchant/redemptions"))
    answers = [
        answer_to(world, right, right.path, caller=caller, headers={"X-Merchant": one})
        for one in (world.rival.merchant.public_id, missing("merchant"), "x", "mer_" + "z" * 26)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0][0], answers[0][1]["code"]) == (404, "not_found")
    own = send(world, right, caller=caller, headers={"X-Merchant": world.hotel.merchant.public_id})
    assert own.status_code == 200


def test_a_key_of_another_citizen_s_retry_is_another_key(world):
    take = next(right for right in RIGHT if right.path == "perks/{perk_free}/redemptions")
    first = send(world, take, caller="citizen")
    other = send(world, take, caller="neighbour")
    assert (first.status_code, other.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in other.headers
    assert first.json()["id"] != other.json()["id"]


def test_a_furnisher_takes_back_only_its_own_entries(world):
    right = next(right for right in RIGHT if right.path.startswith("sources/entries/{external}"))
    before = everything()
    for path in (
        "sources/entries/{external}?subject=nobody",
        "sources/entries/made-up?subject=ana-7",
        "sources/entries/{external}?subject=of-another-source",
    ):
        status, body, _ = answer_to(world, right, path)
        assert (status, body["code"]) == (404, "not_found")
    assert changed(before) == []
