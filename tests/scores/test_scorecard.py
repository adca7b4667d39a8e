"""Scorecards: the shipped one, what is read of a document, and everything for which one is refused."""

import ast
import inspect
import json
import re

import pytest

from scores import (
    catalogue,
    changes,
    explaining,
    forbidden_kinds,
    reasons,
    scorecard,
    scorecard_parts,
    scorecard_yaml,
    scoring,
    wording,
)
from scores.scorecard import InvalidScorecard, load_scorecard, scorecard_from_document
from scores.scorecard_parts import Bin, Need

VALID = """
version: "2026-11"
range: {min: 350, max: 950}
base: 550
thin_file: {min_entries: 3}
bands: [{code: starting, from: 350}, {code: fair, from: 550}, {code: good, from: 600}]
factors:
  - {code: credit_history, min: -150, max: 150}
  - {code: identity, min: 0, max: 60}
  - {code: conduct, min: 0, max: 70}
  - {code: vouches, min: 0, max: 40}
purposes:
  travel: {factors: [credit_history, identity], needs: [{any: [credit_history], entries: 3}]}
  rental: {factors: [credit_history, identity], needs: [{any: [identity], entries: 1}]}
  retail: {factors: [identity, conduct], needs: []}
  dating: {factors: [identity, vouches], needs: [{any: [identity], entries: 2}]}
rules:
  - code: payments
    kind: credit.payment
    factor: credit_history
    counts: every
    lapses_after_months: 24
    fades: true
    min: -120
    max: 50
    max_per_source: 80
    bins: [{up_to: 0, points: 4}, {up_to: 1.5, points: -12}, {points: -24.525}]
  - code: document
    kind: identity.document
    factor: identity
    counts: latest
    lapses_after_months: 120
    fades: false
    min: 0
    max: 25
    bins: [{points: 25}]
"""


def errors_of(text):
    with pytest.raises(InvalidScorecard) as refusal:
        load_scorecard(text)
    return {error.path: error.message for error in refusal.value.errors}


def changed(old, new):
    assert VALID.count(old) == 1, f"{old!r} stands {VALID.count(old)} times"
    return VALID.replace(old, new)


def test_a_scorecard_is_read_in_whole_numbers():
    card = load_scorecard(VALID)
    assert (card.version, card.least, card.base, card.most) == ("2026-11", 350_000_000, 550_000_000, 950_000_000)
    payments, document = card.rules
    assert payments.bins == (Bin(0, 4_000), Bin(15_000, -12_000), Bin(None, -24_525))
    assert (payments.least, payments.most, payments.max_per_source) == (-120_000_000, 50_000_000, 80_000_000)
    assert (payments.counts, payments.fades, payments.lapses_after_months) == ("every", True, 24)
    assert (document.counts, document.fades, document.max_per_source) == ("latest", False, None)
    assert card.purposes[0].needs == (Need(("credit_history",), 3),)
    assert card.rules_of_kind["credit.payment"] == (payments,)


def test_the_document_is_json_and_loads_to_the_same():
    card = load_scorecard(VALID)
    kept = json.loads(json.dumps(card.document))
    assert kept["rules"][0]["bins"] == [
        {"up_to": "0", "points": "4"},
        {"up_to": "1.5", "points": "-12"},
        {"points": "-24.525"},
    ]
    again = scorecard_from_document(kept)
    assert again.document == card.document
    assert (again.rules, again.bands, again.factors, again.purposes) == (
        card.rules,
        card.bands,
        card.factors,
        card.purposes,
    )


def test_a_kept_document_is_checked_as_strictly():
    kept = load_scorecard(VALID).document
    for broken in (
        kept | {"base": 550.5},
        kept | {"base": True},
        kept | {"base": "5e2"},
        kept | {"extra": 1},
        {key: kept[key] for key in kept if key != "rules"},
    ):
        with pytest.raises(InvalidScorecard):
            scorecard_from_document(broken)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('version: "2026-11"', "version: 2026-11", "version"),
        ('version: "2026-11"', "version: 2026", "version"),
        ('version: "2026-11"', 'version: ""', "version"),
        ('version: "2026-11"\n', "", "version"),
        ("base: 550", "base: true", "base"),
        ("base: 550", "base: yes", "base"),
        ("base: 550", "base: 5.5e2", "base"),
        ("base: 550", "base: 0x226", "base"),
        ("base: 550", "base: 5_50", "base"),
        ("base: 550", "base: .nan", "base"),
        ("base: 550", 'base: "550"', "base"),
        ("base: 550", "base: 550.0001", "base"),
        ("base: 550", "base: ", "base"),
        ("base: 550", "base: !!int 550", "base"),
        ("base: 550", "base: &b 550\nother: *b", "other"),
        ("base: 550", "base: 550\nbase: 551", "base"),
        ("base: 550", "base: 349.999", "base"),
        ("base: 550", "base: 951", "base"),
        ("base: 550", "base: 550\ncolour: 1", "colour"),
        ("{min: 350, max: 950}", "{min: -1, max: 950}", "range.min"),
        ("{min: 350, max: 950}", "{min: 350, max: 350}", "range.max"),
        ("{min: 350, max: 950}", "{min: 350}", "range.max"),
        ("{min: 350, max: 950}", "{min: 350, max: 10001}", "range.max"),
        ("{min: 350, max: 950}", "[350, 950]", "range"),
        ("min_entries: 3", "min_entries: 0", "thin_file.min_entries"),
        ("min_entries: 3", "min_entries: 2.5", "thin_file.min_entries"),
        ("min_entries: 3", "min_entries: true", "thin_file.min_entries"),
        ("{code: starting, from: 350}", "{code: starting, from: 351}", "bands[0].from"),
        ("{code: good, from: 600}", "{code: good, from: 550}", "bands[2].from"),
        ("{code: good, from: 600}", "{code: fair, from: 600}", "bands[2].code"),
        ("{code: good, from: 600}", "{code: Good, from: 600}", "bands[2].code"),
        ("{code: credit_history, min: -150, max: 150}", "{code: credit_history, min: 1, max: 150}", "factors[0].min"),
        ("{code: credit_history, min: -150, max: 150}", "{code: credit_history, min: -1, max: -1}", "factors[0].max"),
        ("{code: conduct, min: 0, max: 70}", "{code: conduct, min: -1, max: 70}", "factors[2].min"),
        ("{code: identity, min: 0, max: 60}", "{code: identity, min: -0.001, max: 60}", "factors[1].min"),
        ("{code: vouches, min: 0, max: 40}", "{code: vouches, min: -40, max: 40}", "factors[3].min"),
        ("{code: vouches, min: 0, max: 40}", "{code: vouches, min: 0, max: 40, title: V}", "factors[3].title"),
        ("max: 40}\n", "max: 40}\n  - {code: vouches, min: 0, max: 40}\n", "factors[4].code"),
        ("  retail: {factors: [identity, conduct], needs: []}\n", "", "purposes.retail"),
        ("retail: {factors: [identity, conduct]", "retail: {factors: [identity, karma]", "purposes.retail.factors[1]"),
        (
            "retail: {factors: [identity, conduct]",
            "retail: {factors: [identity, identity]",
            "purposes.retail.factors[1]",
        ),
        ("retail: {factors: [identity, conduct]", "retail: {factors: []", "purposes.retail.factors"),
        ("retail: {factors: [identity, conduct], needs: []}", "retail: {factors: [identity]}", "purposes.retail.needs"),
        ("  dating: {", "  lending: {factors: [identity], needs: []}\n  dating: {", "purposes.lending"),
        ("{any: [identity], entries: 2}", "{any: [identity], entries: 0}", "purposes.dating.needs[0].entries"),
        ("{any: [identity], entries: 2}", "{any: [conduct], entries: 2}", "purposes.dating.needs[0].any[0]"),
        ("{any: [identity], entries: 2}", "{any: [], entries: 2}", "purposes.dating.needs[0].any"),
        ("kind: credit.payment", "kind: credit.karma", "rules[0].kind"),
        ("factor: credit_history", "factor: karma", "rules[0].factor"),
        ("counts: every", "counts: some", "rules[0].counts"),
        ("lapses_after_months: 24", "lapses_after_months: 0", "rules[0].lapses_after_months"),
        ("lapses_after_months: 24", "lapses_after_months: 85", "rules[0].lapses_after_months"),
        ("lapses_after_months: 120", "lapses_after_months: 1201", "rules[1].lapses_after_months"),
        ("fades: true", "fades: 1", "rules[0].fades"),
        ("fades: true", "fades: yes", "rules[0].fades"),
        ("fades: true\n", "\n", "rules[0].fades"),
        ("    min: -120", "    min: 1", "rules[0].min"),
        ("    max: 50", "    max: -1", "rules[0].max"),
        ("    max: 50", "    max: 10000.001", "rules[0].max"),
        ("max_per_source: 80", "max_per_source: 0", "rules[0].max_per_source"),
        ("max_per_source: 80", "max_per_month: 80", "rules[0].max_per_month"),
        ("code: document", "code: payments", "rules[1].code"),
        ("bins: [{points: 25}]", "bins: []", "rules[1].bins"),
        ("bins: [{points: 25}]", "bins: [{up_to: 1, points: 25}]", "rules[1].bins[0].up_to"),
        ("bins: [{points: 25}]", "bins: [{points: 25}, {points: 20}]", "rules[1].bins[0].up_to"),
        ("{up_to: 1.5, points: -12}", "{up_to: 0, points: -12}", "rules[0].bins[1].up_to"),
        ("{up_to: 1.5, points: -12}", "{up_to: 1.00005, points: -12}", "rules[0].bins[1].up_to"),
        ("{up_to: 1.5, points: -12}", "{up_to: 1000000000, points: -12}", "rules[0].bins[1].up_to"),
        ("{up_to: 1.5, points: -12}", "{up_to: 1.5, points: -12.0005}", "rules[0].bins[1].points"),
        ("{up_to: 1.5, points: -12}", "{up_to: 1.5}", "rules[0].bins[1].points"),
        ("{up_to: 1.5, points: -12}", "{up_to: 1.5, points: -12, weight: 1}", "rules[0].bins[1].weight"),
        ("{up_to: 1.5, points: -12}", "12", "rules[0].bins[1]"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(old, new, path):
    errors = errors_of(changed(old, new))
    assert list(errors) == [path]
    assert errors[path].endswith(".")


def test_every_error_is_named_at_once():
    text = changed("base: 550", "base: true").replace("counts: every", "counts: some").replace("from: 350", "from: 351")
    assert list(errors_of(text)) == ["base", "bands[0].from", "rules[0].counts"]


def test_every_key_of_a_rule_but_one_must_be_stated():
    block = VALID[VALID.index("  - code: document") :]
    for key in ("kind", "factor", "counts", "lapses_after_months", "fades", "min", "max", "bins"):
        without = VALID.replace(block, re.sub(rf"    {key}: .*\n", "", block))
        assert errors_of(without) == {f"rules[1].{key}": "This is missing."}


def test_a_purpose_must_be_able_to_rise_above_the_bases_band():
    text = changed("{code: identity, min: 0, max: 60}", "{code: identity, min: 0, max: 9}")
    text = text.replace("{code: vouches, min: 0, max: 40}", "{code: vouches, min: 0, max: 40.499}")
    assert list(errors_of(text)) == ["purposes.dating"]
    load_scorecard(text.replace("max: 40.499", "max: 40.5"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version",
        "[]",
        "a: [",
        "--- 1\n--- 2",
        "\x00",
        "{1: 2, [3]: 4}",
        "[" * 5_000,
        "[" * 20 + "]" * 20,
        "x" * 300_000,
    ],
)
def test_what_is_no_document_is_refused(text):
    assert errors_of(text)


def test_idle_limits_are_warned_of():
    # One a month for 24 months, fading, weighs 12.492 in all: 49.968 points of 50, and far below -120.
    assert [str(warning) for warning in load_scorecard(VALID).warnings] == [
        "rules[0].max: One entry a month comes to 0.032 less than this max."
    ]


def test_a_conduct_rule_in_a_factor_that_can_fall_is_warned_of():
    text = changed("kind: credit.payment", "kind: conduct.fare")
    assert "rules[0].factor" in {warning.path for warning in load_scorecard(text).warnings}


def test_the_highest_value_of_a_purpose_is_what_its_rules_can_give():
    card = load_scorecard(VALID)
    assert {purpose.code: card.highest_value(purpose.code) for purpose in card.purposes} == {
        "travel": 625,
        "rental": 625,
        "retail": 575,
        "dating": 575,
    }


def test_the_shipped_scorecard_has_no_idle_limits_and_reads_every_kind(shipped_card):
    assert shipped_card.warnings == ()
    assert shipped_card.version == "2026-11"
    # What was paid back is read from 2026-12 on.
    assert set(shipped_card.rules_of_kind) == set(catalogue.CODES) - {"credit.paid"}
    highest = {purpose.code: shipped_card.highest_value(purpose.code) for purpose in shipped_card.purposes}
    assert highest == {"travel": 950, "rental": 840, "retail": 800, "dating": 650}


def test_what_hurts_fades_and_what_helps_does_not(shipped_card):
    for rule in shipped_card.rules:
        points = [bin.milli_points for bin in rule.bins]
        if rule.counts == "every":
            assert rule.fades == (min(points) < 0), rule.code
            assert not (min(points) < 0 < max(points)), rule.code


def test_later_is_never_better(shipped_card):
    for code in ("payments_late", "payment_latest", "bookings_missed", "rentals_late", "damage_unpaid", "tax_filed"):
        points = [bin.milli_points for bin in shipped_card.rule_of[code].bins]
        assert points == sorted(points, reverse=True)


def test_vouches_come_in_steps_of_ten(shipped_card):
    assert [bin.milli_points for bin in shipped_card.rule_of["vouches"].bins] == [0, 10_000, 20_000, 30_000, 40_000]


@pytest.mark.parametrize(
    "module",
    [
        catalogue,
        changes,
        explaining,
        forbidden_kinds,
        reasons,
        scorecard,
        scorecard_parts,
        scorecard_yaml,
        scoring,
        wording,
    ],
    ids=lambda module: module.__name__,
)
def test_the_arithmetic_knows_neither_django_nor_the_clock(module):
    tree = ast.parse(inspect.getsource(module))
    imported = {
        name.name if isinstance(node, ast.Import) else f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert not {name for name in imported if name.partition(".")[0] in ("django", "citizen_app", "perks", "time")}
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"today", "now", "utcnow"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Div)]
