"""The pages of what is recorded, where it comes from, and who learned something."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.web.pages import Page, paged
from scores import catalogue
from scores.api.inquiries import inquiry_rows
from scores.api.sources import source_row
from scores.models import DisputedEntry, Enrolment, Entry, Inquiry, Link, Source
from scores.services.linking import make_link_code, preview_switch, switch_source, unlink_source
from scores.services.publishing import current_scorecard, kinds_of_factor
from scores.services.statements import entry_rows, explanation_in_force
from scores.wording import factor_title

_RECENT = 50


class Entries(Page):
    """Everything recorded about the person, newest first."""

    template_name = "citizen/entries.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        explanation = explanation_in_force(citizen=self.citizen)
        card = current_scorecard().card
        factors = [{"code": factor.code, "title": factor_title(factor.code)} for factor in card.factors]
        filters = {"factor": request.GET.get("factor", ""), "status": request.GET.get("status", "")}
        entries = Entry.objects.of(self.citizen.pk).select_related("link__source")
        if filters["factor"] in card.factor_of:
            kinds = kinds_of_factor(card, filters["factor"])
            entries = entries.filter(kind_number__in=[catalogue.kind(code).number for code in kinds])
        if filters["status"] in Entry.Status.values:
            entries = entries.filter(status=filters["status"])
        told = paged(request, entries, shape=lambda rows: entry_rows(rows, explanation))
        return self.show(entries=told["results"], page=told, filters=filters, factors=factors)


class EntryPage(Page):
    """One record, and what it earns today."""

    template_name = "citizen/entry.html"

    def get(self, request: HttpRequest, entry_id: str) -> HttpResponse:
        explanation = explanation_in_force(citizen=self.citizen)
        entry = Entry.objects.of(self.citizen.pk).select_related("link__source").named(entry_id)
        lines = [(rule, line) for rule in explanation.rules for line in rule.entries if line.id == entry.pk]
        counting = [rule for rule, line in lines if line.counts]
        told = entry_rows([entry], explanation)[0]
        disputed = DisputedEntry.objects.open().filter(entry=entry).select_related("dispute").first()
        return self.show(
            entry=told | {"kind_title": catalogue.kind_of_number(entry.kind_number).title},
            dispute=disputed.dispute.public_id if disputed else None,
            why_not=None if counting else next((line.why_not for _, line in lines), "no_rule"),
        )


class Sources(Page):
    """What counts, with a switch for each."""

    template_name = "citizen/sources.html"
    back = "scores:sources"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown()

    def shown(self, link: dict[str, Any] | None = None) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        linked = {link.source_id: link for link in Link.objects.filter(enrolment_id=self.citizen.pk)}
        rows = []
        for source in Source.objects.order_by("name", "id"):
            told = source_row(source, linked.get(source.pk))
            told["what"] = ", ".join(catalogue.kind(code).title for code in source.kinds[:4])
            if source.pk in linked:
                preview = preview_switch(citizen=self.citizen, source_code=source.code, on=told["state"] != "on")
                told["preview"] = {"before": preview.before.value, "after": preview.after.value}
            rows.append(told)
        return self.show(sources=rows, link=link)


class SwitchSource(Sources):
    """Let a linked source count, or stop it at once."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:  # type: ignore[override]
        return redirect("scores:sources")

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        on = request.POST.get("on") == "true"
        link = switch_source(citizen=self.citizen, source_code=code, on=on, via="web")
        messages.success(request, f"{link.source.name} {'counts from now on' if on else 'no longer counts'}.")
        return redirect("scores:sources")


class LinkSource(Sources):
    """Make a code to hand to a source, or end its link."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:  # type: ignore[override]
        return redirect("scores:sources")

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        if request.POST.get("end") == "true":
            unlink_source(citizen=self.citizen, source_code=code, via="web")
            messages.success(request, "The link has ended, and what it brought is erased.")
            return redirect("scores:sources")
        made = make_link_code(citizen=self.citizen, source_code=code)
        return self.shown(
            link={
                "source": {"code": made.source.code, "name": made.source.name},
                "link_code": made.code,
                "expires_at": made.expires_at,
                "redirect_url": made.source.redirect_url,
            }
        )


class Inquiries(Page):
    """Who learned something about the person."""

    template_name = "citizen/inquiries.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        inquiries = Inquiry.objects.filter(enrolment_id=self.citizen.pk)
        told = paged(request, inquiries, order=("-last_at", "-id"), shape=inquiry_rows, limit=_RECENT)
        return self.show(inquiries=told["results"], page=told)
