"""Invented people to learn from, and what the tests that need scikit-learn skip without."""

import csv
import json
import random
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STRUCTURE = ROOT / "docs" / "learning" / "2026-12.structure.yaml"
DAYS = ("2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31")
AS_OF = "2026-11-23"


@pytest.fixture(autouse=True)
def _needs_analysis(request):
    """Skip, saying why, what is marked `analysis` where its libraries are not installed."""
    if request.node.get_closest_marker("analysis") and not all(map(find_spec, ("numpy", "scipy", "sklearn"))):
        pytest.skip("needs scikit-learn: pip install -r requirements-analysis.txt")


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch):
    """The upper line need not be high for the tests."""
    monkeypatch.setattr("scores.learning.boosting.ROUNDS", 5)


class Invented:
    """Files of invented people: the later they pay, the worse most of them end."""

    def __init__(self, folder, people=300):
        self.folder = folder
        self.entries, self.outcomes, self.groups = (
            folder / name for name in ("entries.ndjson", "outcomes.csv", "groups.csv")
        )
        lot = random.Random(7)
        lines, outcomes, groups = [], [], []
        for number in range(people):
            trouble = lot.choice((0, 0, 0, 1, 2, 3))
            for day in DAYS:
                late = lot.choice((-2, -1, 0, 0, *(trouble,) * 3)) if trouble else lot.choice((-2, -1, 0))
                used, paid = lot.choice(("0", "0.02", "0.25", "0.45", "0.8", "1.1")), lot.choice(("0", "0.08", "0.4"))
                for kind, value in (("credit.payment", late), ("credit.utilisation", used), ("credit.paid", paid)):
                    lines.append({"subject": f"p{number}", "kind": kind, "occurred_on": day, "value": value})
            outcomes.append((f"p{number}", int(lot.random() < (0.05, 0.2, 0.55, 0.75)[trouble])))
            groups.append((f"p{number}", lot.choice(("even", "odd")), "few" if number % 150 == 9 else "many"))
        self.entries.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self._write(self.outcomes, ("subject", "outcome"), outcomes)
        self._write(self.groups, ("subject", "side", "size"), groups)

    @staticmethod
    def _write(path, head, rows):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])


@pytest.fixture
def invented(tmp_path):
    return Invented(tmp_path)
