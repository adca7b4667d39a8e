"""The pages of what is recorded, and who learned something."""

from django.http import HttpRequest, HttpResponse

from citizen_app.web.pages import Page, paged
from scores import catalogue
from scores.api.inquiries import inquiry_rows
from scores.models import DisputedEntry, Enrolment, Entry, Inquiry
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


class Inquiries(Page):
    """Who learned something about the person."""

    template_name = "citizen/inquiries.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        inquiries = Inquiry.objects.filter(enrolment_id=self.citizen.pk)
        told = paged(request, inquiries, order=("-last_at", "-id"), shape=inquiry_rows, limit=_RECENT)
        return self.show(inquiries=told["results"], page=told)
