"""Who learned something about a citizen (P9)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.views import ApiView
from scores.api.callers import citizen_of
from scores.api.serializers import InquirySerializer
from scores.models import Enrolment, Inquiry
from scores.services.statements import inquiry_rows


class InquiriesView(ApiView):
    """Each answer about you that reached somebody else."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = PageQuery

    @extend_schema(operation_id="list_inquiries", responses=page_of("InquiryPage", InquirySerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return who asked, latest first; one asker's repeats about one thing on a day are one row."""
        citizen = citizen_of(request)
        Enrolment.objects.of(citizen.pk)
        return page(request, Inquiry.objects.filter(enrolment_id=citizen.pk), order=("-last_at", "-id"), shape=_shape)


def _shape(inquiries: list[Inquiry]) -> list[dict[str, Any]]:
    return list(InquirySerializer(inquiry_rows(inquiries), many=True).data)
