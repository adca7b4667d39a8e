"""What a person writes on the pages of the score."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from citizen_app.accounts.names import LONGEST_FIRST_NAME, clean_first_name
from citizen_app.models import Citizen
from citizen_app.models.citizen import validate_zone
from scores import catalogue


class EnrolForm(forms.Form):
    """Two separate boxes, both unticked: to be scored, and to be of age."""

    scored = forms.BooleanField(
        label="Yes, keep a score for me under the text above.",
        error_messages={"required": "Without this yes there is no score."},
    )
    adult = forms.BooleanField(
        label=f"I am at least {settings.ADULT_AGE} years old.",
        error_messages={"required": "Only adults can be scored."},
    )
    consent_version = forms.CharField(widget=forms.HiddenInput, max_length=16)


class ProfileForm(forms.Form):
    """What we call the person, in which language, on whose clock."""

    first_name = forms.CharField(
        required=False,
        max_length=LONGEST_FIRST_NAME,
        label="First name",
        help_text="A desk that scans your code sees it.",
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    zone = forms.CharField(
        max_length=64, label="Time zone", help_text="For deadlines and opening hours, such as Europe/Lisbon."
    )

    def clean_first_name(self) -> str:
        return clean_first_name(self.cleaned_data["first_name"])

    def clean_zone(self) -> str:
        validate_zone(self.cleaned_data["zone"])
        return str(self.cleaned_data["zone"])


class WhatIfForm(forms.Form):
    """Records one imagines: so many of a kind, with a value; and those one imagines away."""

    kind = forms.ChoiceField(
        required=False,
        choices=[("", "None"), *((kind.code, kind.title) for kind in catalogue.KINDS)],
        label="Imagine more records of",
    )
    count = forms.IntegerField(required=False, min_value=1, max_value=120, label="How many", initial=1)
    value = forms.DecimalField(
        required=False,
        max_digits=13,
        decimal_places=4,
        label="With the value",
        help_text="Each kind says what it counts.",
    )
    without = forms.MultipleChoiceField(
        required=False, label="And without", widget=forms.CheckboxSelectMultiple, choices=()
    )

    def __init__(self, *args: Any, entries: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["without"].choices = entries  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind"):
            kind = catalogue.kind(cleaned["kind"])
            try:
                cleaned["scaled"] = catalogue.parse_value(kind, cleaned.get("value") or 0)
            except catalogue.BadValue as bad:
                self.add_error("value", ValidationError(str(bad), code="invalid"))
        return cleaned


def profile_of(citizen: Citizen) -> dict[str, str]:
    """The profile as the form starts with it."""
    return {"first_name": citizen.first_name, "language": citizen.language, "zone": citizen.zone}
