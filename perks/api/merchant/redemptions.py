"""What was taken of a merchant's perks, and taking a scan back."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import LocalDate, Text, read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import MerchantRedemptionSerializer, RedemptionRowSerializer
from perks.api.merchant.bodies import TakeBackBody
from perks.models import Branch, Redemption
from perks.services.redemptions import reverse_redemption
from perks.services.showing_merchants import redemption_detail, redemption_rows, with_what_rows_show


class MerchantRedemptionQuery(PageQuery):
    """Which of your redemptions."""

    state = serializers.ChoiceField(Redemption.State.choices, required=False)
    branch = Text(max_length=40, required=False, help_text="a branch's id")
    date = LocalDate(required=False, help_text="the day it is reserved for")
    booking_reference = Text(max_length=64, required=False)


class RedemptionListView(ApiView):
    """What was taken of your perks; a cashier sees what they scanned."""

    permission_classes = [Acts("read redemptions")]
    query_serializer = MerchantRedemptionQuery

    @extend_schema(
        operation_id="list_merchant_redemptions",
        responses=page_of("MerchantRedemptionPage", RedemptionRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """Return redemptions, newest first."""
        now, said = timezone.now(), self.query
        rows = with_what_rows_show(acting_of(request).redemptions())
        if "state" in said:
            rows = rows.filter(Redemption.reads_as(said["state"], now))
        if "branch" in said:
            rows = rows.filter(branch=Branch.key_of(said["branch"]) or None)
            rows = rows.exclude(branch=None)
        if "date" in said:
            rows = rows.filter(date=said["date"])
        if "booking_reference" in said:
            rows = rows.filter(booking_reference=said["booking_reference"])
        return page(request, rows, shape=lambda found: redemption_rows(found, now=now))


class RedemptionView(ApiView):
    """One redemption of your perks."""

    permission_classes = [Acts("read redemptions")]

    @extend_schema(operation_id="get_merchant_redemption", responses=MerchantRedemptionSerializer)
    def get(self, request: Request, redemption_id: str) -> Response:
        """Return it with its scans."""
        redemption = with_what_rows_show(acting_of(request).redemptions()).named(redemption_id)
        return Response(redemption_detail(redemption, now=timezone.now()))


class ReverseView(ApiView):
    """Take a scan back."""

    permission_classes = [Acts("take back")]

    @extend_schema(operation_id="reverse_redemption", request=TakeBackBody, responses=MerchantRedemptionSerializer)
    @idempotent
    def post(self, request: Request, redemption_id: str) -> Response:
        """Undo within ten minutes of the scan; later reverse it, with a reason the citizen reads."""
        acting, now = acting_of(request), timezone.now()
        said = read_body(request, TakeBackBody)
        redemption = reverse_redemption(
            redemption=acting.redemptions().named(redemption_id),
            by=acting.by,
            reason=said.get("reason", ""),
            only_own_undo=acting.only_undoes_own,
            scan_id=said.get("scan", ""),
            now=now,
        )
        shown = with_what_rows_show(Redemption.objects).get(pk=redemption.pk)
        return Response(redemption_detail(shown, now=now))
