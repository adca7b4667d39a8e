"""What a citizen writes on the pages of perks: what they look for, and the day and place of a priority."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from citizen_app.web.fields import PlainText
from perks import hours
from perks.models import Branch, Perk
from perks.services.catalogue_reading import Wanted
from perks.services.kinds import FURTHEST_DATE
from perks.services.nearness import BadPlace, Near
from perks.web import words
from perks.web.deposit_words import money_text

PURPOSES = ("travel", "rental", "retail", "dating")


class SearchForm(forms.Form):
    """What a citizen looks for among perks; the address of the page holds it, so that it can be kept and shared."""

    q = PlainText(required=False, max_length=80, label="Search perks")
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Any kind"), *((kind.value, words.KINDS[kind]) for kind in Perk.Kind)],
    )
    category = forms.ChoiceField(required=False, choices=())
    near = PlainText(
        required=False,
        max_length=40,
        label="Near",
        help_text="An airport’s three letters, such as LIS, or a point: 38.72,-9.14. Within 50 km, the nearest first.",
    )
    purpose = forms.ChoiceField(required=False, choices=[(code, code) for code in PURPOSES], widget=forms.HiddenInput)
    eligible = forms.ChoiceField(required=False, choices=[("true", "true")], widget=forms.HiddenInput)
    opens = forms.ChoiceField(required=False, choices=[("soon", "soon")], widget=forms.HiddenInput)
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
            opens_soon=said.get("opens") == "soon",
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


class DepositForm(PriorityForm):
    """From which day until which, at which branch, and what is rented."""

    until = forms.DateField(
        label="Return on",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    vehicle_class = forms.ChoiceField(label="Class", choices=())
    field_order = ("date", "until", "branch", "vehicle_class", "booking_reference")

    def __init__(self, data: Any = None, *, perk: Perk, branches: Sequence[Branch], now: datetime) -> None:
        super().__init__(data, perk=perk, branches=branches, now=now)
        self.fields["date"].label = "Pick up on"
        deposit = perk.version_in_force.deposit or {"classes": [], "max_days": 0}
        days = deposit["max_days"]
        self.fields["until"].help_text = f"At most {days} day{'' if days == 1 else 's'} after the pick-up."
        self.fields["until"].widget.attrs["min"] = self.fields["date"].widget.attrs["min"]
        classes = [(row["code"], f"{row['code']}: deposit {money_text(row['full'])}") for row in deposit["classes"]]
        self.fields["vehicle_class"].choices = classes  # type: ignore[attr-defined]

    def place(self) -> dict[str, Any]:
        said = self.cleaned_data
        return super().place() | {"until": said["until"], "vehicle_class": said["vehicle_class"]}


_FORMS: Mapping[str, type[TakeForm]] = {
    Perk.Kind.PRIORITY: PriorityForm,
    Perk.Kind.DEPOSIT_WAIVER: DepositForm,
}


def take_form(data: Any = None, *, perk: Perk, branches: Sequence[Branch], now: datetime) -> TakeForm:
    """The form by which this perk is taken."""
    return _FORMS.get(perk.kind, TakeForm)(data, perk=perk, branches=branches, now=now)


def field_of(pointer: str, form: TakeForm) -> str | None:
    """The field a refusal points to; None where the form has no such one, so that it is said of the whole."""
    name = {"class": "vehicle_class"}.get(pointer.removeprefix("/"), pointer.removeprefix("/"))
    return name if name in form.fields else None


def _days(perk: Perk, now: datetime) -> tuple[date, date]:
    """The first and last day the calendar offers; what is taken is judged by the branch's own clock."""
    first, last = hours.local_day(now, perk.zone), hours.local_day(now + FURTHEST_DATE, perk.zone)
    if perk.valid_from_at is not None:
        first = max(first, hours.local_day(perk.valid_from_at, perk.zone))
    if perk.valid_until_at is not None:
        last = min(last, hours.local_day(perk.valid_until_at - timedelta(seconds=1), perk.zone))
    return first, last
