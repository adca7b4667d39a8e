"""The operators' list of seeds: whom trust begins with, chosen by two of them together."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, InvalidInput
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import paged, said
from scores.models import Seed
from scores.services.seeding import all_seeds, confirm_seed, propose_seed, remove_seed


class SeedForm(forms.Form):
    """Who, by their exact address, and why."""

    email = forms.EmailField(
        max_length=254, label="E-mail of the citizen", widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    reason = forms.CharField(max_length=150, label="Reason", help_text="The citizen reads it, such as: our team.")


class Seeds(BackOfficePage):
    """The list, and proposing somebody."""

    template_name = "operator/seeds.html"
    back = "seeds"
    roles = frozenset({OperatorRole.Role.SCORING})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(SeedForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SeedForm(request.POST)
        if not form.is_valid():
            return self.shown(form)
        try:
            propose_seed(email=form.cleaned_data["email"], reason=form.cleaned_data["reason"], by=self.citizen)
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                form.add_error("email", error["detail"])
            return self.shown(form)
        except DomainError as refusal:
            return self.shown(form, problem={"title": said(refusal), "detail": ""})
        messages.success(request, "Proposed. Another operator confirms it; the citizen sees that you did.")
        return redirect("seeds")

    def shown(self, form: SeedForm, problem: dict[str, str] | None = None) -> HttpResponse:
        told = paged(self.request, all_seeds(), shape=self._rows)
        return self.show(form=form, problem=problem, seeds=told["results"], page=told)

    def _rows(self, seeds: list[Seed]) -> list[dict[str, object]]:
        return [
            {
                "id": seed.public_id,
                # Not by name: a list is no opened file, and nobody is told that it was read.
                "person": seed.enrolment.citizen.public_id,
                "reason": seed.reason,
                "proposed_at": seed.proposed_at,
                "proposed_by": seed.proposed_by.first_name or seed.proposed_by.email,
                "confirmed_at": seed.confirmed_at,
                "confirmed_by": seed.confirmed_by and (seed.confirmed_by.first_name or seed.confirmed_by.email),
                "may_confirm": seed.confirmed_at is None
                and self.citizen.pk not in (seed.proposed_by_id, seed.enrolment_id),
            }
            for seed in seeds
        ]


class ConfirmSeed(Seeds):
    """Confirm what another operator proposed."""

    def get(self, request: HttpRequest, seed_id: str) -> HttpResponse:  # type: ignore[override]
        return redirect("seeds")

    def post(self, request: HttpRequest, seed_id: str) -> HttpResponse:  # type: ignore[override]
        confirm_seed(seed_id=seed_id, by=self.citizen)
        messages.success(request, "Confirmed. Trust begins with them from the next day on.")
        return redirect("seeds")


class RemoveSeed(Seeds):
    """Take somebody off the list."""

    def get(self, request: HttpRequest, seed_id: str) -> HttpResponse:  # type: ignore[override]
        return redirect("seeds")

    def post(self, request: HttpRequest, seed_id: str) -> HttpResponse:  # type: ignore[override]
        remove_seed(seed_id=seed_id, by=self.citizen)
        messages.success(request, "Removed. No trust begins with them from the next day on.")
        return redirect("seeds")
