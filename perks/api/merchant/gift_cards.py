"""Gift cards as their merchant sees them: money put back onto one, and what is owed on all."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.idempotency import idempotent
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput, NotFound
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import LiabilitySerializer, RefundSerializer
from perks.api.merchant.bodies import RefundBody
from perks.models import GiftCard, GiftCardPosting
from perks.services.gift_cards import refund_charge
from perks.services.showing_gift_cards import liability_of, refund_answer
from perks.services.showing_perks import instant


class RefundView(ApiView):
    """Put money back onto the card it was taken from."""

    permission_classes = [Acts("refund")]

    @extend_schema(operation_id="refund_gift_card", request=RefundBody, responses=RefundSerializer)
    @idempotent
    def post(self, request: Request, card_id: str) -> Response:
        """Refund some of a charge, or all of it: never more than is left of it, only to the same card."""
        acting, now = acting_of(request), timezone.now()
        said = read_body(request, RefundBody)
        card = GiftCard.objects.filter(merchant=acting.merchant).named(card_id)
        refund = refund_charge(
            card=card, charge=named_charge(card, said["charge"]), amount=said["amount"]["amount"], by=acting.by, now=now
        )
        return Response(refund_answer(refund, now=now))


class LiabilityView(ApiView):
    """What you owe on your gift cards."""

    permission_classes = [Acts("gift cards")]

    @extend_schema(operation_id="get_gift_card_liability", responses=LiabilitySerializer)
    def get(self, request: Request) -> Response:
        """Return what is outstanding in each currency, what of it ends soon, and the sums of the ledger."""
        now = timezone.now()
        return Response({"at": instant(now), "currencies": liability_of(acting_of(request).merchant, now=now)})


def named_charge(card: GiftCard, charge_id: str) -> GiftCardPosting:
    """The charge of this card that a body names."""
    try:
        charge: GiftCardPosting = GiftCardPosting.objects.filter(card=card, kind=GiftCardPosting.Kind.CHARGE).named(
            charge_id
        )
    except NotFound:
        raise InvalidInput(FieldError("/charge", "invalid", "This card has no such charge.")) from None
    return charge
