"""Offers that wait for the merchant's word: one more of a perk that is over, paused or gone. No person is named."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import FieldError, InvalidInput
from perks.models import MakeGood
from perks.services.make_goods import answer_make_good
from perks.services.showing_make_goods import offers_waiting
from perks.web.merchant.console import ConsolePage


class Offers(ConsolePage):
    """Each is one perk for one person; the page says nothing else about them."""

    template_name = "merchant/offers.html"
    action = "perks"
    back = "merchant:offers"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(
            offers=offers_waiting(self.merchant, now=timezone.now()), zone=self.zone_of(self.open_branches())
        )


class AnswerOffer(Offers):
    """Agree to one, or decline it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, make_good_id: str) -> HttpResponse:
        make_good = MakeGood.objects.filter(perk__merchant=self.merchant).named(make_good_id)
        answer = request.POST.get("answer")
        if answer not in ("agree", "decline"):
            raise InvalidInput(FieldError("/answer", "required", "Agree or decline."))
        agrees = answer == "agree"
        answer_make_good(make_good=make_good, agrees=agrees, by=self.citizen)
        messages.success(request, "Agreed. They can take it for 30 days." if agrees else "Declined.")
        return redirect("merchant:offers")
