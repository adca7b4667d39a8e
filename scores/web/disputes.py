"""The citizen's pages of disputes: open one, follow it, withdraw it, appeal."""

from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError, InvalidInput, Kind, NotFound
from citizen_app.web.pages import Page, paged, said
from citizen_app.web.panels import parts_of
from citizen_app.web.wording import day, exact
from scores import catalogue
from scores.api.source_disputes import attachment
from scores.models import Dispute, DisputedEntry, Enrolment, Entry, Evidence, Source
from scores.services.disputes.evidence import open_evidence
from scores.services.disputes.opening import ENTRIES_AT_MOST, appeal_dispute, open_dispute, withdraw_dispute
from scores.services.disputes.statements import dispute_rows, effect_of, own_disputes
from scores.services.rescoring import scoring_day
from scores.services.statements import value_told
from scores.web.dispute_forms import AppealForm, DisputeForm
from scores.web.dispute_words import steps

_LISTED: Final = 25


class Disputes(Page):
    """Everything the person objected to, the latest first."""

    template_name = "citizen/disputes.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        told = paged(
            request, own_disputes(self.citizen.pk), order=("-opened_at", "-id"), shape=dispute_rows, limit=_LISTED
        )
        return self.show(disputes=told["results"], page=told)


class NewDispute(Page):
    """Choose records of one source, say what is wrong, add what shows it."""

    template_name = "citizen/dispute_new.html"
    back = "scores:disputes"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        chosen = request.GET.get("entry", "")
        source = self.source_of(request.GET.get("source", ""), chosen)
        if source is None:
            return self.show(sources=self.sources())
        form = DisputeForm(choices=self.choices_of(source), initial={"entries": [chosen] if chosen else []})
        return self.show(source=source, form=form)

    def post(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        source = self.source_of(request.POST.get("source", ""))
        if source is None:
            return redirect("scores:dispute_new")
        form = DisputeForm(request.POST, request.FILES, choices=self.choices_of(source))
        if not form.is_valid():
            return self.show(source=source, form=form)
        asked = form.cleaned_data
        try:
            dispute = open_dispute(
                citizen=self.citizen,
                entry_ids=asked["entries"],
                ground=asked["ground"],
                statement=asked["statement"],
                evidence=asked["evidence"],
                share_evidence=asked["share_evidence"],
            )
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.show(source=source, form=form, problem=_problem(refusal))
        messages.success(request, "Your dispute is received. You can follow it here.")
        return redirect("scores:dispute", dispute.public_id)

    def source_of(self, code: str, entry_id: str = "") -> Source | None:
        """The source whose records are disputed: named, or that of a chosen record; one the person is linked to."""
        sources = Source.objects.filter(links__enrolment_id=self.citizen.pk)
        if entry_id:
            entry = Entry.objects.of(self.citizen.pk).select_related("link__source").named(entry_id)
            found: Source = entry.link.source
            return found
        return sources.filter(code=code[:40].replace("\x00", "")).first() if code else None

    def sources(self) -> list[dict[str, Any]]:
        linked = Source.objects.filter(links__enrolment_id=self.citizen.pk).order_by("name", "id")
        return [{"code": source.code, "name": source.name} for source in linked]

    def choices_of(self, source: Source) -> list[tuple[str, str]]:
        """The source's records that stand and are in no open dispute, the latest first."""
        in_dispute = DisputedEntry.objects.open().filter(dispute__enrolment_id=self.citizen.pk)
        standing = (
            Entry.objects.of(self.citizen.pk)
            .filter(link__source=source, status=Entry.Status.ACTIVE)
            .exclude(pk__in=in_dispute.values("entry_id"))
            .order_by("-occurred_on", "-id")
        )
        return [(entry.public_id, _named(entry)) for entry in standing[: 5 * ENTRIES_AT_MOST]]


def _named(entry: Entry) -> str:
    kind = catalogue.kind_of_number(entry.kind_number)
    today = scoring_day(timezone.now())
    unit = f" ({kind.unit})" if kind.unit else ""
    return f"{kind.title}, {day(entry.occurred_on, today=today)}: {exact(str(value_told(entry.value)))}{unit}"


def _problem(refusal: DomainError) -> dict[str, str]:
    if isinstance(refusal, InvalidInput):
        return {"title": "Nothing was sent.", "detail": " ".join(one["detail"] for one in refusal.facts["errors"])}
    return {"title": said(refusal), "detail": ""}


class DisputePage(Page):
    """One dispute: where it stands, what happened, and what a decision would do."""

    template_name = "citizen/dispute.html"

    def get(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        return self.shown(dispute_id)

    def shown(self, dispute_id: str, **context: Any) -> HttpResponse:
        dispute = self.own(dispute_id)
        (told,) = dispute_rows([dispute])
        context.setdefault("appeal_form", AppealForm() if told["appeal_until"] else None)
        return self.show(
            dispute=told,
            steps=steps(told),
            effect=effect_of(dispute),
            can_withdraw=dispute.state in Dispute.UNDECIDED,
            **parts_of("dispute", self.citizen),
            **context,
        )

    def own(self, dispute_id: str) -> Dispute:
        Enrolment.objects.of(self.citizen.pk)
        found: Dispute = own_disputes(self.citizen.pk).named(dispute_id)
        return found


class WithdrawDispute(DisputePage):
    """Take it back."""

    http_method_names = ["post"]
    back = "scores:disputes"

    def post(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        withdraw_dispute(dispute=self.own(dispute_id), by=self.citizen)
        messages.success(request, "Withdrawn. Everything counts as it did before.")
        return redirect("scores:dispute", dispute_id)


class AppealDispute(DisputePage):
    """Ask that somebody else looks again."""

    http_method_names = ["post"]
    back = "scores:disputes"

    def post(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        dispute = self.own(dispute_id)
        form = AppealForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.shown(dispute_id, appeal_form=form)
        evidence: UploadedFile | None = form.cleaned_data["evidence"]
        try:
            appeal_dispute(
                dispute=dispute, by=self.citizen, statement=form.cleaned_data["statement"], evidence=evidence
            )
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(dispute_id, appeal_form=form, problem=_problem(refusal))
        messages.success(request, "Your appeal is received. Somebody else decides.")
        return redirect("scores:dispute", dispute_id)


class OwnEvidence(DisputePage):
    """The person's own file, as it is kept."""

    def get(self, request: HttpRequest, dispute_id: str, evidence_id: str) -> HttpResponse:  # type: ignore[override]
        evidence = Evidence.objects.filter(dispute=self.own(dispute_id)).named(evidence_id)
        return given(evidence)


def given(evidence: Evidence) -> HttpResponse:
    """A kept file as an attachment; one that is gone is not there."""
    with open_evidence(evidence) as file:
        content = file.read()
    if not content:
        raise NotFound
    return attachment(evidence, content)
