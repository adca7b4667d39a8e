"""The citizen's pages of perks: what is offered, what each asks and gives, the code to show, and what was taken."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import InvalidInput, NotFound
from citizen_app.models import Citizen
from citizen_app.web.pages import Page, paged
from perks.api.citizen.perks import offered
from perks.languages import wanted_languages
from perks.models import DepositAgreement, Merchant, Perk, PerkCategory, Redemption
from perks.services.catalogue_reading import cards_of, catalogue, order_of, takeable_cards_of, with_what_cards_show
from perks.services.eligibility_reading import judge_each
from perks.services.gift_cards import card_of, state_of
from perks.services.nearness import BY_DISTANCE
from perks.services.pictures import qr_svg
from perks.services.redemptions import cancel_redemption, is_shown, remembering_refusals, state_at, take_perk
from perks.services.showing import shown_pass
from perks.services.showing_make_goods import open_count
from perks.services.showing_perks import branches_of, perk_page, redemption_line, redemption_page
from perks.web.forms import PURPOSES, SearchForm, TakeForm, field_of, take_form
from scores import assessments

ON_A_PAGE = 50
"""Cards on a page of the list, and lines on a page of codes."""
MOST_CATEGORIES = 50
"""Categories to choose from; a perk of any other is found by searching for it."""


class PerkList(Page):
    """What merchants offer now, each with its answer to the reader. Looking at it makes no inquiry."""

    template_name = "citizen/perk_list.html"
    back = "perks:perk_list"

    def get(self, request: HttpRequest) -> HttpResponse:
        now, citizen = timezone.now(), self.citizen
        form = SearchForm(request.GET, categories=_categories(now))
        form.is_valid()
        wanted = form.wanted()
        assessment = assessments.assess(citizen, now=now)
        cards = takeable_cards_of if wanted.only_eligible else cards_of
        languages, order = languages_read_by(request, citizen), order_of(wanted)
        by_distance = order == BY_DISTANCE

        def shape(perks: list[Perk]) -> list[dict[str, Any]]:
            shown = cards(citizen=citizen, perks=perks, assessment=assessment, now=now, languages=languages)
            return shown if by_distance else sorted(shown, key=_nearness)

        perks = catalogue(citizen=citizen, assessment=assessment, wanted=wanted, now=now)
        told = paged(request, perks, order=order, shape=shape, limit=ON_A_PAGE)
        return self.show(
            perks=told["results"],
            page=told,
            form=form,
            filters={
                "purpose": wanted.purpose,
                "eligible": wanted.only_eligible,
                "merchant": wanted.merchant,
                "opens": wanted.opens_soon,
            },
            by_distance=by_distance,
            merchant=_merchant_named(wanted.merchant),
            purposes=PURPOSES,
            open_count=sum(perk["eligibility"]["answer"] == "eligible" for perk in told["results"]),
            scale=_scale(),
            make_goods=open_count(citizen, now=now),
        )


class PerkPage(Page):
    """One perk, with all of it that binds the citizen before they take it."""

    template_name = "citizen/perk.html"

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        now = timezone.now()
        return self.shown(self.perk(perk_id, now), now=now)

    def perk(self, perk_id: str, now: datetime) -> Perk:
        found: Perk = with_what_cards_show(offered(now), now=now).named(perk_id)
        return found

    def shown(
        self, perk: Perk, *, now: datetime, form: TakeForm | None = None, key: str = "", problem: Any = None
    ) -> HttpResponse:
        """Show the perk; after a slip in the form, with what was written and under the same key."""
        assessment = assessments.assess(self.citizen, now=now)
        answer = judge_each(citizen=self.citizen, perks=[perk], assessment=assessment, now=now)[perk.pk]
        branches = branches_of(perk)
        held = Redemption.objects.filter(
            Redemption.reads_as(Redemption.State.RESERVED, now), citizen=self.citizen, perk=perk
        )
        return self.show(
            perk=perk_page(perk, answer, branches, languages_read_by(self.request, self.citizen), now=now),
            me=_me(self.citizen),
            scale=_scale(),
            form=form or take_form(perk=perk, branches=branches, now=now),
            problem=problem,
            held=[{"id": one.public_id, "expires_at": one.expires_at} for one in held.order_by("-id")],
            idempotency_key=key or uuid.uuid4().hex,
        )

    def back_to(self, request: HttpRequest) -> str:
        return reverse("perks:perk", args=[self.kwargs["perk_id"]])


class Take(PerkPage):
    """Take a perk. A double tap takes one: the form carries the key of its one act."""

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        return redirect("perks:perk", perk_id)

    def post(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        now, citizen = timezone.now(), self.citizen
        perk = self.perk(perk_id, now)
        form = take_form(request.POST, perk=perk, branches=branches_of(perk), now=now)
        key = request.POST.get("idempotency_key", "")
        if not form.is_valid():
            return self.shown(perk, now=now, form=form, key=key)

        def take() -> str:
            return take_perk(citizen=citizen, perk=perk, now=now, **form.place()).public_id

        said = {name: str(request.POST.get(name, "")) for name in form.fields}
        try:
            # Around the key's transaction: what was refused is remembered after it is rolled back.
            with remembering_refusals(citizen=citizen, perk=perk, now=now):
                redemption_id = once(citizen=citizen, path=request.path, key=key, said=said, work=take)
        except InvalidInput as refusal:
            for wrong in refusal.facts["errors"]:
                form.add_error(field_of(wrong["pointer"], form), wrong["detail"])
            return self.shown(perk, now=now, form=form, key=key)
        return after_taking(perk, redemption_id)


class Redemptions(Page):
    """What the reader holds and what they used."""

    template_name = "citizen/redemptions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()

        def shape(rows: list[Redemption]) -> list[dict[str, Any]]:
            return [redemption_line(one, now=now) for one in rows]

        told = paged(request, _own(self.citizen), shape=shape, limit=ON_A_PAGE)
        has_cards = any(row.get("gift_card") for row in told["results"])
        return self.show(redemptions=told["results"], page=told, me=_me(self.citizen), has_cards=has_cards)


class Code(Page):
    """One redemption: while it is reserved, what its citizen shows at the desk."""

    template_name = "citizen/code.html"

    def get(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        now = timezone.now()
        redemption = _own(self.citizen).named(redemption_id)
        shown = redemption_page(redemption, now=now, qr_url=reverse("perks:code_qr", args=[redemption_id]))
        return self.show(
            redemption=shown,
            perk=shown["perk"],
            me=_me(self.citizen),
            now_ms=int(now.timestamp() * 1000),
            standing=_standing(redemption, now),
        )


class CodePicture(Page):
    """The picture of the whole pass as it is in this half-minute; only what is reserved has one."""

    def get(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        now = timezone.now()
        redemption = _own(self.citizen).named(redemption_id)
        if not is_shown(redemption, now):
            raise NotFound
        return HttpResponse(qr_svg(shown_pass(redemption, at=now)), content_type="image/svg+xml")


class CodeState(Page):
    """What became of a code, for its own page, which asks every few seconds."""

    def get(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        return JsonResponse({"state": _standing(_own(self.citizen).named(redemption_id), timezone.now())})


class Cancel(Page):
    """Give back what was reserved."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        cancel_redemption(redemption=_own(self.citizen).named(redemption_id))
        return redirect("perks:code", redemption_id)

    def back_to(self, request: HttpRequest) -> str:
        return reverse("perks:code", args=[self.kwargs["redemption_id"]])


def after_taking(perk: Perk, redemption_id: str) -> HttpResponse:
    """Where taking leads: to the code or, of a waiver, to the terms that want accepting first."""
    if perk.kind == Perk.Kind.DEPOSIT_WAIVER:
        agreement = DepositAgreement.objects.get(redemption_id=Redemption.key_of(redemption_id))
        return redirect("perks:deposit", agreement.public_id)
    return redirect("perks:code", redemption_id)


def _own(citizen: Citizen) -> Any:
    """The reader's redemptions, with what their pages show; anybody else's are not there."""
    own = Redemption.objects.filter(citizen=citizen)
    return own.select_related("perk", "version", "merchant", "branch", "gift_card", "deposit", "boost")


def _standing(redemption: Redemption, now: datetime) -> str:
    """What the page of a code watches: its state and, of a gift card, that something has moved on it."""
    card = card_of(redemption)
    return state_at(redemption, now) if card is None else f"{state_of(card, now=now)} {card.moves}"


def languages_read_by(request: HttpRequest, citizen: Citizen) -> tuple[str, ...]:
    """In which languages somebody wants to read perks: those of their browser, then their account's."""
    return wanted_languages(request.headers.get("Accept-Language", ""), citizen.language)


def _me(citizen: Citizen) -> dict[str, str]:
    return {"first_name": citizen.first_name, "zone": citizen.zone}


def _scale() -> dict[str, int]:
    least, most = assessments.value_range()
    return {"min": least, "max": most}


def _categories(now: datetime) -> list[str]:
    """The words that most perks on offer are found by, in their order."""
    shown = Perk.objects.shown_at(now).values("pk")
    used = PerkCategory.objects.filter(perk__in=shown).values_list("code").annotate(perks=Count("pk"))
    return sorted(code for code, _ in used.order_by("-perks", "code")[:MOST_CATEGORIES])


def _merchant_named(merchant_id: str | None) -> str:
    """The name of the merchant the list is narrowed to, if there is such a one."""
    key = Merchant.key_of(merchant_id)
    return "" if key is None else Merchant.objects.filter(pk=key).values_list("name", flat=True).first() or ""


def _nearness(card: dict[str, Any]) -> tuple[int, int]:
    """What is open first, then by points to go, then what something else stands in the way of."""
    answer = card["eligibility"]
    if answer["answer"] == "eligible":
        return (0, 0)
    to_go = answer["reasons"][0].get("points_to_go") if answer["reasons"] else None
    return (2, 0) if to_go is None else (1, int(to_go))
