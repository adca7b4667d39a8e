"""Threat 25: only `citizen_app/calling_out.py` calls addresses that somebody else chose, by its rules.

Stripe's library calls Stripe alone (`perks/payments/`); Django's mail goes to the one server the settings name.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALLS_OUT = {
    "requests",
    "requests_hardened",
    "httpx",
    "aiohttp",
    "urllib3",
    "urllib.request",
    "http.client",
    "ftplib",
    "telnetlib",
    "smtplib",
    "socket",
    "stripe",
}
MAY_CALL_OUT = ("citizen_app/calling_out.py", "perks/payments/")


def imported(source: str) -> set[str]:
    """Every module a file names in an import, whole and by its parents."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names | {name.partition(".")[0] for name in names}


def test_what_calls_out_is_found():
    assert imported("import requests") & CALLS_OUT
    assert imported("from urllib import request") & CALLS_OUT
    assert imported("from urllib.request import urlopen") & CALLS_OUT
    assert imported("from urllib3.util import parse_url") & CALLS_OUT
    assert not imported("from urllib.parse import urlencode") & CALLS_OUT


def test_threat_25_only_the_room_for_it_calls_out():
    files = [path for room in ("citizen_app", "scores", "perks") for path in (ROOT / room).rglob("*.py")]
    calling = {str(path.relative_to(ROOT)): imported(path.read_text()) & CALLS_OUT for path in files}
    outside = {path: names for path, names in calling.items() if names and not path.startswith(MAY_CALL_OUT)}
    assert outside == {}
    assert calling["citizen_app/calling_out.py"] >= {"requests_hardened", "socket"}
    assert len(files) > 300
