"""Places where the merchant's perks are honoured."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, InvalidInput, Kind
from perks.api.merchant.bodies import BranchBody
from perks.models import Branch
from perks.services.branches import add_branch, change_branch, close_branch
from perks.services.showing_perks import branch_line
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import BranchForm, judged, place_errors
from perks.web.merchant.refusals import in_words


class Branches(ConsolePage):
    """Add a place, change what is known of it, close it for good."""

    template_name = "merchant/branches.html"
    action = "branches"
    back = "merchant:branches"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = request.GET.get("edit")
        if wanted is None:
            return self._shown(BranchForm(initial={"zone": self.citizen.zone}))
        branch = self._own().named(wanted)
        return self._shown(BranchForm.of(branch), editing=branch_line(branch))

    def post(self, request: HttpRequest) -> HttpResponse:
        if closing := request.POST.get("remove"):
            return self._close(self._own().named(closing))
        editing = self._own().named(request.POST["edit"]) if "edit" in request.POST else None
        told = branch_line(editing) if editing else None
        form = BranchForm(request.POST)
        if not form.is_valid():
            return self._shown(form, editing=told)
        try:
            said = judged(BranchBody, form.body())
            if editing is None:
                add_branch(merchant=self.merchant, by=self.citizen, **said)
            else:
                change_branch(branch=editing, by=self.citizen, changes=said)
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form, editing=told)
        messages.success(request, f"{said['name']} is {'changed' if editing else 'added'}.")
        return redirect("merchant:branches")

    def _close(self, branch: Branch) -> HttpResponse:
        try:
            close_branch(branch=branch, by=self.citizen)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self._shown(BranchForm(initial={"zone": self.citizen.zone}), problem=in_words(refusal))
        messages.success(self.request, f"{branch.name} is closed.")
        return redirect("merchant:branches")

    def _own(self) -> Any:
        return Branch.objects.filter(merchant=self.merchant, closed_at=None)

    def _shown(self, form: BranchForm, **context: Any) -> HttpResponse:
        return self.show(branches=[branch_line(branch) for branch in self.open_branches()], form=form, **context)
