"""What the merchant pays the platform; only owners see it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from citizen_app import audit
from perks.api.merchant.code_lists import csv_answer
from perks.plans import FREE_PUBLISHED_PERKS
from perks.services.payment_accounts import onboarding_page, open_onboarding
from perks.services.plans import open_checkout, open_portal
from perks.services.showing_billing import billing_page, usage_line, usage_lines
from perks.services.usage import usage_rows
from perks.web.merchant.console import ConsolePage

FREE: Final = {"word": "No plan", "icon": "info", "tone": "info", "text": "Publish a few perks without paying."}
OVER: Final = {
    "word": "Ended",
    "icon": "ban",
    "tone": "mute",
    "text": "Your plan is over. What is published stays; more can be published within the free plan.",
}
ENDING: Final = {
    "word": "Ends soon",
    "icon": "clock",
    "tone": "gold",
    "text": "Your plan ends with its period. What is published then stays.",
}
STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "off": {
        "word": "Off",
        "icon": "minus",
        "tone": "mute",
        "text": "The platform takes no payments here, and no limit applies to what you publish.",
    },
    "none": FREE,
    "active": {"word": "Active", "icon": "tick", "tone": "help", "text": "Publish as many perks as you like."},
    "trialing": {"word": "On trial", "icon": "tick", "tone": "help", "text": "Publish as many perks as you like."},
    "past_due": {
        "word": "Payment failed",
        "icon": "warning",
        "tone": "danger",
        "text": "Your last invoice was not paid. Stripe tries your card again; give another one to keep your plan.",
    },
    "unpaid": {
        "word": "Not paid",
        "icon": "warning",
        "tone": "danger",
        "text": "Invoices are open, so your plan stands still. Pay them to go on.",
    },
    "incomplete": {
        "word": "Not begun",
        "icon": "clock",
        "tone": "gold",
        "text": "The first payment has not gone through.",
    },
    "paused": {"word": "Paused", "icon": "pause", "tone": "mute", "text": "Your plan stands still."},
    "canceled": OVER,
    "incomplete_expired": FREE,
}


_PAGES: Final[Mapping[str, Callable[..., str]]] = {
    "checkout": open_checkout,
    "portal": open_portal,
    "onboarding": open_onboarding,
}


class Billing(ConsolePage):
    """The plan in words, what was used, and the ways to Stripe's own pages."""

    template_name = "merchant/billing.html"
    action = "read billing"

    def get(self, request: HttpRequest) -> HttpResponse:
        billing = billing_page(self.merchant)
        return self.show(
            billing=billing,
            state=_state(billing),
            payments=onboarding_page(self.merchant),
            lines=[usage_line(line) for line in usage_lines(self.merchant).order_by("-id")[:10]],
            free_perks=FREE_PUBLISHED_PERKS,
            is_back_from_stripe="from_stripe" in request.GET,
            zone=self.zone_of(self.open_branches()),
        )


class ToStripe(ConsolePage):
    """Sends the owner on to a page at Stripe: to begin a plan, to change it, or to connect an account of its own."""

    template_name = "merchant/to_stripe.html"
    action = "billing"
    back = "merchant:billing"

    def post(self, request: HttpRequest, where: str) -> HttpResponse:
        open_page = _PAGES[where]
        back = request.build_absolute_uri(reverse("merchant:billing")) + "?from_stripe"
        return self.show(where=open_page(merchant=self.merchant, by=self.citizen, return_url=back))


class UsageFile(ConsolePage):
    """What is billed, line by line, as a file for a spreadsheet."""

    action = "read billing"
    back = "merchant:billing"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        audit.record(by=self.citizen, action="billing.download", on=self.merchant.public_id)
        return csv_answer(usage_rows(usage_lines(self.merchant).order_by("id")), name="usage")


def _state(billing: Mapping[str, Any]) -> Mapping[str, str]:
    return ENDING if billing["is_ending"] and billing["state"] != "past_due" else STATES[billing["state"]]
