"""What a merchant pays the platform: its plan, the pages at Stripe where it is begun and changed, and what was used."""

from typing import Any

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app import audit
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import LocalDate, StrictSerializer, read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import MoneyAnswerSerializer
from perks.api.merchant.code_lists import CsvRenderer, JSONRenderer, csv_answer
from perks.services.payment_accounts import onboarding_page, open_onboarding
from perks.services.plans import open_checkout, open_portal
from perks.services.showing_billing import billing_page, usage_line, usage_lines
from perks.services.usage import usage_rows


class PublishedSerializer(serializers.Serializer):
    published = serializers.IntegerField()
    allowed = serializers.IntegerField(allow_null=True, help_text="at a time; null: as many as you like")


class PricesSerializer(serializers.Serializer):
    plan_month = MoneyAnswerSerializer(help_text="the plan, a month")
    redemption = MoneyAnswerSerializer(help_text="each redemption that a scan verified")


class PaymentsSerializer(serializers.Serializer):
    """Your own account at Stripe, on which what is left of deposits is held."""

    state = serializers.ChoiceField(
        ["off", "none", "started", "due", "ready", "left"],
        help_text="`off` (billing is off here), `none`, `started` (not filled in yet), `due` (Stripe wants to know"
        " more), `ready` (you can hold deposits), `left` (you took our access to it away)",
    )
    due = serializers.ListField(child=serializers.CharField(), help_text="what Stripe asks for, by its own names")


class BillingSerializer(serializers.Serializer):
    """Your plan, and what it lets you do."""

    state = serializers.CharField(
        help_text="`off` (billing is off here: nothing to pay, no limit), `none` (the free plan), or as Stripe calls"
        " your plan's: `active`, `trialing`, `past_due` (a payment failed and is tried again), `unpaid`, `paused`,"
        " `incomplete`, `canceled`"
    )
    plan = serializers.CharField(allow_null=True)
    period_ends_at = serializers.DateTimeField(allow_null=True)
    is_ending = serializers.BooleanField(help_text="it ends with its period")
    used_in_period = serializers.IntegerField(allow_null=True, help_text="redemptions the next invoice counts so far")
    perks = PublishedSerializer()
    prices = PricesSerializer()
    payments = PaymentsSerializer()


class PageAtStripeSerializer(serializers.Serializer):
    url = serializers.URLField(help_text="send the owner's browser there; for this visit, so do not keep it")


class NothingBody(StrictSerializer):
    """No member is taken."""


class BillingView(ApiView):
    """Your plan."""

    permission_classes = [Acts("read billing")]

    @extend_schema(operation_id="get_billing", responses=BillingSerializer)
    def get(self, request: Request) -> Response:
        """Return your plan, what was used in its period, and how many perks it lets you publish."""
        merchant = acting_of(request).merchant
        return Response(billing_page(merchant) | {"payments": onboarding_page(merchant)})


class CheckoutView(ApiView):
    """Begin a plan."""

    permission_classes = [Acts("billing")]
    refusals = frozenset({409, 503})  # billing_off, already_subscribed, billing_unavailable

    @extend_schema(operation_id="open_billing_checkout", request=NothingBody, responses=PageAtStripeSerializer)
    def post(self, request: Request) -> Response:
        """Return the page at Stripe where you subscribe. Until it is paid or over, asking again returns the same one.

        That page grants nothing: your plan is what Stripe says of it, and `GET /api/v1/merchant/billing` tells.
        """
        read_body(request, NothingBody)
        acting = acting_of(request)
        url = open_checkout(merchant=acting.merchant, by=acting.person, return_url=_console(request))
        return Response({"url": url})


class PortalView(ApiView):
    """Change or end a plan, and see its invoices."""

    permission_classes = [Acts("billing")]
    refusals = frozenset({409, 503})  # billing_off, never_subscribed, billing_unavailable

    @extend_schema(operation_id="open_billing_portal", request=NothingBody, responses=PageAtStripeSerializer)
    def post(self, request: Request) -> Response:
        """Return a page at Stripe with your invoices, your card and your plan; a new one each time."""
        read_body(request, NothingBody)
        acting = acting_of(request)
        return Response({"url": open_portal(merchant=acting.merchant, by=acting.person, return_url=_console(request))})


class OnboardingView(ApiView):
    """Connect your own account at Stripe, so that you can hold deposits."""

    permission_classes = [Acts("billing")]
    refusals = frozenset({409, 503})  # billing_off, account_refused, billing_unavailable

    @extend_schema(operation_id="open_billing_onboarding", request=NothingBody, responses=PageAtStripeSerializer)
    def post(self, request: Request) -> Response:
        """Return the pages at Stripe where you say who you are; new ones each time, of one account that is yours.

        Coming back from them connects nothing: `payments` of `GET /api/v1/merchant/billing` tells.
        """
        read_body(request, NothingBody)
        acting = acting_of(request)
        url = open_onboarding(merchant=acting.merchant, by=acting.person, return_url=_console(request))
        return Response({"url": url})


def _console(request: Request) -> str:
    return request.build_absolute_uri(reverse("merchant:billing"))


class DaysQuery(StrictSerializer):
    """Which days (UTC), both inclusive."""

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is a word of Python's.
        days = {"from": LocalDate(required=False), "to": LocalDate(required=False)}
        return super().get_fields() | days


class UsageQuery(PageQuery, DaysQuery):
    """Which days (UTC), both inclusive, in pages."""


class UsedPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    redemption = serializers.CharField()
    day = serializers.DateField(help_text="UTC, as Stripe counts days")
    used_at = serializers.DateTimeField(help_text="of the scan")
    state = serializers.ChoiceField(
        ["waiting", "counted", "held"], help_text="whether Stripe has counted it; held: a person of ours looks"
    )


class UsageView(ApiView):
    """What you are billed for."""

    permission_classes = [Acts("read billing")]
    query_serializer = UsageQuery

    @extend_schema(operation_id="list_billing_usage", responses=page_of("UsedPerkPage", UsedPerkSerializer))
    def get(self, request: Request) -> Response:
        """Return each redemption that is billed, the newest first: once its scan can no longer be undone."""
        lines = usage_lines(acting_of(request).merchant, **_days(self.query))
        return page(request, lines, shape=lambda found: [usage_line(line) for line in found])


class UsageCsvView(ApiView):
    """The same as a file."""

    permission_classes = [Acts("read billing")]
    renderer_classes = [CsvRenderer, JSONRenderer]
    query_serializer = DaysQuery

    @extend_schema(
        operation_id="download_billing_usage",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "a row for each redemption that is billed")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return what is billed as CSV, the oldest first; each download is on record."""
        acting = acting_of(request)
        audit.record(by=acting.by, action="billing.download", on=acting.merchant.public_id)
        return csv_answer(usage_rows(usage_lines(acting.merchant, **_days(self.query)).order_by("id")), name="usage")


def _days(said: dict[str, Any]) -> dict[str, Any]:
    return {"first": said.get("from"), "last": said.get("to")}
