"""The console's pages of deposit agreements: what waits at the desk, pick-up, return and a damage claim."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.web.pages import paged
from perks.api.deposit_files import given
from perks.api.deposit_shapes import ClaimBody
from perks.holds import DISPUTE_WON
from perks.models import DepositAgreement, DepositFile
from perks.services.access import may
from perks.services.deposit_claims import claim_damage
from perks.services.deposits import pick_up_deposit, return_deposit
from perks.services.hold_refunds import refund_hold
from perks.services.showing_deposits import merchant_agreement_line, with_what_agreements_show
from perks.services.showing_merchants import redemption_detail
from perks.web.deposit_forms import ClaimForm, ItemRows, RefundForm
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import judged, place_error
from perks.web.merchant.refusals import in_words


def file_page(agreement: DepositAgreement, file: DepositFile) -> str:
    return reverse("merchant:deposit_file", args=[agreement.public_id, file.public_id])


class SeenDeposits(ConsolePage):
    """A page about the agreements these eyes may see."""

    action = "read deposits"

    def seen(self) -> Any:
        return with_what_agreements_show(self.acting.deposits())


class Deposits(SeenDeposits):
    """The merchant's agreements, newest first; a cashier sees what waits at the desk."""

    template_name = "merchant/deposit_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now, wanted = timezone.now(), request.GET.get("state", "")
        rows = self.seen()
        if wanted in DepositAgreement.State.values:
            rows = rows.filter(DepositAgreement.reads_as(wanted, now))

        def shape(found: list[DepositAgreement]) -> list[dict[str, Any]]:
            return [merchant_agreement_line(one, now=now, file_url=file_page) for one in found]

        told = paged(request, rows, shape=shape)
        states = DepositAgreement.AT_THE_DESK if self.acting.sees_only_own_scans else DepositAgreement.State.values
        return self.show(
            deposits=told["results"],
            page=told,
            states=[state for state in states if state != DepositAgreement.State.OFFERED],
            wanted=wanted,
            zone=self.zone_of(self.open_branches()),
        )


class DepositPage(SeenDeposits):
    """One agreement, with what can be done now."""

    template_name = "merchant/deposit.html"

    def get(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        return self.shown(self.seen().named(deposit_id))

    def shown(
        self,
        agreement: DepositAgreement,
        form: ClaimForm | None = None,
        items: Any = None,
        problem: dict[str, str] | None = None,
        refund: RefundForm | None = None,
    ) -> HttpResponse:
        now = timezone.now()
        key = uuid.uuid4().hex
        redemption = redemption_detail(agreement.redemption, now=now)
        role = self.acting.role or ""
        line = merchant_agreement_line(agreement, now=now, file_url=file_page)
        is_disputed = any(dispute["status"] not in DISPUTE_WON for dispute in line["disputes"])
        return self.show(
            deposit=line,
            undo_until=redemption["undo_until"],
            may_claim=may(role, "claim"),
            may_refund=may(role, "refund deposits") and not is_disputed,
            refund=refund or RefundForm(initial={"idempotency_key": key}),
            form=form or ClaimForm(initial={"idempotency_key": key}),
            items=items or ItemRows(prefix="items"),
            idempotency_key=key,
            problem=problem,
            zone=agreement.zone,
        )

    def back_to(self, request: HttpRequest) -> str:
        return reverse("merchant:deposit", args=[self.kwargs["deposit_id"]])


class MoveDeposit(DepositPage):
    """Record a pick-up or a return, once however often the button is pressed."""

    http_method_names = ["post"]
    action = "pick up and return"
    done: str

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement = self.seen().named(deposit_id)
        key = request.POST.get("idempotency_key", "")
        once(citizen=self.citizen, path=request.path, key=key, said={}, work=lambda: self.moved(agreement))
        messages.success(request, self.done)
        # A cashier no longer sees what has left the desk.
        is_seen = self.acting.deposits().filter(pk=agreement.pk).exists()
        return redirect("merchant:deposit", deposit_id) if is_seen else redirect("merchant:deposit_list")

    def moved(self, agreement: DepositAgreement) -> str:
        raise NotImplementedError


class PickUp(MoveDeposit):
    done = "The pick-up is recorded. It can be undone for ten minutes."

    def moved(self, agreement: DepositAgreement) -> str:
        branch = agreement.redemption.branch
        return pick_up_deposit(agreement=agreement, by=self.citizen, branch=branch).public_id


class Return(MoveDeposit):
    done = "The return is recorded. A damage can be claimed for 72 hours."

    def moved(self, agreement: DepositAgreement) -> str:
        return return_deposit(agreement=agreement, by=self.citizen).public_id


class Claim(DepositPage):
    """Claim a damage: items with what they cost, and photographs."""

    http_method_names = ["post"]
    action = "claim"

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement = self.seen().named(deposit_id)
        form, items = ClaimForm(request.POST, request.FILES), ItemRows(request.POST, prefix="items")
        if not form.is_valid() or not items.is_valid():
            return self.shown(agreement, form, items)
        used = [row for row in items.forms if row.is_used]
        photographs = form.cleaned_data["photographs"]

        def claim() -> str:
            said = judged(ClaimBody, {"items": [row.item() for row in used]})
            return claim_damage(
                agreement=agreement, by=self.citizen, items=said["items"], photographs=photographs
            ).public_id

        said = {"items": [{name: str(text) for name, text in row.cleaned_data.items()} for row in used]}
        try:
            once(
                citizen=self.citizen,
                path=request.path,
                key=form.cleaned_data["idempotency_key"],
                said=said,
                work=claim,
            )
        except InvalidInput as refusal:
            self.place(refusal, form, used)
            return self.shown(agreement, form, items, in_words(refusal))
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(agreement, form, items, in_words(refusal))
        messages.success(request, "The claim is sent. The guest can contest it for 72 hours.")
        return redirect("merchant:deposit", deposit_id)

    def place(self, refusal: InvalidInput, form: ClaimForm, used: list[Any]) -> None:
        """Show each mistake beside its row or field."""
        for error in refusal.facts["errors"]:
            path = error["pointer"].strip("/").split("/")
            if path[0] == "items" and len(path) > 2 and path[1].isdecimal() and int(path[1]) < len(used):
                place_error(used[int(path[1])], path[2], error["detail"])
            else:
                place_error(form, path[0], error["detail"])


class Refund(DepositPage):
    """Give back what was charged of a deposit, or some of it. Sent twice, it is one refund."""

    http_method_names = ["post"]
    action = "refund deposits"

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement = self.seen().named(deposit_id)
        form = RefundForm(request.POST)
        if not form.is_valid():
            return self.shown(agreement, refund=form)
        money, reason = form.money(), form.cleaned_data["reason"]

        def refund() -> str:
            return refund_hold(agreement=agreement, by=self.citizen, reason=reason, **money).public_id

        try:
            key = form.cleaned_data["idempotency_key"]
            once(citizen=self.citizen, path=request.path, key=key, said=money | {"reason": reason}, work=refund)
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                place_error(form, error["pointer"].strip("/").split("/")[0], error["detail"])
            return self.shown(agreement, refund=form)
        messages.success(request, "The refund is on its way to the guest’s card.")
        return redirect("merchant:deposit", deposit_id)


class MerchantDepositFile(SeenDeposits):
    """A photograph of the claim, or what the guest added against it."""

    action = "claim"

    def get(self, request: HttpRequest, deposit_id: str, file_id: str) -> HttpResponse:
        agreement = self.seen().named(deposit_id)
        return given(DepositFile.objects.filter(agreement=agreement).named(file_id))
