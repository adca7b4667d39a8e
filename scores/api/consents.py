"""What you agreed to, refused and took back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.views import ApiView
from citizen_app.models import ConsentEvent
from scores.api.callers import citizen_of
from scores.services.consent_receipts import consent_receipt, consent_rows

SCOPES = "what was ticked where there was a choice: the scopes of an app"
REPLACED = "when it was agreed to once more, with other ticks or another text: that act stands in this one's place"


class ConsentPurposeSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="`scoring`, `source:<code>`, `app:<client id>` or `notifications:<channel>`")
    kind = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class ConsentNoticeSerializer(serializers.Serializer):
    version = serializers.CharField()
    language = serializers.CharField()
    sha256 = serializers.CharField(help_text="of the text's UTF-8 bytes")


class ConsentSerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    act = serializers.ChoiceField(ConsentEvent.Act.choices)
    is_in_force = serializers.BooleanField(help_text="whether it was given and not taken back since")
    purpose = ConsentPurposeSerializer()
    text = ConsentNoticeSerializer()
    scopes = serializers.ListField(child=serializers.CharField(), help_text=SCOPES)
    via = serializers.CharField(help_text="by which door: `web`, `app`, `command`, `furnisher:<code>`, `owner`, …")
    replaced_at = serializers.DateTimeField(allow_null=True, help_text=REPLACED)


class ReceiptPurposeSerializer(ConsentPurposeSerializer):
    description = serializers.CharField(allow_blank=True)
    lawful_basis = serializers.CharField()


class ReceiptNoticeSerializer(ConsentNoticeSerializer):
    text = serializers.CharField(allow_null=True, help_text="the very text that was read")


class ReceiptPartySerializer(serializers.Serializer):
    party_id = serializers.CharField()
    party_name = serializers.CharField()
    party_role = serializers.ChoiceField(["controller", "data_source", "recipient"])


class ReceiptEventSerializer(serializers.Serializer):
    event_type = serializers.ChoiceField(ConsentEvent.Act.choices)
    event_time = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.CharField(), help_text=SCOPES)
    via = serializers.CharField()


class WithdrawalMethodSerializer(serializers.Serializer):
    method = serializers.CharField()
    path = serializers.CharField()


class ConsentReceiptSerializer(serializers.Serializer):
    """One act, for a machine to keep and a person to prove."""

    schema_version = serializers.CharField()
    record_id = serializers.CharField()
    pii_principal_id = serializers.CharField()
    parties = ReceiptPartySerializer(many=True)
    purpose = ReceiptPurposeSerializer()
    privacy_notice = ReceiptNoticeSerializer()
    event = ReceiptEventSerializer()
    is_in_force = serializers.BooleanField()
    replaced_at = serializers.DateTimeField(allow_null=True, help_text=REPLACED)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_via = serializers.CharField(allow_null=True, help_text="`owner`: the app's owner withdrew the app")
    withdrawal_method = WithdrawalMethodSerializer(allow_null=True)


class ConsentsView(ApiView):
    """What you agreed to, refused and took back, whether or not you are enrolled."""

    permission_classes = [IsCitizen]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_consents", responses=page_of("ConsentPage", ConsentSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return each act of consent, latest first."""
        citizen = citizen_of(request)

        def shape(events: list[ConsentEvent]) -> list[dict[str, Any]]:
            return list(ConsentSerializer(consent_rows(events, citizen=citizen), many=True).data)

        return page(request, ConsentEvent.objects.filter(citizen=citizen), shape=shape)


class ConsentView(ApiView):
    """One act of consent."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_consent", responses=ConsentReceiptSerializer)
    @etagged
    def get(self, request: Request, consent_id: str) -> Response:
        """Return the receipt of one act, with the very text that you read."""
        event = ConsentEvent.objects.filter(citizen=citizen_of(request)).select_related("citizen").named(consent_id)
        return Response(ConsentReceiptSerializer(consent_receipt(event)).data)
