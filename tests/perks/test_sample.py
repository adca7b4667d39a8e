"""The demo's perks and the scorecard are calibrated together: who of the sample's real people reaches what.

Everything is computed by the pure rooms from the committed files, as on one fixed day; nothing is stored.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from perks import deposits, hours, tiers
from perks.eligibility import BELOW_THRESHOLD, ELIGIBLE, NOT_ASSESSABLE, Counters, Limits, PerkTerms, judge
from perks.models import Merchant
from perks.sample.reading import merchants, perk_body, perks, shown_name
from scores import catalogue, scoring
from scores.assessments import Assessment, PurposeAnswer
from scores.sample.people import dated, months_forward, sample_people
from scores.scorecard import load_scorecard

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
CARD = load_scorecard((Path(scoring.__file__).parent / "scorecards" / "2026-11.yaml").read_text(encoding="utf-8"))
MERCHANTS = {merchant["key"]: merchant for merchant in merchants()}


@cache
def assessments():
    """Each of the sample's people as a perk sees them, the guests first."""
    months = months_forward(TODAY)
    return [(person, _assessment(person, months)) for person in sample_people()]


def _assessment(person, months):
    entries = []
    for source, records in (("bank", person.payments), ("invented", person.invented)):
        for record in dated(records, months):
            lapses_on = catalogue.lapses_on(catalogue.kind(record.kind), record.occurred_on)
            entries.append(
                scoring.Entry(len(entries), record.kind, record.occurred_on, lapses_on, record.value, source=source)
            )
    result = scoring.score(CARD, entries, TODAY)
    answers = {
        purpose.code: PurposeAnswer(
            **result.purposes[purpose.code]._asdict(),
            factors_used=purpose.factors,
            factors_left_out=tuple(one.code for one in CARD.factors if one.code not in purpose.factors),
        )
        for purpose in CARD.purposes
    }
    return Assessment(result.state, has_document=True, purposes=answers)


def body_of(perk):
    branch_ids = {branch["key"]: branch["key"] for branch in MERCHANTS[perk["merchant"]]["branches"]}
    return perk_body(perk, loaded_on=TODAY, branch_ids=branch_ids)


@cache
def terms():
    """Each perk's terms by its key, as they are published on the day of loading."""
    return {perk["key"]: _terms(perk) for perk in perks()}


def _terms(perk):
    body = body_of(perk)
    return PerkTerms(
        kind=body["kind"],
        purpose=Merchant.PURPOSE_OF[MERCHANTS[perk["merchant"]]["sector"]],
        state="published",
        merchant_state="active",
        tiers=tiers.read_tiers(body["tiers"]),
        zone=body["zone"],
        valid_from_at=hours.window_start(body["valid_from"], body["zone"]),
        valid_until_at=hours.window_end(body["valid_until"], body["zone"]),
        stock=body.get("stock"),
        limits=Limits(**{"per_citizen": 1, **body.get("limits", {})}),
    )


def answers_of(assessment):
    return {key: judge(one, assessment, Counters(), NOW) for key, one in terms().items()}


@cache
def everybody():
    return [(person, answers_of(assessment)) for person, assessment in assessments()]


def scored_perks(answers):
    """The perks somebody can take now thanks to their score, open tiers aside."""
    return [key for key, answer in answers.items() if answer.answer == ELIGIBLE and answer.tier.min_score is not None]


# -- Calibration ---------------------------------------------------------------------------------------------------


def test_most_people_can_take_a_perk_for_their_score():
    able = sum(bool(scored_perks(answers)) for _, answers in everybody())
    assert len(everybody()) == 1000
    assert able >= 600


def test_many_people_can_take_perks_of_two_kinds():
    both = sum(len({terms()[key].kind for key in scored_perks(answers)}) >= 2 for _, answers in everybody())
    assert both >= 200


def test_no_scored_tier_is_reached_by_nearly_everybody_or_by_nobody():
    reached = Counter()
    for _, assessment in assessments():
        for key, one in terms().items():
            value = assessment.purposes[one.purpose].value
            reached.update(
                (key, tier.min_score)
                for tier in one.tiers
                if tier.min_score is not None and value is not None and value >= tier.min_score
            )
    scored = [(key, tier.min_score) for key, one in terms().items() for tier in one.tiers if tier.min_score is not None]
    assert len(scored) == len(set(scored)) >= 25
    for tier in scored:
        assert 0 < reached[tier] <= 900, (tier, reached[tier])


def test_four_perks_have_an_open_tier_besides():
    open_ones = [one for one in terms().values() if tiers.has_open_tier(one.tiers)]
    assert len(open_ones) == 4
    assert all(tiers.easiest_threshold(one.tiers) is not None for one in open_ones)


def test_no_threshold_is_out_of_reach_on_the_scorecard():
    for key, one in terms().items():
        for tier in one.tiers:
            assert tier.min_score is None or tier.min_score <= CARD.highest_value(one.purpose), key


# -- The first guest -----------------------------------------------------------------------------------------------


def test_the_first_guest_has_one_to_take_one_locked_and_one_not_assessable():
    person, answers = everybody()[0]
    assert person.email == "ana@demo.example.org"
    take, locked = answers["melia-room-rate"], answers["europcar-second-driver"]
    assert (take.answer, take.tier.min_score, take.value) == (ELIGIBLE, 650, 656)
    assert [reason.code for reason in locked.reasons] == [BELOW_THRESHOLD]
    assert locked.reasons[0].points_to_go == 24
    assert answers["schiphol-priority"].reasons[0].points_to_go == 4
    assert answers["cinema-nos-second-ticket"].answer == NOT_ASSESSABLE
    by_answer = defaultdict(list)
    for key, answer in answers.items():
        by_answer[answer.answer].append(key)
    assert all(len(keys) >= 1 for keys in by_answer.values())
    assert set(by_answer) == {"eligible", "not_eligible", "not_assessable"}


def test_the_first_guest_can_take_a_perk_where_the_desk_can_be_tried():
    _, answers = everybody()[0]
    at_the_desk = [perk["key"] for perk in perks() if perk["merchant"] == "melia"]
    assert set(at_the_desk) <= {key for key, answer in answers.items() if answer.answer == ELIGIBLE}


def test_the_second_guest_is_assessed_for_every_purpose():
    person, answers = everybody()[1]
    assert person.email == "rui@demo.example.org"
    assert NOT_ASSESSABLE not in {answer.answer for answer in answers.values()}
    assert {terms()[key].purpose for key in scored_perks(answers)} >= {"travel", "rental", "retail"}


# -- What the perks are --------------------------------------------------------------------------------------------


def test_there_are_perks_of_every_kind_and_for_every_purpose():
    assert len(perks()) == len(terms()) == 23
    assert {one.kind for one in terms().values()} == set(tiers.KINDS)
    assert {one.purpose for one in terms().values()} == {"travel", "rental", "retail", "dating"}
    assert {len(one.tiers) for one in terms().values()} == {1, 2, 3}
    assert [merchant["name"] for merchant in merchants() if merchant["sector"] == "dating_app"] == ["Evenly"]
    assert {perk["merchant"] for perk in perks()} == set(MERCHANTS)


def test_every_perk_is_one_a_merchant_may_write():
    for perk in perks():
        body = body_of(perk)
        assert tiers.check_tiers(body["kind"], body["tiers"], currency="EUR") == [], perk["key"]
        assert list(hours.check_hours(body["hours"])) == []
        assert "deposit" not in body or deposits.check_deposit(body["deposit"], currency="EUR") == []
        for name in ("visible_from", "valid_from", "valid_until"):
            assert not list(hours.check_window(body[name], name) if body[name] else ())
        for words in ("title", "description", "terms", "fair_terms"):
            assert len(body[words].split()) >= 3, (perk["key"], words)


def test_thresholds_keep_the_probing_rule_at_each_merchant():
    used = defaultdict(set)
    for perk in perks():
        used[perk["merchant"]] |= {tier["min_score"] for tier in perk["tiers"]} - {None}
    for merchant, thresholds in used.items():
        ordered = sorted(thresholds)
        assert all(high - low >= 40 for low, high in pairwise(ordered)), merchant


def test_no_merchant_publishes_more_than_a_new_one_may():
    assert max(Counter(perk["merchant"] for perk in perks()).values()) <= 3


def test_windows_hours_stock_and_limits_vary():
    bodies = [body_of(perk) for perk in perks()]
    assert len({(body["valid_from"], body["valid_until"]) for body in bodies}) >= 6
    assert {body["valid_from"] for body in bodies if body["valid_from"] > TODAY.isoformat()} == {"2026-12-01"}
    assert {bool(body["hours"]) for body in bodies} == {True, False}
    assert {"stock" in body for body in bodies} == {True, False}
    assert len({name for body in bodies for name in body.get("limits", {})}) == 5
    assert {body["zone"] for body in bodies} == {"Europe/Lisbon", "Europe/Amsterdam"}


@pytest.mark.parametrize("merchant", merchants(), ids=lambda merchant: merchant["key"])
def test_every_merchant_says_that_it_is_a_demo_and_where_its_name_is_from(merchant):
    assert shown_name(merchant) == f"{merchant['name']} (demo)"
    assert merchant["taken_from"]["set"] in {"name-suggestion-index", "airportsdata", "invented"}
