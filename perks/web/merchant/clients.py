"""Credentials of the merchant's own servers; only owners see them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import InvalidInput
from perks.api.merchant.bodies import ClientBody
from perks.models import MerchantClient
from perks.services.clients import add_client, remove_client
from perks.services.showing_merchants import client_line
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import ClientForm, judged, place_errors


class Clients(ConsolePage):
    """Make credentials, whose secret is shown this once, and take them back."""

    template_name = "merchant/clients.html"
    action = "clients"
    back = "merchant:clients"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(ClientForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if gone := request.POST.get("remove"):
            remove_client(client=self._own().named(gone), by=self.citizen)
            messages.success(request, "Its secret and its tokens open nothing any more.")
            return redirect("merchant:clients")
        form = ClientForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            said = judged(ClientBody, form.cleaned_data)
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form)
        made = add_client(merchant=self.merchant, by=self.citizen, name=said["name"], scopes=said["scopes"])
        fresh = {"name": made.client.name, "client_id": made.client_id, "client_secret": made.client_secret}
        return self._shown(ClientForm(), fresh=fresh)

    def _own(self) -> Any:
        return MerchantClient.objects.filter(merchant=self.merchant).select_related("application")

    def _shown(self, form: ClientForm, **context: Any) -> HttpResponse:
        lines = [client_line(client) for client in self._own().order_by("-id")]
        return self.show(clients=lines, form=form, **context)
