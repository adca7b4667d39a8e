"""The command: what it finds, what it refuses, and that it finds the same again."""

import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from scores.management.commands import fit_scorecard
from scores.scorecard import load_scorecard

from .conftest import AS_OF, ROOT, STRUCTURE


@pytest.fixture
def fit(invented):
    """Fit on the invented people; the draft's text and the report's."""

    def run(*options, name="card", **changed):
        out, report = invented.folder / f"{name}.yaml", invented.folder / "report.html"
        files = {"scorecard": STRUCTURE, "outcomes": invented.outcomes, "groups": invented.groups} | changed
        call_command(
            "fit_scorecard",
            *(f"--{option}={path}" for option, path in files.items() if option != "entries"),
            f"--as-of={AS_OF}",
            "--version=test-1",
            f"--out={out}",
            f"--report={report}",
            *options,
            str(files.get("entries", invented.entries)),
            stdout=StringIO(),
        )
        return out.read_text(), report.read_text()

    return run


def refused(fit, *options, **changed):
    with pytest.raises(CommandError) as refusal:
        fit(*options, **changed)
    assert refusal.value.returncode == 2
    return str(refusal.value)


@pytest.mark.analysis
def test_the_order_of_ends_is_found_again(fit):
    card = load_scorecard(fit("--share=550=0.8", "--share=620=0.5")[0])
    latest = [bin.milli_points for bin in card.rule_of["payment_latest"].bins]
    assert latest[1] >= latest[2] >= latest[3]
    assert latest[1] > latest[3]
    assert card.rule_of["payments_late"].bins[1].milli_points < 0
    assert all(bin.milli_points % 500 == 0 for rule in card.rules for bin in rule.bins if rule.kind == "credit.paid")
    for rule in card.rules:
        lowest, highest = rule.reach
        assert lowest <= rule.least <= 0 <= rule.most <= highest or rule.factor != "credit_history"


@pytest.mark.analysis
def test_the_same_files_give_the_same_and_groups_change_the_report_only(fit, invented):
    card, page = fit()
    assert fit() == (card, page)
    turned = invented.folder / "turned.csv"
    turned.write_text(invented.groups.read_text().replace("even", "x").replace("odd", "even").replace("x", "odd"))
    other_card, other_page = fit(groups=turned)
    assert card == other_card
    assert page != other_page


@pytest.mark.analysis
def test_the_report_has_a_table_to_each_figure_and_no_small_cell(fit, invented):
    page = fit(f"--compare={ROOT / 'scores' / 'scorecards' / '2026-11.yaml'}")[1]
    assert page.count('class="figure"') == page.count('role="img" aria-label="') >= 5
    assert (
        len(re.findall(r"</svg>(?:<p class=\"legend\">.*?</p>)?(?:<p>.*?</p>)?<div class=\"scroll\"><table>", page))
        >= 4
    )
    for section in ("How well it tells", "ROC", "KS", "Calibration by tenth", "Points per bin", "Fairness", "Made by"):
        assert f"<h2>{section}</h2>" in page
    assert "2026-11" in page
    assert "Gradient boosting" in page
    # Group "few" has two or so people among those tested on, and is not told.
    assert ">many (" in page
    assert "few (" not in page
    counts = re.findall(r"<td>([0-9,]+)</td></tr>", page)
    assert counts
    assert all(int(count.replace(",", "")) >= 20 or count == "0" for count in counts)
    assert not re.search(r"\bp[0-9]{1,3}\b", re.sub(r"<[^>]*>|[./]|--\S+", " ", page))
    assert str(invented.folder) not in page


@pytest.mark.analysis
@pytest.mark.parametrize("column", ["sex", "age", "credit_limit"])
def test_an_outcome_with_a_group_beside_it_is_refused(fit, invented, column):
    lines = invented.outcomes.read_text().splitlines()
    invented.outcomes.write_text("\n".join([f"{lines[0]},{column}", *(f"{line},1" for line in lines[1:])]))
    assert f"{column} can never be an input" in refused(fit)
    assert not (invented.folder / "card.yaml").exists()


@pytest.mark.analysis
def test_records_of_a_proxy_are_refused(fit, invented):
    with invented.entries.open("a") as file:
        file.write('{"subject":"p1","kind":"credit.limit","occurred_on":"2026-10-31","value":5000}\n')
    assert "credit.limit can never be an input: it stands for age" in refused(fit)
    assert not (invented.folder / "card.yaml").exists()


@pytest.mark.analysis
def test_other_faults_are_refused(fit, invented):
    assert "no rule to split by" in refused(fit, "--fit-on=sex")
    assert "--share must be given twice" in refused(fit, "--share=550=0.8")
    assert "reached at the same place" in refused(fit, "--share=550=0.8", "--share=650=0.9999")
    invented.outcomes.write_text("subject,outcome\n" + "".join(f"p{number},0\n" for number in range(300)))
    assert "20 people must have ended badly" in refused(fit)


def test_without_its_libraries_it_says_how_to_get_them(fit, monkeypatch):
    monkeypatch.setattr(fit_scorecard, "find_spec", lambda name: None)
    assert "pip install -r requirements-analysis.txt" in refused(fit)


def test_the_product_needs_none_of_them():
    # In a process of its own: whatever ran before in this one may have loaded them, and a test that asks first proves
    # nothing where they are loaded.
    script = (
        "import sys; import scores.learning.report, scores.learning.study, scores.management.commands.fit_scorecard; "
        "print(sorted({'sklearn', 'scipy', 'numpy'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["[]"]
    product = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-dev.txt").read_text()
    assert not re.search(r"(?m)^(scikit-learn|numpy|scipy)\b", product)
