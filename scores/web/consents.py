"""The consent centre: what stands, how to end each of it, and every act with the very text that was read."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from citizen_app.accounts.consents import consents_in_force
from citizen_app.accounts.showing_connections import scope_lines
from citizen_app.models import ConsentEvent
from citizen_app.notifying.events import GROUPS
from citizen_app.web.pages import Page, paged
from citizen_app.web.panels import parts_of
from scores.services.consent_receipts import consent_receipt, consent_rows

# Where each kind of consent is taken back on a page. The room that asks for a kind brings its page.
_ENDS_AT: Final = {
    "scoring": "scores:leave",
    "source": "scores:sources",
    "app": "my_apps",
    "notifications": "notification_settings",
}


class Consents(Page):
    """Everything the person agreed to, refused and took back."""

    template_name = "citizen/consents.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        standing = list(consents_in_force(citizen=self.citizen).order_by("id"))
        told = paged(request, ConsentEvent.objects.filter(citizen=self.citizen), shape=self._rows)
        return self.show(
            standing=[*map(_with_end, self._rows(standing))],
            acts=told["results"],
            page=told,
            **parts_of("consents", self.citizen),
        )

    def _rows(self, events: list[ConsentEvent]) -> list[dict[str, Any]]:
        return [
            row | {"ticked": _ticked(row["purpose"]["kind"], row["scopes"])}
            for row in consent_rows(events, citizen=self.citizen)
        ]


class ConsentPage(Page):
    """One act, and the text it was about."""

    template_name = "citizen/consent.html"

    def get(self, request: HttpRequest, consent_id: str) -> HttpResponse:
        event = ConsentEvent.objects.filter(citizen=self.citizen).select_related("citizen").named(consent_id)
        receipt = consent_receipt(event)
        return self.show(
            receipt=receipt,
            ticked=_ticked(receipt["purpose"]["kind"], receipt["event"]["scopes"]),
            ends_at=_end_of(event.purpose.partition(":")[0]),
        )


def _ticked(kind: str, scopes: list[str]) -> list[str]:
    """What was ticked, in the words of the page that asked."""
    if kind == "notifications":
        return [GROUPS[code].title if code in GROUPS else code for code in scopes]
    return [line["text"] for line in scope_lines(scopes)]


def _with_end(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"ends_at": _end_of(row["purpose"]["kind"])}


def _end_of(kind: str) -> str | None:
    try:
        return reverse(_ENDS_AT[kind])
    except (KeyError, NoReverseMatch):
        return None
