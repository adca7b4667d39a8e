"""What the tests of the score share."""

from pathlib import Path

import pytest

from scores.scorecard import Scorecard, load_scorecard
from tests.budgets import EACH_EDGE


@pytest.fixture
def least_examples() -> int:
    """How many examples must have stood at each edge."""
    return EACH_EDGE


@pytest.fixture(scope="session")
def shipped_card() -> Scorecard:
    folder = Path(__file__).parents[2] / "scores" / "scorecards"
    return load_scorecard((folder / "2026-11.yaml").read_text(encoding="utf-8"))
