"""The pages of vouches: asking by a private link, giving by one, and ending in silence."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from citizen_app.errors import DomainError
from citizen_app.web.pages import Page, paged, said
from scores.errors import UnknownVouchRequest
from scores.models import Enrolment
from scores.services.vouching import (
    LIVE_VOUCHES,
    ask_for_vouch,
    end_vouch,
    give_vouch,
    open_request,
    requests_of,
    vouch_rows,
    vouches_of,
)


class Vouches(Page):
    """Who vouches for the person and for whom they do, with a link to ask by."""

    template_name = "citizen/vouches.html"
    back = "scores:vouches"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a link; it is shown this once."""
        made = ask_for_vouch(citizen=self.citizen)
        address = request.build_absolute_uri(reverse("scores:vouch_request", args=[made.token]))
        return self.shown(link={"address": address, "expires_at": made.request.expires_at})

    def shown(self, link: dict[str, Any] | None = None) -> HttpResponse:
        told = paged(
            self.request,
            vouches_of(citizen=self.citizen),
            shape=lambda rows: vouch_rows(rows, citizen=self.citizen),
            limit=100,
        )
        rows = told["results"]
        return self.show(
            link=link,
            page=told,
            given=[row for row in rows if row["direction"] == "given"],
            received=[row for row in rows if row["direction"] == "received"],
            open_links=requests_of(citizen=self.citizen),
        )


class EndVouch(Vouches):
    """End a vouch that was given or received."""

    def get(self, request: HttpRequest, vouch_id: str) -> HttpResponse:  # type: ignore[override]
        return redirect("scores:vouches")

    def post(self, request: HttpRequest, vouch_id: str) -> HttpResponse:  # type: ignore[override]
        end_vouch(vouch_id=vouch_id, citizen=self.citizen)
        messages.success(request, "Ended. Nobody is told, and its points go when the next month begins.")
        return redirect("scores:vouches")


class GiveVouch(Page):
    """What a private link asks for, and giving it."""

    template_name = "citizen/vouch_request.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.shown(token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            vouch = give_vouch(token=token, citizen=self.citizen)
        except UnknownVouchRequest:
            return self.shown(token)
        except DomainError as refusal:
            if refusal.code == "not_enrolled":
                raise
            return self.shown(token, problem={"title": said(refusal), "detail": ""})
        messages.success(request, f"You vouch for {vouch.receiver.citizen.first_name or 'them'} now. Thank you.")
        return redirect("scores:vouches")

    def shown(self, token: str, problem: dict[str, str] | None = None) -> HttpResponse:
        """The link's page; one that is no use looks the same for whatever reason."""
        Enrolment.objects.of(self.citizen.pk)
        try:
            asker = open_request(token=token, citizen=self.citizen).enrolment.citizen
        except UnknownVouchRequest:
            response = self.show(asker=None)
            response.status_code = 404
            return response
        return self.show(asker={"first_name": asker.first_name}, problem=problem, places=LIVE_VOUCHES)
