"""First names: any script, one line, no disguise."""

import pytest
from django.core.exceptions import ValidationError

from citizen_app.accounts.names import clean_first_name


@pytest.mark.parametrize(
    "name", ["", "Ana", "Jean-Luc", "O'Neil", "نگار", "می\u200cنا", "王小明", "X Æ A-12", "é" * 60]
)
def test_a_name_of_any_script_is_kept(name):
    assert clean_first_name(name) == name


def test_it_is_trimmed_and_composed():
    assert clean_first_name("  Zoe\u0308 ") == "Zo\u00eb"


@pytest.mark.parametrize("name", ["A\nB", "A\x00", "A\u202eB", "A\u200bB", "A\u2028B", "A\ufeff", "A\ue000", "x" * 61])
def test_what_disguises_or_overflows_is_refused(name):
    with pytest.raises(ValidationError):
        clean_first_name(name)
