"""Names an operator should look at twice before letting them in."""

import pytest

from perks.likeness import KnownNames, plain, warnings_of

KNOWN = KnownNames(["Meliá Hotels", "Hotel Aurora", "Europcar", "TAP", "Livraria Lello"])


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("Melia Hotels", "Meliá Hotels"),
        ("MELIÁ HOTELS, S.A.", "Meliá Hotels"),
        ("Меliá Hotels", "Meliá Hotels"),  # its first two letters are Cyrillic
        ("Hotel Auroraa", "Hotel Aurora"),
        ("Hotel Auror4", "Hotel Aurora"),
        ("Eur0pcar", "Europcar"),
        ("The Hotel Aurora Lda", "Hotel Aurora"),
    ],
)
def test_a_name_that_reads_like_another_is_named(name, like):
    assert like in [one.name for one in warnings_of(name, KNOWN) if one.why == "like"]


@pytest.mark.parametrize("name", ["Pensão Borealis", "Hotel", "Lisbon Car Rental", "Тихий Дом", "A", "東京ホテル"])
def test_a_name_of_its_own_is_left_alone(name):
    assert warnings_of(name, KNOWN) == []


def test_mixed_alphabets_are_named():
    assert "mixed_alphabets" in [one.why for one in warnings_of("Аurora Palace", KNOWN)]


def test_accents_forms_and_punctuation_do_not_matter():
    assert plain("Meliá-Hotels S.A.") == plain("MELIA HOTELS")
    assert plain("!!!") == "!!!"
