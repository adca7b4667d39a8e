"""The scorecard as a form, as YAML and beside another: nothing is lost, and faults stand where they belong."""

import copy

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from scores import catalogue
from scores.scorecard import load_scorecard, scorecard_from_document
from scores.scorecard_diff import Change, differences, value_text
from scores.scorecard_form import beside, document_from_fields, places_of, with_item, without_item
from scores.scorecard_parts import Problem
from scores.scorecard_writing import scorecard_yaml
from scores.wording import rule_title
from tests.factories.scorecards import changed
from tests.scores.random_lives import Choices, scorecard_of, some_bytes
from tests.scores.web.scorecard_fields import fields_of

scorecards = some_bytes(120).map(lambda drawn: scorecard_of(Choices(drawn)))


def read(fields):
    sent = QueryDict(mutable=True)
    for name, value in fields.items():
        if isinstance(value, list):
            sent.setlist(name, value)
        else:
            sent[name] = str(value)
    return document_from_fields(sent, sent.getlist)


@settings(max_examples=60)
@given(scorecards)
def test_what_is_written_as_yaml_is_the_same_scorecard(card):
    assert load_scorecard(scorecard_yaml(card.document)).document == card.document


@settings(max_examples=60)
@given(scorecards)
def test_what_a_form_sends_back_is_the_same_scorecard(card):
    assert scorecard_from_document(read(fields_of(card.document))).document == card.document


def test_the_shipped_scorecard_goes_through_form_and_yaml(shipped_card):
    assert scorecard_from_document(read(fields_of(shipped_card.document))).document == shipped_card.document
    assert load_scorecard(scorecard_yaml(shipped_card.document)).document == shipped_card.document


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("−24,5", "-24.5"),
        ("+4", "4"),
        (" 6 ", "6"),
        ("1e3", "1e3"),
        ("1,000.5", "1,000.5"),
        ("\x006", "6"),
        ("x" * 99, "x" * 64),
    ],
)
def test_numbers_are_read_as_people_type_them(shipped_card, typed, kept):
    fields = fields_of(shipped_card.document) | {"rules[0].bins[0].points": typed}
    assert read(fields)["rules"][0]["bins"][0]["points"] == kept


def test_places_left_out_close_up(shipped_card):
    fields = {
        name: value for name, value in fields_of(shipped_card.document).items() if not name.startswith("rules[1]")
    }
    document = read(fields)
    assert [rule["code"] for rule in document["rules"]] == [
        rule.code for place, rule in enumerate(shipped_card.rules) if place != 1
    ]


@pytest.mark.parametrize(
    "names", [{}, {"rules[": "1", "rules[x].code": "a", "x": "y", "rules[99999].code": "b", "[]": ""}]
)
def test_a_form_of_nothing_is_a_document_of_nothing(names):
    document = read(names)
    assert document["rules"] == []
    assert set(document["purposes"]) == {"travel", "rental", "retail", "dating"}
    assert places_of(document)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=8))
@settings(max_examples=200)
def test_whatever_is_sent_becomes_a_document(names):
    document = read({f"rules{name}": value for name, value in names.items()} | names)
    assert isinstance(document["rules"], list)
    assert beside([Problem("rules[0].code", "No.")], places_of(document))


def test_items_are_added_and_taken_away(shipped_card):
    document = copy.deepcopy(shipped_card.document)
    assert with_item(document, "rules[0].bins")["rules"][0]["bins"][-2] == {"up_to": "", "points": ""}
    assert "up_to" not in document["rules"][0]["bins"][-1]
    without_item(document, f"rules[0].bins[{len(document['rules'][0]['bins']) - 2}]")
    assert document == shipped_card.document
    without_item(document, "rules[0]")
    assert [rule["code"] for rule in document["rules"]] == [rule.code for rule in shipped_card.rules[1:]]
    assert with_item(document, "rules")["rules"][-1]["code"] == ""
    assert with_item(document, "bands")["bands"][-1] == {"code": "", "from": ""}
    assert with_item(document, "factors")["factors"][-1] == {"code": "", "min": "", "max": ""}
    assert with_item(document, "purposes.dating.needs")["purposes"]["dating"]["needs"][-1] == {"any": [], "entries": ""}


@pytest.mark.parametrize(
    "path",
    ["", "version", "rules[99].bins", "purposes.war.needs", "purposes", "rules[0].bins[0].x", "__class__", "bands[99]"],
)
def test_what_is_no_list_is_left_as_it_is(shipped_card, path):
    document = copy.deepcopy(shipped_card.document)
    assert with_item(document, path) == shipped_card.document
    assert without_item(document, path) == shipped_card.document


def test_a_fault_stands_beside_its_field_or_the_nearest_around_it(shipped_card):
    names = places_of(shipped_card.document)
    paths = ["rules[2].bins[0].points", "purposes.travel.factors[1]", "rules[0].frob", "rules", "nothing.like.it", ""]
    assert beside([Problem(path, path or "whole") for path in paths], names) == {
        "rules[2].bins[0].points": ["rules[2].bins[0].points"],
        "purposes.travel.factors": ["purposes.travel.factors[1]"],
        "rules[0]": ["rules[0].frob"],
        "rules": ["rules"],
        "": ["nothing.like.it", "whole"],
    }


def test_every_place_has_a_fault_that_can_stand_there(shipped_card):
    names = places_of(shipped_card.document)
    assert len(names) == len(set(names))
    assert beside([Problem(name, "x") for name in names], names) == {name: ["x"] for name in names}


# -- What changes ----------------------------------------------------------------------------------------------


def parts_of(card, **at):
    return differences(card, scorecard_from_document(changed(card.document, **at)))


def test_nothing_differs_from_itself(shipped_card):
    assert differences(shipped_card, shipped_card) == []
    assert parts_of(shipped_card, version="2027-01") == []


def test_the_bins_of_a_changed_rule_stand_side_by_side(shipped_card):
    (part,) = parts_of(shipped_card, rules__0__bins__1__points="6.5")
    assert (part.title, part.changes, part.unit) == ("Payments on time", [], "months late")
    assert part.bins == [Change("−2", "+4", "+4"), Change("−1 to 0", "+6", "+6.5"), Change("1 or more", "0", "0")]
    assert [row.differs for row in part.bins] == [False, True, False]


def test_everything_else_is_told_in_words(shipped_card):
    parts = parts_of(
        shipped_card,
        base="560",
        thin_file__min_entries="4",
        bands__2__from="610",
        factors__4__max="30",
        purposes__dating__needs=[],
        rules__1__fades=False,
        rules__1__lapses_after_months="12",
    )
    assert {part.title: [(one.what, one.before, one.after) for one in part.changes] for part in parts} == {
        "The sum": [("Everybody starts at", "550", "560"), ("Records needed for a score", "3", "4")],
        "Bands": [("Good", "600", "610")],
        "Factors": [("Vouches", "0 to +40", "0 to +30")],
        "Dating": [("Asks for", "2 of Identity", "nothing")],
        "Payments late": [
            ("A record counts for", "24 months", "12 months"),
            ("With time", "fades month by month", "stays whole until it lapses"),
        ],
    }


def test_rules_come_and_go(shipped_card):
    document = copy.deepcopy(shipped_card.document)
    gone = document["rules"].pop(1)
    document["rules"].append(gone | {"code": "late_again"})
    new, old = differences(shipped_card, scorecard_from_document(document))
    assert new.title == "Late again"
    assert "A new rule" in new.about
    assert old.title == "Payments late"
    assert "The rule goes" in old.about
    assert {row.before for row in new.bins} == {row.after for row in old.bins} == {""}


@settings(max_examples=100)
@given(scorecards, scorecards)
def test_a_rule_is_told_wherever_some_value_earns_something_else(one, other):
    told = {part.title for part in differences(one, other)}
    for code, rule in one.rule_of.items():
        another = other.rule_of.get(code)
        kind = catalogue.kind(rule.kind)
        bounds = {-10_000, 0, 2_500, 10_000, kind.least, kind.most}
        values = [value for bound in bounds for value in (bound, bound + 1) if kind.allows(value)]
        if another is None or any(rule.milli_points(value) != another.milli_points(value) for value in values):
            assert rule_title(code) in told


@pytest.mark.parametrize(
    ("kind", "above", "up_to", "text"),
    [
        ("credit.payment", None, None, "any value"),
        ("credit.payment", None, -20_000, "−2"),
        ("credit.payment", None, 0, "−2 to 0"),
        ("credit.payment", 0, 10_000, "1"),
        ("credit.payment", 10_000, None, "2 or more"),
        ("identity.email", 0, None, "1"),
        ("credit.utilisation", None, 500, "up to 0.05"),
        ("credit.utilisation", 500, 3_000, "over 0.05 to 0.3"),
        ("credit.utilisation", 3_000, None, "over 0.3"),
    ],
)
def test_values_are_told_in_the_kinds_own_words(kind, above, up_to, text):
    assert value_text(catalogue.kind(kind), above, up_to) == text
