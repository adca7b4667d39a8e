"""What a first name may be: any script, one line, nothing invisible that could disguise it on a desk's screen."""

import unicodedata

from django.core.exceptions import ValidationError

from citizen_app.models import Citizen

LONGEST_FIRST_NAME = 60
# Zero-width joiners belong to names in several scripts; other format characters (bidi overrides) only disguise.
_ALLOWED_FORMAT_CHARACTERS = {"\u200c", "\u200d"}


def clean_first_name(name: str) -> str:
    """Return the name in NFC without outer blanks, or raise Django's ValidationError (`invalid`, `max_length`)."""
    name = unicodedata.normalize("NFC", name).strip()
    for character in name:
        category = unicodedata.category(character)
        if (category[0] == "C" and character not in _ALLOWED_FORMAT_CHARACTERS) or category in ("Zl", "Zp"):
            raise ValidationError("A name has no control or invisible characters.", code="invalid")
    if len(name) > LONGEST_FIRST_NAME:
        raise ValidationError("A first name has at most 60 characters.", code="max_length")
    return name


def display_name(citizen: Citizen) -> str:
    """What to call a person on their own pages and in their own mail."""
    return citizen.first_name or citizen.email
