"""The deposit terms of a waiver as its merchant writes them: classes, what is left, the longest rental."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from perks.deposits import LONGEST_RENTAL, LONGEST_TITLE, MOST_CLASSES, MOST_ITEMS
from perks.money import decimals_of, minor_units, written
from perks.web.merchant.forms import place_error

SPARE = 2
"""Empty rows, so that without JavaScript there is always room for some more."""


def _money(label: str) -> forms.DecimalField:
    places = decimals_of(settings.CURRENCY)
    return forms.DecimalField(
        required=False,
        label=f"{label}, {settings.CURRENCY}",
        max_digits=12 + places,
        decimal_places=places,
        min_value=0,
    )


class Row(forms.Form):
    """A row that counts once something is written into it."""

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.get(name) not in (None, "") for name in self.fields)

    def row(self) -> dict[str, Any]:
        """What was written, money in minor units; what was left out is told as missing by whoever judges it."""
        said: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if value in (None, ""):
                continue
            said[name] = minor_units(value, settings.CURRENCY) if isinstance(field, forms.DecimalField) else value
        return said


class ClassRow(Row):
    code = forms.CharField(required=False, max_length=40, label="Class")
    full = _money("Full deposit")
    claim_cap = _money("Claims up to")


class ItemRow(Row):
    code = forms.CharField(required=False, max_length=40, label="Code")
    title = forms.CharField(required=False, max_length=LONGEST_TITLE, label="For what")
    amount = _money("Amount")


class DaysForm(forms.Form):
    max_days = forms.IntegerField(
        required=False, min_value=1, max_value=LONGEST_RENTAL, label="Days at most, from pick-up to return"
    )


ClassRows = formset_factory(ClassRow, extra=0, max_num=MOST_CLASSES, absolute_max=MOST_CLASSES, validate_max=True)
ItemRows = formset_factory(ItemRow, extra=0, max_num=MOST_ITEMS, absolute_max=MOST_ITEMS, validate_max=True)


class DepositTerms:
    """Rows of classes, rows of what is left, and how long; nothing in any of them is no deposit."""

    def __init__(self, *, body: Mapping[str, Any] | None = None, data: QueryDict | None = None) -> None:
        self.problems: list[str] = []
        self.has_terms = body is not None
        if data is not None:
            # A form without these rows (a page that was opened before there were any) says nothing of deposits.
            self.is_sent = "classes-TOTAL_FORMS" in data and "items-TOTAL_FORMS" in data
            self.form = DaysForm(data)
            self.classes = ClassRows(data if self.is_sent else None, prefix="classes")
            self.items = ItemRows(data if self.is_sent else None, prefix="items")
            return
        self.is_sent = True
        self.form = DaysForm(initial={"max_days": body["max_days"] if body else None})
        self.classes = ClassRows(initial=_rows(body, "classes", MOST_CLASSES), prefix="classes")
        self.items = ItemRows(initial=_rows(body, "remainder_items", MOST_ITEMS), prefix="items")

    def is_valid(self) -> bool:
        """Whether everything could be read."""
        return not self.is_sent or all([self.form.is_valid(), self.classes.is_valid(), self.items.is_valid()])

    def said(self) -> dict[str, Any] | None:
        """What was written, as the contract's `deposit`; None where nothing was."""
        if not self.is_sent:
            return None
        classes = [row.row() for row in _used(self.classes)]
        items = [row.row() for row in _used(self.items)]
        max_days = self.form.cleaned_data["max_days"]
        if not classes and not items and max_days is None:
            return None
        return {"classes": classes, "remainder_items": items, "max_days": max_days}

    def place(self, path: list[str], detail: str) -> None:
        """Show a mistake of the API's where it belongs: beside its field, else above the rows."""
        known: dict[str, BaseFormSet[Any]] = {"classes": self.classes, "remainder_items": self.items}
        rows = known.get(path[0] if path else "")
        if rows is not None and len(path) > 1 and path[1].isdecimal() and int(path[1]) < len(_used(rows)):
            row = _used(rows)[int(path[1])]
            place_error(row, path[2] if len(path) > 2 else "code", detail)
        elif path == ["max_days"]:
            place_error(self.form, "max_days", detail)
        elif detail not in self.problems:
            self.problems.append(detail)

    def total_error_count(self) -> int:
        rows = self.classes.total_error_count() + self.items.total_error_count() if self.is_sent else 0
        return rows + len(self.form.errors) + len(self.problems)

    @property
    def is_open(self) -> bool:
        """Whether a page shows it unfolded: something is in it, or wrong with it."""
        return self.has_terms or (self.form.is_bound and (self.said_something() or self.total_error_count() > 0))

    def said_something(self) -> bool:
        if not self.is_sent or not self.is_valid():
            return False
        return self.said() is not None


def _used(rows: "BaseFormSet[Any]") -> list[Any]:
    return [row for row in rows.forms if row.is_used]


def _rows(body: Mapping[str, Any] | None, name: str, most: int) -> list[dict[str, Any]]:
    rows = [
        {member: written(value) if isinstance(value, dict) else value for member, value in row.items()}
        for row in (body or {}).get(name, ())
    ]
    return rows + [{}] * min(SPARE if rows else SPARE + 1, most - len(rows))
