"""P4: no page, command, metric, export or log, for anybody, lists, sorts, filters or counts people by score.

What is asked of the database is looked at while the whole product runs: every endpoint, every page, every sweep and
every command. A score is read by its citizen's key and by nothing else.
"""

import ast
import re
from collections import deque
from pathlib import Path

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils.html import escape

from citizen_app.outbox import run_due, run_sweeps
from scores.assessments import beside
from scores.models import Enrolment, Entry, EntryStatusChange, Inquiry, Score, ScoreChange
from scores.services import reach
from tests.factories.people import browser_for
from tests.factories.right_requests import RIGHT, send
from tests.factories.scores import NOW
from tests.factories.world import make_world
from tests.test_access import PAGES, PEOPLE, rows_of

ROOT = Path(__file__).resolve().parents[2]
APPS = ("citizen_app", "scores", "perks")
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
OURS = sorted(name for name, app in get_commands().items() if app in APPS)
OF_A_SCORE = {"value", "purposes", "explanation", "compared_with", "state"}

# What may be asked of the table of scores: one citizen's, some citizens' by key, and what a new month has overtaken.
MAY_BE_ASKED_BY = {"citizen_id", "as_of", "scorecard_id"}


def test_scores_entries_changes_and_inquiries_are_not_in_the_admin_at_all():
    registered = set(admin.site._registry)
    assert not registered & {Score, ScoreChange, Entry, EntryStatusChange, Inquiry, Enrolment}
    assert not [model for model in registered if model._meta.app_label == "scores"]


def test_no_admin_page_shows_sorts_filters_or_finds_by_a_score():
    telling = re.compile(r"score|value|band|factor|points|purpose|entry|entries|inquir", re.I)
    for model, page in admin.site._registry.items():
        columns = [*page.list_display, *page.list_filter, *page.search_fields, *(page.ordering or ())]
        columns += [*page.get_readonly_fields(None), *(page.actions or ())]
        assert [one for one in columns if telling.search(str(one))] == [], model
        assert [inline.model for inline in page.inlines if inline.model._meta.app_label == "scores"] == [], model


def test_no_index_and_no_order_of_a_table_goes_by_a_score():
    for model in (Score, ScoreChange):
        assert model._meta.ordering in ((), []), model
        indexed = {name.lstrip("-") for index in model._meta.indexes for name in index.fields}
        assert not indexed & (OF_A_SCORE | {"previous", "difference"}), model


def _lookups(path: Path) -> list[str]:
    """Every name by which the file asks or orders rows: keywords and texts of `filter`, `order_by` and the like."""
    asking = {"filter", "exclude", "get", "order_by", "values", "annotate", "aggregate", "Q", "F", "earliest", "latest"}
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in asking:
            found += [keyword.arg for keyword in node.keywords if keyword.arg]
            found += [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return found


def test_no_line_of_ours_asks_for_people_by_a_score():
    by_score = re.compile(r"(^|__)(score__(value|state|purposes|explanation)|purposes(__|$)|score_changes__)")
    found = {str(path.relative_to(ROOT)): [one for one in _lookups(path) if by_score.search(one)] for path in SOURCES}
    # `assessments.beside` reads these of one citizen, by key, beside a perk; it neither filters nor orders by them.
    assert {path: names for path, names in found.items() if names} == {
        "scores/assessments.py": ["score__state", "score__purposes"]
    }
    asked = str(beside(7).query)
    assert asked.endswith('WHERE "scores_enrolment"."citizen_id" = 7')
    assert sum(len(_lookups(path)) for path in SOURCES) > 300  # the search does find what is asked


def test_no_line_of_ours_logs_a_score():
    telling = re.compile(r"\b(score|value|band|factors?|points|purposes|micro|explanation)\b")
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if getattr(node.func.value, "id", "") in {"log", "logger", "logging"}:
                said = " ".join(ast.unparse(argument) for argument in [*node.args, *(k.value for k in node.keywords)])
                said += " ".join(keyword.arg or "" for keyword in node.keywords)
                assert not telling.search(said), (path, ast.unparse(node))


def test_nothing_counts_people_for_a_gauge():
    addresses = {str(pattern.pattern) for pattern in get_resolver().url_patterns}
    assert not [one for one in addresses if "metrics" in one]
    assert not [path for path in SOURCES if "prometheus" in path.read_text()]


def test_no_command_takes_a_score_to_choose_or_order_people_by():
    choosing = re.compile(r"score|value|band|rank|top|order|sort|min|max|above|below|percentile", re.I)
    # These score a file, and store and read nobody.
    may = {("score_entries", "--scorecard"), ("fit_scorecard", "--scorecard")}
    assert {"score_entries", "verify_scores", "rescore_citizens", "create_citizen"} <= set(OURS)
    for name in OURS:
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        own = [one for one in parser._actions if one.dest not in {"help", "version", "verbosity", "settings"}]
        for action in own:
            for option in action.option_strings or [action.dest]:
                if option.startswith(("--no-", "--force", "--python", "--traceback", "--skip")):
                    continue
                assert (name, option) in may or not choosing.search(option), (name, option)


def everything_asked():
    """What is asked of the database while the whole product runs."""
    world = make_world()
    with CaptureQueriesContext(connection) as captured:
        for right in RIGHT:
            before = transaction.savepoint()
            send(world, right)
            transaction.savepoint_rollback(before)
        browsers = [browser_for(world.people[one]) for one in PEOPLE if one != "nobody"]
        for row in rows_of(PAGES):
            for browser in browsers:
                before = transaction.savepoint()
                browser.generic(row.method, "/" + row.path.format(**world.ids).removeprefix("/"))
                transaction.savepoint_rollback(before)
        run_due()
        run_sweeps()
        for command in ("verify_scores", "verify_invariants", "rescore_citizens", "prune", "expire_redemptions"):
            call_command(command, verbosity=0)
    return [query["sql"] for query in captured.captured_queries if query["sql"].lstrip().upper().startswith("SELECT")]


@pytest.mark.django_db
def test_nobody_is_ever_looked_for_counted_or_put_in_order_by_a_score(capsys, monkeypatch):
    # Django keeps the last 9,000 statements; the whole product asks more.
    monkeypatch.setattr(connections["default"], "queries_log", deque(maxlen=100_000))
    monkeypatch.setattr(reach, "LEAST_PEOPLE", 1)
    with time_machine.travel(NOW):
        asked = everything_asked()
    assert sum(bool(REACH_ONCE_A_DAY.fullmatch(sql)) for sql in asked) == 4  # once for each purpose
    assert_only_keys_decide("scores_score", asked, MAY_BE_ASKED_BY, at_least=50)
    assert_only_keys_decide("scores_scorechange", asked, {"citizen_id", "id", "at", "is_monthly"}, at_least=10)


BY_SCORE = "?score=700&min_score=700&max_score=800&band=strong&factor=identity&ordering=-score&sort=score"


@pytest.mark.django_db
def test_p4_no_address_of_operators_filters_sorts_or_searches_by_a_score():
    world = make_world()
    browser = browser_for(world.people["full_operator"])

    def asked_at(address):
        before = transaction.savepoint()
        with CaptureQueriesContext(connection) as captured:
            answer = browser.get(address)
        transaction.savepoint_rollback(before)
        said = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", answer.content)
        said = said.replace(escape(BY_SCORE).encode(), b"")  # the switch of the theme comes back to the same address
        read = [query["sql"] for query in captured.captured_queries if query["sql"].startswith("SELECT")]
        return answer.status_code, said, read

    addresses = [row.path for row in rows_of(PAGES) if row.method == "GET" and row.path.startswith("operator")]
    assert len(addresses) > 15
    with time_machine.travel(NOW, tick=False):
        for path in addresses:
            address = "/" + path.format(**world.ids)
            assert asked_at(address + BY_SCORE) == asked_at(address), path


# How many people have each score, once a day, for percentiles: numbers only, and nobody's.
COUNTED_ONCE_A_DAY = re.compile(
    r"""SELECT "scores_score"."value" AS "value", COUNT\("scores_score"."citizen_id"\) AS "people" """
    r"""FROM "scores_score" WHERE "scores_score"."state" = 'scored' GROUP BY (1|"scores_score"."value")"""
)


# About how many reach each threshold of a purpose, once a day, for merchants: numbers only, and nobody's.
_VALUE_OF_A_PURPOSE = (
    r"""\(CASE WHEN JSON_TYPE\("scores_score"\."purposes", [^()]+\) .* END\)"""
    r"""|\("scores_score"\."purposes" #>> [^()]+\)"""
)
REACH_ONCE_A_DAY = re.compile(
    rf"""SELECT ({_VALUE_OF_A_PURPOSE}) AS "reached", COUNT\("scores_score"."citizen_id"\) AS "people" """
    rf"""FROM "scores_score" WHERE "scores_score"."state" = 'scored' GROUP BY (1|{_VALUE_OF_A_PURPOSE})"""
)
HOW_MANY_HAVE_ONE = """SELECT COUNT(*) AS "__count" FROM "scores_score" WHERE "scores_score"."state" = 'scored'"""


def is_counted_once_a_day(sql):
    return COUNTED_ONCE_A_DAY.fullmatch(sql) or REACH_ONCE_A_DAY.fullmatch(sql) or sql == HOW_MANY_HAVE_ONE


def assert_only_keys_decide(table, asked, keys, *, at_least):
    about = [sql for sql in asked if f'"{table}"' in sql and not is_counted_once_a_day(sql)]
    assert len(about) > at_least
    for sql in about:
        deciding = sql.partition(" FROM ")[2]  # joins, conditions, groups and order
        assert set(re.findall(rf'"{table}"\."(\w+)"', deciding)) <= keys, sql
        assert not re.search(r"\b(AVG|MIN|MAX|SUM|NTILE|RANK|PERCENT)\w*\(", sql, re.I), sql


def test_every_table_of_the_scores_is_known_here():
    known = {"Enrolment", "Entry", "EntryStatusChange", "Inquiry", "Score", "ScoreChange", "Scorecard"}
    known |= {"Furnisher", "Source", "Link", "EndedLink", "LinkCode", "RescoringRun", "ScoreDistribution", "Reach"}
    known |= {"FileImport"}
    known |= {"Dispute", "DisputedEntry", "DisputeEvent", "Evidence", "MassUpholding"}
    known |= {"Seed", "TrustDay", "Vouch", "VouchMark", "VouchRequest"}
    known |= {"ScorecardDraft", "ShadowRun"}  # about scorecards, and totals of nobody in particular
    known |= {"SourceMonth", "DocumentVisit", "ToldScore"}
    known |= {"FileAllowance", "FileDay", "FileOpening", "FileUnmasking"}  # which operator opened whose file
    known |= {"SourceKey", "UsedNonce", "SignedBatch", "EntryProof"}
    assert {model.__name__ for model in apps.get_app_config("scores").get_models()} == known
