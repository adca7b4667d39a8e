"""Who may take a perk, and every reason why not, in the order in which a taking is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perks.eligibility import (
    REFUSAL_ORDER,
    Counters,
    Eligibility,
    Limits,
    PerkTerms,
    Reason,
    first_refusal,
    judge,
)
from perks.tiers import read_tiers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
INSTANT = timedelta(microseconds=1)
PURPOSES = ("travel", "rental", "retail", "dating")


@dataclass(frozen=True)
class Purpose:
    state: str
    value: int | None
    factors_used: tuple[str, ...] = ("credit_history", "identity")
    factors_left_out: tuple[str, ...] = ("conduct",)


@dataclass(frozen=True)
class Person:
    state: str = "scored"
    has_document: bool = True
    purposes: Mapping[str, Purpose] = field(default_factory=lambda: dict.fromkeys(PURPOSES, Purpose("assessable", 600)))


def scored(value: int, **others: Purpose) -> Person:
    return Person(purposes={**dict.fromkeys(PURPOSES, Purpose("assessable", value)), **others})


NOT_ENOUGH = Purpose("not_enough_records", None)
THIN = Person(state="thin_file", purposes=dict.fromkeys(PURPOSES, NOT_ENOUGH))


def tiers(*thresholds: int | None):
    return read_tiers([{"min_score": one, "benefit": {"text": f"from {one}"}} for one in thresholds])


PERK = PerkTerms(
    kind="discount",
    purpose="travel",
    state="published",
    merchant_state="active",
    tiers=tiers(590, 640),
    zone="Europe/London",
    valid_from_at=NOW - timedelta(days=10),
    valid_until_at=NOW + timedelta(days=100),
    stock=10,
    taken=3,
    limits=Limits(per_citizen=5, per_citizen_day=1, per_citizen_week=2, per_citizen_month=3, per_day=50),
)
CARD = replace(
    PERK,
    kind="gift_card",
    tiers=read_tiers(
        [
            {"min_score": 590, "benefit": {"face": {"amount": 1000, "currency": "EUR"}}},
            {"min_score": 640, "benefit": {"face": {"amount": 2500, "currency": "EUR"}}},
        ]
    ),
    budget=10_000,
)


def codes(eligibility: Eligibility) -> list[str]:
    return [reason.code for reason in eligibility.reasons]


def of(perk=PERK, person=Person(), counters=Counters(), now=NOW) -> Eligibility:  # noqa: B008 (frozen)
    return judge(perk, person, counters, now)


def only_reason(eligibility: Eligibility) -> Reason:
    assert len(eligibility.reasons) == 1
    assert first_refusal(eligibility) == eligibility.reasons[0]
    return eligibility.reasons[0]


def test_the_order_of_refusals_is_the_promised_one():
    assert REFUSAL_ORDER == (
        "not_enrolled",
        "enrolment_paused",
        "document_needed",
        "merchant_suspended",
        "ended",
        "paused",
        "not_open_yet",
        "thin_file",
        "not_enough_records",
        "below_threshold",
        "citizen_limit_reached",
        "period_limit_reached",
        "daily_limit_reached",
        "too_many_reservations",
        "budget_spent",
        "sold_out",
    )


# Who is eligible


def test_somebody_who_reaches_a_tier_is_eligible_and_told_by_what():
    eligibility = of()
    assert eligibility.is_eligible
    assert eligibility.as_dict() == {
        "answer": "eligible",
        "tier": {"min_score": 590, "benefit": {"text": "from 590"}},
        "purpose": "travel",
        "value": 600,
        "factors_used": ["credit_history", "identity"],
        "factors_left_out": ["conduct"],
        "reasons": [],
    }
    assert first_refusal(eligibility) is None


@pytest.mark.parametrize(
    ("value", "answer", "tier"),
    [
        (589, "not_eligible", None),
        (590, "eligible", 590),
        (639, "eligible", 590),
        (640, "eligible", 640),
        (950, "eligible", 640),
    ],
)
def test_the_best_tier_reached_applies(value, answer, tier):
    eligibility = of(person=scored(value))
    assert eligibility.answer == answer
    assert (eligibility.tier.min_score if eligibility.tier else None) == tier


@pytest.mark.parametrize(
    ("person", "value"),
    [(THIN, None), (scored(0, travel=NOT_ENOUGH), None), (scored(350), 350), (scored(589), 589)],
)
def test_an_open_tier_is_for_everybody_enrolled(person, value):
    eligibility = of(replace(PERK, tiers=tiers(None, 590)), person)
    assert (eligibility.answer, eligibility.reasons) == ("eligible", ())
    assert eligibility.tier.min_score is None
    assert eligibility.value == value


def test_an_open_tier_gives_way_to_a_better_one():
    assert of(replace(PERK, tiers=tiers(None, 590)), scored(590)).tier.min_score == 590


@pytest.mark.parametrize("person", [None, Person(state="not_enrolled", purposes={}), Person(state="paused")])
def test_an_open_tier_is_not_for_people_not_enrolled_or_paused(person):
    eligibility = of(replace(PERK, tiers=tiers(None)), person)
    assert (eligibility.answer, eligibility.tier, eligibility.value) == ("not_assessable", None, None)


# Each reason


def test_not_enrolled():
    for person in (None, Person(state="not_enrolled", has_document=False, purposes={})):
        eligibility = of(person=person)
        assert (eligibility.answer, codes(eligibility)) == ("not_assessable", ["not_enrolled"])
        assert (eligibility.tier, eligibility.value, eligibility.factors_used) == (None, None, ())


def test_enrolment_paused_answers_nothing_about_the_score():
    eligibility = of(person=Person(state="paused", purposes={"travel": Purpose("assessable", 100)}))
    assert (eligibility.answer, codes(eligibility)) == ("not_assessable", ["enrolment_paused"])
    assert (eligibility.tier, eligibility.value) == (None, None)


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("discount", False),
        ("priority", False),
        ("gift_card", True),
        ("deposit_waiver", True),
        ("visibility_boost", True),
    ],
)
def test_document_needed_for_perks_of_value(kind, needed):
    perk = replace(PERK, kind=kind)
    assert perk.needs_document is needed
    assert codes(of(perk)) == []
    eligibility = of(perk, Person(has_document=False))
    assert codes(eligibility) == (["document_needed"] if needed else [])
    assert eligibility.answer == ("not_eligible" if needed else "eligible")


@pytest.mark.parametrize("state", ["pending", "suspended", "closed"])
def test_merchant_suspended(state):
    eligibility = of(replace(PERK, merchant_state=state))
    assert (eligibility.answer, only_reason(eligibility).code) == ("not_eligible", "merchant_suspended")
    # What the person reaches is still said: it is the offer that is missing.
    assert (eligibility.tier.min_score, eligibility.value) == (590, 600)


def test_ended():
    assert only_reason(of(replace(PERK, state="ended"))).facts == {}
    until = PERK.valid_until_at
    assert codes(of(now=until - INSTANT)) == []
    reason = only_reason(of(now=until))
    assert (reason.code, reason.facts) == ("ended", {"ended_at": "2027-03-04T12:00:00Z"})
    assert "4 March 2027, 12:00 (Europe/London)" in reason.detail
    assert codes(of(replace(PERK, state="ended"), now=until)) == ["ended"]
    assert codes(of(replace(PERK, valid_until_at=None), now=until)) == []


def test_paused():
    assert only_reason(of(replace(PERK, state="paused"))).code == "paused"


def test_not_open_yet():
    opens = PERK.valid_from_at
    assert codes(of(now=opens)) == []
    reason = only_reason(of(now=opens - INSTANT))
    assert (reason.code, reason.facts) == ("not_open_yet", {"opens_at": "2026-11-14T12:00:00Z"})
    assert "14 November 2026, 12:00 (Europe/London)" in reason.detail
    assert codes(of(replace(PERK, valid_from_at=None), now=opens - INSTANT)) == []


@pytest.mark.parametrize("state", ["draft", "review", "approved"])
def test_what_is_not_published_is_not_open_yet(state):
    assert only_reason(of(replace(PERK, state=state))).code == "not_open_yet"
    assert codes(of(replace(PERK, state=state), now=PERK.valid_from_at - INSTANT)) == ["not_open_yet"]


def test_thin_file():
    eligibility = of(person=THIN)
    assert (eligibility.answer, only_reason(eligibility).code) == ("not_assessable", "thin_file")
    assert (eligibility.tier, eligibility.value) == (None, None)
    assert eligibility.factors_used == ("credit_history", "identity")


@pytest.mark.parametrize("person", [scored(900, travel=NOT_ENOUGH), Person(purposes={})])
def test_not_enough_records(person):
    eligibility = of(person=person)
    reason = only_reason(eligibility)
    assert (eligibility.answer, reason.code, reason.facts) == (
        "not_assessable",
        "not_enough_records",
        {"purpose": "travel"},
    )
    assert (eligibility.tier, eligibility.value) == (None, None)


@pytest.mark.parametrize(("value", "to_go", "words"), [(589, 1, "1 point to go"), (570, 20, "20 points to go")])
def test_below_threshold_says_how_far_the_easiest_tier_is(value, to_go, words):
    eligibility = of(person=scored(value))
    reason = only_reason(eligibility)
    assert (eligibility.answer, reason.code, reason.points_to_go) == ("not_eligible", "below_threshold", to_go)
    assert reason.as_dict() == {"code": "below_threshold", "detail": reason.detail, "points_to_go": to_go}
    assert words in reason.detail
    assert reason.facts["min_score"] == 590


def test_citizen_limit_reached():
    assert codes(of(counters=Counters(citizen_total=4))) == []
    reason = only_reason(of(counters=Counters(citizen_total=5)))
    assert (reason.code, reason.facts) == ("citizen_limit_reached", {"limit": 5, "taken": 5})
    assert codes(of(replace(PERK, limits=Limits()), counters=Counters(citizen_total=10**6))) == []


@pytest.mark.parametrize(
    ("counters", "period", "again_at"),
    [
        (Counters(citizen_day=1), "day", "2026-11-25T00:00:00Z"),
        (Counters(citizen_week=2), "week", "2026-11-30T00:00:00Z"),
        (Counters(citizen_month=3), "month", "2026-12-01T00:00:00Z"),
        (Counters(citizen_day=1, citizen_week=2), "week", "2026-11-30T00:00:00Z"),
        (Counters(citizen_day=1, citizen_month=9), "month", "2026-12-01T00:00:00Z"),
        (Counters(citizen_day=1, citizen_week=2, citizen_month=3), "month", "2026-12-01T00:00:00Z"),
    ],
)
def test_period_limit_reached_says_when_it_turns(counters, period, again_at):
    reason = only_reason(of(counters=counters))
    assert reason.code == "period_limit_reached"
    assert (reason.facts["period"], reason.facts["again_at"]) == (period, again_at)


def test_a_week_that_outlasts_its_month_says_when_it_turns():
    # Monday 30 November 2026: the month is over at midnight, the week six days later.
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    reason = only_reason(of(counters=Counters(citizen_week=2, citizen_month=3), now=now))
    assert (reason.facts["period"], reason.facts["again_at"]) == ("week", "2026-12-07T00:00:00Z")


def test_periods_are_those_of_the_perks_zone():
    perk = replace(PERK, zone="Pacific/Kiritimati")
    reason = only_reason(of(perk, counters=Counters(citizen_day=1)))
    assert reason.facts["again_at"] == "2026-11-25T10:00:00Z"
    assert "26 November 2026, 00:00 (Pacific/Kiritimati)" in reason.detail


@pytest.mark.parametrize("counters", [Counters(citizen_month=3), Counters(perk_today=50)])
def test_again_is_not_promised_beyond_the_perks_end(counters):
    reason = only_reason(of(replace(PERK, valid_until_at=NOW + timedelta(hours=12)), counters=counters))
    assert "again_at" not in reason.facts
    assert "ends before" in reason.detail


def test_daily_limit_reached():
    assert codes(of(counters=Counters(perk_today=49))) == []
    reason = only_reason(of(counters=Counters(perk_today=50)))
    assert (reason.code, reason.facts) == ("daily_limit_reached", {"limit": 50, "again_at": "2026-11-25T00:00:00Z"})


@pytest.mark.parametrize(
    ("counters", "facts"),
    [
        (Counters(open_reservations=5), {"scope": "all", "limit": 5, "held": 5}),
        (Counters(open_reservations=2, open_reservations_at_merchant=2), {"scope": "merchant", "limit": 2, "held": 2}),
        (Counters(open_reservations=5, open_reservations_at_merchant=2), {"scope": "all", "limit": 5, "held": 5}),
    ],
)
def test_too_many_reservations(counters, facts):
    reason = only_reason(of(counters=counters))
    assert (reason.code, reason.facts) == ("too_many_reservations", facts)
    for kind in ("priority", "deposit_waiver"):
        assert codes(of(replace(PERK, kind=kind), counters=counters)) == ["too_many_reservations"]
    for kind in ("gift_card", "visibility_boost"):  # taken at once: nothing is held open
        assert codes(of(replace(PERK, kind=kind), counters=counters)) == []


def test_fewer_reservations_are_not_too_many():
    assert codes(of(counters=Counters(open_reservations=4, open_reservations_at_merchant=1))) == []


@pytest.mark.parametrize(
    ("value", "spent", "expected"),
    [
        (600, 9_000, []),
        (600, 9_001, ["budget_spent"]),
        (640, 7_500, []),
        (640, 7_501, ["budget_spent"]),
        (600, 10_000, ["budget_spent"]),
    ],
)
def test_budget_spent_when_the_tier_that_applies_no_longer_fits(value, spent, expected):
    eligibility = of(replace(CARD, budget_spent=spent), scored(value))
    assert codes(eligibility) == expected
    assert codes(of(replace(CARD, budget=None, budget_spent=spent), scored(value))) == []


def test_a_budget_that_nothing_is_charged_to_is_spent_when_it_is_spent():
    assert codes(of(replace(PERK, budget=100, budget_spent=99))) == []
    assert codes(of(replace(PERK, budget=100, budget_spent=100))) == ["budget_spent"]


@pytest.mark.parametrize(("stock", "taken", "expected"), [(10, 9, []), (10, 10, ["sold_out"]), (0, 0, ["sold_out"])])
def test_sold_out(stock, taken, expected):
    assert codes(of(replace(PERK, stock=stock, taken=taken))) == expected
    assert codes(of(replace(PERK, stock=None, taken=taken))) == []


# All of them, and the first


@dataclass(frozen=True)
class Obstacle:
    """What makes one reason hold, without making any other."""

    perk: Mapping[str, object] = field(default_factory=dict)
    person: Mapping[str, object] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    absent: bool = False


ALL_PURPOSES_AT_500 = {"purposes": scored(500).purposes}
OBSTACLES = {
    "not_enrolled": Obstacle(person={"state": "not_enrolled"}),
    "enrolment_paused": Obstacle(person={"state": "paused"}),
    "document_needed": Obstacle(perk={"kind": "deposit_waiver"}, person={"has_document": False}),
    "merchant_suspended": Obstacle(perk={"merchant_state": "suspended"}),
    "ended": Obstacle(perk={"valid_until_at": NOW}),
    "paused": Obstacle(perk={"state": "paused"}),
    "not_open_yet": Obstacle(perk={"valid_from_at": NOW + INSTANT}),
    "thin_file": Obstacle(person={"state": "thin_file"}),
    "not_enough_records": Obstacle(person={"purposes": dict.fromkeys(PURPOSES, NOT_ENOUGH)}),
    "below_threshold": Obstacle(person=ALL_PURPOSES_AT_500),
    "citizen_limit_reached": Obstacle(counters={"citizen_total": 5}),
    "period_limit_reached": Obstacle(counters={"citizen_week": 2}),
    "daily_limit_reached": Obstacle(counters={"perk_today": 50}),
    "too_many_reservations": Obstacle(counters={"open_reservations": 5}),
    "budget_spent": Obstacle(perk={"budget": 100, "budget_spent": 100}),
    "sold_out": Obstacle(perk={"taken": 10}),
}
# Facts about the score are not looked at (or not there) for somebody the other of the two keeps from being judged.
ABOUT_THE_PERSON_OR_SCORE = ("not_enrolled", "enrolment_paused", "thin_file", "not_enough_records", "below_threshold")
PAIRS = list(combinations(REFUSAL_ORDER, 2))


def with_obstacles(*names: str) -> Eligibility:
    perk, person, counters = {}, {}, {}
    for name in names:
        obstacle = OBSTACLES[name]
        perk |= obstacle.perk
        person |= {key: value for key, value in obstacle.person.items() if key not in person}
        counters |= obstacle.counters
    return of(replace(PERK, **perk), replace(Person(), **person), Counters(**counters))


def test_every_code_has_an_obstacle_that_makes_it_alone_hold():
    """Lesson 8."""
    assert tuple(OBSTACLES) == REFUSAL_ORDER
    assert all(codes(with_obstacles(code)) == [code] for code in REFUSAL_ORDER)


def test_of_any_two_reasons_the_first_in_order_refuses_and_both_are_listed():
    assert len(PAIRS) == 120
    for first, second in PAIRS:
        eligibility = with_obstacles(first, second)
        exclusive = first in ABOUT_THE_PERSON_OR_SCORE and second in ABOUT_THE_PERSON_OR_SCORE
        assert codes(eligibility) == ([first] if exclusive else [first, second]), (first, second)
        assert first_refusal(eligibility).code == first, (first, second)


def test_the_first_refusal_does_not_depend_on_how_reasons_are_listed():
    for first, second in PAIRS:
        listed = replace(of(), reasons=(Reason(second, "…"), Reason(first, "…")))
        assert first_refusal(listed).code == first, (first, second)


def test_everything_that_can_stand_in_the_way_at_once_is_listed():
    held = [code for code in REFUSAL_ORDER if code not in ABOUT_THE_PERSON_OR_SCORE]
    assert codes(with_obstacles("not_enrolled", *held)) == ["not_enrolled", *held]


@pytest.mark.parametrize("code", REFUSAL_ORDER)
def test_the_answer_is_not_assessable_only_where_nothing_was_judged(code):
    unassessed = {"not_enrolled", "enrolment_paused", "thin_file", "not_enough_records"}
    assert with_obstacles(code).answer == ("not_assessable" if code in unassessed else "not_eligible")
    assert with_obstacles(code, "sold_out").answer == ("not_assessable" if code in unassessed else "not_eligible")


@pytest.mark.parametrize("code", REFUSAL_ORDER)
def test_every_reason_says_something_and_its_facts_are_json(code):
    """Lesson 10."""
    import json

    (reason,) = with_obstacles(code).reasons
    assert reason.detail.endswith(".")
    assert len(reason.detail) > 20
    assert json.loads(json.dumps(reason.facts)) == reason.facts
    assert (reason.points_to_go is not None) is (code == "below_threshold")


# P5: contexts are kept apart

answers = st.one_of(st.just(NOT_ENOUGH), st.integers(350, 950).map(lambda value: Purpose("assessable", value)))


@given(st.sampled_from(PURPOSES), answers, st.lists(answers, min_size=8, max_size=8))
def test_only_the_perks_own_purpose_counts(purpose, own, others):
    """P5: whatever the other three purposes say, the answer is the same."""
    one, other = (
        Person(purposes={**dict(zip(PURPOSES, some, strict=True)), purpose: own}) for some in (others[:4], others[4:])
    )
    perk = replace(PERK, purpose=purpose)
    assert of(perk, one) == of(perk, other)
    assert of(perk, one).value == own.value


@given(st.integers(350, 950), st.lists(st.integers(35, 95).map(lambda tens: tens * 10), min_size=1, max_size=3))
def test_points_to_go_lead_exactly_to_the_easiest_tier(value, thresholds):
    perk = replace(PERK, tiers=tiers(*thresholds))
    eligibility = of(perk, scored(value))
    if eligibility.is_eligible:
        assert eligibility.tier.min_score == max(one for one in thresholds if one <= value)
        return
    to_go = first_refusal(eligibility).points_to_go
    assert to_go > 0
    assert of(perk, scored(value + to_go)).is_eligible
    assert not of(perk, scored(value + to_go - 1)).is_eligible
