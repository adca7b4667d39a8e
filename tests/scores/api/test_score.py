from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Entry, Score, ScoreChange
from scores.services.rescoring import rescore
from scores.services.verifying import wrong_changes
from tests.factories.people import api_client_for
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link, scored_citizen
from tests.scores.api.answers import assert_points, assert_problem

pytestmark = pytest.mark.django_db
SCORE = "/api/v1/me/score"
WHAT_IF = f"{SCORE}/what-if"


def test_the_score_has_exactly_the_promised_shape(app):
    score = app.get(SCORE).json()
    assert set(score) == {
        "state", "value", "band", "range", "as_of", "scorecard", "base", "percentile", "bands", "factors", "purposes",
        "reasons", "change", "next_band",
    }  # fmt: skip
    assert (score["state"], score["percentile"], score["as_of"], score["scorecard"]) == (
        "scored",
        None,
        "2026-11-23",
        "2026-11",
    )
    assert (score["range"], score["base"]) == ({"min": 350, "max": 950}, "550.000000")
    assert [factor["code"] for factor in score["factors"]] == [
        "credit_history",
        "fulfilment",
        "identity",
        "conduct",
        "vouches",
    ]
    credit = score["factors"][0]
    assert set(credit) == {"code", "title", "points", "min", "max"}
    assert (credit["min"], credit["max"]) == (-150, 150)
    assert_points(credit["points"])
    # Six payments on time: 6 points each, and 30 for the latest.
    assert (credit["points"], score["value"]) == ("66.000000", 616)
    assert score["band"] == "good"
    assert score["next_band"] == {"code": "very_good", "points_to_go": 34}
    assert set(score["purposes"]) == {"travel", "rental", "retail", "dating"}
    assert score["purposes"]["travel"]["value"] == 616
    assert score["purposes"]["retail"] == {
        "state": "not_enough_records",
        "value": None,
        "factors": ["fulfilment", "identity", "conduct", "vouches"],
    }
    assert score["change"] is None  # coming to a first value is no change


def test_p6_reasons_carry_points_text_and_the_entries_behind_them(app, citizen):
    reasons = app.get(SCORE).json()["reasons"]
    helping = reasons["helping"][0]
    assert set(helping) == {"code", "text", "points", "lost", "entries"}
    assert (helping["code"], helping["points"], helping["lost"]) == ("payments_on_time", "36.000000", "39.000000")
    mine = {entry.public_id for entry in Entry.objects.of(citizen.pk)}
    assert set(helping["entries"]) == mine
    assert [reason["code"] for reason in reasons["costing"]] == ["payments_on_time"]


def test_a_thin_file_has_nulls_and_says_how_many_records_are_needed():
    app = api_client_for(EnrolmentFactory().citizen)
    score = app.get(SCORE).json()
    assert score["state"] == "thin_file"
    assert [score[name] for name in ("value", "band", "percentile", "change", "next_band")] == [None] * 5
    assert {purpose["state"] for purpose in score["purposes"].values()} == {"not_enough_records"}
    assert score["reasons"]["helping"] == []
    (needed,) = score["reasons"]["costing"]
    assert (needed["code"], needed["needed"], needed["entries"]) == ("entries_needed", 3, [])


def test_the_latest_change_says_by_how_much_since_when_and_why(app, citizen):
    entry_of(Entry.objects.first().link, value=2, occurred_on=date(2026, 11, 2), external_id="late")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    score = app.get(SCORE).json()
    difference = score["value"] - 616
    assert difference < 0
    assert score["change"] == {
        "value": difference,
        "since": "2026-11-23T12:00:00Z",
        "because": "records arrived or changed",
        "cause": "entries",
    }


def test_p6_the_explanation_adds_up_to_the_last_micro_point(app):
    told = app.get(f"{SCORE}/explanation").json()
    assert set(told) >= {"value", "base", "factors", "range_clamped", "rounding"}
    total = Decimal(told["base"]) + Decimal(told["range_clamped"]) + Decimal(told["rounding"])
    for factor in told["factors"]:
        rules = sum(Decimal(rule["points"]) for rule in factor["rules"])
        assert rules + Decimal(factor["capped"]) == Decimal(factor["points"])
        for rule in factor["rules"]:
            entries = sum(Decimal(entry["points"]) for entry in rule["entries"])
            assert entries + Decimal(rule["capped"]) == Decimal(rule["points"])
        total += Decimal(factor["points"])
    assert total == told["value"] == 616
    line = told["factors"][0]["rules"][0]["entries"][0]
    assert set(line) == {"id", "title", "occurred_on", "points", "weight", "counts", "why_not"}
    assert (line["points"], line["weight"], line["counts"], line["why_not"]) == ("6.000000", 1000, True, None)
    superseded = told["factors"][0]["rules"][2]["entries"][1]
    assert (superseded["counts"], superseded["why_not"], superseded["points"]) == (False, "superseded", "0.000000")


def test_p6_history_rows_carry_lines_that_sum_to_the_difference(app, citizen):
    entry_of(Entry.objects.first().link, value=1, occurred_on=date(2026, 9, 2), external_id="late")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    rows = app.get(f"{SCORE}/history").json()["results"]
    assert [row["cause"] for row in rows] == ["entries", "entries", "enrolled"]
    assert set(rows[0]) >= {"id", "at", "value", "previous", "difference", "cause", "scorecard", "lines"}
    for row in rows:
        due = row["value"] if row["previous"] is None else row["difference"]
        assert sum(Decimal(line["points"]) for line in row["lines"]) == (due or 0)
        for line in row["lines"]:
            assert_points(line["points"])
            assert line["text"]
    named = [line["entry_id"] for line in rows[0]["lines"] if "entry_id" in line]
    assert named == [Entry.objects.get(external_id="late").public_id]
    assert not list(wrong_changes())


def test_history_pages_cost_one_query_each_and_follow_each_other(app, citizen):
    first = app.get(f"{SCORE}/history?limit=1").json()
    assert len(first["results"]) == 1
    second = app.get(first["next"]).json()
    assert second["results"][0]["id"] != first["results"][0]["id"]
    assert app.get(second["previous"]).json()["results"] == first["results"]
    costs = []
    for limit in (1, 100):
        with CaptureQueriesContext(connection) as queries:
            app.get(f"{SCORE}/history?limit={limit}")
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("path", [SCORE, f"{SCORE}/history", f"{SCORE}/explanation"])
def test_reads_are_private_and_need_not_be_sent_twice(app, path):
    first = app.get(path)
    assert first["Cache-Control"] == "private, no-cache"
    again = app.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_score_of_last_month_is_made_again_when_it_is_read(app, citizen):
    with time_machine.travel(datetime(2027, 6, 1, tzinfo=UTC)):
        fresh = api_client_for(citizen)  # the session of half a year ago has ended
        score = fresh.get(SCORE).json()
    assert score["as_of"] == "2027-06-01"
    assert ScoreChange.objects.filter(enrolment_id=citizen.pk).latest("id").cause == "month"


def test_whose_score_is_never_in_the_address(app):
    other = scored_citizen(SourceFactory(), payments=3)
    assert_problem(app.get(f"{SCORE}?citizen={other.public_id}"), 400, "unknown_parameter")
    assert_problem(app.get(f"{SCORE}/{other.public_id}"), 404, "not_found")


# -- What-if ------------------------------------------------------------------------------------------------------


def rows_of_everything(citizen):
    return [
        list(Entry.objects.order_by("id").values()),
        list(Score.objects.order_by("pk").values()),
        list(ScoreChange.objects.order_by("id").values()),
    ]


def test_what_if_is_the_arithmetic_itself_and_stores_nothing(app, citizen):
    before = rows_of_everything(citizen)
    answer = app.post(WHAT_IF, {"add": [{"kind": "credit.payment", "value": 0, "count": 6}]}).json()
    # 75 is what payments on time earn at most; they had 36.
    assert (answer["value"], answer["difference"], answer["state"]) == (616 + 36, 36, "scored")
    assert set(answer) == {"state", "value", "difference", "factors", "purposes"}
    assert answer["factors"][0]["points"] == "102.000000"
    assert rows_of_everything(citizen) == before


def test_what_if_without_entries_takes_them_out(app, citizen):
    gone = [entry.public_id for entry in Entry.objects.of(citizen.pk).order_by("id")[:4]]
    answer = app.post(WHAT_IF, {"without": gone}).json()
    assert (answer["state"], answer["value"], answer["difference"]) == ("thin_file", None, None)
    nothing = app.post(WHAT_IF, {}).json()
    assert (nothing["value"], nothing["difference"]) == (616, 0)


def test_what_if_reads_values_exactly(app):
    for value in ("0.3", 0.3):
        answer = app.post(WHAT_IF, {"add": [{"kind": "credit.utilisation", "value": value}]}).json()
        assert answer["difference"] == 45


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"add": [{"kind": "credit.payment", "count": 121}]}, "/add/0/count", "out_of_range"),
        ({"add": [{"kind": "credit.payment", "count": 60}] * 3}, "/add", "out_of_range"),
        ({"add": [{"kind": "speech.opinion"}]}, "/add/0/kind", "invalid"),
        ({"add": [{"kind": "credit.payment", "value": 121}]}, "/add/0/value", "invalid"),
        ({"add": [{"kind": "credit.payment", "value": None}]}, "/add/0/value", "null"),
        ({"add": [{"kind": "credit.payment", "occurred_on": "2026-11-24"}]}, "/add/0/occurred_on", "out_of_range"),
        ({"add": [{"kind": "credit.payment", "subject": "x"}]}, "/add/0/subject", "unknown_field"),
        ({"without": ["ent_0000000000000"]}, "/without/0", "invalid"),
        ({"remove": []}, "/remove", "unknown_field"),
    ],
)
def test_what_if_refuses_what_cannot_be_imagined(app, body, pointer, code):
    problem = assert_problem(app.post(WHAT_IF, body), 400, "invalid_input")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


def test_what_if_knows_no_entry_of_a_stranger(app):
    stranger = EnrolmentFactory().citizen
    entry = entry_of(link(stranger, SourceFactory()))
    theirs = assert_problem(app.post(WHAT_IF, {"without": [entry.public_id]}), 400, "invalid_input")
    missing = assert_problem(app.post(WHAT_IF, {"without": ["ent_zzzzzzzzzzzzz"]}), 400, "invalid_input")
    assert theirs == missing


def test_what_if_is_for_the_enrolled(stranger):
    assert_problem(stranger.post(WHAT_IF, {}), 404, "not_enrolled")
