"""The shortest way to a perk."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.perks import offered
from perks.services.showing_path import path_of


class SuggestionSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="stable: what to do, or `wait_for_lapse`")
    text = serializers.CharField()
    kind = serializers.CharField(help_text="the kind of record it is about")
    count = serializers.IntegerField(help_text="how many records more")
    entry = serializers.CharField(allow_null=True, help_text="of `wait_for_lapse`: what no longer counts then")
    on = serializers.DateField(allow_null=True, help_text="of `wait_for_lapse`: from which day on")


class AdditionSerializer(serializers.Serializer):
    kind = serializers.CharField()
    value = serializers.FloatField()
    count = serializers.IntegerField()


class PathWhatIfSerializer(serializers.Serializer):
    add = AdditionSerializer(many=True)
    without = serializers.ListField(child=serializers.CharField())


class PathSerializer(serializers.Serializer):
    """The smallest set of suggestions after which the threshold is met."""

    perk = serializers.CharField()
    purpose = serializers.CharField()
    threshold = serializers.IntegerField(allow_null=True, help_text="of the next tier; null: open to all enrolled")
    value = serializers.IntegerField(allow_null=True)
    points_to_go = serializers.IntegerField(allow_null=True)
    reached = serializers.BooleanField()
    leads_there = serializers.BooleanField(help_text="false: nothing we may suggest is enough by itself")
    value_then = serializers.IntegerField(allow_null=True)
    suggestions = SuggestionSerializer(many=True)
    what_if = PathWhatIfSerializer(help_text="the body of `POST /me/score/what-if` that shows it")


class PathView(ApiView):
    """What would open a perk to you. Nothing suggested shares more data or costs money."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_perk_path", responses=PathSerializer)
    @etagged
    def get(self, request: Request, perk_id: str) -> Response:
        """Return the fewest things to do, or to wait for, until the perk's next tier is reached."""
        now = timezone.now()
        perk = offered(now).select_related("in_force").named(perk_id)
        return Response(PathSerializer(path_of(citizen=cast(Citizen, request.user), perk=perk, now=now)).data)
