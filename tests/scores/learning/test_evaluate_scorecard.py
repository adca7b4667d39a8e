"""Measuring what `score_entries` printed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def test_it_tells_power_and_ratios_of_those_not_learned_from(tmp_path):
    scored, outcomes, groups = (tmp_path / name for name in ("scored", "outcomes", "groups"))
    people = range(100)
    scored.write_text("".join(json.dumps({"subject": f"p{n}", "value": 500 + n}) + "\n" for n in people))
    outcomes.write_text("subject,outcome\n" + "".join(f"p{n},{int(n < 50)}\n" for n in people))
    groups.write_text("subject,side\n" + "".join(f"p{n},{'even' if n // 2 % 2 else 'odd'}\n" for n in people))
    out = StringIO()
    call_command(
        "evaluate_scorecard",
        f"--outcomes={outcomes}",
        f"--groups={groups}",
        "--fit-on=mod10<2",
        "--threshold=560",
        str(scored),
        stdout=out,
    )
    assert out.getvalue() == (
        f"{scored}: 80 people, AUC 1.0000, KS 1.0000\n"
        "  side, from 560: ratio 1.000 (all 0.400; even 0.400, odd 0.400)\n"
    )


def test_too_few_people_are_refused(tmp_path):
    scored, outcomes = tmp_path / "scored", tmp_path / "outcomes"
    scored.write_text('{"subject":"p9","value":500}\n')
    outcomes.write_text("subject,outcome\np9,1\n")
    with pytest.raises(CommandError, match="fewer than 20 people"):
        call_command("evaluate_scorecard", f"--outcomes={outcomes}", str(scored), stdout=StringIO())
