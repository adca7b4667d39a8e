"""The operators' pages of merchants that were let in: suspending, reinstating, closing, and what the register says."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from citizen_app.errors import DomainError, Kind, NotFound
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.fields import PlainText
from citizen_app.web.pages import paged
from perks.models import Merchant, MerchantClient, Perk, Register, RegistryNumber
from perks.services.catalogue import release_perk
from perks.services.clients import switch_client
from perks.services.closing import close_merchant
from perks.services.merchants import reinstate_merchant, require_impartial_operator, suspend_merchant
from perks.services.registered import remove_number, state_and_confirm
from perks.services.showing_merchants import client_line, merchant_page
from perks.services.showing_queue import numbers_of
from perks.services.showing_reports import title_of
from perks.web.merchant.refusals import in_words

ON_A_PAGE = 50
WITH_REASON = frozenset({"suspend", "close"})


class FindForm(forms.Form):
    """Which merchant an operator looks for."""

    q = PlainText(required=False, max_length=80, label="Name")


class ActForm(forms.Form):
    """What an operator does with a merchant. A suspension and an end say why, to its own team."""

    act = forms.ChoiceField(
        choices=[(one, one) for one in ("suspend", "reinstate", "close", "add", "remove", "release", "shut", "open")]
    )
    reason = forms.CharField(max_length=500, required=False)
    register = forms.CharField(max_length=40, required=False)
    number = forms.RegexField(r"\A[A-Za-z0-9._/ -]{1,40}\Z", required=False)
    id = forms.CharField(max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("act") in WITH_REASON and not said.get("reason", "").strip():
            self.add_error("reason", "Say why: its team reads it.")
        if said.get("act") == "add" and not said.get("number"):
            self.add_error("number", "Write the number: letters, digits and -._/ only.")
        return said


class MerchantsPage(BackOfficePage):
    """A page for operators who decide on merchants."""

    back = "operator:merchants"
    roles = frozenset({OperatorRole.Role.MERCHANTS})


class Merchants(MerchantsPage):
    """Every merchant that was let in, by name."""

    template_name = "operator/merchants.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = FindForm(request.GET)
        form.is_valid()
        found = Merchant.objects.filter(approved_at__isnull=False)
        for word in form.cleaned_data.get("q", "").split()[:8]:
            found = found.filter(name__icontains=word)
        told = paged(request, found, order=("name", "id"), shape=_lines, limit=ON_A_PAGE)
        return self.show(merchants=told["results"], page=told, form=form)


class OneMerchant(MerchantsPage):
    """One merchant, and what can be done with it."""

    template_name = "operator/merchant.html"

    def get(self, request: HttpRequest, merchant_id: str) -> HttpResponse:
        return self.shown(self.merchant(merchant_id))

    def merchant(self, merchant_id: str) -> Merchant:
        found: Merchant = Merchant.objects.filter(approved_at__isnull=False).named(merchant_id)
        return found

    def shown(self, merchant: Merchant, **context: Any) -> HttpResponse:
        held = Perk.objects.filter(merchant=merchant).exclude(hold_reason="").select_related("in_force")
        return self.show(
            merchant=merchant_page(merchant),
            refusal=merchant.refusal,
            contact_person=merchant.contact_person,
            numbers=numbers_of(merchant),
            registers=list(Register.objects.order_by("authority").values("code", "authority")),
            held=[
                {"id": perk.public_id, "title": title_of(perk), "reason": perk.hold_reason} for perk in held[:ON_A_PAGE]
            ],
            clients=[client_line(one) for one in _clients_of(merchant)[:ON_A_PAGE]],
            can=_CAN.get(Merchant.State(merchant.state), ()),
            **context,
        )


class Act(OneMerchant):
    """Do it, in the operator's name."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, merchant_id: str) -> HttpResponse:
        merchant, form = self.merchant(merchant_id), ActForm(request.POST)
        if not form.is_valid():
            detail = " ".join(str(error) for errors in form.errors.values() for error in errors)
            return self.shown(merchant, problem={"title": "Nothing was changed.", "detail": detail})
        try:
            done = self.do(merchant, form.cleaned_data)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise NotFound from refusal
            merchant.refresh_from_db()
            return self.shown(merchant, problem=in_words(refusal, zone=self.citizen.zone))
        messages.success(request, done)
        return redirect(reverse("operator:merchant", args=[merchant_id]))

    def do(self, merchant: Merchant, said: dict[str, Any]) -> str:
        by, reason = self.citizen, said["reason"].replace("\r\n", "\n")
        match said["act"]:
            case "suspend":
                suspend_merchant(merchant=merchant, by=by, reason=reason)
                return f"{merchant.name} is suspended; what is reserved is honoured."
            case "reinstate":
                reinstate_merchant(merchant=merchant, by=by)
                return f"{merchant.name} is reinstated."
            case "close":
                close_merchant(merchant=merchant, by=by, reason=reason)
                return f"{merchant.name} is closed, and its perks have ended; what is reserved is honoured."
            case "release":
                release_perk(perk=Perk.objects.filter(merchant=merchant).named(said["id"]), by=by)
                return "Its merchant can resume it."
            case "shut" | "open":
                client = _clients_of(merchant).named(said["id"])
                switch_client(client=client, suspended=said["act"] == "shut", by=by)
                done = "is shut out until you let it in again" if client.application.suspended else "is let in again"
                return f"{client.name} {done}."
        require_impartial_operator(by, merchant)
        if said["act"] == "remove":
            number = RegistryNumber.objects.filter(merchant=merchant).select_related("merchant").named(said["id"])
            remove_number(stated=number, by=by)
            return "The number is taken away."
        state_and_confirm(merchant=merchant, by=by, number=said["number"].strip(), register=said["register"])
        return "The number is confirmed, and the standing read."


def _clients_of(merchant: Merchant) -> Any:
    return MerchantClient.objects.filter(merchant=merchant).select_related("merchant", "application").order_by("-id")


_CAN = {
    Merchant.State.ACTIVE: ("suspend", "close"),
    Merchant.State.SUSPENDED: ("reinstate", "close"),
}


def _lines(rows: list[Merchant]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.public_id,
            "name": one.name,
            "sector": one.sector,
            "state": one.state,
            "standing_state": one.standing_state,
        }
        for one in rows
    ]
