"""The citizen's pages of gift cards: what is on each, and every movement."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from citizen_app.web.pages import Page, paged
from perks.models import GiftCard
from perks.services.gift_cards import state_of
from perks.services.showing_gift_cards import card_line, cards_of, statement_of

ON_A_PAGE = 50


class GiftCards(Page):
    """The gift cards the reader holds and held."""

    template_name = "citizen/gift_cards.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()

        def shape(rows: list[GiftCard]) -> list[dict[str, Any]]:
            return [card_line(one, now=now) for one in rows]

        told = paged(request, cards_of(self.citizen), shape=shape, limit=ON_A_PAGE)
        return self.show(cards=told["results"], page=told, me={"zone": self.citizen.zone})


class GiftCardPage(Page):
    """One card: what is left, until when, and its statement. Its code is on a page of its own."""

    template_name = "citizen/gift_card.html"

    def get(self, request: HttpRequest, card_id: str) -> HttpResponse:
        now = timezone.now()
        card = cards_of(self.citizen).named(card_id)
        line = card_line(card, now=now)
        return self.show(
            card=line,
            perk=line["perk"],
            terms=card.redemption.version.terms,
            statement=statement_of(card),
            is_shown=state_of(card, now=now) == GiftCard.State.OPEN,
            me={"zone": self.citizen.zone},
        )
