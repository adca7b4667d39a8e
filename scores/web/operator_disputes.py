"""The operators' pages of disputes: what waits, due first; one dispute with its file; whole batches, two together."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db.models import F, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, InvalidInput, Kind, NotFound, WrongState
from citizen_app.models import Citizen, OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import said
from citizen_app.web.panels import adds_to
from scores.models import Dispute, DisputedEntry, Evidence, MassUpholding, Source
from scores.services.disputes.batch_upholding import (
    confirm_mass_upholding,
    drop_mass_upholding,
    entries_of_batch,
    propose_mass_upholding,
)
from scores.services.disputes.deciding import admit_dispute, decide_appeal, decide_dispute, open_file
from scores.services.disputes.statements import dispute_rows, own_disputes
from scores.web.dispute_forms import BatchForm, DecisionForm
from scores.web.disputes import given

_QUEUE_SHOWN: Final = 200
State = Dispute.State


def waiting_disputes(citizen: Citizen) -> Any:
    """What an operator may decide, the nearest due day first and what has none before it; never their own."""
    return (
        Dispute.objects.open()
        .exclude(enrolment_id=citizen.pk)
        .select_related("source")
        .prefetch_related(Prefetch("disputed", queryset=DisputedEntry.objects.select_related("entry")))
        .order_by(F("due_on").asc(nulls_first=True), "opened_at", "id")
    )


@adds_to("back_office")
def disputes_waiting(citizen: Citizen) -> dict[str, Any]:
    """How many disputes wait for a human: answered, appealed, or raised again."""
    if not OperatorRole.objects.filter(citizen=citizen, role=OperatorRole.Role.DISPUTES).exists():
        return {"disputes_waiting": 0}
    waiting = Dispute.objects.open().exclude(enrolment_id=citizen.pk)
    asked_only = waiting.filter(state__in=Dispute.UNDECIDED, asked_at__isnull=False, answered_at__isnull=True)
    return {"disputes_waiting": waiting.count() - asked_only.count()}


class DisputesPage(BackOfficePage):
    """A page for operators who decide disputes."""

    back = "operator_disputes"
    roles = frozenset({OperatorRole.Role.DISPUTES})


class DisputeQueue(DisputesPage):
    """Every open dispute, due first."""

    template_name = "operator/disputes.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = list(waiting_disputes(self.citizen)[:_QUEUE_SHOWN])
        rows = [
            {
                "id": dispute.public_id,
                "state": dispute.state,
                "source": dispute.source.name,
                "ground": dispute.ground,
                "count": len(dispute.disputed.all()),
                "opened_at": dispute.opened_at,
                "due_on": dispute.due_on,
                "answer": dispute.position,
                "waits_for_us": waits_for_us(dispute),
            }
            for dispute in waiting
        ]
        return self.show(
            mine=[row for row in rows if row["waits_for_us"]],
            theirs=[row for row in rows if not row["waits_for_us"]],
        )


def waits_for_us(dispute: Dispute) -> bool:
    """Whether an operator's turn has come: an answer, an appeal, or something raised again."""
    is_with_source = dispute.asked_at is not None and dispute.answered_at is None
    return dispute.state == State.APPEALED or not is_with_source


class OperatorDispute(DisputesPage):
    """One dispute with everything in it; its citizen reads that it was opened."""

    template_name = "operator/dispute.html"

    def get(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        return self.shown(dispute_id, form=DecisionForm())

    def shown(self, dispute_id: str, **context: Any) -> HttpResponse:
        dispute = found(dispute_id)
        open_file(dispute=dispute, by=self.citizen)
        dispute = own_disputes(dispute.enrolment_id).get(pk=dispute.pk)
        (told,) = dispute_rows([dispute])
        for event in told["timeline"]:
            del event["difference"]  # what it did to a score is its citizen's to read (P4)
        batches = {one.entry.recorded_at for one in dispute.disputed.all()}
        return self.show(
            dispute=told,
            is_open=dispute.is_open,
            can_admit=dispute.is_raised_again and dispute.asked_at is None and dispute.state == State.RECEIVED,
            can_reject=waits_for_us(dispute) or dispute.source.code == Source.PLATFORM,
            decided_by_reader=dispute.state == State.APPEALED and dispute.decided_by_id == self.citizen.pk,
            batches=sorted(one.isoformat() for one in batches),
            **context,
        )


def found(dispute_id: str) -> Dispute:
    """The dispute of this id, with its citizen and source."""
    dispute: Dispute = Dispute.objects.select_related("enrolment__citizen", "source").named(dispute_id)
    return dispute


class DecideDispute(OperatorDispute):
    """Uphold or reject, also an appeal, as it was read."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        dispute, form = found(dispute_id), DecisionForm(request.POST)
        if not form.is_valid():
            return self.shown(dispute_id, form=form)
        try:
            self.decide(dispute, form.cleaned_data)
        except DomainError as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN) and refusal.code != "second_operator_needed":
                raise
            return self.shown(dispute_id, form=form, problem={"title": said(refusal), "detail": ""})
        messages.success(request, "Decided. The citizen reads your reason.")
        return redirect("operator_disputes")

    def decide(self, dispute: Dispute, asked: dict[str, Any]) -> None:
        if asked["state"] != dispute.state:
            raise WrongState
        decide = decide_appeal if dispute.state == State.APPEALED else decide_dispute
        decide(dispute=dispute, is_upheld=asked["decision"] == "uphold", reason=asked["reason"], by=self.citizen)


class AdmitDispute(OperatorDispute):
    """Pass on to the source what is raised again."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, dispute_id: str) -> HttpResponse:
        admit_dispute(dispute=found(dispute_id), by=self.citizen)
        messages.success(request, "The source is asked, and has 30 days.")
        return redirect("operator_disputes")


class DisputeEvidence(OperatorDispute):
    """A file that was added, as an attachment."""

    def get(self, request: HttpRequest, dispute_id: str, evidence_id: str) -> HttpResponse:  # type: ignore[override]
        dispute = found(dispute_id)
        evidence = Evidence.objects.filter(dispute=dispute).named(evidence_id)
        open_file(dispute=dispute, by=self.citizen)
        return given(evidence)


class Batches(DisputesPage):
    """Whole batches that are wrong: what is proposed, and a proposal of one's own."""

    template_name = "operator/batches.html"
    back = "operator_batches"

    def get(self, request: HttpRequest) -> HttpResponse:
        named = {"source": request.GET.get("source", "")[:40], "recorded_at": request.GET.get("recorded_at", "")[:40]}
        return self.shown(BatchForm(initial=named) if all(named.values()) else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = BatchForm(request.POST)
        if not form.is_valid():
            if {"source", "recorded_at"} & set(form.errors):
                return self.shown(None, problem={"title": "Nothing was proposed.", "detail": "Name a batch."})
            return self.shown(form)
        asked = form.cleaned_data
        source, recorded_at = batch_named(asked["source"], asked["recorded_at"])
        try:
            propose_mass_upholding(
                source=source,
                recorded_at=recorded_at,
                ground=asked["ground"],
                reason=asked["reason"],
                by=self.citizen,
            )
        except InvalidInput as refusal:
            detail = " ".join(one["detail"] for one in refusal.facts["errors"])
            return self.shown(form, problem={"title": "Nothing was proposed.", "detail": detail})
        except DomainError as refusal:
            return self.shown(form, problem={"title": said(refusal), "detail": ""})
        messages.success(request, "Proposed. Another operator has to confirm it.")
        return redirect("operator_batches")

    def shown(self, form: BatchForm | None, **context: Any) -> HttpResponse:
        batch = None
        if form is not None:
            source, recorded_at = batch_named(form["source"].value() or "", form["recorded_at"].value() or "")
            count = entries_of_batch(source, recorded_at).exclude(status="struck").count()
            batch = {"source": source.name, "recorded_at": recorded_at, "count": count}
        proposals = MassUpholding.objects.select_related("source").order_by("-proposed_at")[:50]
        return self.show(
            form=form,
            batch=batch,
            proposals=[proposal_row(one, self.citizen) for one in proposals],
            **context,
        )


def batch_named(code: str, recorded_at: str) -> tuple[Source, datetime]:
    """The source of this code and the instant, or `NotFound` for what is neither."""
    try:
        instant = datetime.fromisoformat(recorded_at)
    except ValueError:
        raise NotFound from None
    source = Source.objects.filter(code=code.replace("\x00", "")).first()
    if source is None or instant.tzinfo is None:
        raise NotFound
    return source, instant


def proposal_row(one: MassUpholding, reader: Citizen) -> dict[str, Any]:
    state = "dropped" if one.dropped_at else "done" if one.done_at else "confirmed" if one.confirmed_at else "proposed"
    return {
        "id": one.public_id,
        "source": one.source.name,
        "recorded_at": one.recorded_at,
        "ground": one.ground,
        "reason": one.reason,
        "proposed_at": one.proposed_at,
        "state": state,
        "is_mine": one.proposed_by_id == reader.pk,
    }


class ConfirmBatch(Batches):
    """Agree with a proposal of another operator."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, proposal_id: str) -> HttpResponse:  # type: ignore[override]
        confirm_mass_upholding(proposal=proposal_named(proposal_id), by=self.citizen)
        messages.success(request, "Confirmed. The records are being struck, and every citizen is told.")
        return redirect("operator_batches")


class DropBatch(Batches):
    """Take a proposal off the table."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, proposal_id: str) -> HttpResponse:  # type: ignore[override]
        drop_mass_upholding(proposal=proposal_named(proposal_id), by=self.citizen)
        messages.success(request, "Dropped. Nothing was struck.")
        return redirect("operator_batches")


def proposal_named(proposal_id: str) -> MassUpholding:
    proposal: MassUpholding = MassUpholding.objects.select_related("source").named(proposal_id)
    return proposal
