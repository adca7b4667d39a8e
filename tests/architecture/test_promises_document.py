"""`docs/promises.md` names what there is: its tests exist, and each of its mutants changes one place of the code."""

import re
from pathlib import Path

import pytest

from tests.mutants import DOCUMENT, Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
TEXT = DOCUMENT.read_text()
PROMISES = ("p1", "p2", "p3", "p4", "p5", "p6", "p9", "p10")


def test_every_mutant_of_the_document_is_read():
    assert len(mutants()) == TEXT.count("```diff") == len(re.findall(r"^Fails: ", TEXT, re.M)) > 40
    assert len({one.name for one in mutants()}) == len(mutants())


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_names_a_test(mutant: Mutant):
    assert mutant.applies_once(), f"{mutant.file} has changed: write {mutant.name} anew"
    assert mutant.before != mutant.after
    file, _, name = mutant.test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.M), mutant.test


def test_every_promise_that_is_kept_has_a_mutant_and_every_test_it_names_is_there():
    for promise in PROMISES:
        assert [one for one in mutants() if f"::test_{promise}_" in one.test or promise == "p4"], promise
    for path in re.findall(r"`(tests/[\w/]+\.py)`", TEXT):
        assert (ROOT / path).is_file(), path
