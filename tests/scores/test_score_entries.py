"""The command that shows the arithmetic: exact bytes out, or nothing and the line that is wrong."""

import json
import os
import random
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from scores.models import Entry

ROOT = Path(__file__).parents[2]
CARD = ROOT / "scores" / "scorecards" / "2026-11.yaml"
ENTRIES = """\
{"subject":"ü","kind":"credit.payment","occurred_on":"2026-10-31","value":0}
{"subject":"b","kind":"credit.payment","occurred_on":"2026-10-31"}
{"subject":"b","kind":"credit.utilisation","occurred_on":"2026-10-31","value":"0.25","source":"bank"}
{"subject":"b","kind":"identity.document","occurred_on":"2026-01-31"}
{"subject":"B","kind":"credit.payment","occurred_on":"2026-10-31","value":2}
{"subject":"b","kind":"identity.email","occurred_on":"2026-01-31","status":"disputed"}
{"subject":"B","kind":"credit.utilisation","occurred_on":"2026-10-31","value":1.2500}
{"subject":"B","kind":"credit.payment","occurred_on":"2026-09-30","value":-1}
{"subject":"b","kind":"credit.payment","occurred_on":"2026-09-30","value":-1,"status":"struck"}
"""
# b: 6 for one payment on time, 30 for the latest, 45 for using a quarter; a document and an e-mail address.
# B: 6 for one on time, -44 fading to 958 thousandths, -65 for the latest, -5 for using more than all.
PRINTED = (
    '{"subject":"B","state":"scored","value":444,"factors":{"credit_history":-106152000,"fulfilment":0,"identity":0,'
    '"conduct":0,"vouches":0},"purposes":{"travel":{"state":"assessable","value":444},"rental":{"state":'
    '"not_enough_records","value":null},"retail":{"state":"not_enough_records","value":null},"dating":{"state":'
    '"not_enough_records","value":null}}}\n'
    '{"subject":"b","state":"scored","value":661,"factors":{"credit_history":81000000,"fulfilment":0,"identity":30000000,'
    '"conduct":0,"vouches":0},"purposes":{"travel":{"state":"not_enough_records","value":null},"rental":{"state":'
    '"not_enough_records","value":null},"retail":{"state":"not_enough_records","value":null},"dating":{"state":'
    '"assessable","value":580}}}\n'
    '{"subject":"ü","state":"thin_file","value":null,"factors":{"credit_history":36000000,"fulfilment":0,"identity":0,'
    '"conduct":0,"vouches":0},"purposes":{"travel":{"state":"not_enough_records","value":null},"rental":{"state":'
    '"not_enough_records","value":null},"retail":{"state":"not_enough_records","value":null},"dating":{"state":'
    '"not_enough_records","value":null}}}\n'
)


pytestmark = pytest.mark.django_db


@pytest.fixture(params=["pure", "population"])
def scored(tmp_path, request):
    """Score these lines with either engine and return what was printed."""

    def score(lines, as_of="2026-11-23", scorecard=CARD, *options):
        path = tmp_path / "entries.ndjson"
        path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
        out = StringIO()
        engine = f"--engine={request.param}"
        command = ["score_entries", f"--scorecard={scorecard}", f"--as-of={as_of}", engine, *options, str(path)]
        call_command(*command, stdout=out)
        return out.getvalue()

    return score


def refused(scored, lines, **options):
    out = None
    with pytest.raises(CommandError) as refusal:
        out = scored(lines, **options)
    assert refusal.value.returncode == 2
    assert out is None
    return str(refusal.value)


def test_it_prints_exactly_this(scored):
    assert scored(ENTRIES) == PRINTED
    assert scored(ENTRIES, "2026-11-23", CARD, "--engine=pure") == PRINTED
    assert scored(ENTRIES.removesuffix("\n")) == PRINTED
    assert scored(ENTRIES.replace("\n", "\r\n")) == PRINTED


def test_no_entries_print_nothing(scored):
    assert scored("") == ""


def test_the_order_of_lines_is_the_order_of_arrival(scored):
    early = '{"subject":"a","kind":"conduct.tax","occurred_on":"2026-10-01","value":%d}\n'
    assert '"conduct":8000000' in scored(early % 0 + early % 30)
    assert '"conduct":20000000' in scored(early % 30 + early % 0)


def test_the_scoring_day_decides(scored):
    assert '"value":444' in scored(ENTRIES, as_of="2026-11-01")
    assert '"value":661' not in scored(ENTRIES, as_of="2027-04-01")


def test_the_same_bytes_come_from_the_command_line(tmp_path):
    """In a plain C locale too, with the refusal on the error stream only and 2 for an exit code."""
    good, bad = tmp_path / "good.ndjson", tmp_path / "bad.ndjson"
    good.write_bytes(ENTRIES.encode())
    bad.write_bytes(ENTRIES.encode() + b'{"subject":"a"}\n')
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "score_entries", f"--scorecard={CARD}", "--as-of=2026-11-23"]

    for engine in ("pure", "population"):  # which needs no migrated database
        run = subprocess.run(
            [*command, f"--engine={engine}", str(good)], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, PRINTED.encode(), b"")
    run = subprocess.run(
        [*command, "--engine=population", str(bad)], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, b"")
    assert b"Line 10: kind is missing." in run.stderr


GOOD = '{"subject":"a","kind":"credit.payment","occurred_on":"2026-10-31","value":0}'


def line_with(**changed):
    return json.dumps(json.loads(GOOD) | changed)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        (b'{"subject":"\xff"}', "not JSON in UTF-8"),
        ("[" * 60_000, "not JSON"),
        (line_with(subject="x" * 70_000), "longer than"),
        (line_with(subject=""), "subject must be"),
        (line_with(subject=7), "subject must be"),
        (line_with(subject=None), "subject must be"),
        (line_with(subject="x" * 129), "subject must be"),
        (line_with(subject="a\x00"), "subject must be"),
        (line_with(subject="\ud800"), "subject must be"),
        (line_with(source=1), "source must be"),
        (line_with(source=""), "source must be"),
        (line_with(kind="credit.karma"), "not a kind"),
        (line_with(kind="conduct.camera"), "not a kind"),
        (line_with(kind=["credit.payment"]), "not a kind"),
        (line_with(occurred_on="2026-02-30"), "occurred_on must be a date"),
        (line_with(occurred_on="20261031"), "occurred_on must be a date"),
        (line_with(occurred_on="2026-10-31T00:00:00Z"), "occurred_on must be a date"),
        (line_with(occurred_on=20261031), "occurred_on must be a date"),
        (line_with(value=0.5), "whole number from -2 to 120"),
        (line_with(value=121), "whole number from -2 to 120"),
        (line_with(value=None), "whole number from -2 to 120"),
        (line_with(value=True), "whole number from -2 to 120"),
        (line_with(value="1e1"), "whole number from -2 to 120"),
        (GOOD.replace('"value":0', '"value":NaN'), "NaN is not"),
        (GOOD.replace('"value":0', '"value":-Infinity'), "-Infinity is not"),
        (GOOD.replace('"value":0', '"value":1' + "0" * 5000), "not JSON"),
        (GOOD.replace('"value":0', '"value":1e999999999'), "whole number from -2 to 120"),
        (GOOD.replace('"value":0', '"value":0,"value":1'), "twice"),
        (line_with(status="deleted"), "status must be"),
        (line_with(status=None), "status must be"),
        (line_with(status=["active"]), "status must be"),
        (line_with(external_id="e1"), "'external_id' is not known"),
        (GOOD.replace('"subject":"a",', ""), "subject is missing"),
        (GOOD.replace(',"occurred_on":"2026-10-31"', ""), "occurred_on is missing"),
    ],
    ids=lambda given: repr(given)[:40],
)
def test_a_bad_line_stops_everything_and_is_named(scored, line, why):
    line = line if isinstance(line, bytes) else line.encode()
    message = refused(scored, f"{GOOD}\n".encode() + line + f"\n{GOOD}\n".encode())
    assert message.startswith("Line 2: ")
    assert why in message


def test_a_missing_value_is_zero_and_must_be_allowed(scored):
    assert refused(scored, '{"subject":"a","kind":"conduct.traffic","occurred_on":"2026-10-31"}') == (
        "Line 1: The value of conduct.traffic (severity) must be a whole number from 1 to 3."
    )


@pytest.mark.parametrize("day", ["2026-13-01", "20261123", "today", ""])
def test_the_day_must_be_a_date(scored, day):
    assert "--as-of must be a date" in refused(scored, ENTRIES, as_of=day)


def test_a_bad_scorecard_is_refused_with_every_error(scored, tmp_path):
    broken = tmp_path / "card.yaml"
    broken.write_text(CARD.read_text().replace('"2026-11"', "2026-11").replace("base: 550", "base: on"))
    message = refused(scored, ENTRIES, scorecard=broken)
    assert "version: The version must stand in quotes" in message
    assert "base: There must be a plain decimal number" in message
    assert "cannot be read" in refused(scored, ENTRIES, scorecard=tmp_path / "none.yaml")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CommandError, match="cannot be read") as refusal:
        call_command("score_entries", str(tmp_path / "none"), scorecard=str(CARD), as_of="2026-11-23")
    assert refusal.value.returncode == 2


def test_both_engines_print_the_same_bytes(tmp_path):
    """Names that sort by their bytes, not by letters; disputes, sources and days in every order."""
    dice = random.Random(3)
    kinds = {
        "credit.payment": (-2, 3),
        "fulfilment.booking": (0, 2),
        "credit.utilisation": (0, 2),
        "conduct.tax": (0, 99),
    }
    path = tmp_path / "entries.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(1500):
            kind = dice.choice(list(kinds))
            entry = {
                "subject": dice.choice("aAbBzZ_ -ÄäüÜßé中😀") + str(dice.randrange(20)),
                "kind": kind,
                "occurred_on": f"{dice.choice((2024, 2025, 2026))}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
                "value": dice.randint(*kinds[kind]),
                "source": dice.choice("xyz"),
                "status": dice.choice(["active"] * 6 + ["disputed", "disputed", "struck"]),
            }
            file.write(json.dumps(entry) + "\n")
    printed = {}
    for engine in ("pure", "population"):
        out = StringIO()
        call_command(
            "score_entries", f"--scorecard={CARD}", "--as-of=2026-11-23", f"--engine={engine}", path, stdout=out
        )
        printed[engine] = out.getvalue()
    assert printed["population"] == printed["pure"]
    assert printed["pure"].count('"scored"') > 100


def test_the_population_engine_leaves_nothing_behind(scored):
    before = connection.introspection.table_names(include_views=True)
    scored(ENTRIES)
    assert connection.introspection.table_names(include_views=True) == before
    assert not Entry.objects.exists()


def test_the_engine_must_be_one_there_is(scored):
    with pytest.raises(CommandError, match="invalid choice"):
        scored(ENTRIES, "2026-11-23", CARD, "--engine=guess")
