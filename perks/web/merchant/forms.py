"""What the console's forms share: one judge with the API, and each mistake beside the field it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from rest_framework import serializers

from citizen_app.api.problems import field_errors
from citizen_app.errors import InvalidInput
from perks.models import Branch, Member, Merchant, Register
from perks.money import decimals_of, minor_units
from perks.services.clients import LOOKUP
from perks.web import words
from perks.web.words import SECTORS

ROLES = (
    (Member.Role.CASHIER, "Cashier"),
    (Member.Role.MANAGER, "Manager"),
    (Member.Role.OWNER, "Owner"),
)
SCOPES = tuple((code, words.SCOPES[code]) for code in ("merchant:scan", "merchant:perks", LOOKUP, "sandbox"))


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


def amount_field(label: str, help_text: str, *, required: bool = False, min_value: Any = 0) -> forms.DecimalField:
    """An amount of money as people write it, with at most the decimals of the deployment's currency."""
    places = decimals_of(settings.CURRENCY)
    return forms.DecimalField(
        required=required,
        label=label,
        help_text=help_text,
        max_digits=12 + places,
        decimal_places=places,
        min_value=min_value,
    )


class RefundForm(forms.Form):
    """What goes back onto the card, and of which charge; the key makes sending the page twice one refund."""

    charge = forms.ChoiceField(error_messages={"required": "Say which charge."})
    amount = amount_field(f"Amount, {settings.CURRENCY}", "At most what is left of the charge.", required=True)
    key = forms.CharField(widget=forms.HiddenInput, max_length=255)

    def __init__(self, *args: Any, charges: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["charge"].choices = charges  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {"charge": said["charge"], "amount": minor_units(said["amount"], settings.CURRENCY)}


class ApplyForm(forms.Form):
    """Who asks to offer perks."""

    name = forms.CharField(max_length=120, help_text="As people know it.")
    sector = forms.ChoiceField(choices=[("", "Choose"), *SECTORS.items()])
    country = forms.CharField(min_length=2, max_length=2, label="Country", help_text="Its two letters, such as PT.")
    website = forms.URLField(required=False, max_length=200, assume_scheme="https")
    registry_number = forms.RegexField(
        r"\A[A-Za-z0-9._/ -]{1,40}\Z",
        required=False,
        label="Registry number",
        help_text="Under which a register knows you.",
    )
    registry = forms.ChoiceField(required=False, label="Which register", choices=())
    contact_person = forms.CharField(
        required=False, max_length=120, label="Contact person", help_text="Whom an operator asks."
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=255)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        registers = Register.objects.order_by("authority").values_list("code", "authority")
        self.fields["registry"].choices = [("", "Companies of the country"), *registers]  # type: ignore[attr-defined]

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def body(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {name: said[name] for name in self.fields if name != "key" and said[name]}


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
    app = forms.ChoiceField(
        label="Of which app it looks boosts up", required=False, help_text="Only for a server that may look boosts up."
    )

    def __init__(self, *args: Any, apps: Sequence[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        """`apps` are those it may look boosts up of; None: the merchant has none, whatever it does."""
        super().__init__(*args, **kwargs)
        if apps is not None:
            self.fields["app"].choices = [("", "None"), *apps]  # type: ignore[attr-defined]
            return
        del self.fields["app"]
        other = [scope for scope in SCOPES if scope[0] != LOOKUP]
        self.fields["scopes"].choices = other  # type: ignore[attr-defined]


class AppForm(forms.Form):
    """An app that people will connect, once an operator has approved it."""

    prefix = "app"  # the page has another form with a name
    name = forms.CharField(max_length=120, help_text="What people read when they are asked.")
    redirect_uris = forms.CharField(
        label="Addresses for answers",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Exact https addresses of yours, one a line.",
    )
    privacy_url = forms.URLField(label="Privacy notice", max_length=500, assume_scheme="https")
    terms_url = forms.URLField(label="Terms", max_length=500, required=False, assume_scheme="https")

    def clean_redirect_uris(self) -> list[str]:
        return str(self.cleaned_data["redirect_uris"]).split()


class TillForm(forms.Form):
    """A till to be paired: what it is called and where it stands."""

    name = forms.CharField(max_length=60, help_text="Such as Desk 2.")
    branch = forms.ChoiceField(label="Branch", error_messages={"required": "Say where it stands."})

    def __init__(self, *args: Any, branches: Sequence[Branch], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(branches) > 1:
            choices = [("", "Choose"), *((branch.public_id, branch.name) for branch in branches)]
            self.fields["branch"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["branch"]


class PinForm(forms.Form):
    """The digits a member types at a till, twice."""

    pin = forms.CharField(label="New PIN", min_length=4, max_length=8, help_text="Four to eight digits.")
    again = forms.CharField(label="The same again", min_length=4, max_length=8)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "new-password"})

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if "again" in said and said.get("pin") != said["again"]:
            self.add_error("again", "These are other digits.")
        return said


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
