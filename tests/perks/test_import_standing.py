"""The command that reads an authority's files, on small files and, where they are there, on all of the real ones."""

import csv
import json
import os
import re
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from perks.models import Enterprise, Merchant, Register, StandingRecord
from tests.factories.perks import MerchantFactory, PerkFactory
from tests.perks.services.told import events
from tests.perks.test_food_register import files  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db

THREE = "19,Cafe,1 Street,Town,94109,,\n24,Hotel,2 Street,Town,94104,,\n31,Bar,3 Street,Town,94133,,\n"
SEEN = (
    "19,2017-12-11,70,routine\n24,2018-01-01,99,routine\n24,2017-01-01,96,routine\n24,2016-01-01,97,routine\n"
    "31,2017-05-01,65,routine\n31,2017-06-01,90,routine\n"
)
WRONGS = "19,2017-12-11,Vermin\n24,2018-01-01,No soap [ date violation corrected: 1/3/2018 ]\n31,2014-01-01,Old\n"


def run(capsys, *paths, **options):
    call_command("import_standing", *map(str, paths), **options)
    return json.loads(capsys.readouterr().out)


def whole():
    rows = StandingRecord.objects.order_by("external_id")
    return list(rows.values()), list(Enterprise.objects.order_by("number").values())


def test_it_counts_what_the_records_make_of_each(capsys, files):  # noqa: F811
    told = run(capsys, *files(THREE, SEEN, WRONGS))
    expected = {
        "as_of": "2018-01-01",
        "businesses": 3,
        "inspections": 6,
        "suspended": 1,
        "remedied": 1,
        "red_listed": 1,
        "grave_penalties": 2,
        "grave_penalties_remedied": 1,
        "penalties": 2,
        "penalties_remedied": 1,
        "lapsed": 1,
        "records_new": 9,
    }
    assert {name: told[name] for name in expected} == expected
    one = Enterprise.objects.get(number="19")
    assert (one.state, one.has_badge, one.public_id) == ("suspended", False, told["examples"]["suspended"])


def test_the_same_files_again_change_nothing(capsys, files):  # noqa: F811
    paths = files(THREE, SEEN, WRONGS)
    first = run(capsys, *paths)
    before = whole()
    again = run(capsys, *paths)
    assert whole() == before
    assert (again["records_new"], again["records_changed"], again["businesses_new"]) == (0, 0, 0)
    assert {name: again[name] for name in first if name not in ("seconds", "records_new", "businesses_new")} == {
        name: first[name] for name in first if name not in ("seconds", "records_new", "businesses_new")
    }


def test_a_newer_file_remedies_what_an_older_one_left_open(capsys, files):  # noqa: F811
    run(capsys, *files(THREE, SEEN, WRONGS))
    told = run(
        capsys,
        *files(None, "19,2018-02-01,88,routine\n", "19,2017-12-11,Vermin [ date violation corrected: 1/9/2018 ]\n"),
    )
    assert (told["suspended"], told["remedied"], told["records_new"], told["records_changed"]) == (0, 2, 1, 1)
    assert Enterprise.objects.get(number="19").state == "good"


def test_a_wrong_row_stores_nothing_of_any_file(capsys, files):  # noqa: F811
    with pytest.raises(CommandError) as refused:
        run(capsys, *files(THREE, SEEN, "19,2017-12-11,Vermin\n19,soon,Vermin\n"))
    assert refused.value.returncode == 1
    assert "Nothing was stored.\nfood_violations.csv line 3: date 'soon'" in str(refused.value)
    assert not Register.objects.exists()
    assert not Enterprise.objects.exists()


def test_as_of_decides_what_has_lapsed(capsys, files):  # noqa: F811
    paths = files(THREE, SEEN, WRONGS)
    assert run(capsys, *paths, as_of=date(2021, 1, 1))["suspended"] == 0
    assert run(capsys, *paths, as_of=date(2017, 12, 31))["red_listed"] == 0


@pytest.mark.parametrize("where", ["nowhere.csv", ""])
def test_no_file_is_a_bad_call(capsys, tmp_path, where):
    with pytest.raises(CommandError) as refused:
        run(capsys, tmp_path / where)
    assert refused.value.returncode == 2


def test_a_merchant_that_runs_one_of_them_is_suspended_and_back_at_once(capsys, files):  # noqa: F811
    merchant = MerchantFactory()
    PerkFactory(merchant=merchant)
    merchant.registry_numbers.create(
        register="sf-dph", number="19", stated_at=merchant.applied_at, confirmed_at=merchant.applied_at
    )
    assert run(capsys, *files(THREE, SEEN))["merchants_changed"] == 1
    assert Merchant.objects.get().standing_state == "suspended"
    run(capsys, *files(THREE, "19,2018-02-01,88,routine\n"))
    assert Merchant.objects.get().standing_state == "good"
    assert events() == ["standing.changed", "standing.changed"]


# -- All of the real files --------------------------------------------------------------------------------------------

FOOD = Path(os.environ.get("FOOD_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def looked_at(folder: Path, as_of: str) -> dict[str, int]:
    """The same counts by another way of looking: days as texts, no code of the product."""
    marks, penalties, remedied = defaultdict(list), 0, 0
    cut = f"{int(as_of[:4]) - 3}{as_of[4:]}"
    with (folder / "food_inspections.csv").open(encoding="utf-8", newline="") as file:
        for place, row in enumerate(csv.DictReader(file)):
            if cut < row["date"] <= as_of:
                marks[row["business_id"]].append((row["date"], place, int(row["score"])))
    with (folder / "food_violations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if cut < row["date"] <= as_of:
                penalties += 1
                remedied += bool(re.search(r"\[ date violation corrected: .* \]$", row["description"].strip()))
    last = {number: [mark for _, _, mark in sorted(seen)] for number, seen in marks.items()}
    return {
        "suspended": sum(seen[-1] <= 70 for seen in last.values()),
        "remedied": sum(seen[-1] > 70 and min(seen) <= 70 for seen in last.values()),
        "red_listed": sum(len(seen) >= 3 and min(seen[-3:]) >= 96 for seen in last.values()),
        "grave_penalties": sum(mark <= 70 for seen in last.values() for mark in seen),
        "penalties": penalties,
        "penalties_remedied": remedied,
    }


@pytest.mark.skipif(not (FOOD / "food_inspections.csv").exists(), reason=f"NOT RUN: there are no food_*.csv in {FOOD}")
def test_all_of_the_real_files_come_to_what_a_second_look_finds(capsys):
    told = run(capsys, FOOD)
    assert (told["businesses"], told["inspections"], told["records_new"]) == (5107, 11350, 42460)
    found = looked_at(FOOD, "2018-11-29")
    assert {name: told[name] for name in found} == found
    assert (told["suspended"], told["remedied"], told["red_listed"]) == (87, 110, 225)
    again = run(capsys, FOOD, as_of=date(2018, 2, 16))
    assert (again["suspended"], again["remedied"], again["red_listed"]) == (89, 147, 342)
    assert (again["records_new"], again["records_changed"]) == (0, 0)
    assert Enterprise.objects.filter(state="suspended").count() == 89
