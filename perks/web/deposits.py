"""The citizen's pages of deposit agreements: frozen terms to accept, the way they go, a claim to contest."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.web.pages import Page, paged, said
from perks.api.deposit_files import given
from perks.models import DepositAgreement, DepositFile
from perks.services.deposit_claims import contest_claim
from perks.services.deposits import accept_deposit
from perks.services.holds import page_of, request_hold
from perks.services.showing_deposits import agreement_line, agreement_lines, with_what_agreements_show
from perks.web.deposit_forms import ContestForm


def file_page(agreement: DepositAgreement, file: DepositFile) -> str:
    return reverse("perks:deposit_file", args=[agreement.public_id, file.public_id])


class OwnDeposits(Page):
    """A page about the reader's own agreements; anybody else's are not there."""

    def own(self) -> Any:
        return with_what_agreements_show(DepositAgreement.objects.filter(citizen=self.citizen))


class Deposits(OwnDeposits):
    """The reader's agreements, newest first."""

    template_name = "citizen/deposits.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()

        def shape(found: list[DepositAgreement]) -> list[dict[str, Any]]:
            return agreement_lines(found, now=now, file_url=file_page)

        told = paged(request, self.own(), shape=shape)
        return self.show(deposits=told["results"], page=told, me={"zone": self.citizen.zone})


class DepositPage(OwnDeposits):
    """One agreement with everything that binds its two sides."""

    template_name = "citizen/deposit.html"

    def get(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        return self.shown(deposit_id)

    def shown(self, deposit_id: str, form: ContestForm | None = None, problem: Any = None) -> HttpResponse:
        line = agreement_line(self.own().named(deposit_id), now=timezone.now(), file_url=file_page)
        fresh = {"idempotency_key": uuid.uuid4().hex}
        return self.show(
            deposit=line,
            form=form or ContestForm(initial=fresh),
            problem=problem,
            me={"zone": self.citizen.zone},
            is_back_from_stripe="from_stripe" in self.request.GET,
            **fresh,
        )

    def back_to(self, request: HttpRequest) -> str:
        return reverse("perks:deposit", args=[self.kwargs["deposit_id"]])


class AcceptDeposit(DepositPage):
    """Accept the terms. A double tap accepts once."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement, citizen = self.own().named(deposit_id), self.citizen

        def accept() -> str:
            return accept_deposit(agreement=agreement, by=citizen).public_id

        key = request.POST.get("idempotency_key", "")
        once(citizen=citizen, path=request.path, key=key, said={}, work=accept)
        left = bool(agreement.remainder_amount)
        messages.success(
            request,
            "Accepted. Have what is left held on your card before the pick-up."
            if left
            else "Accepted. Show your code or pass at the pick-up.",
        )
        return redirect("perks:deposit", deposit_id)


class HoldDeposit(DepositPage):
    """On to the page at Stripe where the reader's card is held. A double tap leads to the same page."""

    http_method_names = ["post"]
    template_name = "citizen/to_stripe.html"

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement = self.own().named(deposit_id)
        back = request.build_absolute_uri(self.back_to(request)) + "?from_stripe"
        hold = request_hold(agreement=agreement, by=self.citizen, return_url=back)
        return self.show(where=page_of(hold), deposit_id=agreement.public_id)


class ContestDeposit(DepositPage):
    """Object to a claim, with what shows that it is wrong."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement, citizen = self.own().named(deposit_id), self.citizen
        form = ContestForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.shown(deposit_id, form)
        asked = form.cleaned_data

        def contest() -> str:
            return contest_claim(
                agreement=agreement, by=citizen, statement=asked["statement"], evidence=asked["evidence"]
            ).public_id

        words = {"statement": asked["statement"]}
        try:
            once(citizen=citizen, path=request.path, key=asked["idempotency_key"], said=words, work=contest)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(deposit_id, form, problem_of(refusal))
        messages.success(request, "Your objection is received. A person decides, and tells you why.")
        return redirect("perks:deposit", deposit_id)


class OwnDepositFile(OwnDeposits):
    """A photograph of the claim, or what the reader added against it."""

    def get(self, request: HttpRequest, deposit_id: str, file_id: str) -> HttpResponse:
        agreement = self.own().named(deposit_id)
        return given(DepositFile.objects.filter(agreement=agreement).named(file_id))


def problem_of(refusal: DomainError) -> dict[str, str]:
    if isinstance(refusal, InvalidInput):
        return {"title": "Nothing was sent.", "detail": " ".join(one["detail"] for one in refusal.facts["errors"])}
    return {"title": said(refusal), "detail": ""}
