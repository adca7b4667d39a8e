"""The person's own account: what we call them, in which language and in which zone of time."""

from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError as ModelInvalid
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.accounts.closing import close_account
from citizen_app.accounts.names import LONGEST_FIRST_NAME, clean_first_name
from citizen_app.accounts.phones import take_off_phone
from citizen_app.accounts.profile import change_profile
from citizen_app.api.authentication import require_confirmed
from citizen_app.api.etags import etagged, no_store
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.receipts import ReceiptSerializer
from citizen_app.api.serializers import StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from citizen_app.models.citizen import validate_zone


class MeChange(StrictSerializer):
    """What a person may change here; the address changes by its own flow, which proves the new one."""

    first_name = Text(max_length=LONGEST_FIRST_NAME, allow_blank=True, required=False)
    language = serializers.CharField(max_length=12, required=False)
    zone = Text(max_length=64, required=False, help_text="IANA name, such as Europe/Lisbon")

    def validate_first_name(self, name: str) -> str:
        return _as_field_error(clean_first_name, name)

    def validate_language(self, language: str) -> str:
        if language not in dict(settings.LANGUAGES):
            spoken = ", ".join(code for code, _ in settings.LANGUAGES)
            raise serializers.ValidationError(f"The product speaks: {spoken}.", "invalid")
        return language

    def validate_zone(self, zone: str) -> str:
        _as_field_error(validate_zone, zone)
        return zone


class Me(serializers.Serializer):
    """A person's account as they see it."""

    id = serializers.CharField(source="public_id")
    email = serializers.EmailField()
    first_name = serializers.CharField()
    language = serializers.CharField()
    zone = serializers.CharField()


class MeView(ApiView):
    """Read, change or close your account."""

    permission_classes = [IsCitizen]
    refusals = frozenset({403, 409})  # reauthentication_required, account_in_use

    @extend_schema(operation_id="get_me", responses=Me)
    @etagged
    def get(self, request: Request) -> Response:
        """Return your account."""
        return Response(Me(request.user).data)

    @extend_schema(operation_id="change_me", request=MeChange, responses=Me)
    def patch(self, request: Request) -> Response:
        """Change your first name, language or zone; what you leave out stays."""
        body = read_body(request, MeChange, partial=True)
        return Response(Me(change_profile(citizen=cast(Citizen, request.user), **body)).data)

    @extend_schema(operation_id="close_account", responses={200: ReceiptSerializer})
    def delete(self, request: Request) -> Response:
        """Close your account: leave, erase it and end every session; returns the receipt. Needs a recent sign-in."""
        require_confirmed(request)
        receipt = close_account(citizen=cast(Citizen, request.user))
        return no_store(Response(ReceiptSerializer(receipt).data))


class PhoneView(ApiView):
    """Your phone number; it is added by the sign-in API, which proves it (`POST /_allauth/app/v1/account/phone`)."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="take_off_phone", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Take your number off your account; again is no change."""
        take_off_phone(citizen=cast(Citizen, request.user))
        return Response(status=204)


def _as_field_error(validate: Any, value: str) -> Any:
    try:
        return validate(value)
    except ModelInvalid as refusal:
        raise serializers.ValidationError(refusal.messages, refusal.code or "invalid") from None
