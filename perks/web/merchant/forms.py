"""What the console's forms share: one judge with the API, and each mistake beside the field it is about."""

from collections.abc import Mapping
from typing import Any

from django import forms
from rest_framework import serializers

from citizen_app.api.problems import field_errors
from citizen_app.errors import InvalidInput
from perks.models import Branch, Member, Merchant
from perks.web.words import SECTORS

ROLES = (
    (Member.Role.CASHIER, "Cashier"),
    (Member.Role.MANAGER, "Manager"),
    (Member.Role.OWNER, "Owner"),
)
SCOPES = (
    ("merchant:scan", "Scan codes and take scans back"),
    ("merchant:perks", "Write perks and read redemptions"),
)


def judged(body_class: type[serializers.Serializer], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as the API would take it, or its `InvalidInput`: a page and the API refuse the same things."""
    body = body_class(data=said)
    if not body.is_valid():
        raise InvalidInput(*field_errors(body.errors))
    return dict(body.validated_data)


def place_errors(form: forms.Form, refusal: InvalidInput, names: Mapping[str, str] | None = None) -> None:
    """Put each mistake beside the field its pointer names, or `names` calls so; the others stand above the form."""
    for error in refusal.facts["errors"]:
        member = error["pointer"].strip("/").split("/")[0]
        place_error(form, (names or {}).get(member, member), error["detail"])


def place_error(form: forms.BaseForm, name: str, detail: str) -> None:
    """Put a mistake beside a field, once, or above the form where there is no such field."""
    place = name if name in form.fields else None
    if detail not in form.errors.get(place or "__all__", []):
        form.add_error(place, detail)


class ApplyForm(forms.Form):
    """Who asks to offer perks."""

    name = forms.CharField(max_length=120, help_text="As people know it.")
    sector = forms.ChoiceField(choices=[("", "Choose"), *SECTORS.items()])
    country = forms.CharField(min_length=2, max_length=2, label="Country", help_text="Its two letters, such as PT.")
    website = forms.URLField(required=False, max_length=200, assume_scheme="https")
    key = forms.CharField(widget=forms.HiddenInput, max_length=255)

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def body(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {name: said[name] for name in ("name", "sector", "country", "website") if said[name]}


class BranchForm(forms.Form):
    """A place with its own clock."""

    name = forms.CharField(max_length=120)
    zone = forms.CharField(max_length=64, label="Time zone", help_text="Such as Europe/Lisbon.")
    address = forms.CharField(max_length=240, required=False)
    iata = forms.CharField(max_length=3, required=False, label="Airport", help_text="Its three letters, such as LIS.")

    def body(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {**said, "iata": said["iata"].upper() or None}

    @classmethod
    def of(cls, branch: Branch) -> "BranchForm":
        return cls(initial={name: getattr(branch, name) for name in ("name", "zone", "address", "iata")})


class InvitationForm(forms.Form):
    """A seat offered by e-mail."""

    email = forms.EmailField(max_length=254, label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=ROLES)


class ClientForm(forms.Form):
    """One of the merchant's servers, and what it may do."""

    name = forms.CharField(max_length=120, help_text="Such as the property system’s name.")
    scopes = forms.MultipleChoiceField(label="It may", choices=SCOPES, widget=forms.CheckboxSelectMultiple)


class ReasonForm(forms.Form):
    """Why a redemption is taken back; the guest reads it."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="The guest reads it.")

    def __init__(self, *args: Any, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not optional
        if optional:
            self.fields["reason"].help_text = ""


def merchant_line(merchant: Merchant, role: str) -> dict[str, str]:
    """A merchant in a person's list of those they act for."""
    return {"id": merchant.public_id, "name": merchant.name, "role": role, "state": merchant.state}
