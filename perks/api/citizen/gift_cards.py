"""Your gift cards: what is on them, and every movement."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.answers import GiftCardLineSerializer, GiftCardSerializer
from perks.api.citizen.redemptions import qr_url
from perks.services.showing_gift_cards import card_line, card_page, cards_of


class GiftCardListView(ApiView):
    """The gift cards you hold and held; codes are on each one's own page."""

    permission_classes = [IsCitizen]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_gift_cards", responses=page_of("GiftCardPage", GiftCardLineSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your gift cards, newest first."""
        now = timezone.now()
        cards = cards_of(cast(Citizen, request.user))
        return page(request, cards, shape=lambda found: [card_line(one, now=now) for one in found])


class GiftCardView(ApiView):
    """One gift card with its statement; while it can be spent, with what you show at the desk."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_gift_card", responses=GiftCardSerializer)
    def get(self, request: Request, card_id: str) -> Response:
        """Return a gift card of yours; never kept by a cache."""
        card = cards_of(cast(Citizen, request.user)).named(card_id)
        shown = card_page(card, now=timezone.now(), qr_url=qr_url(request, card.redemption.public_id))
        return cast(Response, no_store(Response(shown)))
