"""The card that was learned is shipped beside the one in force, and touches nothing that was not learned."""

from pathlib import Path

from django.conf import settings

from scores import catalogue
from scores.forbidden_kinds import never_an_input
from scores.scorecard import LATEST, load_scorecard

from .conftest import ROOT, STRUCTURE

CARDS = Path(catalogue.__file__).parent / "scorecards"
LEARNED, FIRST = (
    load_scorecard((CARDS / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("2026-12", "2026-11")
)
SHAPE = load_scorecard(STRUCTURE.read_text(encoding="utf-8"))


def test_it_loads_without_fault_or_warning_and_is_not_in_force():
    assert (LEARNED.version, LEARNED.warnings) == ("2026-12", ())
    assert settings.SCORECARD_VERSION == "2026-11"


def test_everything_but_credit_is_that_of_the_first():
    mine, first = ([rule for rule in card.rules if rule.factor != "credit_history"] for card in (LEARNED, FIRST))
    assert mine == first
    assert (LEARNED.bands, LEARNED.purposes, LEARNED.base, LEARNED.min_entries) == (
        FIRST.bands,
        FIRST.purposes,
        FIRST.base,
        FIRST.min_entries,
    )
    assert LEARNED.factors[1:] == FIRST.factors[1:]


def test_it_reads_nothing_protected():
    kinds = {rule.kind for rule in LEARNED.rules if rule.factor == "credit_history"}
    assert kinds == {"credit.payment", "credit.utilisation", "credit.paid"}
    assert [kind for kind in catalogue.CODES if never_an_input(kind)] == []


def test_it_keeps_the_order_and_the_sides_of_its_structure():
    for rule in SHAPE.rules:
        if rule.factor != "credit_history":
            continue
        given, found = ([bin.milli_points for bin in card.rule_of[rule.code].bins] for card in (SHAPE, LEARNED))
        for place in range(1, len(given)):
            assert (given[place] - given[place - 1]) * (found[place] - found[place - 1]) >= 0, rule.code
        carries_level = rule.counts == LATEST and 0 not in given
        for before, after in zip(given, found, strict=True):
            assert carries_level or before * after >= 0, rule.code
            assert carries_level or before or not after, rule.code


def test_later_is_never_better():
    for code in ("payments_on_time", "payments_late", "payment_latest"):
        points = [LEARNED.rule_of[code].milli_points(months * 10_000) for months in range(-1, 9)]
        assert points == sorted(points, reverse=True)


def test_credit_alone_makes_nobody_excellent():
    excellent = next(band for band in LEARNED.bands if band.code == "excellent")
    assert LEARNED.base + LEARNED.factor_of["credit_history"].most < excellent.starts_at


def test_its_report_is_committed_and_loads_nothing():
    page = (ROOT / "docs" / "learning" / "2026-12.html").read_text(encoding="utf-8")
    assert page.count("<table") >= page.count('class="figure"') >= 5
    assert "CC BY" in page or "Creative Commons Attribution 4.0" in page
    for forbidden in ("<script", "<link", "src=", "url(", "/work", "/tmp"):
        assert forbidden not in page
