"""Where the merchant's systems hear what happens: endpoints, their secrets, and every attempt with its answer."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.api.webhooks import Ours
from citizen_app.errors import InvalidInput
from citizen_app.models import WebhookEndpoint
from citizen_app.web.pages import paged
from citizen_app.webhooks import endpoints, replaying
from citizen_app.webhooks.catalogue import APP, EVENTS, TO_MERCHANTS
from citizen_app.webhooks.showing import delivery_lines, endpoint_lines
from perks.api.merchant.webhooks import MerchantEndpointBody
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import judged, place_errors


class EndpointForm(forms.Form):
    """A new endpoint."""

    url = forms.CharField(label="Address", max_length=500, help_text="https, such as https://hotel.example/hooks.")
    events = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None ticked: all of them."
    )

    def __init__(self, *args: Any, of_apps: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [EVENTS[each] for each in TO_MERCHANTS if of_apps or EVENTS[each].audience != APP]
        self.fields["events"].choices = [(each.type, each.type) for each in offered]  # type: ignore[attr-defined]


class WebhookPages(ConsolePage):
    action = "webhooks"
    back = "merchant:webhooks"

    @property
    def ours(self) -> Ours:
        return Ours(WebhookEndpoint.Owner.MERCHANT, self.merchant.public_id, TO_MERCHANTS, self.citizen)

    def line(self, endpoint: WebhookEndpoint) -> dict[str, Any]:
        return endpoint_lines([endpoint], now=timezone.now())[0]


class Webhooks(WebhookPages):
    """The endpoints, and a way to a new one, whose secret is shown this once."""

    template_name = "merchant/webhooks.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            said = self.ours.judge(judged(MerchantEndpointBody, form.cleaned_data))
            endpoints.judge_address(said["url"])
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form)
        made = endpoints.add_endpoint(
            owner_kind=self.ours.owner_kind,
            owner=self.ours.owner,
            url=said["url"],
            events=said["events"],
            by=self.citizen,
        )
        return self._shown(self._form(), fresh={"endpoint": self.line(made.endpoint), "secret": made.secret})

    def _form(self, said: Any = None) -> EndpointForm:
        return EndpointForm(said, of_apps=self.merchant.is_dating_app)

    def _shown(self, form: EndpointForm, **context: Any) -> HttpResponse:
        own = list(self.ours.endpoints().order_by("-id"))
        return self.show(endpoints=endpoint_lines(own, now=timezone.now()), form=form, **context)


class WebhookPage(WebhookPages):
    """One endpoint: what it was told, each attempt with its answer, and what can be done about it."""

    template_name = "merchant/webhook.html"

    def get(self, request: HttpRequest, endpoint_id: str) -> HttpResponse:
        return self._shown(self.ours.endpoints().named(endpoint_id))

    def post(self, request: HttpRequest, endpoint_id: str) -> HttpResponse:
        endpoint, by = self.ours.endpoints().named(endpoint_id), self.citizen
        act = request.POST.get("act", "")
        if act == "rotate":
            made = endpoints.rotate_secret(endpoint=endpoint, by=by)
            return self._shown(made.endpoint, secret=made.secret)
        if act == "remove":
            endpoints.remove_endpoint(endpoint=endpoint, by=by)
            messages.success(request, "It is told nothing any more.")
            return redirect("merchant:webhooks")
        if act in WebhookEndpoint.State.values:
            endpoints.change_endpoint(endpoint=endpoint, changes={"state": act}, by=by)
            messages.success(
                request, "It is on again." if act == "on" else "It is told nothing until you switch it on."
            )
        elif act == "ping":
            replaying.send_ping(endpoint=endpoint, by=by)
            messages.success(request, "A test is on its way. Open this page again to see its answer.")
        elif act == "replay":
            count = replaying.replay(endpoint=endpoint, since=None, by=by)
            messages.success(request, f"{count} of what it missed are on their way.")
        elif act == "redeliver":
            replaying.redeliver(delivery=self.ours.deliveries().named(request.POST.get("delivery")), by=by)
            messages.success(request, "It is on its way again, under the same id.")
        return redirect("merchant:webhook", endpoint_id)

    def back_to(self, request: HttpRequest) -> str:
        return request.path

    def _shown(self, endpoint: WebhookEndpoint, **context: Any) -> HttpResponse:
        told = paged(self.request, endpoint.deliveries.select_related("event"), shape=delivery_lines)
        return self.show(
            endpoint=self.line(endpoint),
            deliveries=told["results"],
            page=told,
            zone=self.zone_of(self.open_branches()),
            **context,
        )
