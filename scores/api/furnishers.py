"""Who furnishes records, and what became of what they sent: public, in counts that name nobody."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import Anyone
from citizen_app.api.schema import page_of
from citizen_app.api.views import ApiView
from scores import catalogue
from scores.models import Furnisher
from scores.services.furnisher_record import public_records


class FigureSerializer(serializers.Serializer):
    """A count rounded down to tens; below twenty only that it is."""

    count = serializers.IntegerField(allow_null=True)
    fewer_than = serializers.IntegerField(allow_null=True)


class DisputeFiguresSerializer(serializers.Serializer):
    received = FigureSerializer()
    lost = FigureSerializer(help_text="ended in the citizen's favour")
    unanswered = FigureSerializer(help_text="ended because the furnisher stayed silent")


class RecordSerializer(serializers.Serializer):
    since = serializers.DateField(help_text="the first of 24 months, the present one included")
    accepted = FigureSerializer()
    contradicted = FigureSerializer(help_text="sent again under a known id with other contents")
    disputes = DisputeFiguresSerializer()


class FurnishedSourceSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    is_demo = serializers.BooleanField()


class FurnisherSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    furnishes_as = serializers.ListField(child=serializers.ChoiceField(catalogue.FURNISHERS))
    sources = FurnishedSourceSerializer(many=True)
    record = RecordSerializer()


class FurnishersView(ApiView):
    """Everybody who furnishes records here."""

    permission_classes = [Anyone]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_furnishers", responses=page_of("FurnisherPage", FurnisherSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return all furnishers by name, each with its sources and its record."""

        def shape(furnishers: list[Furnisher]) -> list[dict[str, Any]]:
            return list(FurnisherSerializer(public_records(furnishers), many=True).data)

        return page(request, Furnisher.objects.all(), order=("name", "id"), shape=shape)


class FurnisherView(ApiView):
    """One furnisher's public record."""

    permission_classes = [Anyone]

    @extend_schema(operation_id="get_furnisher", responses=FurnisherSerializer)
    @etagged
    def get(self, request: Request, furnisher_id: str) -> Response:
        """Return who it is, what it may tell of, and what became of what it sent."""
        furnisher = Furnisher.objects.named(furnisher_id)
        return Response(FurnisherSerializer(public_records([furnisher])[0]).data)
