"""How hard the property tests of the score try: harder, and always the same way, in CI."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from scores.scorecard import Scorecard, load_scorecard

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile(
    "ci", max_examples=7000, derandomize=True, database=None, deadline=None, suppress_health_check=SLOW_IS_FINE
)
settings.register_profile("dev", max_examples=1200, database=None, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


@pytest.fixture
def least_examples() -> int:
    """How many examples must have stood at each edge."""
    return 200 if os.environ.get("CI") == "true" else 20


@pytest.fixture(scope="session")
def shipped_card() -> Scorecard:
    folder = Path(__file__).parents[2] / "scores" / "scorecards"
    return load_scorecard((folder / "2026-11.yaml").read_text(encoding="utf-8"))
