"""What a merchant reads in numbers: reports of whole weeks, and about how many members reach a threshold."""

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app import audit
from citizen_app.api.serializers import BoundedInteger, LocalDate, StrictSerializer, Text
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import MoneyAnswerSerializer
from perks.api.merchant.code_lists import CsvRenderer, JSONRenderer, csv_answer
from perks.services.reach import reach_of
from perks.services.reports import GROUPINGS, report, report_rows
from perks.tiers import HIGHEST_THRESHOLD

NOT_TOLD = "null: about fewer than ten people, or none"


def _number() -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, help_text=NOT_TOLD)


class ReportQuery(StrictSerializer):
    """Which weeks, and how they are grouped."""

    by = serializers.ChoiceField(GROUPINGS, required=False, help_text="perk unless said")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is a word of Python's.
        return super().get_fields() | {
            "from": LocalDate(required=False, help_text="whole weeks from this day on; twelve weeks unless said"),
            "to": LocalDate(required=False, help_text="inclusive; the last week that is over unless said"),
        }


class RefusedSerializer(serializers.Serializer):
    full = _number()
    closed = _number()
    limit = _number()


class NumbersSerializer(serializers.Serializer):
    taken = _number()
    redeemed = _number()
    expired = _number()
    cancelled = _number()
    reversed = _number()
    refused = RefusedSerializer()


class UsedSerializer(serializers.Serializer):
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    left = serializers.IntegerField()


class BudgetSerializer(serializers.Serializer):
    limit = MoneyAnswerSerializer()
    used = MoneyAnswerSerializer()
    left = MoneyAnswerSerializer()


class CodesLeftSerializer(serializers.Serializer):
    given = serializers.IntegerField()
    left = serializers.IntegerField()


class LimitCountersSerializer(serializers.Serializer):
    """Each limit with its own counter, now; null is no such limit."""

    stock = UsedSerializer(allow_null=True)
    budget = BudgetSerializer(allow_null=True)
    per_day = UsedSerializer(allow_null=True)
    codes = CodesLeftSerializer(allow_null=True)
    per_citizen = serializers.IntegerField(allow_null=True)
    per_citizen_day = serializers.IntegerField(allow_null=True)
    per_citizen_week = serializers.IntegerField(allow_null=True)
    per_citizen_month = serializers.IntegerField(allow_null=True)


class ReportRowSerializer(NumbersSerializer):
    perk = inline_serializer(
        "ReportedPerk",
        {"id": serializers.CharField(), "title": serializers.CharField(), "state": serializers.CharField()},
        required=False,
        help_text="by=perk",
    )
    branch = inline_serializer(
        "ReportedBranch",
        {"id": serializers.CharField(), "name": serializers.CharField()},
        required=False,
        allow_null=True,
        help_text="by=branch; null: at none",
    )
    limits = LimitCountersSerializer(required=False, help_text="by=perk")
    week = serializers.DictField(child=serializers.DateField(), required=False, help_text="by=week: from and to")


class ReportSerializer(serializers.Serializer):
    by = serializers.ChoiceField(GROUPINGS)
    to = serializers.DateField()
    zone = serializers.CharField(help_text="on whose clock the weeks begin")
    rows = ReportRowSerializer(many=True)
    total = NumbersSerializer()
    rounded_to = serializers.IntegerField()
    least_people = serializers.IntegerField()
    suppressed = serializers.CharField(help_text="why a number is null")
    note = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateField()} | super().get_fields()


class ReportView(ApiView):
    """Your numbers, in whole weeks: rounded to five, and none about fewer than ten people."""

    permission_classes = [Acts("reports")]
    query_serializer = {"get": ReportQuery}

    def _told(self, request: Request) -> dict[str, Any]:
        said = self.query
        merchant = acting_of(request).merchant
        return report(merchant=merchant, first=said.get("from"), last=said.get("to"), by=said.get("by", "perk"))

    @extend_schema(operation_id="get_report", responses=ReportSerializer)
    def get(self, request: Request) -> HttpResponseBase:
        """Return what was taken, used and refused, and what is left; only weeks that are over."""
        return Response(self._told(request))


class ReportCsvView(ReportView):
    """The same numbers as a file."""

    renderer_classes = [CsvRenderer, JSONRenderer]

    @extend_schema(
        operation_id="download_report",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "a row each, then the total")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return the report as CSV that is safe to open in a spreadsheet; each download is on record."""
        told, acting = self._told(request), acting_of(request)
        audit.record(by=acting.by, action="report.download", on=acting.merchant.public_id, by_what=told["by"])
        return csv_answer(report_rows(told), name=f"report-{told['from']}-{told['to']}-by-{told['by']}")


class ReachQuery(StrictSerializer):
    """A threshold of your purpose."""

    purpose = Text(max_length=20)
    min_score = BoundedInteger(0, HIGHEST_THRESHOLD, help_text="a multiple of 10")


class ReachSerializer(serializers.Serializer):
    purpose = serializers.CharField()
    min_score = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="of all scored members, rounded to 5")
    text = serializers.CharField()
    counted_on = serializers.DateField(help_text="worked out once a day")


class ReachView(ApiView):
    """About how many members reach a threshold; about everybody, and nobody in particular."""

    permission_classes = [Acts("reports")]
    refusals = frozenset({409})  # reach_unknown
    query_serializer = {"get": ReachQuery}

    @extend_schema(operation_id="get_reach", responses=ReachSerializer)
    def get(self, request: Request) -> Response:
        """Return the share of members that reach a threshold of your own purpose, to the nearest five percent."""
        return Response(reach_of(merchant=acting_of(request).merchant, **self.query))
