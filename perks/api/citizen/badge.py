"""The citizen's badge as a picture, and in words."""

from typing import cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.serializers import StrictSerializer
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.redemptions import PngRenderer
from perks.services.badge import THEMES, badge_of, draw_badge


class BadgeQuery(StrictSerializer):
    theme = serializers.ChoiceField(THEMES, required=False)


class BadgeSerializer(serializers.Serializer):
    """What the badge says; no score, no band, nothing to verify."""

    text = serializers.CharField(help_text="the picture in words: its text alternative")
    member_since = serializers.DateField()
    identity_verified = serializers.BooleanField()
    perks_enjoyed = serializers.IntegerField()


class BadgeView(ApiView):
    """What your badge says."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="get_badge", responses=BadgeSerializer)
    @etagged
    def get(self, request: Request) -> Response:
        """Return the badge in words."""
        return Response(BadgeSerializer(badge_of(cast(Citizen, request.user))).data)


class BadgePngView(ApiView):
    """Your badge to show: since when, whether your identity was checked, how many perks you enjoyed."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = BadgeQuery
    renderer_classes = [PngRenderer, JSONRenderer]

    @extend_schema(
        operation_id="get_badge_png",
        parameters=[OpenApiParameter("theme", str, enum=list(THEMES), description="light unless said")],
        responses={(200, "image/png"): OpenApiResponse(OpenApiTypes.BINARY, "The picture, 1200 × 630")},
    )
    @etagged
    def get(self, request: Request) -> HttpResponse:
        """Return the badge as PNG, without any metadata."""
        badge = badge_of(cast(Citizen, request.user))
        picture = draw_badge(badge, theme=self.query.get("theme", "light"))
        return HttpResponse(picture, content_type="image/png")
