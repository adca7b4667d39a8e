"""A citizen's disputes: open one, follow it, withdraw it, appeal once (P7)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.multipart import FormParser
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.parsers import BoundedJSONParser
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from scores.api.callers import citizen_of
from scores.api.dispute_shapes import AppealInput, DisputeInput, DisputeSerializer, WholeDisputeSerializer
from scores.models import Dispute, Enrolment
from scores.services.disputes.opening import appeal_dispute, open_dispute, withdraw_dispute
from scores.services.disputes.statements import dispute_rows, effect_of, own_disputes


def own(request: Request, dispute_id: str) -> Dispute:
    """The caller's own dispute of this id."""
    citizen = citizen_of(request)
    Enrolment.objects.of(citizen.pk)
    found: Dispute = own_disputes(citizen.pk).named(dispute_id)
    return found


def whole(request: Request, dispute: Dispute) -> dict[str, Any]:
    """The dispute as it stands now, read anew, with what each decision would do."""
    standing = own_disputes(citizen_of(request).pk).get(pk=dispute.pk)
    (row,) = dispute_rows([standing])
    return dict(WholeDisputeSerializer(row | {"effect": effect_of(standing)}).data)


class DisputesView(ApiView):
    """Your objections to what is recorded about you."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    parser_classes = [FormParser, BoundedJSONParser]
    list_fields = frozenset({"entries"})
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_disputes", responses=page_of("DisputePage", DisputeSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your disputes, the latest first, each with everything that came of it."""
        citizen = citizen_of(request)
        Enrolment.objects.of(citizen.pk)

        def shape(rows: list[Dispute]) -> list[dict[str, Any]]:
            return list(DisputeSerializer(dispute_rows(rows), many=True).data)

        return page(request, own_disputes(citizen.pk), order=("-opened_at", "-id"), shape=shape)

    @extend_schema(operation_id="open_dispute", request=DisputeInput, responses={201: WholeDisputeSerializer})
    def post(self, request: Request) -> Response:
        """Object to up to 100 records of one source on one ground; with a file send a form, otherwise JSON will do."""
        body = read_body(request, DisputeInput)
        dispute = open_dispute(
            citizen=citizen_of(request),
            entry_ids=body["entries"],
            ground=body["ground"],
            statement=body["statement"],
            evidence=body.get("evidence"),
            share_evidence=body["share_evidence"],
        )
        return no_store(Response(whole(request, dispute), status.HTTP_201_CREATED))


class DisputeView(ApiView):
    """One dispute."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_dispute", responses=WholeDisputeSerializer)
    @etagged
    def get(self, request: Request, dispute_id: str) -> Response:
        """Return where it stands, everything that happened, and what each decision would do to your score."""
        return Response(whole(request, own(request, dispute_id)))


class WithdrawDisputeView(ApiView):
    """Taking a dispute back."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="withdraw_dispute", request=None, responses={200: WholeDisputeSerializer})
    def post(self, request: Request, dispute_id: str) -> Response:
        """Withdraw it before it is decided: everything counts as before."""
        dispute = own(request, dispute_id)
        read_body(request, NoBody)
        return no_store(Response(whole(request, withdraw_dispute(dispute=dispute, by=citizen_of(request)))))


class AppealDisputeView(ApiView):
    """A second opinion on a rejected dispute."""

    permission_classes = [IsCitizen]
    parser_classes = [FormParser, BoundedJSONParser]

    @extend_schema(operation_id="appeal_dispute", request=AppealInput, responses={200: WholeDisputeSerializer})
    def post(self, request: Request, dispute_id: str) -> Response:
        """Appeal once, within 30 days of the decision; another operator decides."""
        dispute = own(request, dispute_id)
        body = read_body(request, AppealInput)
        appealed = appeal_dispute(
            dispute=dispute,
            by=citizen_of(request),
            statement=body.get("statement", ""),
            evidence=body.get("evidence"),
        )
        return no_store(Response(whole(request, appealed)))
