"""Reporting a perk, and what became of one's reports."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.perks import offered
from perks.models import Report, ReportCase
from perks.services.reporting import report_perk
from perks.services.showing_reports import report_line, with_what_report_lines_show


class ReportBody(StrictSerializer):
    ground = serializers.ChoiceField(
        Report.Ground.choices, help_text="`coerced`: you were made to show a score or take it; `not_honoured`; …"
    )
    statement = Text(max_length=2000, multiline=True, help_text="what happened; the merchant never reads it")


class OwnReportPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()


class OwnReportMerchantSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class OwnReportSerializer(serializers.Serializer):
    id = serializers.CharField()
    perk = OwnReportPerkSerializer()
    merchant = OwnReportMerchantSerializer()
    ground = serializers.ChoiceField(Report.Ground.values)
    statement = serializers.CharField()
    made_at = serializers.DateTimeField()
    state = serializers.ChoiceField(ReportCase.State.values, help_text="open, until an operator decides")
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_null=True, help_text="the operator's, once decided")


class ReportView(ApiView):
    """Tell the operators what is wrong with a perk. Its merchant never learns who did."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="report_perk", request=ReportBody, responses={201: OwnReportSerializer})
    def post(self, request: Request, perk_id: str) -> Response:
        """Report a perk that is, or was, offered; one report of yours may wait about each perk."""
        perk = offered(timezone.now()).named(perk_id)
        said = read_body(request, ReportBody)
        report = report_perk(perk=perk, by=cast(Citizen, request.user), **said)
        told = with_what_report_lines_show(Report.objects.all()).get(pk=report.pk)
        return Response(report_line(told), 201)


class ReportListView(ApiView):
    """What you reported, and what became of it."""

    permission_classes = [IsCitizen]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_reports", responses=page_of("OwnReportPage", OwnReportSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your reports, newest first."""
        own = with_what_report_lines_show(Report.objects.filter(citizen=cast(Citizen, request.user)))
        return page(request, own, shape=lambda rows: [report_line(row) for row in rows])
