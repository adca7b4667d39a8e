"""The operators' queue of what citizens reported: nobody is named in it, and nothing is paused but by a decision."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, Kind, NotFound
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from perks.models import ReportCase
from perks.services.reporting import DECISIONS, DISMISS, PAUSE, SUSPEND, decide_case
from perks.services.showing_reports import case_queue, decided_cases
from perks.web.merchant.refusals import in_words

_DONE = {
    DISMISS: "The case is dismissed; those who reported it read why.",
    PAUSE: "The perk is paused until an operator lets it go on.",
    SUSPEND: "The merchant is suspended; what is reserved is honoured.",
}


class CaseForm(forms.Form):
    """What is decided, and why."""

    decision = forms.ChoiceField(choices=[(one, one) for one in DECISIONS])
    reason = forms.CharField(max_length=500)


class Cases(BackOfficePage):
    """The cases that wait, the longest waiting first."""

    template_name = "operator/reports.html"
    back = "operator:reports"
    roles = frozenset({OperatorRole.Role.MERCHANTS})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown()

    def shown(self, **context: Any) -> HttpResponse:
        return self.show(cases=case_queue(), decided=decided_cases(), **context)


class DecideCase(Cases):
    """Decide one."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, case_id: str) -> HttpResponse:
        case: ReportCase = ReportCase.objects.all().named(case_id)
        form = CaseForm(request.POST)
        if not form.is_valid():
            detail = "Say why: those who reported it read it." if "reason" in form.errors else "Choose what to do."
            return self.shown(problem={"title": "Nothing was decided.", "detail": detail})
        decision, reason = form.cleaned_data["decision"], form.cleaned_data["reason"].replace("\r\n", "\n")
        try:
            decide_case(case=case, by=self.citizen, decision=decision, reason=reason)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise NotFound from refusal
            return self.shown(problem=in_words(refusal, zone=self.citizen.zone))
        messages.success(request, _DONE[decision])
        return redirect("operator:reports")
