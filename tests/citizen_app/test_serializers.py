"""What a body and a query may say."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from citizen_app.api.parsers import BoundedJSONParser
from citizen_app.api.serializers import (
    BoundedInteger,
    Instant,
    LocalDate,
    MoneySerializer,
    NoBody,
    StrictBoolean,
    StrictSerializer,
    Text,
    UnknownParameter,
    read_body,
    read_query,
)
from citizen_app.errors import InvalidInput


class Hours(StrictSerializer):
    day = BoundedInteger(1, 7)


class Perk(StrictSerializer):
    title = Text(max_length=10, required=False)
    terms = Text(max_length=100, multiline=True, required=False)
    sector = serializers.CharField(max_length=10, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=5), required=False)
    stock = BoundedInteger(0, 100, required=False, allow_null=True)
    offline = StrictBoolean(required=False)
    price = MoneySerializer(required=False)
    hours = Hours(many=True, required=False)
    on = LocalDate(required=False)
    at = Instant(required=False)
    nonce = serializers.RegexField(r"\A[0-9]{4}\Z", required=False)
    mail = serializers.EmailField(required=False)
    latitude = serializers.FloatField(min_value=-90, max_value=90, required=False)
    number = serializers.IntegerField(read_only=True)


def request_with(body=None, query=""):
    made = APIRequestFactory().post(f"/api/x?{query}", json.dumps(body), content_type="application/json")
    return Request(made, parsers=[BoundedJSONParser()])


def refused(body, serializer=Perk):
    with pytest.raises(InvalidInput) as caught:
        read_body(request_with(body), serializer)
    return [(error["pointer"], error["code"]) for error in caught.value.facts["errors"]]


def values(**body):
    return read_body(request_with(body), Perk)


def test_a_field_that_is_not_there_is_named_with_the_others():
    assert refused({"titel": "x", "stock": 101, "number": 3}) == [
        ("/stock", "out_of_range"),
        ("/titel", "unknown_field"),
        ("/number", "unknown_field"),
    ]


def test_pointers_lead_into_objects_and_lists():
    assert refused({"price": {"amount": 5, "cents": 1}, "hours": [{"day": 1}, {"day": 8, "dya": 2}, 3]}) == [
        ("/price/currency", "required"),
        ("/price/cents", "unknown_field"),
        ("/hours/1/day", "out_of_range"),
        ("/hours/1/dya", "unknown_field"),
        ("/hours/2", "invalid"),
    ]


@pytest.mark.parametrize("body", [[], [1], "text", 5, True, None])
def test_a_body_that_is_not_an_object_is_refused_at_its_root(body):
    errors = refused(body)
    assert [pointer for pointer, _ in errors] == [""]


@pytest.mark.parametrize("number", [True, "5", Decimal("5.0"), 5.0, [], {}])
def test_only_a_whole_number_is_a_whole_number(number):
    with pytest.raises(serializers.ValidationError):
        Perk(data={"stock": number}).is_valid(raise_exception=True)


def test_null_is_told_from_absent():
    assert values(stock=None) == {"stock": None}
    assert values() == {}
    assert refused({"title": None}) == [("/title", "null")]


@pytest.mark.parametrize("flag", [1, 0, "true", "yes", [], None])
def test_only_true_and_false_are_true_and_false(flag):
    assert refused({"offline": flag})[0][0] == "/offline"


def test_text_is_normalised_to_one_form():
    assert values(title="cafe\u0301")["title"] == "café"
    assert values(sector="cafe\u0301")["sector"] == "café"
    assert values(tags=["e\u0301"])["tags"] == ["é"]


@pytest.mark.parametrize(
    "bad",
    ["a\u202eb", "\u2066a", "a\u200f", "a\x1bb", "a\x7f", "a\x85b", "a\nb", "a\tb", "\u200b", "\u3164\u2800", "  "],
)
def test_text_that_is_not_what_it_looks_like_is_refused(bad):
    assert refused({"title": bad}) == [("/title", "invalid")]


def test_lines_break_only_where_they_may():
    assert values(terms="one\ntwo\r\n\tthree")["terms"] == "one\ntwo\r\n\tthree"
    assert refused({"sector": "a\nb"}) == [("/sector", "invalid")]
    assert refused({"tags": ["ok", "a\nb"]}) == [("/tags/1", "invalid")]
    assert refused({"terms": "a\x1bb"}) == [("/terms", "invalid")]


def test_persian_joiners_and_emoji_are_text():
    assert values(title="می\u200cخواهم")["title"] == "می\u200cخواهم"
    assert values(title="👩\u200d🍳")["title"] == "👩\u200d🍳"


def test_text_is_not_a_number_in_disguise_and_has_an_end():
    assert refused({"title": 5}) == [("/title", "invalid")]
    assert refused({"title": "x" * 11}) == [("/title", "too_long")]


@pytest.mark.parametrize("number", [1234, 1.5, True, [], {}])
@pytest.mark.parametrize("name", ["sector", "nonce", "mail"])
def test_no_field_of_text_takes_a_number_for_its_digits(name, number):
    assert refused({name: number}) == [(f"/{name}", "invalid")]
    assert values(nonce="1234", sector="hotel") == {"nonce": "1234", "sector": "hotel"}


def test_neither_does_a_list_of_texts():
    assert refused({"tags": ["a", 5, True, "b"]}) == [("/tags/1", "invalid"), ("/tags/2", "invalid")]


@pytest.mark.parametrize("text", ["38.7", "NaN", "inf", "", True, [], {}])
def test_a_number_is_no_text(text):
    assert refused({"latitude": text}) == [("/latitude", "invalid")]
    assert values(latitude=38.7) == {"latitude": 38.7}


def test_money_is_in_the_deployment_s_currency(settings):
    assert values(price={"amount": 1250, "currency": "EUR"})["price"] == {"amount": 1250, "currency": "EUR"}
    assert refused({"price": {"amount": 1250, "currency": "USD"}}) == [("/price/currency", "invalid")]
    assert refused({"price": {"amount": -1, "currency": "EUR"}}) == [("/price/amount", "out_of_range")]
    settings.CURRENCY = "USD"
    assert values(price={"amount": 1250, "currency": "USD"})["price"]["currency"] == "USD"


def test_dates_have_one_form():
    assert values(on="2028-02-29")["on"] == date(2028, 2, 29)
    for other in ("2027-02-29", "20280229", "2028-W09-2", "2028-2-29", "٢٠٢٨-٠٢-٢٩", "2028-02-29T00:00:00Z", 20280229):
        assert refused({"on": other}) == [("/on", "invalid")]


def test_instants_have_an_offset_and_become_utc():
    assert values(at="2026-11-30T10:00:00+01:00")["at"] == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert values(at="2026-11-30T10:00:00.25Z")["at"] == datetime(2026, 11, 30, 10, 0, 0, 250000, UTC)
    for other in ("2026-11-30T10:00:00", "2026-12-31T23:59:60Z", "9999-12-31T23:59:59-14:00", "2026-11-30", 5):
        assert refused({"at": other}) == [("/at", "invalid")]


@pytest.mark.parametrize(
    ("price", "missing"),
    [({}, ["/price/amount", "/price/currency"]), ({"amount": 5}, ["/price/currency"])],
)
def test_a_change_leaves_out_fields_and_never_half_of_an_object(price, missing):
    assert read_body(request_with({"title": "Tea"}), Perk, partial=True) == {"title": "Tea"}
    with pytest.raises(InvalidInput) as caught:
        read_body(request_with({"price": price}), Perk, partial=True)
    assert [(error["pointer"], error["code"]) for error in caught.value.facts["errors"]] == [
        (pointer, "required") for pointer in missing
    ]


def test_an_action_without_a_body_takes_nothing():
    assert read_body(request_with({}), NoBody) == {}
    assert refused({"why": 1}, NoBody) == [("/why", "unknown_field")]


class Filter(StrictSerializer):
    limit = BoundedInteger(1, 100, required=False)
    eligible = StrictBoolean(required=False)
    q = Text(max_length=10, required=False)


def test_a_query_is_read_as_strictly():
    assert read_query(request_with(query="limit=25&eligible=1&q=caf%C3%A9"), Filter) == {
        "limit": 25,
        "eligible": True,
        "q": "café",
    }
    with pytest.raises(UnknownParameter) as caught:
        read_query(request_with(query="limit=2&x=1"), Filter)
    assert caught.value.facts == {"parameters": ["x"]}


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=1&limit=2", "/limit", "invalid"),
        ("limit=0", "/limit", "out_of_range"),
        ("limit=101", "/limit", "out_of_range"),
        ("limit=1.0", "/limit", "invalid"),
        ("limit=%D9%A1", "/limit", "invalid"),
        ("limit=", "/limit", "invalid"),
        ("limit=99999999999999999999999", "/limit", "invalid"),
        ("eligible=yes", "/eligible", "invalid"),
        ("q=%00", "/q", "invalid"),
        ("q=%E2%80%AE", "/q", "invalid"),
        ("q=aaaaaaaaaaaa", "/q", "too_long"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(query, pointer, code):
    with pytest.raises(InvalidInput) as caught:
        read_query(request_with(query=query), Filter)
    assert [(error["pointer"], error["code"]) for error in caught.value.facts["errors"]] == [(pointer, code)]
