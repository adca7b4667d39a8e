"""Reporting a perk on its own page, and what became of one's reports."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError, Kind
from citizen_app.web.pages import Page, paged, said
from perks.api.citizen.perks import offered
from perks.api.citizen.reports import ReportBody
from perks.models import Perk, Report
from perks.services.reporting import report_perk
from perks.services.showing_reports import report_line, title_of, with_what_report_lines_show
from perks.web.merchant.forms import judged, place_errors
from perks.web.words import GROUNDS

ON_A_PAGE = 50


class ReportForm(forms.Form):
    """What is wrong, and what happened."""

    ground = forms.ChoiceField(label="What is wrong", choices=list(GROUNDS.items()), widget=forms.RadioSelect)
    statement = forms.CharField(
        label="What happened",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="An operator reads it. The merchant never learns that it was you.",
    )


class ReportPerk(Page):
    """Tell the operators about a perk."""

    template_name = "citizen/report.html"
    back = "perks:perk_list"

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        return self.shown(self._perk(perk_id), ReportForm())

    def post(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        perk, form = self._perk(perk_id), ReportForm(request.POST)
        if not form.is_valid():
            return self.shown(perk, form)
        try:
            body = judged(ReportBody, {**form.cleaned_data, "statement": _lines(form.cleaned_data["statement"])})
            report_perk(perk=perk, by=self.citizen, **body)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            if "errors" in refusal.facts:
                place_errors(form, refusal)  # type: ignore[arg-type]
                return self.shown(perk, form)
            problem = {"title": refusal.title, "detail": _WAYS.get(refusal.code, said(refusal))}
            return self.shown(perk, form, problem=problem)
        messages.success(request, "An operator will read it. Here you see what becomes of it.")
        return redirect("perks:reports")

    def shown(self, perk: Perk, form: ReportForm, **context: Any) -> HttpResponse:
        told = {"id": perk.public_id, "title": title_of(perk), "merchant": {"name": perk.merchant.name}}
        return self.show(perk=told, form=form, **context)

    def _perk(self, perk_id: str) -> Perk:
        found: Perk = offered(timezone.now()).select_related("in_force", "merchant").named(perk_id)
        return found


class Reports(Page):
    """What the reader reported."""

    template_name = "citizen/reports.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        own = with_what_report_lines_show(Report.objects.filter(citizen=self.citizen))
        told = paged(request, own, shape=lambda rows: [report_line(row) for row in rows], limit=ON_A_PAGE)
        return self.show(reports=told["results"], page=told)


_WAYS = {
    "already_reported": "An operator reads it. You can report it again once that one is decided.",
    "rate_limited": "An operator reads each one. Come back tomorrow.",
}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
