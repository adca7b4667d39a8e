"""Gift cards in the console: what is owed on them, and money put back onto one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import DomainError, InvalidInput, Kind
from perks.api.merchant.bodies import RefundBody
from perks.api.merchant.gift_cards import named_charge
from perks.services.gift_cards import card_of, refund_charge
from perks.services.showing_gift_cards import liability_of
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import judged, place_errors
from perks.web.merchant.redemptions import RedemptionPage, refund_form
from perks.web.merchant.refusals import in_words


class GiftCards(ConsolePage):
    """What the merchant owes on its gift cards, and what became of the rest."""

    template_name = "merchant/gift_cards.html"
    action = "gift cards"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        return self.show(
            liabilities=liability_of(self.merchant, now=now), now=now, zone=self.zone_of(self.open_branches())
        )


class Refund(RedemptionPage):
    """Put some of a charge, or all of it, back onto its card. Sent twice, it is one refund."""

    http_method_names = ["post"]
    action = "refund"

    def post(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        redemption = self.acting.redemptions().select_related("gift_card").named(redemption_id)
        card = card_of(redemption)
        if card is None:
            return redirect("merchant:redemption", redemption_id)
        form = refund_form(card, data=request.POST)
        if not form.is_valid():
            return self.shown(redemption_id, refund=form)

        def refund() -> str:
            said = judged(RefundBody, form.body())
            charge = named_charge(card, said["charge"])
            refund_charge(card=card, charge=charge, amount=said["amount"]["amount"], by=self.citizen)
            return ""

        try:
            key = form.cleaned_data["key"]
            once(citizen=self.citizen, path=request.path, key=key, said=form.body(), work=refund)
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self.shown(redemption_id, refund=form)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(redemption_id, problem=in_words(refusal))
        messages.success(request, "Refunded. The money is back on the card.")
        return redirect("merchant:redemption", redemption_id)
