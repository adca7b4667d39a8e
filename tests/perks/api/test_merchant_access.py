"""One table: every merchant endpoint, for every role and every server's scopes."""

import pytest
from django.urls import get_resolver

from citizen_app.models import OAuthApplication
from perks.models import Merchant
from tests.factories.people import CitizenFactory, api_client_of, machine_client
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, server_of
from tests.perks.api.calls import PERK, app_of, code_of, key, server_app, team_app

pytestmark = pytest.mark.django_db

# method, path below /api/v1/merchant/, the least role, the scopes that do as well.
ENDPOINTS = [
    ("get", "perks", "manager", {"merchant:perks"}),
    ("post", "perks", "manager", {"merchant:perks"}),
    ("get", "perks/{perk}", "manager", {"merchant:perks"}),
    ("patch", "perks/{perk}", "manager", {"merchant:perks"}),
    ("post", "perks/{perk}/submit", "manager", {"merchant:perks"}),
    ("post", "perks/{perk}/publish", "manager", {"merchant:perks"}),
    ("post", "perks/{perk}/pause", "manager", {"merchant:perks"}),
    ("post", "perks/{perk}/resume", "manager", {"merchant:perks"}),
    ("post", "perks/{perk}/end", "manager", {"merchant:perks"}),
    ("post", "scans", "cashier", {"merchant:scan"}),
    ("get", "redemptions", "cashier", {"merchant:scan", "merchant:perks"}),
    ("get", "redemptions/{redemption}", "cashier", {"merchant:scan", "merchant:perks"}),
    ("post", "redemptions/{redemption}/reverse", "cashier", {"merchant:scan"}),
    ("get", "code-lists", "manager", {"merchant:perks"}),
    ("post", "code-lists", "manager", {"merchant:perks"}),
    ("get", "code-lists/{code_list}", "manager", {"merchant:perks"}),
    ("delete", "code-lists/{code_list}", "manager", {"merchant:perks"}),
    ("get", "code-lists/{code_list}/codes.csv", "manager", {"merchant:perks"}),
    ("get", "reports", "manager", {"merchant:perks"}),
    ("get", "reports.csv", "manager", {"merchant:perks"}),
    ("get", "reach", "manager", {"merchant:perks"}),
    ("get", "members", "owner", set()),
    ("post", "members", "owner", set()),
    ("delete", "members/{member}", "owner", set()),
    ("post", "gift-cards/{card}/refund", "manager", {"merchant:scan"}),
    ("get", "gift-cards/liability", "manager", {"merchant:perks"}),
    ("get", "branches", "manager", set()),
    ("post", "branches", "manager", set()),
    ("get", "branches/{branch}", "manager", set()),
    ("patch", "branches/{branch}", "manager", set()),
    ("delete", "branches/{branch}", "manager", set()),
    ("get", "clients", "owner", set()),
    ("post", "clients", "owner", set()),
    ("delete", "clients/{client}", "owner", set()),
    ("get", "arrivals", "cashier", {"merchant:scan"}),
    ("put", "pin", "cashier", set()),
    ("get", "devices", "manager", set()),
    ("post", "devices", "manager", set()),
    ("delete", "devices/{device}", "manager", set()),
    ("get", "reports", "manager", {"merchant:perks"}),
    ("get", "reports.csv", "manager", {"merchant:perks"}),
    ("get", "reach", "manager", {"merchant:perks"}),
    ("get", "code-lists", "manager", {"merchant:perks"}),
    ("post", "code-lists", "manager", {"merchant:perks"}),
    ("get", "deposits", "cashier", {"merchant:scan", "merchant:perks"}),
    ("get", "deposits/{deposit}", "cashier", {"merchant:scan", "merchant:perks"}),
    ("post", "deposits/{deposit}/pick-up", "cashier", {"merchant:scan"}),
    ("post", "deposits/{deposit}/return", "cashier", {"merchant:scan"}),
    ("post", "deposits/{deposit}/claim", "manager", set()),
    ("get", "deposits/{deposit}/files/{file}", "manager", set()),
    ("get", "code-lists/{list}", "manager", {"merchant:perks"}),
    ("post", "deposits/{deposit}/refund", "manager", set()),
    ("get", "billing", "owner", set()),
    ("get", "billing/usage", "owner", set()),
    ("get", "billing/usage.csv", "owner", set()),
    ("post", "billing/checkout", "owner", set()),
    ("post", "billing/portal", "owner", set()),
    ("post", "billing/onboarding", "owner", set()),
    ("get", "webhook-endpoints", "manager", set()),
    ("post", "webhook-endpoints", "manager", set()),
    ("get", "webhook-endpoints/{endpoint}", "manager", set()),
    ("patch", "webhook-endpoints/{endpoint}", "manager", set()),
    ("delete", "webhook-endpoints/{endpoint}", "manager", set()),
    ("get", "webhook-endpoints/{endpoint}/deliveries", "manager", set()),
    ("post", "webhook-endpoints/{endpoint}/rotate-secret", "manager", set()),
    ("post", "webhook-endpoints/{endpoint}/replay", "manager", set()),
    ("post", "webhook-endpoints/{endpoint}/test", "manager", set()),
    ("post", "deliveries/{delivery}/redeliver", "manager", set()),
]
RANK = {"cashier": 0, "manager": 1, "owner": 2}
IDS = [f"{method} {path}" for method, path, *_ in ENDPOINTS]


def call(app, method: str, path: str, **headers: str):
    """Call with an empty body: who is let in gets an answer or a refusal of the body, but neither 401 nor 403."""
    return getattr(app, method)(f"/api/v1/merchant/{path}", {}, format="json", **key(), **headers)


def made_up(path: str) -> str:
    ids = {
        "perk": "perk_00000000000000000000000000",
        "redemption": "red_00000000000000000000000000",
        "member": "mem_0000000000000",
        "card": "gc_00000000000000000000000000",
        "branch": "br_00000000000000000000000000",
        "client": "cli_00000000000000000000000000",
        "deposit": "dep_00000000000000000000000000",
        "file": "dpf_00000000000000000000000000",
        "list": "cl_00000000000000000000000000",
        "code_list": "cl_00000000000000000000000000",
        "endpoint": "whe_00000000000000000000000000",
        "delivery": "whd_00000000000000000000000000",
        "device": "dev_00000000000000000000000000",
    }
    return path.format(**ids)


def test_every_merchant_endpoint_is_in_the_table():
    table = {path for _, path, *_ in ENDPOINTS}
    routed = {
        str(pattern.pattern).split("<")[0]
        for pattern in _patterns(get_resolver().url_patterns)
        if str(pattern.pattern).startswith("merchant/")
        and getattr(pattern.callback, "cls", None) is not None
        and pattern.callback.cls.__module__.startswith("perks.api")
    }
    assert routed == {f"merchant/{path.split('{')[0]}" for path in table}


def _patterns(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern.url_patterns)
        else:
            yield pattern


@pytest.mark.parametrize(("method", "path", "least", "scopes"), ENDPOINTS, ids=IDS)
def test_each_role_reaches_what_the_table_says(method, path, least, scopes):
    merchant = MerchantFactory()
    for role in RANK:
        answer = call(team_app(merchant, role), method, made_up(path))
        if RANK[role] < RANK[least]:
            assert (answer.status_code, code_of(answer)) == (403, "role_required"), role
        else:
            assert answer.status_code not in (401, 403), (role, answer.content)


@pytest.mark.parametrize(("method", "path", "least", "scopes"), ENDPOINTS, ids=IDS)
def test_each_server_reaches_what_its_scopes_say(method, path, least, scopes):
    merchant = MerchantFactory()
    for scope in ("merchant:scan", "merchant:perks"):
        answer = call(server_app(merchant, scope), method, made_up(path))
        if scope in scopes:
            assert answer.status_code not in (401, 403), (scope, answer.content)
        else:
            assert (answer.status_code, code_of(answer)) == (403, "wrong_caller"), scope


@pytest.mark.parametrize(("method", "path", "least", "scopes"), ENDPOINTS, ids=IDS)
def test_nobody_else_reaches_any_of_it(method, path, least, scopes, client):
    from rest_framework.test import APIClient

    furnisher = machine_client(owner="fur_x", scopes=("source:write",)).application
    assert code_of(call(APIClient(), method, made_up(path))) == "not_authenticated"
    assert code_of(call(app_of(CitizenFactory()), method, made_up(path))) == "wrong_caller"
    assert code_of(call(api_client_of(furnisher), method, made_up(path))) == "wrong_caller"


def test_a_removed_server_is_out_at_once():
    merchant = MerchantFactory()
    server = server_of(merchant)
    app = api_client_of(server.application)
    OAuthApplication.objects.filter(pk=server.application_id).update(suspended=True)
    assert code_of(call(app, "get", "perks")) == "not_authenticated"


def test_a_person_of_several_merchants_says_which():
    first, second = MemberFactory(role="owner"), None
    second = MemberFactory(role="cashier", citizen=first.citizen)
    app = app_of(first.citizen)
    refused = call(app, "get", "perks")
    assert (refused.status_code, code_of(refused)) == (400, "which_merchant")
    assert {one["id"] for one in refused.json()["merchants"]} == {
        first.merchant.public_id,
        second.merchant.public_id,
    }
    assert call(app, "get", "perks", HTTP_X_MERCHANT=first.merchant.public_id).status_code == 200
    assert code_of(call(app, "get", "perks", HTTP_X_MERCHANT=second.merchant.public_id)) == "role_required"
    for stranger in (MerchantFactory().public_id, "mer_nobody"):
        assert code_of(call(app, "get", "perks", HTTP_X_MERCHANT=stranger)) == "not_found"


def test_a_server_cannot_name_another_merchant():
    merchant, other = MerchantFactory(), MerchantFactory()
    app = server_app(merchant)
    assert call(app, "get", "perks", HTTP_X_MERCHANT=merchant.public_id).status_code == 200
    assert code_of(call(app, "get", "perks", HTTP_X_MERCHANT=other.public_id)) == "not_found"


def test_a_strangers_thing_is_not_there_byte_for_byte():
    merchant = MerchantFactory()
    app = team_app(merchant)
    other = PerkFactory()
    theirs = {
        "perks/{}": other.public_id,
        "branches/{}": BranchFactory().public_id,
        "clients/{}": server_of(MerchantFactory()).public_id,
        "members/{}": MemberFactory().public_id,
    }
    for path, public_id in theirs.items():
        method = "get" if path.startswith(("perks", "branches")) else "delete"
        prefix = public_id.partition("_")[0]
        missing = call(app, method, path.format(f"{prefix}_{'0' * (len(public_id) - len(prefix) - 1)}"))
        found = call(app, method, path.format(public_id))
        assert (found.status_code, {**found.json(), "instance": ""}) == (404, {**missing.json(), "instance": ""})
        assert sorted(found.headers) == sorted(missing.headers)


def test_a_demo_of_the_table_works_with_real_things():
    merchant = MerchantFactory()
    answer = team_app(merchant, "manager").post("/api/v1/merchant/perks", PERK, format="json")
    assert answer.status_code == 201
    assert Merchant.objects.get(pk=merchant.pk).perks.count() == 1
