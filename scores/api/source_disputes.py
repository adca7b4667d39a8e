"""The furnisher's side of disputes: what is asked of it, and its answer (P7)."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import NO_STORE
from citizen_app.api.pagination import page
from citizen_app.api.permissions import client_of
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.errors import NotFound
from scores.api.dispute_shapes import AnswerInput, SourceDisputeSerializer, SourceDisputesQuery
from scores.api.signed import SourceApiView
from scores.models import Dispute, Evidence
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.evidence import show_to_furnisher
from scores.services.disputes.statements import disputes_of_source, furnisher_rows

_STATES = {
    "unanswered": lambda rows: rows.unanswered(),
    "open": lambda rows: rows.open(),
    "ended": lambda rows: rows.exclude(state__in=Dispute.OPEN),
}


def _told(disputes: list[Dispute]) -> list[dict[str, Any]]:
    return list(SourceDisputeSerializer(furnisher_rows(disputes), many=True).data)


class SourceDisputesView(SourceApiView):
    """What citizens dispute of your records."""

    query_serializer = SourceDisputesQuery

    @extend_schema(operation_id="list_source_disputes", responses=page_of("SourceDisputePage", SourceDisputeSerializer))
    def get(self, request: Request) -> Response:
        """Return the disputes about your records by the day to answer: the open ones and those that ended lately."""
        disputes = disputes_of_source(self.source(request))
        if "state" in self.query:
            disputes = _STATES[self.query["state"]](disputes)
        return page(request, disputes, order=("due_on", "id"), shape=_told)


class SourceAnswerView(SourceApiView):
    """Your answer to a dispute."""

    @extend_schema(operation_id="answer_dispute", request=AnswerInput, responses={200: SourceDisputeSerializer})
    def post(self, request: Request, dispute_id: str) -> Response:
        """Confirm the record (a person here decides), withdraw it, or correct it with `entry`; once, in 30 days."""
        disputes = disputes_of_source(self.source(request))
        dispute = disputes.named(dispute_id)
        body = read_body(request, AnswerInput)
        answer_dispute(
            dispute=dispute,
            position=body["position"],
            statement=body.get("statement", ""),
            correction=body.get("entry"),
            by=client_of(request),
        )
        return Response(_told([disputes.get(pk=dispute.pk)])[0])


class EvidenceRenderer(JSONRenderer):
    """Lets a caller ask for any kind of file; what REST framework itself renders here are problems."""

    media_type, format = "application/octet-stream", "file"


class SourceEvidenceView(SourceApiView):
    """A file a citizen shares with you."""

    renderer_classes = [EvidenceRenderer, JSONRenderer]

    @extend_schema(
        operation_id="get_source_evidence",
        responses={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The file")},
    )
    def get(self, request: Request, dispute_id: str, evidence_id: str) -> HttpResponse:
        """Return the file; its citizen reads that you looked at it."""
        source = self.source(request)
        dispute = disputes_of_source(source).filter(shares_evidence=True).named(dispute_id)
        evidence = Evidence.objects.filter(dispute=dispute).select_related("dispute").named(evidence_id)
        with show_to_furnisher(evidence=evidence, source=source, by=client_of(request), now=timezone.now()) as file:
            return attachment(evidence, file.read())


def attachment(evidence: Evidence, content: bytes) -> HttpResponse:
    """A kept file as one that is saved and never run: an attachment of its own type, kept by nobody in between."""
    if not content:
        raise NotFound
    answer = HttpResponse(content, content_type=evidence.content_type)
    ending = "pdf" if evidence.content_type == "application/pdf" else "jpg"
    answer.headers["Content-Disposition"] = f'attachment; filename="{evidence.public_id}.{ending}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cache-Control"] = NO_STORE
    return answer
