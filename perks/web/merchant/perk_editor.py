"""The form of a perk as a whole: what was written becomes a perk body, and what is wrong finds its place again."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import QueryDict

from citizen_app.errors import DomainError, FieldError, InvalidInput
from perks.api.merchant.bodies import PerkBodySerializer
from perks.models import Branch, CodeList
from perks.services.perk_body import LIMITS
from perks.web.merchant.deposit_terms import DepositTerms
from perks.web.merchant.forms import judged, place_error
from perks.web.merchant.perk_forms import (
    HourRows,
    PerkForm,
    TierRows,
    TranslationRows,
    fields_of,
    hour_rows_of,
    tier_rows_of,
    translation_rows_of,
    used,
)
from perks.web.merchant.refusals import in_words

EMPTY_BODY: Mapping[str, Any] = {
    "kind": "discount",
    "title": "",
    "description": "",
    "terms": "",
    "fair_terms": "",
    "language": settings.LANGUAGE_CODE,
    "translations": {},
    "categories": [],
    "branches": [],
    "tiers": [],
    "hours": [],
    "visible_from": None,
    "valid_from": None,
    "valid_until": None,
    "stock": None,
    "budget": None,
    "limits": dict.fromkeys(LIMITS) | {"per_citizen": 1},
    "hold_minutes": 1440,
    "deposit": None,
    "release": {"on_cancel": "all", "on_expiry": "all", "on_reversal": "nothing"},
}
_NO_ROWS: Mapping[str, str] = {"translations-TOTAL_FORMS": "0", "translations-INITIAL_FORMS": "0"}
_FIELD = re.compile(r"`(\w+)`")
_HOURS = {"day": "day", "from": "opens", "to": "closes"}
_BENEFIT = {"face": "amount", "lives_months": "months"}


class PerkEditor:
    """Forms that are one to whoever writes: perk, tiers, weekly hours, other languages, deposits."""

    def __init__(
        self,
        *,
        branches: Sequence[Branch],
        body: Mapping[str, Any] | None = None,
        revision: int | None = None,
        data: QueryDict | None = None,
        code_lists: Sequence[CodeList] = (),
    ) -> None:
        self.problem: dict[str, str] | None = None
        if data is not None:
            self.form = PerkForm(data, branches=branches, code_lists=code_lists)
            self.tiers = TierRows(data, prefix="tiers")
            self.hours = HourRows(data, prefix="hours")
            self._says_translations = "translations-TOTAL_FORMS" in data
            self.translations = TranslationRows(data if self._says_translations else _NO_ROWS, prefix="translations")
            self.deposit = DepositTerms(data=data)
            return
        whole = body or EMPTY_BODY
        initial = fields_of({"zone": settings.DEFAULT_ZONE, **whole}) | {"revision": revision}
        self.form = PerkForm(initial=initial, branches=branches, code_lists=code_lists)
        self.tiers = TierRows(initial=tier_rows_of(whole), prefix="tiers")
        self.hours = HourRows(initial=hour_rows_of(whole), prefix="hours")
        self.translations = TranslationRows(initial=translation_rows_of(whole), prefix="translations")
        self.deposit = DepositTerms(body=whole.get("deposit"))

    @classmethod
    def empty(cls, *, branches: Sequence[Branch], zone: str, code_lists: Sequence[CodeList] = ()) -> "PerkEditor":
        """The form of a new perk, on the clock of the merchant's branches."""
        return cls(branches=branches, body={**EMPTY_BODY, "zone": zone}, code_lists=code_lists)

    @property
    def revision(self) -> int | None:
        """Which state of the perk the page was opened on."""
        return self.form.cleaned_data.get("revision")

    def is_valid(self) -> bool:
        """Whether everything could be read; it is judged only then."""
        parts = (self.form, self.tiers, self.hours, self.translations, self.deposit)
        valid = [part.is_valid() for part in parts]
        self._say_where()
        return all(valid)

    def body(self) -> dict[str, Any]:
        """What was written as the API would take it. Raises `InvalidInput` with the API's pointers."""
        kind = self.form.cleaned_data["kind"]
        written = self.form.body() | {
            "tiers": [row.row(kind) for row in used(self.tiers)],
            "hours": [row.row() for row in used(self.hours)],
        }
        if self._says_translations:
            written["translations"] = self._translated()
        if self.deposit.is_sent:
            written["deposit"] = self.deposit.said()
        return judged(PerkBodySerializer, written)

    def shown(self) -> dict[str, Any]:
        """What the page of the form is given."""
        return {
            "form": self.form,
            "tiers": self.tiers,
            "hours": self.hours,
            "translations": self.translations,
            "deposit": self.deposit,
            "problem": self.problem,
        }

    def _translated(self) -> dict[str, Any]:
        """The rows by their language; InvalidInput where one language stands in two of them."""
        translated: dict[str, Any] = {}
        for row in used(self.translations):
            code = row.cleaned_data["language"]
            if code in translated:
                raise InvalidInput(FieldError(f"/translations/{code}", "invalid", "This language is there twice."))
            translated[code] = row.texts()
        return translated

    def place(self, refusal: DomainError, *, zone: str) -> None:
        """Show a refusal where it belongs: mistakes in their fields, a threshold's beside its row."""
        if isinstance(refusal, InvalidInput):
            for error in refusal.facts["errors"]:
                self._place(error["pointer"].strip("/").split("/"), self._on_page(error["detail"]))
            self._say_where()
            return
        self.problem = in_words(refusal, zone=zone)
        for row in used(self.tiers):
            if row.cleaned_data["min_score"] == refusal.facts.get("min_score", -1):
                place_error(row, "min_score", self.problem["detail"])

    def _place(self, path: list[str], detail: str) -> None:
        match path:
            case ["tiers", place, *deeper] if (row := _row(self.tiers, place)) is not None:
                named = (_BENEFIT.get(name, name) for name in reversed(deeper))
                member = next((name for name in named if name in row.fields), "text")
                place_error(row, member, detail)
            case ["tiers", *_]:
                self._above(self.tiers, detail)
            case ["hours", place, *deeper] if (row := _row(self.hours, place)) is not None:
                place_error(row, _HOURS.get(deeper[0] if deeper else "", "day"), detail)
            case ["hours", *_]:
                self._above(self.hours, detail)
            case ["translations", code, *deeper] if (row := _row_in(self.translations, code)) is not None:
                place_error(row, deeper[0] if deeper else "language", detail)
            case ["deposit", *deeper]:
                self.deposit.place(deeper, detail)
            case ["limits" | "release", member, *_]:
                place_error(self.form, member, detail)
            case _:
                place_error(self.form, path[0], detail)

    def _on_page(self, detail: str) -> str:
        """A sentence of the API's as the page would say it: its fields by their labels."""
        fields = self.form.fields
        return _FIELD.sub(lambda name: f"“{fields[name[1]].label}”" if name[1] in fields else name[1], detail)

    def _above(self, rows: Any, detail: str) -> None:
        if detail not in rows.non_form_errors():
            rows.non_form_errors().append(detail)

    def _say_where(self) -> None:
        """Rows are far down the page: where the mistakes are only there, say so at its head."""
        wrong = [
            name
            for name, rows in (
                ("tiers", self.tiers),
                ("weekly hours", self.hours),
                ("languages", self.translations),
                ("deposit", self.deposit),
            )
            if rows.total_error_count()
        ]
        if wrong:
            self.problem = {"title": "It is not saved yet.", "detail": f"Look at the {' and the '.join(wrong)} below."}


def _row_in(rows: Any, code: str) -> Form | None:
    """The last row in a language: the one that is there twice, if one is."""
    return next((row for row in reversed(used(rows)) if row.cleaned_data.get("language") == code), None)


def _row(rows: Any, place: str) -> Form | None:
    """The row a pointer means: it counts those that were used."""
    filled = used(rows)
    return filled[int(place)] if place.isdecimal() and int(place) < len(filled) else None
