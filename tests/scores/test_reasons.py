"""Reasons: what was really counted, the largest first, each with a sentence and the entries behind it."""

from datetime import date

import pytest
from hypothesis import given, settings

from scores.reasons import MOST_SHOWN, Reason, Reasons, reasons
from scores.scorecard import load_scorecard
from scores.scoring import score
from scores.wording import (
    band_title,
    costing_text,
    entries_needed_text,
    factor_title,
    helping_text,
    kind_title,
    purpose_title,
    why_not_text,
)

from .random_lives import cases
from .test_scoring import CARD, TODAY, entry, payment

card = load_scorecard(CARD)


def reasons_of(entries, card=card):
    return reasons(card, score(card, entries, TODAY).explanation)


def test_reasons_of_a_citizen_worked_by_hand():
    entries = [payment(1, "2026-11-01", 1), payment(2, "2026-11-02"), entry(3, "identity.document", "2026-01-01")]
    assert reasons_of(entries) == Reasons(
        helping=(
            Reason(
                "document",
                "Checked identity document, the latest record: 25 points earned, of at most 60.",
                25_000_000,
                35_000_000,
                (3,),
            ),
            Reason(
                "last_payment",
                "Credit payment, the latest record: 20 points earned, of at most 20.",
                20_000_000,
                0,
                (2,),
            ),
        ),
        costing=(
            Reason("payments", "Credit payment, 2 records: 8 points lost.", -8_000_000, 48_000_000, (1, 2)),
            Reason(
                "document",
                "Checked identity document, the latest record: 35 points of at most 60 not earned yet.",
                25_000_000,
                35_000_000,
                (3,),
            ),
        ),
    )


def test_a_thin_file_says_how_many_entries_are_needed():
    assert reasons_of([]) == Reasons(
        (), (Reason("entries_needed", "2 more records are needed before there is a score.", 0, 0, (), 2),)
    )
    [reason] = reasons_of([payment(1, "2026-11-01")]).costing
    assert (reason.needed, reason.text) == (1, "1 more record is needed before there is a score.")


def test_ties_go_by_code_and_at_most_four_are_told():
    rule = CARD[CARD.index("  - code: document") :]
    many = "".join(
        rule.replace("code: document", f"code: {code}") for code in ("zeta", "beta", "delta", "alpha", "eta")
    )
    card = load_scorecard(
        CARD.replace(rule, many).replace("{code: identity, min: 0, max: 60}", "{code: identity, min: 0, max: 999}")
    )
    entries = [entry(1, "identity.document", "2026-01-01"), payment(2, "2025-01-01", status="disputed")]
    told = reasons_of(entries, card)
    assert [reason.code for reason in told.helping] == ["alpha", "beta", "delta", "eta"]
    assert [reason.code for reason in told.costing] == ["payments", "alpha", "beta", "delta"]


def test_a_rule_nothing_counts_for_is_no_reason():
    told = reasons_of([payment(1, "2025-11-01", 1), payment(2, "2025-11-01", 1)])
    assert [reason.code for reason in told.costing] == ["payments"]
    assert told.helping == ()


def test_every_reason_moved_the_score_and_no_larger_one_is_left_out():
    seen = []

    @settings(max_examples=500)
    @given(cases)
    def check(case):
        card, entries, as_of = case
        scoring = score(card, entries, as_of)
        told = reasons(card, scoring.explanation)
        if scoring.value is None:
            assert [reason.code for reason in (*told.helping, *told.costing)] == ["entries_needed"]
            assert told.costing[0].needed == card.min_entries - scoring.explanation.counted > 0
            return
        lines = {line.code: line for line in scoring.explanation.rules}
        helping = {code: line.micro for code, line in lines.items() if line.micro > 0}
        costing = {
            code: card.rule_of[code].most - line.micro
            for code, line in lines.items()
            if line.counting and line.micro < card.rule_of[code].most
        }
        for shown, weights in ((told.helping, helping), (told.costing, costing)):
            assert [reason.code for reason in shown] == sorted(weights, key=lambda code: (-weights[code], code))[
                :MOST_SHOWN
            ]
            for reason in shown:
                line = lines[reason.code]
                assert (reason.micro, reason.lost_micro) == (line.micro, card.rule_of[reason.code].most - line.micro)
                assert reason.entries == tuple(one.id for one in line.counting) != ()
                assert reason.text.endswith(".")
        seen.append(len(told.helping) + len(told.costing))

    check()
    assert max(seen) > MOST_SHOWN


def test_one_point_is_singular_and_points_are_exact():
    rule = card.rule_of["payments"]
    assert helping_text(rule, 1_000_000, 1) == "Credit payment, 1 record: 1 point earned, of at most 40."
    assert costing_text(rule, -23_471_000, 3) == "Credit payment, 3 records: 23.471 points lost."
    assert costing_text(rule, 0, 3) == "Credit payment, 3 records: 40 points of at most 40 not earned yet."
    assert entries_needed_text(3) == "3 more records are needed before there is a score."


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (factor_title("fulfilment"), "Keeping what was agreed"),
        (factor_title("new_factor"), "New factor"),
        (band_title("very_good"), "Very good"),
        (band_title("top"), "Top"),
        (purpose_title("rental"), "Car rental"),
        (kind_title("identity.mfa"), "Second factor"),
        (kind_title("identity.gone"), "Identity gone"),
        (why_not_text("switched_off"), "Its source is switched off."),
    ],
)
def test_codes_have_titles(title, text):
    assert title == text


def test_every_why_not_has_a_text():
    seen = set()
    entries = [
        payment(1, "2026-11-01", status="struck"),
        payment(2, "2026-11-01", is_on=False),
        payment(3, "2026-12-01"),
        payment(4, "2020-01-01"),
        payment(5, "2026-11-01", 1, status="disputed"),
        payment(6, "2026-10-01"),
        payment(7, "2026-11-01"),
        entry(8, "conduct.fare", "2026-11-01"),
    ]
    explanation = score(card, entries, date(2026, 11, 23)).explanation
    for line in [*(one for rule in explanation.rules for one in rule.entries), *(one for _, one in explanation.unused)]:
        if line.why_not:
            seen.add(line.why_not)
            assert why_not_text(line.why_not).endswith(".")
    assert seen == {"struck", "switched_off", "not_yet", "lapsed", "disputed", "superseded", "no_rule"}
