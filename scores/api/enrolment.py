"""Asking to be scored, pausing, leaving."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.receipts import ReceiptSerializer
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from scores.api.callers import citizen_of, via_of
from scores.api.serializers import EnrolmentInput, EnrolmentSerializer
from scores.models import Enrolment
from scores.services.enrolment import enrol_citizen, leave, pause_enrolment, resume_enrolment


class EnrolmentView(ApiView):
    """Your enrolment: without one nothing about you is scored."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="get_enrolment", responses=EnrolmentSerializer)
    @etagged
    def get(self, request: Request) -> Response:
        """Return your enrolment."""
        return Response(EnrolmentSerializer(Enrolment.objects.of(citizen_of(request).pk)).data)

    @extend_schema(
        operation_id="enrol", request=EnrolmentInput, responses={201: EnrolmentSerializer, 200: EnrolmentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Ask to be scored, against the consent text in force; 200 when you already are."""
        body = read_body(request, EnrolmentInput)
        enrolment, is_new = enrol_citizen(citizen=citizen_of(request), via=via_of(request), **body)
        return Response(EnrolmentSerializer(enrolment).data, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(operation_id="leave", responses={200: ReceiptSerializer})
    def delete(self, request: Request) -> Response:
        """Leave: erase everything scored and return the receipt. Safe to repeat."""
        receipt = leave(citizen=citizen_of(request), via=via_of(request))
        return no_store(Response(ReceiptSerializer(receipt).data))


class PauseView(ApiView):
    """No new answers about you until you resume."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="pause", request=None, responses={200: EnrolmentSerializer})
    def post(self, request: Request) -> Response:
        """Pause; nothing is lost and nobody is told. Safe to repeat."""
        read_body(request, NoBody)
        return Response(EnrolmentSerializer(pause_enrolment(citizen=citizen_of(request))).data)


class ResumeView(ApiView):
    """Answer again."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="resume", request=None, responses={200: EnrolmentSerializer})
    def post(self, request: Request) -> Response:
        """Resume. Safe to repeat."""
        read_body(request, NoBody)
        return Response(EnrolmentSerializer(resume_enrolment(citizen=citizen_of(request))).data)
