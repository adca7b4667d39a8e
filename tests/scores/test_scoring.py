"""The arithmetic: worked by hand to the micro-point, and held against every identity on random scorecards."""

import json
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings

from scores.catalogue import kind, lapses_on
from scores.explaining import Explanation, SourceCap
from scores.scorecard import load_scorecard
from scores.scoring import Entry, Hypothetical, NextBand, PurposeScore, band, format_points, next_band, score, what_if
from tests.budgets import AT_EDGES

from .naive_score import naive_score
from .random_lives import EDGES, cases, edges_of

TODAY = date(2026, 11, 23)
CARD = """
version: "by-hand"
range: {min: 350, max: 600}
base: 550
thin_file: {min_entries: 2}
bands: [{code: starting, from: 350}, {code: fair, from: 550}, {code: good, from: 580.5}]
factors:
  - {code: credit_history, min: -60, max: 50}
  - {code: fulfilment, min: -80, max: 80}
  - {code: identity, min: 0, max: 60}
purposes:
  travel: {factors: [credit_history, fulfilment, identity], needs: []}
  rental: {factors: [credit_history, fulfilment], needs: [{any: [credit_history, fulfilment], entries: 3}]}
  retail: {factors: [fulfilment, identity], needs: [{any: [fulfilment], entries: 1}, {any: [identity], entries: 1}]}
  dating: {factors: [identity], needs: [{any: [identity], entries: 1}]}
rules:
  - code: payments
    kind: credit.payment
    factor: credit_history
    counts: every
    lapses_after_months: 24
    fades: true
    min: -50
    max: 40
    bins: [{up_to: 0, points: 4}, {up_to: 1, points: -12}, {up_to: 2, points: -24.5}, {points: -36}]
  - code: last_payment
    kind: credit.payment
    factor: credit_history
    counts: latest
    lapses_after_months: 3
    fades: false
    min: -30
    max: 20
    bins: [{up_to: 0, points: 20}, {up_to: 1, points: -5}, {points: -30}]
  - code: bookings
    kind: fulfilment.booking
    factor: fulfilment
    counts: every
    lapses_after_months: 12
    fades: false
    min: -80
    max: 80
    max_per_source: 10
    bins: [{up_to: 0, points: 4.125}, {points: -6}]
  - code: document
    kind: identity.document
    factor: identity
    counts: latest
    lapses_after_months: 120
    fades: false
    min: 0
    max: 60
    bins: [{points: 25}]
"""
card = load_scorecard(CARD)


def entry(number, code, on, value=0, **rest):
    day = date.fromisoformat(on)
    return Entry(number, code, day, lapses_on(kind(code), day), value * 10_000, **rest)


def payment(number, on, months_late=0, **rest):
    return entry(number, "credit.payment", on, months_late, **rest)


def rule_line(scoring, code):
    return next(line for line in scoring.explanation.rules if line.code == code)


def whys(scoring, code):
    return {line.id: line.why_not for line in rule_line(scoring, code).entries}


def test_three_payments_worked_by_hand():
    scoring = score(card, [payment(1, "2026-08-31", 2), payment(2, "2026-09-30", 1), payment(3, "2026-10-31")], TODAY)
    # Ages 3, 2 and 1 of 24 months weigh 875, 916 and 958 thousandths.
    payments = rule_line(scoring, "payments")
    assert [(line.id, line.micro, line.weight) for line in payments.entries] == [
        (1, -24_500 * 875, 875),
        (2, -12_000 * 916, 916),
        (3, 4_000 * 958, 958),
    ]
    assert (payments.micro, payments.capped) == (-28_597_500, 0)
    assert rule_line(scoring, "last_payment").micro == 20_000_000
    assert scoring.factors == {"credit_history": -8_597_500, "fulfilment": 0, "identity": 0}
    assert (scoring.state, scoring.value) == ("scored", 541)
    assert scoring.explanation.rounding == 541_000_000 - 541_402_500
    assert scoring.purposes == {
        "travel": PurposeScore("assessable", 541),
        "rental": PurposeScore("assessable", 541),
        "retail": PurposeScore("not_enough_records", None),
        "dating": PurposeScore("not_enough_records", None),
    }


def test_halves_round_up():
    bookings = [entry(1, "fulfilment.booking", "2026-11-01"), entry(2, "fulfilment.booking", "2026-11-01")]
    quarters = [entry(number, "fulfilment.booking", "2026-11-01", source=number) for number in (3, 4)]
    assert score(card, bookings, TODAY).explanation.rounding == -250_000  # 558.25
    four = score(card, bookings + quarters, TODAY)  # 566.5
    assert (four.value, four.explanation.rounding) == (567, 500_000)


def test_a_bound_belongs_to_its_bin():
    just_above = entry(2, "credit.payment", "2026-11-01")._replace(value=1)
    scoring = score(card, [payment(1, "2026-11-01"), just_above], TODAY)
    assert [line.micro for line in rule_line(scoring, "payments").entries] == [4_000_000, -12_000_000]


def test_age_counts_whole_months_and_ends_with_the_rules_life():
    youngest, oldest, lapsed = payment(1, "2026-11-23"), payment(2, "2024-12-01"), payment(3, "2024-11-30")
    line = rule_line(score(card, [youngest, oldest, lapsed], TODAY), "payments")
    assert [(one.weight, one.why_not) for one in line.entries] == [(1000, None), (41, None), (0, "lapsed")]
    assert line.micro == 4_000_000 + 4_000 * 41


def test_an_entry_of_tomorrow_does_not_count_yet():
    scoring = score(card, [payment(1, "2026-11-23"), payment(2, "2026-11-24")], TODAY)
    assert whys(scoring, "payments") == {1: None, 2: "not_yet"}


def test_an_entry_lapses_on_the_day_fixed_when_it_was_recorded():
    early = payment(1, "2026-10-01")._replace(lapses_on=date(2026, 11, 23))
    later = payment(2, "2026-10-01")._replace(lapses_on=date(2026, 11, 24))
    assert whys(score(card, [early, later], TODAY), "payments") == {1: "lapsed", 2: None}


def test_struck_switched_off_and_ruleless_entries_earn_nothing_and_say_why():
    entries = [
        payment(1, "2026-10-31", status="struck"),
        payment(2, "2026-10-31", is_on=False),
        entry(3, "conduct.fare", "2026-10-31"),
        payment(4, "2026-10-31", 1, status="disputed"),
    ]
    scoring = score(card, entries, TODAY)
    assert whys(scoring, "payments") == {1: "struck", 2: "switched_off", 4: "disputed"}
    assert [(code, line.id, line.why_not) for code, line in scoring.explanation.unused] == [
        ("conduct.fare", 3, "no_rule")
    ]
    assert scoring.factors["credit_history"] == 0


def test_a_disputed_entry_counts_only_if_it_helps_but_is_counted_for_the_thin_file():
    helps, hurts = payment(1, "2026-11-01", status="disputed"), payment(2, "2026-11-01", 3, status="disputed")
    scoring = score(card, [helps, hurts], TODAY)
    assert whys(scoring, "payments") == {1: None, 2: "disputed"}
    assert scoring.factors["credit_history"] == 24_000_000
    assert (scoring.state, scoring.explanation.counted) == ("scored", 2)
    assert scoring.purposes["rental"].state == "not_enough_records"


def test_the_latest_of_a_day_is_the_one_that_arrived_last():
    scoring = score(card, [payment(2, "2026-11-01", 1), payment(1, "2026-11-01", 0)], TODAY)
    assert whys(scoring, "last_payment") == {1: "superseded", 2: None}
    assert rule_line(scoring, "last_payment").micro == -5_000_000


def test_a_later_day_beats_a_later_arrival():
    scoring = score(card, [payment(1, "2026-11-02", 1), payment(2, "2026-11-01", 0)], TODAY)
    assert whys(scoring, "last_payment") == {1: None, 2: "superseded"}


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        pytest.param(
            [payment(1, "2026-10-01", 1), payment(2, "2026-10-02", 0, status="disputed")], 2, id="a disputed one helps"
        ),
        pytest.param(
            [payment(1, "2026-10-01", 0), payment(2, "2026-10-02", 1, status="disputed")], 1, id="one that would hurt"
        ),
        pytest.param(
            [payment(1, "2026-10-01", 0, status="disputed"), payment(2, "2026-10-02", 1)], 2, id="an older one is gone"
        ),
        pytest.param(
            [payment(1, "2026-10-01", 0), payment(2, "2026-10-02", 0, status="disputed")], 2, id="ties to the later"
        ),
        pytest.param(
            [payment(1, "2026-10-01", 0, status="disputed"), payment(2, "2026-10-02", 0, status="disputed")],
            2,
            id="only disputed ones",
        ),
    ],
)
def test_a_dispute_can_hold_the_place_of_the_latest_only_from_after_it(entries, kept):
    line = rule_line(score(card, entries, TODAY), "last_payment")
    assert [one.id for one in line.counting] == [kept]


def test_one_source_moves_a_rule_by_so_much_either_way():
    good = [entry(number, "fulfilment.booking", "2026-11-01", source="inn") for number in (1, 2, 3)]
    bad = [entry(number, "fulfilment.booking", "2026-11-01", 2, source="bar") for number in (4, 5)]
    fair = [entry(6, "fulfilment.booking", "2026-11-01", source="air")]
    line = rule_line(score(card, good + bad + fair, TODAY), "bookings")
    assert line.capped_sources == (SourceCap("inn", -2_375_000), SourceCap("bar", 2_000_000))
    assert (line.micro, line.capped, line.capped_total) == (4_125_000, -375_000, 0)


def test_rules_factors_and_the_range_hold_the_points():
    late = [payment(number, "2026-11-01", 3) for number in (1, 2, 3)]
    scoring = score(card, late, TODAY)
    assert rule_line(scoring, "payments").micro == -50_000_000
    assert rule_line(scoring, "payments").capped == 58_000_000
    credit = scoring.explanation.factors[0]
    assert (credit.micro, credit.capped, scoring.value) == (-60_000_000, 20_000_000, 490)

    kept = [payment(number, "2026-11-01") for number in range(1, 13)] + [entry(13, "identity.document", "2026-11-01")]
    scoring = score(card, kept, TODAY)
    assert scoring.factors == {"credit_history": 50_000_000, "fulfilment": 0, "identity": 25_000_000}
    assert (scoring.value, scoring.explanation.range_clamped) == (600, -25_000_000)
    assert scoring.purposes["travel"].value == 600
    assert scoring.purposes["dating"] == PurposeScore("assessable", 575)


def test_a_thin_file_has_factors_and_purposes_but_no_value():
    scoring = score(card, [entry(1, "identity.document", "2026-11-01")], TODAY)
    assert (scoring.state, scoring.value) == ("thin_file", None)
    assert scoring.factors["identity"] == 25_000_000
    assert set(scoring.purposes.values()) == {PurposeScore("not_enough_records", None)}
    assert (scoring.explanation.counted, scoring.explanation.needed) == (1, 2)


def test_an_entry_two_rules_read_is_one_record():
    assert score(card, [payment(1, "2026-11-01")], TODAY).state == "thin_file"
    assert score(card, [payment(1, "2026-11-01"), payment(2, "2026-11-01")], TODAY).state == "scored"


def test_every_identity_holds_at_every_edge(least_examples):
    stood_at = Counter()

    @settings(max_examples=AT_EDGES)
    @given(cases)
    def check(case):
        card, entries, as_of = case
        scoring = score(card, entries, as_of)
        naive = naive_score(card.document, entries, as_of)
        assert (scoring.state, scoring.value, scoring.factors, _plain(scoring.purposes)) == naive
        assert_adds_up(card, scoring)
        assert score(card, entries[::-1], as_of) == scoring
        document = json.loads(json.dumps(scoring.explanation.to_document()))
        assert Explanation.from_document(document) == scoring.explanation
        stood_at.update(edges_of(card, entries, as_of, scoring))

    check()
    assert {edge: stood_at[edge] for edge in EDGES if stood_at[edge] < least_examples} == {}


def _plain(purposes):
    return {code: tuple(purpose) for code, purpose in purposes.items()}


def assert_adds_up(card, scoring):
    explanation = scoring.explanation
    for factor in explanation.factors:
        for line in factor.rules:
            rule = card.rule_of[line.code]
            assert sum(one.micro for one in line.entries) + line.capped == line.micro
            assert rule.least <= line.micro <= rule.most
            assert all(one.counts or one.micro == 0 for one in line.entries)
            assert rule.counts == "every" or len(line.counting) <= 1
        assert sum(line.micro for line in factor.rules) + factor.capped == factor.micro
        assert card.factor_of[factor.code].least <= factor.micro <= card.factor_of[factor.code].most
    if scoring.state == "thin_file":
        assert (scoring.value, explanation.range_clamped, explanation.rounding) == (None, 0, 0)
        assert explanation.counted < explanation.needed
    else:
        points = sum(scoring.factors.values())
        ends = explanation.range_clamped + explanation.rounding
        assert explanation.base + points + ends == scoring.value * 1_000_000
        assert -500_000 < explanation.rounding <= 500_000
        assert explanation.counted >= explanation.needed


def test_erased_entries_keep_their_points_and_lose_their_names():
    explanation = score(card, [payment(1, "2026-11-01"), entry(2, "conduct.fare", "2026-11-01")], TODAY).explanation
    forgotten = explanation.forgetting({1, 2})
    assert [line.entries[0].id for line in forgotten.rules if line.entries] == [None, None]
    assert forgotten.unused[0][1].id is None
    assert [line.micro for line in forgotten.rules] == [line.micro for line in explanation.rules]
    assert explanation.forgetting({3}) == explanation


def test_what_if_imagines_records_and_takes_others_away():
    entries = [payment(1, "2026-10-31", 1), entry(2, "identity.document", "2026-01-01")]
    assert score(card, entries, TODAY).value == 559  # 550 - 11.496 - 5 + 25 = 558.504
    better = what_if(card, entries, TODAY, add=[Hypothetical("credit.payment", TODAY)] * 2)
    assert better.value == 592  # 550 - 11.496 + 8 + 20 + 25 = 591.504
    assert what_if(card, entries, TODAY, without={1}).state == "thin_file"
    swapped = what_if(card, entries, TODAY, add=[Hypothetical("credit.payment", TODAY)], without={1})
    assert swapped.value == 599
    assert what_if(card, entries, TODAY) == score(card, entries, TODAY)


def test_what_if_respects_what_one_source_can_move():
    entries = [entry(number, "fulfilment.booking", "2026-11-01", source="inn") for number in (1, 2, 3)]
    more = what_if(card, entries, TODAY, add=[Hypothetical("fulfilment.booking", TODAY)])
    assert more.factors == score(card, entries, TODAY).factors
    off = [one._replace(is_on=False) for one in entries]
    assert what_if(card, off, TODAY, add=[Hypothetical("fulfilment.booking", TODAY)]).factors["fulfilment"] == 4_125_000


@pytest.mark.parametrize(
    ("value", "code", "above"),
    [
        (350, "starting", NextBand("fair", 200)),
        (549, "starting", NextBand("fair", 1)),
        (550, "fair", NextBand("good", 31)),
        (580, "fair", NextBand("good", 1)),
        (581, "good", None),
    ],
)
def test_a_value_stands_in_a_band_and_below_the_next(value, code, above):
    assert band(card, value).code == code
    assert next_band(card, value) == above


def test_without_a_value_there_is_no_band():
    assert band(card, None) is None
    assert next_band(card, None) is None


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (-23_471_000, "-23.471000"),
        (0, "0.000000"),
        (-1, "-0.000001"),
        (550_000_000, "550.000000"),
        (999_999, "0.999999"),
    ],
)
def test_points_are_shown_with_six_decimals(micro, text):
    assert format_points(micro) == text
