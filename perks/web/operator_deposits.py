"""The operators' pages of contested damage claims: what waits, oldest first; one claim with its files; a decision."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts.operators import is_operator
from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.models import Citizen, OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import paged
from citizen_app.web.panels import adds_to
from perks.api.deposit_files import given
from perks.models import DepositAgreement, DepositFile, Member
from perks.services.deposit_claims import decide_claim, open_claim
from perks.services.showing_deposits import agreement_line, with_what_agreements_show
from perks.web.deposit_forms import DecisionForm
from perks.web.deposits import problem_of

State = DepositAgreement.State


def file_page(agreement: DepositAgreement, file: DepositFile) -> str:
    return reverse("operator:deposit_file", args=[agreement.public_id, file.public_id])


def waiting_claims(citizen: Citizen) -> Any:
    """What an operator may decide: contested, neither their own nor their merchant's."""
    own_merchants = Member.objects.filter(citizen=citizen).values("merchant_id")
    contested = DepositAgreement.objects.filter(state=State.CONTESTED).exclude(merchant__in=own_merchants)
    return contested.exclude(pk__in=DepositAgreement.objects.filter(citizen=citizen).values("pk"))


@adds_to("back_office")
def claims_waiting(citizen: Citizen) -> dict[str, Any]:
    """How many contested claims wait for a human."""
    decides = is_operator(citizen, OperatorRole.Role.DISPUTES)
    return {"claims_waiting": waiting_claims(citizen).count() if decides else 0}


class ClaimsPage(BackOfficePage):
    """A page for operators who decide disputes."""

    back = "operator:deposits"
    roles = frozenset({OperatorRole.Role.DISPUTES})


class ClaimQueue(ClaimsPage):
    """Contested claims, oldest first. Nobody's name is in this list."""

    template_name = "operator/deposits.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()

        def shape(found: list[DepositAgreement]) -> list[dict[str, Any]]:
            return [agreement_line(one, now=now, file_url=file_page) for one in found]

        rows = with_what_agreements_show(waiting_claims(self.citizen))
        told = paged(request, rows, order=("contested_at", "id"), shape=shape)
        return self.show(claims=told["results"], page=told)


class ClaimPage(ClaimsPage):
    """One contested claim with everything in it; its citizen reads that it was opened."""

    template_name = "operator/deposit.html"

    def get(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        return self.shown(found(deposit_id))

    def shown(self, agreement: DepositAgreement, form: DecisionForm | None = None, problem: Any = None) -> HttpResponse:
        open_claim(agreement=agreement, by=self.citizen)
        return self.show(
            deposit=agreement_line(agreement, now=timezone.now(), file_url=file_page),
            form=form or DecisionForm(claimed=agreement.claimed_amount or 0),
            problem=problem,
            zone=self.citizen.zone,
        )


class DecideClaim(ClaimPage):
    """Decide it at an amount, with a reason both sides read."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, deposit_id: str) -> HttpResponse:
        agreement = found(deposit_id)
        form = DecisionForm(request.POST, claimed=agreement.claimed_amount or 0)
        if not form.is_valid():
            return self.shown(agreement, form)
        try:
            decide_claim(agreement=agreement, by=self.citizen, amount=form.units(), reason=form.cleaned_data["reason"])
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                form.add_error(error["pointer"].strip("/"), form_sentence(error, form))
            return self.shown(agreement, form)
        except DomainError as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
                raise
            return self.shown(agreement, form, problem_of(refusal))
        messages.success(request, "Decided. Both sides read your reason.")
        return redirect("operator:deposits")


class ClaimFile(ClaimsPage):
    """A file of a contested claim."""

    def get(self, request: HttpRequest, deposit_id: str, file_id: str) -> HttpResponse:
        agreement = found(deposit_id)
        open_claim(agreement=agreement, by=self.citizen)
        return given(DepositFile.objects.filter(agreement=agreement).named(file_id))


def found(deposit_id: str) -> DepositAgreement:
    """A claim that was contested, decided or not: nobody opens any other agreement here."""
    contested = DepositAgreement.objects.filter(contested_at__isnull=False)
    agreement: DepositAgreement = with_what_agreements_show(contested).named(deposit_id)
    return agreement


def form_sentence(error: dict[str, str], form: DecisionForm) -> str:
    """The API counts in minor units; a person reads what the field says."""
    return str(form.fields["amount"].help_text) if error["pointer"] == "/amount" else error["detail"]
