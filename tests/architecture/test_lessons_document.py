"""`docs/lessons.md` answers each complaint with tests that exist and name it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "lessons.md"
_ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]*) \|$", re.M)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = {int(number): _TEST.findall(tests) for number, tests in _ROW.findall(DOCUMENT.read_text())}


@cache
def _tests_of(file: str) -> dict[str, str]:
    """Every test of a file: its name with its docstring."""
    return {
        node.name: ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef)
    }


def test_every_row_is_answered():
    assert list(ROWS) == list(range(1, 22))
    assert all(ROWS.values())


@pytest.mark.parametrize("number", ROWS)
def test_each_test_of_a_row_is_there_and_names_it(number):
    for file, name in ROWS[number]:
        tests = _tests_of(file)
        assert name in tests, f"{file} has no {name}"
        said = f"{name} {tests[name]}"
        assert re.search(rf"lessons?[_ ]{number}(?!\d)", said, re.I), f"{file}::{name} does not say lesson {number}"


NETWORK = {"requests", "httpx", "urllib", "urllib3", "http", "smtplib", "socket", "aiohttp", "stripe", "pywebpush"}
CALLING = {"citizen_app/calling_out.py", "citizen_app/notifying/pushes.py"}
MAILING = {"citizen_app/accounts/mail.py", "scores/services/farewell.py"}
QUEUEING = {"citizen_app/web/phone.py"}  # allauth's `send`, of which our adapter makes a row of the outbox
HARMLESS = {"urllib.parse", "http.HTTPStatus", "http"}  # to take addresses apart, and numbers of statuses


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name for name in names if name.partition(".")[0] in NETWORK} - HARMLESS


def test_nobody_calls_over_the_network_but_what_the_outbox_runs():
    """Lesson 4: no service or door opens a connection elsewhere, so that none can hold a row meanwhile.

    Mail goes out in the handler of its topic; webhooks from their dispatcher, by the one room that calls out; payments
    have their own package, called by handlers too.
    """
    calling = {
        str(path.relative_to(ROOT)): names
        for room in ("citizen_app", "scores", "perks")
        for path in (ROOT / room).rglob("*.py")
        if (names := _imported(path)) and "payments" not in path.parts
    }
    assert set(calling) == CALLING
    posting = {
        str(path.relative_to(ROOT))
        for room in ("citizen_app", "scores", "perks")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"calling_out import .*\b(post|session_for)\b", path.read_text())
    }
    assert posting <= {"citizen_app/webhooks/delivering.py", "citizen_app/notifying/pushes.py"}
    sending = {
        str(path.relative_to(ROOT))
        for room in ("citizen_app", "scores", "perks")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\.send\(\)|\bmail\.send_mail\(|send_messages\(|\.(delay|apply_async)\(", path.read_text())
    }
    assert sending == MAILING | QUEUEING
    # Of these the two of the scores are called by handlers only, and the third is one.
    callers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "scores").rglob("*.py")
        if re.search(r"scores\.services\.(farewell|disputes\.telling) import", path.read_text())
    }
    assert callers == {"scores/tasks.py"}
