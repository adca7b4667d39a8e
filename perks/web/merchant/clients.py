"""Credentials of the merchant's own servers and apps; only owners see them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import InvalidInput
from citizen_app.models import OAuthApplication
from perks.api.merchant.bodies import ClientBody
from perks.api.merchant.clients import client_from
from perks.models import MerchantClient
from perks.services.clients import remove_client
from perks.services.showing_merchants import client_line
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import AppForm, ClientForm, judged, place_errors


class Clients(ConsolePage):
    """Make credentials, whose secret is shown this once, and take them back."""

    template_name = "merchant/clients.html"
    action = "clients"
    back = "merchant:clients"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        if gone := request.POST.get("remove"):
            remove_client(client=self._own().named(gone), by=self.citizen)
            messages.success(request, "Its secret and its tokens open nothing any more.")
            return redirect("merchant:clients")
        kind = "app" if request.POST.get("kind") == "app" else "server"
        form = AppForm(request.POST) if kind == "app" else ClientForm(request.POST, apps=self._apps())
        if not form.is_valid():
            return self._refused(form)
        said = {name: value for name, value in form.cleaned_data.items() if value != ""}
        try:
            judged_body = judged(ClientBody, said | {"kind": kind})
            made = client_from(judged_body, merchant=self.merchant, by=self.citizen)
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._refused(form)
        fresh = {
            "name": made.client.name,
            "client_id": made.client_id,
            "client_secret": made.client_secret,
            "waits": kind == "app",
        }
        return self._shown(fresh=fresh)

    def _own(self) -> Any:
        return MerchantClient.objects.filter(merchant=self.merchant).select_related("application")

    def _apps(self) -> list[tuple[str, str]] | None:
        """The apps a server may look boosts up of; None where the merchant is no dating app, and is offered none."""
        if not self.merchant.is_dating_app:
            return None
        own = self._own().exclude(application__review=OAuthApplication.Review.REFUSED).order_by("name")
        return [(one.public_id, one.name) for one in own if one.application.is_app]

    def _refused(self, form: ClientForm | AppForm) -> HttpResponse:
        return self._shown(app_form=form) if isinstance(form, AppForm) else self._shown(form=form)

    def _shown(self, form: ClientForm | None = None, app_form: AppForm | None = None, **context: Any) -> HttpResponse:
        lines = [client_line(client) for client in self._own().order_by("-id")]
        form = form or ClientForm(apps=self._apps())
        offered = (app_form or AppForm()) if self.merchant.is_dating_app else None
        return self.show(clients=lines, form=form, app_form=offered, no_client_yet=self._no_client_yet(), **context)

    def _no_client_yet(self) -> str:
        if self.merchant.is_dating_app:
            return "Register your app and the server that looks its boosts up."
        return "Your property system can scan and manage perks by itself."
