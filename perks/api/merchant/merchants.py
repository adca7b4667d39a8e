"""Applying as a merchant, and what everybody may know of one."""

from typing import Any, cast

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.permissions import Anyone, IsCitizen
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.merchant.answers import MerchantSerializer
from perks.api.merchant.bodies import MerchantBody
from perks.models import Member, Merchant
from perks.services.merchants import apply_as_merchant
from perks.services.showing_merchants import merchant_page


class MerchantListView(ApiView):
    """Apply to offer perks; you become the first owner, and an operator decides."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="apply_as_merchant", request=MerchantBody, responses={201: MerchantSerializer})
    def post(self, request: Request) -> Response:
        """Apply; the sector fixes the purpose of all your perks."""
        said = read_body(request, MerchantBody)
        merchant = apply_as_merchant(by=cast(Citizen, request.user), **said)
        return Response(merchant_page(merchant), 201)


class MerchantView(ApiView):
    """A merchant's public page."""

    permission_classes = [Anyone]

    @extend_schema(operation_id="get_merchant", responses=MerchantSerializer)
    def get(self, request: Request, merchant_id: str) -> Response:
        """Return a merchant that has been approved once; its own team sees it before."""
        known = Merchant.objects.filter(Q(approved_at__isnull=False) | Q(pk__in=_merchants_of(request.user)))
        return Response(merchant_page(known.named(merchant_id)))


def _merchants_of(citizen: object) -> Any:
    """The merchants whose team this person belongs to; nobody and servers have none here."""
    return Member.objects.filter(citizen=citizen).values("merchant") if isinstance(citizen, Citizen) else []
