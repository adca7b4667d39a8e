"""A perk as its merchant writes it on a page: the fields, the rows of tiers and of hours."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from django import forms
from django.conf import settings
from django.forms import BaseFormSet, formset_factory

from perks.hours import MOST_SPANS
from perks.languages import PERK_LANGUAGES
from perks.models import Branch, CodeList, Perk
from perks.money import minor_units, written
from perks.services.perk_body import LIMITS, RELEASES, WINDOWS
from perks.tiers import LONGEST_TEXT, MOST_TIERS
from perks.translations import MEMBERS
from perks.web.merchant.forms import amount_field
from perks.web.words import DAYS, KINDS, RELEASES_AT_DESK

SPARE_HOURS = 3
"""Empty rows of hours, so that without JavaScript there is always room for some more."""
_CLOCK = "%H:%M"


def _text(rows: int, limit: int, **options: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(required=False, max_length=limit, widget=area, **options)


def _number(label: str, help_text: str = "No number: no limit.", least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(required=False, label=label, help_text=help_text, min_value=least)


def _clock(label: str) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format=_CLOCK)
    return forms.TimeField(required=False, label=label, input_formats=[_CLOCK], widget=widget)


def _date(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=False, label=label, help_text=help_text, widget=widget)


def _returned(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=tuple(RELEASES_AT_DESK.items()))


class PerkForm(forms.Form):
    """Everything of a perk that stands once; its bounds are the API's, which judges what this form makes of it."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=[(kind.value, KINDS[kind]) for kind in Perk.Kind])
    title = forms.CharField(max_length=120)
    description = _text(3, 4000)
    language = forms.ChoiceField(required=False, choices=(), label="Written in")
    categories = forms.CharField(
        required=False, max_length=500, help_text="Words it is found by, with commas: breakfast, late_check_out."
    )
    terms = _text(4, 8000, help_text="What binds the guest, word for word.")
    fair_terms = _text(
        3, 4000, label="Fair terms", help_text="What a person without a score gets. It cannot go to review without."
    )
    branches = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None ticked: all of them."
    )
    zone = forms.CharField(max_length=64, label="Time zone", help_text="Its dates and hours are meant in this zone.")
    visible_from = _date("Shown from")
    visible_from_time = _clock("at")
    valid_from = _date("Can be taken from")
    valid_from_time = _clock("at")
    valid_until = _date("Can be taken until", "That day, or minute, is still inside.")
    valid_until_time = _clock("at")
    stock = _number("How many there are", least=0)
    per_day = _number("A day, over everybody")
    budget = amount_field(
        f"Budget, {settings.CURRENCY}", "For gift cards, deposits waived, and discounts of an amount."
    )
    hold_minutes = forms.IntegerField(
        min_value=1, max_value=43200, label="Held for, minutes", help_text="A day is 1440, at most 43200."
    )
    per_citizen = _number("In all")
    per_citizen_day = _number("A day")
    per_citizen_week = _number("A week")
    per_citizen_month = _number("A month")
    on_cancel = _returned("When cancelled")
    on_expiry = _returned("When it runs out")
    on_reversal = _returned("When reversed")
    code_list = forms.ChoiceField(
        required=False,
        label="Codes of your own shop",
        help_text="For a discount: whoever takes it is given one, for good. Given back, it goes to nobody else.",
    )

    def __init__(
        self, *args: Any, branches: Sequence[Branch], code_lists: Sequence[CodeList] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        lists = [(one.public_id, f"{one.name}, {one.free_count:,} left") for one in code_lists]
        if lists:
            self.fields["code_list"].choices = [("", "None"), *lists]  # type: ignore[attr-defined]
        else:
            del self.fields["code_list"]
        self.fields["language"].choices = list(PERK_LANGUAGES.items())  # type: ignore[attr-defined]
        choices = [(branch.public_id, branch.name) for branch in branches]
        if choices:
            self.fields["branches"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["branches"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for name in WINDOWS:
            if said.get(f"{name}_time") and not said.get(name) and name not in self.errors:
                self.add_error(name, "Give the day, too.")
        return said

    def body(self) -> dict[str, Any]:
        """What was written, as the contract's perk body, without its tiers and hours."""
        said = self.cleaned_data
        budget = said["budget"]
        return {
            "kind": said["kind"],
            **({"language": said["language"]} if said["language"] else {}),
            "title": said["title"],
            # A browser ends its lines with two characters; the same text must stay the same text.
            **{name: said[name].replace("\r\n", "\n") for name in ("description", "terms", "fair_terms")},
            "categories": _words(said["categories"]),
            "branches": said.get("branches", []),
            "zone": said["zone"],
            **{name: _window(said[name], said[f"{name}_time"]) for name in WINDOWS},
            "stock": said["stock"],
            "budget": None if budget is None else minor_units(budget, settings.CURRENCY),
            "limits": {name: said[name] for name in LIMITS},
            "hold_minutes": said["hold_minutes"],
            "release": {name: said[name] for name in RELEASES},
            **({"code_list": said["code_list"] or None} if "code_list" in said else {}),
        }


FIELDS_OF_KINDS: Mapping[str, tuple[str, ...]] = {
    "text": (Perk.Kind.DISCOUNT, Perk.Kind.PRIORITY),
    "percent": (Perk.Kind.DISCOUNT,),
    "amount": (Perk.Kind.DISCOUNT, Perk.Kind.GIFT_CARD),
    "months": (Perk.Kind.GIFT_CARD,),
    "waived_percent": (Perk.Kind.DEPOSIT_WAIVER,),
    "boost": (Perk.Kind.VISIBILITY_BOOST,),
}
"""Which of a tier's fields are for which kinds; the page hides the others (`static/js/perk-form.js`)."""


class TierForm(forms.Form):
    """One row of a perk: from how many points, and what it gives."""

    min_score = forms.IntegerField(
        required=False, label="Points", widget=forms.NumberInput(attrs={"step": 10, "min": 0})
    )
    text = forms.CharField(required=False, label="What they get", max_length=LONGEST_TEXT)
    percent = forms.IntegerField(required=False, label="Percent off")
    amount = amount_field(f"Amount, {settings.CURRENCY}", "")
    months = forms.IntegerField(required=False, label="Months")
    waived_percent = forms.IntegerField(required=False, label="Deposit waived, percent")
    boost = forms.CharField(required=False, label="Boost", max_length=4, help_text="1.01 to 1.50")
    reach = ""
    """About how many members reach it, in words, where that is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, kinds in FIELDS_OF_KINDS.items():
            self.fields[name].widget.attrs["data-kinds"] = " ".join(kinds)

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.get(name) not in (None, "") for name in self.fields)

    def row(self, kind: str) -> dict[str, Any]:
        said = self.cleaned_data
        benefit: dict[str, Any] = {"text": said["text"]} if said["text"] else {}
        for name in ("percent", "waived_percent"):
            if said[name] is not None:
                benefit[name] = said[name]
        if said["amount"] is not None:
            name = "face" if kind == Perk.Kind.GIFT_CARD else "amount"
            benefit[name] = minor_units(said["amount"], settings.CURRENCY)
        if said["boost"]:
            benefit["boost"] = said["boost"]
        if said["months"] is not None:
            benefit["lives_months"] = said["months"]
        return {"min_score": said["min_score"], "benefit": benefit}


class HourForm(forms.Form):
    """One span of a day of the week."""

    day = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "No day"), *((str(number), day) for number, day in enumerate(DAYS, start=1))],
    )
    opens = _clock("From")
    closes = _clock("To")

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.get(name) is not None for name in self.fields)

    def row(self) -> dict[str, Any]:
        named = {"day": "day", "opens": "from", "closes": "to"}
        said = {named[name]: value for name, value in self.cleaned_data.items() if value is not None}
        return {name: value.strftime(_CLOCK) if isinstance(value, time) else value for name, value in said.items()}


class TranslationForm(forms.Form):
    """The words of a perk in one more language."""

    language = forms.ChoiceField(required=False, choices=())
    title = forms.CharField(required=False, max_length=120)
    description = _text(3, 4000)
    terms = _text(4, 8000)
    fair_terms = _text(3, 4000, label="Fair terms")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", "No language"), *PERK_LANGUAGES.items()]  # type: ignore[attr-defined]

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.get(name) for name in self.fields)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("language") and any(said.get(name) for name in MEMBERS):
            self.add_error("language", "Choose the language these words are in.")
        return said

    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name].replace("\r\n", "\n") for name in MEMBERS}


TranslationRows = formset_factory(TranslationForm, extra=0, max_num=30, absolute_max=30, validate_max=True)
TierRows = formset_factory(
    TierForm, extra=0, min_num=MOST_TIERS, max_num=MOST_TIERS, absolute_max=MOST_TIERS, validate_max=True
)
HourRows = formset_factory(HourForm, extra=0, max_num=MOST_SPANS, absolute_max=MOST_SPANS, validate_max=True)


def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A perk body as the form starts with it."""
    names = ("kind", "title", "description", "language", "terms", "fair_terms", "zone", "stock")
    initial = {name: body[name] for name in names}
    for name in WINDOWS:
        day, _, clock = (body[name] or "").partition("T")
        initial |= {name: day, f"{name}_time": clock}
    return initial | {
        "categories": ", ".join(body["categories"]),
        "branches": body["branches"],
        "budget": written(body["budget"]),
        "hold_minutes": body["hold_minutes"],
        "code_list": body.get("code_list") or "",
        **body["limits"],
        **body["release"],
    }


def tier_rows_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its tiers as rows, with empty ones up to the most there can be."""
    rows = [
        {
            "min_score": tier["min_score"],
            "text": tier["benefit"].get("text", ""),
            "percent": tier["benefit"].get("percent"),
            "waived_percent": tier["benefit"].get("waived_percent"),
            "amount": written(tier["benefit"].get("face") or tier["benefit"].get("amount")),
            "months": tier["benefit"].get("lives_months"),
            "boost": tier["benefit"].get("boost", ""),
        }
        for tier in body["tiers"]
    ]
    return rows + [{}] * (MOST_TIERS - len(rows))


def translation_rows_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its translations as rows, with a spare one."""
    return [{"language": code, **texts} for code, texts in body["translations"].items()] + [{}]


def hour_rows_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its hours as rows, with spare ones."""
    rows = [{"day": str(span["day"]), "opens": span["from"], "closes": span["to"]} for span in body["hours"]]
    return rows + [{}] * min(SPARE_HOURS, MOST_SPANS - len(rows))


def used(rows: "BaseFormSet[Any]") -> list[Any]:
    """The rows somebody wrote something into, in their order."""
    return [row for row in rows.forms if row.is_used]


def _words(written_with_commas: str) -> list[str]:
    words = (word.strip().lower().replace(" ", "_") for word in written_with_commas.split(","))
    return list(dict.fromkeys(word for word in words if word))


def _window(day: Any, clock: time | None) -> str | None:
    if day is None:
        return None
    return f"{day.isoformat()}T{clock:%H:%M}" if clock else str(day.isoformat())
