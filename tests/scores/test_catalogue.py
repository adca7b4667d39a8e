"""The closed catalogue: what is in it, what its values may be, and what can never enter."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from scores import catalogue
from scores.catalogue import BadValue, RefusedKind, UnknownKind, check_kind, format_value, kind, kind_of_number
from scores.catalogue import lapses_on as lapse_date
from scores.forbidden_kinds import NEVER

FIRST_SET = {
    1: "credit.payment",
    2: "credit.utilisation",
    3: "fulfilment.booking",
    4: "fulfilment.rental",
    5: "fulfilment.damage_unpaid",
    6: "identity.email",
    7: "identity.phone",
    8: "identity.address",
    9: "identity.document",
    10: "identity.mfa",
    11: "conduct.fare",
    12: "conduct.traffic",
    13: "conduct.recycling",
    14: "conduct.volunteering",
    15: "conduct.travel",
    16: "conduct.tax",
    17: "vouch.received",
    18: "credit.paid",
}


def test_numbers_are_stored_in_rows_and_never_change():
    assert {one.number: one.code for one in catalogue.KINDS} == FIRST_SET
    assert all(kind_of_number(number) is kind(code) for number, code in FIRST_SET.items())


@pytest.mark.parametrize(
    "code", ["credit.score", "Credit.payment", "", "credit", "camera.face", None, ["credit.payment"]]
)
def test_nothing_outside_the_catalogue_is_a_kind(code):
    with pytest.raises(UnknownKind):
        kind(code)
    with pytest.raises(UnknownKind):
        kind_of_number(19)


@pytest.mark.parametrize(
    ("room", "months"), [("credit", 84), ("fulfilment", 84), ("identity", 1200), ("conduct", 60), ("vouch", 60)]
)
def test_how_long_entries_may_live(room, months):
    assert {one.max_months for one in catalogue.KINDS if one.code.startswith(f"{room}.")} == {months}


@pytest.mark.parametrize(
    ("code", "furnishers"),
    [
        ("credit.payment", {"bank", "bureau"}),
        ("credit.paid", {"bank", "bureau"}),
        ("fulfilment.booking", {"merchant", "platform"}),
        ("identity.email", {"platform"}),
        ("conduct.fare", {"transit"}),
        ("conduct.tax", {"authority"}),
        ("conduct.recycling", {"city"}),
    ],
)
def test_who_may_furnish(code, furnishers):
    assert kind(code).furnished_by == furnishers


@pytest.mark.parametrize(
    ("code", "raw", "value"),
    [
        ("credit.payment", -2, -20_000),
        ("credit.payment", 120, 1_200_000),
        ("credit.payment", "3", 30_000),
        ("credit.payment", Decimal("3.0"), 30_000),
        ("credit.utilisation", 0, 0),
        ("credit.utilisation", Decimal("0.1957"), 1_957),
        ("credit.utilisation", "0.19570", 1_957),
        ("credit.utilisation", Decimal("1E+1"), 100_000),
        ("credit.utilisation", Decimal("0E+99999999"), 0),
        ("credit.utilisation", Decimal("1E-4"), 1),
        ("credit.utilisation", Decimal("0." + "1" + "0" * 5000), 1_000),
        ("credit.utilisation", "-0", 0),
        ("fulfilment.booking", 2, 20_000),
        ("fulfilment.rental", "2.5", 25_000),
        ("fulfilment.damage_unpaid", 0, 0),
        ("identity.document", 1, 10_000),
        ("conduct.traffic", 3, 30_000),
        ("conduct.volunteering", Decimal("7.5"), 75_000),
        ("conduct.tax", 12, 120_000),
        ("vouch.received", "0.3333", 3_333),
        ("credit.paid", "0.0631", 631),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_a_value_is_read_exactly(code, raw, value):
    assert catalogue.parse_value(kind(code), raw) == value


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("credit.payment", -3),
        ("credit.payment", 121),
        ("credit.payment", "0.5"),
        ("credit.payment", Decimal("1.0001")),
        ("credit.utilisation", Decimal("-0.0001")),
        ("credit.utilisation", Decimal("100.0001")),
        ("credit.utilisation", "0.00001"),
        ("credit.utilisation", Decimal("0." + "0" * 5000 + "1")),
        ("credit.utilisation", Decimal("1E+999999999")),
        ("credit.utilisation", Decimal("1E-999999999")),
        ("credit.utilisation", Decimal("NaN")),
        ("credit.utilisation", Decimal("sNaN")),
        ("credit.utilisation", Decimal("Infinity")),
        ("credit.utilisation", 10**4000),
        ("credit.utilisation", "1e1"),
        ("credit.utilisation", " 1"),
        ("credit.utilisation", "1\n"),
        ("credit.utilisation", "+1"),
        ("credit.utilisation", "01"),
        ("credit.utilisation", ".5"),
        ("credit.utilisation", "1."),
        ("credit.utilisation", "1_0"),
        ("credit.utilisation", "٣"),
        ("credit.utilisation", ""),
        ("credit.utilisation", "9" * 10_000),
        ("credit.utilisation", None),
        ("credit.utilisation", True),
        ("credit.utilisation", [1]),
        ("credit.utilisation", {}),
        ("fulfilment.booking", 3),
        ("fulfilment.rental", -1),
        ("identity.email", 2),
        ("conduct.fare", 2),
        ("conduct.traffic", 0),
        ("conduct.traffic", 4),
        ("conduct.travel", 0),
        ("conduct.tax", Decimal("0.5")),
        ("vouch.received", Decimal("1.0001")),
    ],
    ids=lambda given: repr(given)[:30] if not isinstance(given, int) else str(given % 10**6),
)
def test_other_values_are_refused(code, raw):
    with pytest.raises(BadValue, match=rf"^The value of {code} "):
        catalogue.parse_value(kind(code), raw)


def test_a_refusal_says_what_is_allowed():
    with pytest.raises(BadValue) as refusal:
        catalogue.parse_value(kind("credit.payment"), 121)
    assert str(refusal.value) == "The value of credit.payment (months late) must be a whole number from -2 to 120."
    with pytest.raises(BadValue, match="a number with at most four decimals from 0 to 100"):
        catalogue.parse_value(kind("credit.utilisation"), -1)


def test_a_huge_value_is_refused_at_once():
    for raw in ("9" * 10_000_000, 10**1_000_000):
        with pytest.raises(BadValue):
            catalogue.parse_value(kind("credit.utilisation"), raw)


def test_a_float_is_the_callers_fault():
    with pytest.raises(TypeError, match="parse_float=Decimal"):
        catalogue.parse_value(kind("credit.utilisation"), 0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-20_000, "-2"),
        (3_333, "0.3333"),
        (125_000, "12.5"),
        (-1, "-0.0001"),
        (9_999_999_999_999, "999999999.9999"),
    ],
)
def test_a_value_has_one_text(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize("one", catalogue.KINDS, ids=lambda one: one.code)
def test_texts_of_values_are_read_back(one):
    for value in (one.least, one.most):
        assert catalogue.parse_value(one, format_value(value)) == value


@pytest.mark.parametrize(
    ("code", "occurred_on", "lapses_on"),
    [
        ("credit.payment", date(2026, 11, 23), date(2033, 11, 1)),
        ("credit.payment", date(2024, 2, 29), date(2031, 2, 1)),
        ("conduct.fare", date(2026, 12, 31), date(2031, 12, 1)),
        ("identity.document", date(2026, 1, 1), date(2126, 1, 1)),
        ("identity.document", date(9950, 1, 1), date.max),
    ],
)
def test_the_lapse_date_is_the_first_of_a_month(code, occurred_on, lapses_on):
    assert lapse_date(kind(code), occurred_on) == lapses_on


FORBIDDEN = {
    "speech and opinions": ("conduct.posts", "conduct.political_opinions", "conduct.chat_messages", "conduct.petition"),
    "religion": ("conduct.church", "identity.religion", "conduct.mosque_gifts"),
    "health": ("conduct.hospital", "identity.disability", "conduct.fitness", "credit.medical_bill"),
    "sex life": ("identity.sexual_orientation", "conduct.dating_history", "identity.gender"),
    "ethnicity": ("identity.ethnicity", "identity.nationality", "identity.birthplace"),
    "friends and relatives": ("vouch.friends", "identity.relatives", "conduct.family", "credit.household"),
    "where you walk": ("conduct.walks", "conduct.gps", "identity.location", "conduct.jaywalking"),
    "categories of goods bought": ("fulfilment.purchases", "credit.spending", "conduct.groceries", "conduct.games"),
    "cameras": ("conduct.camera", "conduct.cctv", "identity.photo"),
    "biometrics": ("identity.fingerprint", "identity.face", "identity.voice", "identity.biometric"),
}


def proposed(code, **rest):
    room = code.partition(".")[0]
    given = {
        "number": 99,
        "code": code,
        "title": "A title",
        "meaning": "What it says.",
        "unit": "unit",
        "least": 0,
        "most": 10_000,
        "is_whole": True,
        "max_months": catalogue.ROOMS.get(room, 12),
        "furnished_by": frozenset({"city"}),
    }
    return catalogue.Kind(**given | rest)


def test_every_topic_that_can_never_be_a_source_is_tried():
    assert set(FORBIDDEN) == set(NEVER)


@pytest.mark.parametrize(("topic", "code"), [(topic, code) for topic, codes in FORBIDDEN.items() for code in codes])
def test_what_can_never_be_a_source_cannot_be_proposed(topic, code):
    with pytest.raises(RefusedKind, match=f"^{code} cannot be a kind: ") as refusal:
        check_kind(proposed(code))
    assert refusal.value.topic == topic


@pytest.mark.parametrize(
    ("described", "topic"),
    [
        ({"title": "Sunday worship"}, "religion"),
        ({"meaning": "How many cameras saw the citizen."}, "cameras"),
        ({"unit": "steps"}, "health"),
        ({"meaning": "What their FRIENDS scored."}, "friends and relatives"),
    ],
)
def test_a_harmless_code_does_not_hide_it(described, topic):
    with pytest.raises(RefusedKind) as refusal:
        check_kind(proposed("conduct.index", **described))
    assert refusal.value.topic == topic


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("credit.limit", "it stands for age"),
        ("credit.card_limit", "it stands for age"),
        ("identity.age", "age is protected"),
        ("identity.birth_year", "age is protected"),
        ("identity.postcode", "it stands for ethnicity and income"),
        ("identity.first_name", "it stands for sex and ethnicity"),
    ],
)
def test_what_is_protected_or_stands_for_it_cannot_be_proposed(code, why):
    with pytest.raises(RefusedKind) as refusal:
        check_kind(proposed(code))
    assert str(refusal.value) == f"{code} cannot be a kind: {why}."


def test_a_harmless_kind_can_be_proposed():
    check_kind(proposed("conduct.library_loans"))


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "conduct"},
        {"code": "conduct.Library"},
        {"code": "leisure.library"},
        {"number": 0},
        {"number": 40_000},
        {"max_months": 61},
        {"max_months": 0},
        {"title": ""},
        {"least": 20_000},
        {"most": catalogue.VALUE_LIMIT + 1},
        {"furnished_by": frozenset()},
        {"furnished_by": frozenset({"neighbourhood watch"})},
    ],
)
def test_an_ill_described_kind_is_refused(changed):
    with pytest.raises(RefusedKind) as refusal:
        check_kind(replace(proposed("conduct.library_loans"), **changed))
    assert refusal.value.topic is None


def test_two_kinds_cannot_share_a_code_or_a_number():
    one = proposed("conduct.library_loans")
    with pytest.raises(RefusedKind, match="share"):
        catalogue._indexed((one, replace(one, number=98)))
    with pytest.raises(RefusedKind, match="share"):
        catalogue._indexed((one, replace(one, code="conduct.other")))
