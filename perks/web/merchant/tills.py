"""The merchant's tills, the PIN one types there, and what two desks honoured."""

import base64
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.errors import InvalidInput
from perks.api.merchant.bodies import PinBody, TillBody
from perks.models import Branch, Member
from perks.services.pictures import qr_svg
from perks.services.shifts import set_pin
from perks.services.showing_tills import conflicts, pairing_line, till_line
from perks.services.tills import make_pairing, revoke_till, standing_tills
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import PinForm, TillForm, judged, place_errors


class Tills(ConsolePage):
    """Pair a till, by a picture that is shown this once, and take one away."""

    template_name = "merchant/tills.html"
    action = "tills"
    back = "merchant:tills"

    def get(self, request: HttpRequest) -> HttpResponse:
        branches = self.open_branches()
        return self._shown(TillForm(branches=branches), branches)

    def post(self, request: HttpRequest) -> HttpResponse:
        if gone := request.POST.get("remove"):
            revoke_till(till=standing_tills(self.merchant).named(gone), by=self.citizen)
            messages.success(request, "The till is revoked. It scans nothing any more.")
            return redirect("merchant:tills")
        branches = self.open_branches()
        form = TillForm(request.POST, branches=branches)
        if not form.is_valid():
            return self._shown(form, branches)
        try:
            said = judged(TillBody, {name: text for name, text in form.cleaned_data.items() if text})
            made = make_pairing(
                merchant=self.merchant,
                by=self.citizen,
                name=said["name"],
                branch=self._branch(said.get("branch"), branches),
            )
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form, branches)
        address = f"{request.build_absolute_uri(reverse('till:app'))}#{made.code}"
        picture = base64.b64encode(qr_svg(address, title="Pair a till")).decode()
        fresh = pairing_line(made) | {"picture": f"data:image/svg+xml;base64,{picture}"}
        return self._shown(TillForm(branches=branches), branches, fresh=fresh)

    def _branch(self, wanted: str | None, branches: list[Branch]) -> Branch | None:
        return next((branch for branch in branches if branch.public_id == wanted), None)

    def _shown(self, form: TillForm, branches: list[Branch], **context: Any) -> HttpResponse:
        lines = [till_line(till) for till in standing_tills(self.merchant).order_by("-id")]
        address = self.request.build_absolute_uri(reverse("till:app"))
        return self.show(tills=lines, form=form, zone=self.zone_of(branches), till_address=address, **context)


class Pin(ConsolePage):
    """Choose the PIN one types at a till."""

    template_name = "merchant/pin.html"
    action = "own pin"
    back = "merchant:pin"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(PinForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PinForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            said = judged(PinBody, {"pin": form.cleaned_data["pin"]})
            set_pin(member=self._seat(), pin=said["pin"])
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form)
        messages.success(request, "Your PIN is set. Choose your name on a till and type it.")
        return redirect("merchant:pin")

    def _seat(self) -> Member:
        seats = Member.objects.select_related("merchant", "citizen", "pin")
        return seats.get(merchant=self.merchant, citizen=self.citizen)

    def _shown(self, form: PinForm) -> HttpResponse:
        kept = getattr(self._seat(), "pin", None)
        return self.show(form=form, set_at=kept.set_at if kept else None)


class Conflicts(ConsolePage):
    """What a till honoured that another had honoured before, or that no till may honour offline."""

    template_name = "merchant/conflicts.html"
    action = "conflicts"
    back = "merchant:conflicts"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(
            conflicts=conflicts(self.merchant), zone=self.zone_of(self.open_branches()), now=timezone.now()
        )
