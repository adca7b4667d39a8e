"""`.env.example` names every variable that the settings read, and no other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (ROOT / "citizen_app" / "settings.py").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()


def test_env_example_names_exactly_what_the_settings_read():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
    named = set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.M))
    assert read == named


def test_every_variable_of_env_example_has_a_comment_above_it():
    lines = EXAMPLE.splitlines()
    bare = [
        line
        for number, line in enumerate(lines)
        if re.match(r"[A-Z_]+=", line)
        and not lines[number - 1].startswith("#")
        and not re.match(r"[A-Z_]+=", lines[number - 1])
    ]
    assert bare == []


def _start(
    tmp_path: Path, told: str = "s.PRODUCTION, len(s.SECRET_KEY)", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own with this environment and nothing else of ours."""
    return subprocess.run(
        [sys.executable, "-c", f"import citizen_app.settings as s; print({told})"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_embedded_default_needs_no_variable_and_keeps_its_secret(tmp_path):
    first = _start(tmp_path)
    assert first.stdout.startswith("False 8"), first.stderr
    kept = (tmp_path / "secret_key").read_text()
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert _start(tmp_path).returncode == 0
    assert (tmp_path / "secret_key").read_text() == kept


PRODUCTION = {"PRODUCTION": "true", "SECRET_KEY": "k" * 60, "SERVER_KEY": "s" * 60, "ALLOWED_HOSTS": "id.example.org"}


def test_production_starts_with_its_secrets(tmp_path):
    assert _start(tmp_path, **PRODUCTION).stdout == "True 60\n"


@pytest.mark.parametrize(("environment", "mode"), [({}, "optional"), (PRODUCTION, "required")])
def test_furnishers_sign_what_they_send_in_production_unless_somebody_says_otherwise(environment, mode, tmp_path):
    for said, expected in ((None, mode), ("", mode), ("required", "required"), ("optional", "optional")):
        more = {} if said is None else {"SOURCE_SIGNATURES": said}
        assert _start(tmp_path, "s.SOURCE_SIGNATURES", **environment | more).stdout.strip() == expected


@pytest.mark.parametrize(
    "weak",
    [
        {"SECRET_KEY": "short"},
        {"SERVER_KEY": "short"},
        {"SECRET_KEY": ""},
        {"RATE_LIMITS": "off"},
        {"DEBUG": "true"},
        {"ALLOWED_HOSTS": "*"},
        {"WEB_PROCESSES": "4"},
        {"SOURCE_SIGNATURES": "sometimes"},
    ],
    ids=lambda weak: "=".join(*weak.items()),
)
def test_production_refuses_to_start_weak(weak, tmp_path):
    outcome = _start(tmp_path, **PRODUCTION | weak)
    assert outcome.returncode != 0
    assert "ImproperlyConfigured" in outcome.stderr
