"""What you were refused on a record that was wrong, offered again (P7)."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.answers import MakeGoodSerializer, RedemptionSerializer
from perks.api.citizen.redemptions import TakeBody, named_branch, qr_url, secrets_again
from perks.models import MakeGood
from perks.services.make_goods import take_make_good
from perks.services.showing_make_goods import make_good_lines, make_goods_of
from perks.services.showing_perks import redemption_page


class MakeGoodListView(ApiView):
    """The refusals that disputes you won have undone: each perk is offered again, as it was then."""

    permission_classes = [IsCitizen]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_make_goods", responses=page_of("MakeGoodPage", MakeGoodSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your make-goods, newest first."""
        citizen, now = cast(Citizen, request.user), timezone.now()

        def shape(found: list[MakeGood]) -> list[dict[str, Any]]:
            return make_good_lines(found, citizen=citizen, now=now)

        return page(request, make_goods_of(citizen), shape=shape)


class TakeView(ApiView):
    """Take what you were refused: it is yours whatever your score says now."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="take_make_good", request=TakeBody, responses={201: RedemptionSerializer})
    @idempotent(secrets=secrets_again)
    def post(self, request: Request, make_good_id: str) -> Response:
        """Reserve it, with the benefit and terms of then, and return its code, pass and seed."""
        make_good = make_goods_of(cast(Citizen, request.user)).named(make_good_id)
        said = read_body(request, TakeBody)
        now = timezone.now()
        redemption = take_make_good(
            make_good=make_good,
            date=said.get("date"),
            until=said.get("until"),
            vehicle_class=said.get("class", ""),
            branch=named_branch(make_good.perk, said.get("branch")),
            booking_reference=said.get("booking_reference", ""),
            now=now,
        )
        url = qr_url(request, redemption.public_id)
        shown = redemption_page(redemption, now=now, qr_url=url)
        return cast(Response, no_store(Response(shown, 201)))
