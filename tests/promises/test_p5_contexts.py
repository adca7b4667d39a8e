"""P5: contexts are kept apart, and what belongs to no context of a perk may only help."""

from pathlib import Path

import pytest
import yaml

from perks.models import Merchant
from scores.scorecard import InvalidScorecard, load_scorecard
from tests.factories.perks import MerchantFactory, PerkFactory, scored_tier
from tests.factories.scores import SourceFactory
from tests.promises.doors import code_of, enrolled, furnish, linked, record, take

CARD = (Path(__file__).parents[2] / "scores" / "scorecards" / "2026-11.yaml").read_text(encoding="utf-8")
FACTORS_OF = {
    "travel": {"credit_history", "fulfilment", "identity", "conduct", "vouches"},
    "rental": {"credit_history", "fulfilment", "identity"},
    "retail": {"fulfilment", "identity", "conduct", "vouches"},
    "dating": {"identity", "vouches"},
}
# One record that moves each factor, and the factor.
MOVES = {
    "credit_history": ("credit.payment", 3),
    "fulfilment": ("fulfilment.rental", 30),
    "conduct": ("conduct.tax", 0),
    "identity": ("identity.phone", 1),
    "vouches": ("vouch.received", "0.5"),
}
SECTOR = {"travel": "hotel", "rental": "car_rental", "retail": "shop", "dating": "dating_app"}


@pytest.fixture
def life(db):
    """Somebody with records of every factor, sent by a source that may send all of them; and its server."""
    source = SourceFactory(code="all", kinds=[kind for kind, _ in MOVES.values()] + ["fulfilment.booking"])
    _, app = enrolled()
    server = linked(app, source, "ana-7")
    furnish(
        server,
        *[record("ana-7", f"p{n}", on=f"2026-0{n}-15") for n in range(1, 7)],
        *[record("ana-7", f"b{n}", kind="fulfilment.booking", on=f"2026-0{n}-15") for n in range(1, 5)],
    )
    app.put("/me/sources/platform", {"on": True})
    return app, server


def values(app):
    return {code: one["value"] for code, one in app.get("/me/score").json()["purposes"].items()}


def test_p5_the_answer_names_which_factors_count_for_which_purpose(life):
    app, _ = life
    told = app.get("/me/score").json()["purposes"]
    assert {code: set(one["factors"]) for code, one in told.items()} == FACTORS_OF


@pytest.mark.parametrize("factor", MOVES)
def test_p5_a_record_moves_only_the_purposes_of_its_factor(life, factor):
    app, server = life
    # Dating needs two records of identity before there is a value to be moved.
    furnish(server, record("ana-7", "phone", kind="identity.phone", on="2026-09-01", value=1))
    before = values(app)
    assert None not in before.values()
    kind, value = MOVES[factor]
    if factor == "identity":
        furnish(server, record("ana-7", "phone-2", kind=kind, on="2020-01-01", value=1))  # lapsed: moves nothing
        app.put("/me/sources/platform", {"on": False})  # takes the verified address out instead
    else:
        furnish(server, record("ana-7", "one-more", kind=kind, on="2026-11-01", value=value))
    after = values(app)
    moved = {code for code in before if before[code] != after[code]}
    assert moved == {purpose for purpose, factors in FACTORS_OF.items() if factor in factors}


@pytest.mark.parametrize("purpose", FACTORS_OF)
def test_p5_a_purpose_s_value_is_base_and_its_own_factors(life, purpose):
    app, server = life
    furnish(server, record("ana-7", "phone", kind="identity.phone", on="2026-09-01", value=1))
    score = app.get("/me/score").json()
    points = {one["code"]: int(one["points"].replace(".", "")) for one in score["factors"]}
    total = int(score["base"].replace(".", "")) + sum(points[code] for code in FACTORS_OF[purpose])
    least, most = (bound * 1_000_000 for bound in score["range"].values())
    assert score["purposes"][purpose]["value"] == (min(max(total, least), most) + 500_000) // 1_000_000


@pytest.mark.parametrize("purpose", FACTORS_OF)
def test_p5_a_perk_asks_only_for_its_own_purpose(life, purpose):
    app, server = life
    furnish(server, record("ana-7", "phone", kind="identity.phone", on="2026-09-01", value=1))
    value = values(app)[purpose]
    assert len(set(values(app).values())) > 1
    merchant = MerchantFactory(sector=Merchant.Sector(SECTOR[purpose]))
    reached = PerkFactory(merchant=merchant, tiers=[scored_tier(value // 10 * 10)])
    beyond = PerkFactory(merchant=merchant, tiers=[scored_tier(value // 10 * 10 + 40)])
    told = app.get(f"/perks/{reached.public_id}").json()["eligibility"]
    assert (told["answer"], told["purpose"], told["value"]) == ("eligible", purpose, value)
    assert set(told["factors_used"]) == FACTORS_OF[purpose]
    assert set(told["factors_left_out"]) == FACTORS_OF["travel"] - FACTORS_OF[purpose]
    assert take(app, reached).status_code == 201
    answer = take(app, beyond)
    assert code_of(answer) == "below_threshold"
    assert answer.json()["points_to_go"] == value // 10 * 10 + 40 - value


def test_p5_credit_never_opens_nor_closes_a_shop_or_a_date(life):
    app, server = life
    before = values(app)
    furnish(server, *[record("ana-7", f"late{n}", on=f"2026-0{n}-20", value=6) for n in range(1, 9)])
    after = values(app)
    assert after["travel"] < before["travel"] - 100
    assert (after["retail"], after["dating"]) == (before["retail"], before["dating"])


@pytest.mark.parametrize("kind", ["conduct.fare", "conduct.traffic", "conduct.travel", "conduct.tax"])
def test_p5_conduct_never_costs_anybody_anything(db, kind):
    source = SourceFactory(code="city", kinds=["credit.payment", kind])
    _, app = enrolled()
    server = linked(app, source, "ana-7")
    furnish(server, *[record("ana-7", f"p{n}", on=f"2026-0{n}-15") for n in range(1, 5)])
    before = values(app)
    worst = {"conduct.fare": 1, "conduct.traffic": 3, "conduct.travel": 3, "conduct.tax": 400}[kind]
    told = furnish(
        server, *[record("ana-7", f"c{n}", kind=kind, on=f"2026-1{n}-0{n + 1}", value=worst) for n in range(2)]
    )
    assert told["accepted"] == 2
    points = {one["code"]: one["points"] for one in app.get("/me/score").json()["factors"]}
    assert points["conduct"] == "0.000000"
    assert values(app)["travel"] == before["travel"]


@pytest.mark.parametrize("factor", ["conduct", "identity", "vouches"])
def test_p5_no_scorecard_may_take_points_for_these(factor):
    document = yaml.safe_load(CARD)
    next(one for one in document["factors"] if one["code"] == factor)["min"] = -1
    with pytest.raises(InvalidScorecard, match=factor):
        load_scorecard(yaml.safe_dump(document, sort_keys=False))
    load_scorecard(CARD)
