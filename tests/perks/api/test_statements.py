"""How many statements each request costs, the session's included: the same for ten perks and for a thousand.

Opening, saving and ending a transaction is not counted among them; `in_transaction` says how many there are.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from perks.models import Perk, PerkVersion, Redemption
from perks.services.showing import secrets_of, shown_pass
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, reservation, scored_tier
from tests.perks.api.calls import app_of, code_of, key, scan, server_app, take, team_app

pytestmark = pytest.mark.django_db(transaction=True)
OF_TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
HELD_BEFORE = 50
MANY = 300


@dataclass(frozen=True)
class Cost:
    statements: int
    in_transaction: int


def cost_of(call: Any, expected: str) -> Cost:
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    assert code_of(answer) == expected, answer.content
    said = [query["sql"] for query in queries]
    inner = [sql for sql in said if not sql.startswith(OF_TRANSACTIONS)]
    return Cost(len(inner), len(said) - len(inner))


def expected(*, postgresql: int, sqlite: int) -> int:
    """SQLite has no round trips to save: there, writes that are one statement on PostgreSQL are a call each."""
    return postgresql if connection.vendor == "postgresql" else sqlite


def copies(perk: Perk, count: int) -> None:
    """The same perk `count` times more, each with its version and its day."""
    version = perk.version_in_force
    made = [
        Perk(**{f.attname: getattr(perk, f.attname) for f in Perk._meta.concrete_fields if f.name != "id"})
        for _ in range(count)
    ]
    for one in made:
        one.in_force_id, one.state = None, Perk.State.DRAFT
    Perk.objects.bulk_create(made)
    words = {"title": version.title, "tiers": version.tiers, "fair_terms": "For everybody.", "made_at": perk.made_at}
    versions = PerkVersion.objects.bulk_create(
        PerkVersion(perk=one, number=1, approved_at=perk.made_at, **words) for one in made
    )
    for one, its_version in zip(made, versions, strict=True):
        one.in_force, one.state = its_version, Perk.State.PUBLISHED
    Perk.objects.bulk_update(made, ["in_force", "state"], batch_size=200)


def used_before(citizen: Any, perk: Perk, count: int) -> None:
    """Redemptions of long ago."""
    then = timezone.now() - timedelta(days=300)
    Redemption.objects.bulk_create(
        Redemption(
            perk=perk,
            version=perk.version_in_force,
            merchant=perk.merchant,
            citizen=citizen,
            state="redeemed",
            benefit={"text": "A coffee"},
            code_hash=f"{citizen.pk}-{number}",
            taken_at=then,
            expires_at=then,
            closed_at=then,
            release={},
        )
        for number in range(count)
    )
    Perk.objects.filter(pk=perk.pk).update(taken_count=count, stock=10 * count)


@pytest.fixture(params=[10, MANY], ids=["10 perks", f"{MANY} perks"])
def citizen(request):
    """Somebody with fifty redemptions, in a catalogue of this size."""
    somebody = citizen_with(650)
    perk = PerkFactory(tiers=[scored_tier(600)], categories=["spa", "stay"], limit_per_day=5, limit_per_citizen_day=9)
    copies(perk, request.param - 1)
    used_before(somebody, PerkFactory(state="ended"), HELD_BEFORE)
    return somebody


def test_the_list_with_its_answers_costs_four(citizen):
    app = app_of(citizen)
    assert cost_of(lambda: app.get("/api/v1/perks?limit=100"), "200").statements == 4
    assert cost_of(lambda: app.get("/api/v1/perks?limit=1"), "200").statements == 4
    assert cost_of(lambda: app.get("/api/v1/perks?eligible=true"), "200").statements <= 6


@pytest.mark.parametrize("fields", [{}, {"limit_per_day": 3, "limit_per_citizen_week": 2}], ids=["plain", "limits"])
def test_taking_costs_five_or_six(citizen, fields):
    app, perk = app_of(citizen), PerkFactory(**fields)
    paid = cost_of(lambda: take(app, perk), "201")
    assert paid == Cost(expected(postgresql=5, sqlite=6 + len(fields) // 2), 2)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"stock": 0}, "sold_out"),
        ({"tiers": [scored_tier(700)]}, "below_threshold"),
        ({"state": "paused"}, "paused"),
    ],
)
def test_being_refused_costs_no_lock_and_less(citizen, fields, code):
    app, perk = app_of(citizen), PerkFactory(**fields)
    assert cost_of(lambda: take(app, perk), code).statements == expected(postgresql=6, sqlite=5)
    with CaptureQueriesContext(connection) as queries:  # from the second on, nobody holds a row to be refused
        assert code_of(take(app, perk)) == code
    assert not [query["sql"] for query in queries if "FOR " in query["sql"] and "UPDATE" in query["sql"]]
    paid = cost_of(lambda: take(app, perk), code)
    assert paid.statements == 5  # the person, the judging, the key, the refusals of today, this one


@pytest.mark.parametrize("how", ["code", "pass", "with branches"])
@pytest.mark.parametrize("till", ["cashier", "server"])
def test_a_scan_costs_six(citizen, how, till):
    merchant = MerchantFactory()
    branches = BranchFactory.create_batch(2 if how == "with branches" else 1, merchant=merchant)
    perk = PerkFactory(merchant=merchant, branches=branches)
    redemption = reservation(citizen, perk)
    app = team_app(merchant, "cashier") if till == "cashier" else server_app(merchant)
    now = timezone.now()
    shown = {"pass": shown_pass(redemption, at=now)} if how == "pass" else {"code": secrets_of(redemption).code}
    if how == "with branches":
        shown["branch"] = branches[0].public_id
    answers = []

    def call():
        answers.append(scan(app, **shown))
        return answers[-1]

    paid = cost_of(call, "201")
    assert answers[0].json()["outcome"] == "accepted"
    assert paid == Cost(expected(postgresql=6, sqlite=8), 2)
    again = cost_of(call, "201")
    assert answers[1].json()["outcome"] == "already_redeemed"
    assert again.statements == expected(postgresql=6, sqlite=6)
    assert cost_of(lambda: scan(app, code="00000-00000", branch=branches[0].public_id), "201").statements <= 6


def test_cancelling_costs_five(citizen):
    app, perk = app_of(citizen), PerkFactory()
    taken = take(app, perk).json()
    paid = cost_of(lambda: app.post(f"/api/v1/me/redemptions/{taken['id']}/cancel", {}, format="json", **key()), "200")
    assert paid == Cost(expected(postgresql=5, sqlite=7), 2)
    assert Redemption.objects.filter(state="cancelled").count() == 1
