"""The house's own rules, about the repository itself."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

from citizen_app.api.codes import PROTOCOL, refusals
from citizen_app.api.permissions import Caller, Nobody
from citizen_app.api.views import ApiView

ROOT = Path(__file__).resolve().parents[2]
APPS = ("citizen_app", "scores", "perks")
MODULES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))
DESCRIPTION = {"api/v1/schema", "api/docs"}  # the description of the API does not describe itself
LONGEST_FILE = 450


def endpoints(patterns=None, prefix=""):
    """Every address below `/api/` with its view class (None for a plain function)."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/") and path not in DESCRIPTION:
            yield path, getattr(pattern.callback, "cls", None)


def named(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_every_endpoint_is_one_of_our_views():
    assert [path for path, view in endpoints() if view is None or not issubclass(view, ApiView)] == []


def test_every_view_names_exactly_one_kind_of_caller():
    vague = [
        path
        for path, view in endpoints()
        if len(view.permission_classes) != 1
        or not issubclass(view.permission_classes[0], Caller)
        or view.permission_classes[0] is Nobody
    ]
    assert vague == []


def test_every_view_knows_callers_by_the_one_credential():
    from citizen_app.api.authentication import OneCredential
    from citizen_app.api.throttles import CallerThrottle

    for path, view in endpoints():
        assert view.authentication_classes == [OneCredential], path
        assert view.throttle_classes == [CallerThrottle], path


def test_what_must_not_happen_twice_asks_for_a_key():
    twice = re.compile(r"/(redemptions|take|cancel|reverse|refund|charge|claim|pick-up|return)$")
    careless = [
        path
        for path, view in endpoints()
        if twice.search(path) and hasattr(view, "post") and not getattr(view.post, "is_idempotent", False)
    ]
    assert careless == []


def test_each_code_is_one_refusal():
    # The contract itself answers `not_enrolled` with two statuses: reading one's own (404), taking a perk (403).
    codes = Counter([refusal.code for refusal in refusals()] + [code.code for code in PROTOCOL])
    assert {code for code, count in codes.items() if count > 1} <= {"not_enrolled"}


def test_each_refusal_has_a_code_and_a_sentence():
    """Lesson 10."""
    for refusal in refusals():
        assert re.fullmatch(r"[a-z][a-z_]+[a-z]", refusal.code), refusal
        assert re.fullmatch(r"[A-Z].*[.!?]", refusal.title), refusal


def test_no_module_is_named_after_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared"}
    assert named(path for path in MODULES if path.stem in empty or path.parent.name in empty) == []


def test_files_can_be_read_in_one_sitting():
    long = [
        path for path in MODULES if "migrations" not in path.parts and len(path.read_text().splitlines()) > LONGEST_FILE
    ]
    assert named(long) == []


def test_every_module_says_what_it_is():
    silent = [
        path
        for path in MODULES
        if "migrations" not in path.parts
        and path.read_text().strip()
        and not path.read_text().lstrip().startswith(('"""', 'r"""'))
    ]
    assert named(silent) == []


def test_nothing_is_left_for_later():
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    assert named(path for path in MODULES if later.search(path.read_text())) == []


def test_models_announce_nothing():
    # A field's own `pre_save`, said or called, announces nothing.
    signals = re.compile(r"(?<!def )(?<!\bfield\.)\b(pre|post)_(save|delete|init)\b|\bm2m_changed\b")
    assert named(path for path in MODULES if signals.search(path.read_text())) == []


def test_only_the_project_reads_the_settings_module():
    direct = re.compile(r"^\s*(from|import) citizen_app\.settings|from citizen_app import .*\bsettings\b", re.M)
    assert named(path for path in MODULES if direct.search(path.read_text())) == []


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_pure_modules_import_no_django():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = next(each["source_modules"] for each in contracts if each["name"] == "pure modules import no Django")
    assert len(pure) >= 10
    script = (
        f"import sys\nfor name in {pure!r}: __import__(name)\nprint([m for m in sys.modules if m.startswith('django')])"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
