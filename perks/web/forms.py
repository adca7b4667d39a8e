"""What a citizen writes on the pages of perks: what they look for, and the day and place of a priority."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from citizen_app.web.fields import PlainText
from perks import hours
from perks.models import Branch, Perk
from perks.services.catalogue_reading import BadPlace, Near, Wanted
from perks.services.redemptions import FURTHEST_DATE
from perks.web import words

PURPOSES = ("travel", "rental", "retail", "dating")


class SearchForm(forms.Form):
    """What a citizen looks for among perks; the address of the page holds it, so that it can be kept and shared."""

    q = PlainText(required=False, max_length=80, label="Search perks")
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Any kind"), *((kind, words.KINDS[kind]) for kind in (Perk.Kind.DISCOUNT, Perk.Kind.PRIORITY))],
    )
    category = forms.ChoiceField(required=False, choices=())
    near = PlainText(
        required=False, max_length=40, label="Near an airport", help_text="Its three letters, such as LIS."
    )
    purpose = forms.ChoiceField(required=False, choices=[(code, code) for code in PURPOSES], widget=forms.HiddenInput)
    eligible = forms.ChoiceField(required=False, choices=[("true", "true")], widget=forms.HiddenInput)
    merchant = PlainText(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, categories: Sequence[str], **options: Any) -> None:
        super().__init__(data, **options)
        named = [(code, words.named(code)) for code in categories]
        self.fields["category"].choices = [("", "Any category"), *named]  # type: ignore[attr-defined]

    def clean_near(self) -> Near | None:
        text = self.cleaned_data["near"]
        if not text:
            return None
        try:
            return Near.read(text)
        except BadPlace as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal

    def wanted(self) -> Wanted:
        """What was understood of it; what was not narrows nothing, and is said."""
        said = self.cleaned_data
        return Wanted(
            kind=said.get("kind") or None,
            category=said.get("category") or None,
            merchant=said.get("merchant") or None,
            purpose=said.get("purpose") or None,
            near=said.get("near"),
            words=said.get("q") or None,
            only_eligible=said.get("eligible") == "true",
        )

    @property
    def narrows_further(self) -> bool:
        """Whether anything behind "More filters" is set, so that it is shown open."""
        return any(self.data.get(name) for name in ("kind", "category", "near"))


class TakeForm(forms.Form):
    """Nothing to fill in for a discount."""

    def __init__(self, data: Any = None, *, perk: Perk, branches: Sequence[Branch], now: datetime) -> None:
        super().__init__(data)

    def place(self) -> dict[str, Any]:
        """The day and place `take_perk` is told."""
        return {}


class PriorityForm(TakeForm):
    """For which day, and at which branch."""

    date = forms.DateField(
        label="Which day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), input_formats=["%Y-%m-%d"]
    )
    branch = forms.ChoiceField(label="Which branch", choices=())
    booking_reference = PlainText(
        required=False,
        max_length=64,
        label="Booking reference",
        help_text="How the desk knows your booking. It sees this.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, perk: Perk, branches: Sequence[Branch], now: datetime) -> None:
        super().__init__(data, perk=perk, branches=branches, now=now)
        self._branches = {branch.public_id: branch for branch in branches}
        self.fields["branch"].choices = [(name, branch.name) for name, branch in self._branches.items()]  # type: ignore[attr-defined]
        first, last = _days(perk, now)
        self.fields["date"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}

    def place(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            "date": said["date"],
            "branch": self._branches[said["branch"]],
            "booking_reference": said["booking_reference"],
        }


def take_form(data: Any = None, *, perk: Perk, branches: Sequence[Branch], now: datetime) -> TakeForm:
    """The form by which this perk is taken."""
    form = PriorityForm if perk.kind == Perk.Kind.PRIORITY else TakeForm
    return form(data, perk=perk, branches=branches, now=now)


def field_of(pointer: str, form: TakeForm) -> str | None:
    """The field a refusal points to; None where the form has no such one, so that it is said of the whole."""
    name = pointer.removeprefix("/")
    return name if name in form.fields else None


def _days(perk: Perk, now: datetime) -> tuple[date, date]:
    """The first and last day the calendar offers; what is taken is judged by the branch's own clock."""
    first, last = hours.local_day(now, perk.zone), hours.local_day(now + FURTHEST_DATE, perk.zone)
    if perk.valid_from_at is not None:
        first = max(first, hours.local_day(perk.valid_from_at, perk.zone))
    if perk.valid_until_at is not None:
        last = min(last, hours.local_day(perk.valid_until_at - timedelta(seconds=1), perk.zone))
    return first, last
