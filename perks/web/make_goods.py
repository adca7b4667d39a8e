"""The citizen's pages of make-goods: what disputes they won have won back, and taking it (P7)."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import InvalidInput
from citizen_app.web.pages import Page, paged
from perks.models import MakeGood
from perks.services.make_goods import OFFERED, take_make_good
from perks.services.showing_make_goods import make_good_lines, make_goods_of
from perks.services.showing_perks import branches_of
from perks.web.citizen import after_taking
from perks.web.forms import TakeForm, field_of, take_form

ON_A_PAGE = 50


class MakeGoods(Page):
    """What the reader was refused on wrong records, offered again."""

    template_name = "citizen/make_goods.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        citizen, now = self.citizen, timezone.now()

        def shape(found: list[MakeGood]) -> list[dict[str, Any]]:
            return make_good_lines(found, citizen=citizen, now=now)

        told = paged(request, make_goods_of(citizen), shape=shape, limit=ON_A_PAGE)
        return self.show(make_goods=told["results"], page=told, me={"zone": citizen.zone})


class MakeGoodPage(Page):
    """One of them, with what it gives and how to take it."""

    template_name = "citizen/make_good.html"

    def get(self, request: HttpRequest, make_good_id: str) -> HttpResponse:
        return self.shown(make_goods_of(self.citizen).named(make_good_id), now=timezone.now())

    def shown(self, make_good: MakeGood, *, now: datetime, form: TakeForm | None = None, key: str = "") -> HttpResponse:
        """Show it; after a slip in the form, with what was written and under the same key."""
        (line,) = make_good_lines([make_good], citizen=self.citizen, now=now)
        return self.show(
            make_good=line,
            perk=line["perk"],
            may_take=line["state"] == OFFERED and not line["reasons"],
            me={"zone": self.citizen.zone},
            form=form or take_form(perk=make_good.perk, branches=branches_of(make_good.perk), now=now),
            idempotency_key=key or uuid.uuid4().hex,
        )

    def back_to(self, request: HttpRequest) -> str:
        return reverse("perks:make_good", args=[self.kwargs["make_good_id"]])


class TakeMakeGood(MakeGoodPage):
    """Take it. A double tap takes one: the form carries the key of its one act."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, make_good_id: str) -> HttpResponse:
        now, citizen = timezone.now(), self.citizen
        make_good = make_goods_of(citizen).named(make_good_id)
        form = take_form(request.POST, perk=make_good.perk, branches=branches_of(make_good.perk), now=now)
        key = request.POST.get("idempotency_key", "")
        if not form.is_valid():
            return self.shown(make_good, now=now, form=form, key=key)

        def take() -> str:
            return take_make_good(make_good=make_good, now=now, **form.place()).public_id

        said = {name: str(request.POST.get(name, "")) for name in form.fields}
        try:
            redemption_id = once(citizen=citizen, path=request.path, key=key, said=said, work=take)
        except InvalidInput as refusal:
            for wrong in refusal.facts["errors"]:
                form.add_error(field_of(wrong["pointer"], form), wrong["detail"])
            return self.shown(make_good, now=now, form=form, key=key)
        return after_taking(make_good.perk, redemption_id)
