"""What is sent and answered about deposit agreements, by both parties. No member is a score or a distance (P4)."""

import json
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from citizen_app.api.pagination import PageQuery
from citizen_app.api.serializers import MoneySerializer, StrictSerializer, Text, Upload
from perks.models import DepositAgreement, DepositHold, HoldRefund
from perks.services.deposit_claims import LONGEST_ITEM, MOST_ITEMS
from perks.services.deposit_files import MOST_FILES

_LONGEST_JSON: Final = 64 * 1024
_A_FILE: Final = "pictures (JPEG, PNG, WebP) or PDFs of at most 5 MiB"


class ItemBody(StrictSerializer):
    text = Text(max_length=LONGEST_ITEM)
    amount = MoneySerializer()


@extend_schema_field(ItemBody(many=True))
class ClaimItems(serializers.Field):
    """Items as JSON: a list, or in a form a text (or several) that holds a list or one item."""

    default_error_messages = {"invalid": "Send a list of items, each with a text and an amount of money."}

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        items: list[Any] = []
        for sent in data if isinstance(data, list) else [data]:
            read = self._read(sent) if isinstance(sent, str) else sent
            items += read if isinstance(read, list) else [read]
        if not 1 <= len(items) <= MOST_ITEMS:
            raise serializers.ValidationError(f"Name 1 to {MOST_ITEMS} items.", "out_of_range")
        errors: dict[str, Any] = {}
        values = []
        for place, item in enumerate(items):
            body = ItemBody(data=item, context=self.context)
            if body.is_valid():
                values.append(dict(body.validated_data))
            else:
                errors[str(place)] = body.errors
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def to_representation(self, value: Any) -> Any:
        return value

    def _read(self, text: str) -> Any:
        if len(text) > _LONGEST_JSON:
            self.fail("invalid")
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self.fail("invalid")


class ClaimBody(StrictSerializer):
    """What was damaged, each with what it costs, and photographs of it."""

    items = ClaimItems(help_text=f"1 to {MOST_ITEMS}; in a form as JSON text")
    photographs = serializers.ListField(
        child=Upload(), required=False, max_length=MOST_FILES, help_text=f"up to {MOST_FILES} {_A_FILE}"
    )


class ContestBody(StrictSerializer):
    statement = Text(max_length=4000, multiline=True)
    evidence = serializers.ListField(
        child=Upload(), required=False, max_length=MOST_FILES, help_text=f"up to {MOST_FILES} {_A_FILE}"
    )


class PickUpBody(StrictSerializer):
    branch = Text(max_length=40, required=False, help_text="a branch's id; needed where there are several")


class DepositRefundBody(StrictSerializer):
    amount = MoneySerializer()
    reason = Text(max_length=HoldRefund.LONGEST_REASON, help_text="your guest reads it")


class DepositQuery(PageQuery):
    """Which agreements."""

    state = serializers.ChoiceField(DepositAgreement.State.choices, required=False)


class MoneyShape(serializers.Serializer):
    amount = serializers.IntegerField(help_text="minor units")
    currency = serializers.CharField()


class RemainderItemSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    amount = MoneyShape()


class DepositTermsSerializer(serializers.Serializer):
    full = MoneyShape(help_text="the deposit without the waiver")
    waived = MoneyShape()
    waived_percent = serializers.IntegerField()
    remainder = MoneyShape(help_text="what is left: its items add up to it")
    remainder_items = RemainderItemSerializer(many=True)
    claim_cap = MoneyShape(help_text="the most that can ever be claimed")

    def get_fields(self) -> dict[str, Any]:
        """`class` is a word of Python's."""
        return super().get_fields() | {"class": serializers.CharField()}


class TakenDepositSerializer(DepositTermsSerializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(DepositAgreement.State.values)
    until = serializers.DateField()


class KeptFileSerializer(serializers.Serializer):
    id = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    url = serializers.URLField()


class ClaimItemSerializer(serializers.Serializer):
    text = serializers.CharField()
    amount = MoneyShape()


class ClaimSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    amount = MoneyShape()
    items = ClaimItemSerializer(many=True)
    photographs = KeptFileSerializer(many=True)


class ContestSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    statement = serializers.CharField()
    evidence = KeptFileSerializer(many=True)


class DepositPlaceSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class HoldSerializer(serializers.Serializer):
    """What is left of the deposit on a card, held by the merchant's own account: never by this platform."""

    state = serializers.ChoiceField(
        DepositHold.State.values,
        help_text="`requested`, `action` (to be confirmed with the bank): nothing is held yet; `held`; `capturing`,"
        " `captured`: charged, and the rest let go; `releasing`, `released`; `expired`: let go by the card's bank,"
        " nothing was charged; `failed`: ask again",
    )
    amount = MoneyShape(help_text="what is held, or asked for")
    captured = MoneyShape(help_text="what was charged of it")
    refunded = MoneyShape(help_text="what was given back of that")
    capture_before = serializers.DateTimeField(allow_null=True, help_text="the card's bank lets go of it then")
    renews_itself = serializers.BooleanField(help_text="it is held anew before that, on the same card, as agreed")


class HoldRefundSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(HoldRefund.State.values)
    amount = MoneyShape()
    reason = serializers.CharField(allow_null=True, help_text="null: made at Stripe's own dashboard")
    at = serializers.DateTimeField()


class HoldDisputeSerializer(serializers.Serializer):
    """The card's owner wants the charge back; you answer at Stripe."""

    status = serializers.CharField(help_text="as Stripe calls it")
    amount = MoneyShape()
    due_by = serializers.DateTimeField(allow_null=True, help_text="answer at Stripe until then")
    opened_at = serializers.DateTimeField()


class HoldPageSerializer(serializers.Serializer):
    hold = serializers.CharField()
    url = serializers.URLField(help_text="send the citizen's browser there; Stripe asks for the card, not we")


class AgreementSerializer(DepositTermsSerializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(DepositAgreement.State.values)
    redemption = serializers.CharField()
    perk = serializers.CharField()
    title = serializers.CharField()
    terms = serializers.CharField()
    date = serializers.DateField(allow_null=True, help_text="of pick-up, local in `zone`")
    until = serializers.DateField(help_text="of return, local in `zone`")
    zone = serializers.CharField()
    branch = DepositPlaceSerializer(allow_null=True)
    booking_reference = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField(help_text="until then it can be accepted and picked up")
    offered_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    picked_up_at = serializers.DateTimeField(allow_null=True)
    returned_at = serializers.DateTimeField(allow_null=True)
    late_days = serializers.IntegerField(allow_null=True)
    claim_until = serializers.DateTimeField(allow_null=True)
    contest_until = serializers.DateTimeField(allow_null=True)
    closes_itself_at = serializers.DateTimeField(allow_null=True, help_text="without a return: nothing is owed then")
    claim = ClaimSerializer(allow_null=True)
    contest = ContestSerializer(allow_null=True)
    settled = MoneyShape(allow_null=True, help_text="what is owed; never above the claim, nor the claim above the cap")
    decided_because = serializers.CharField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    hold_expires_at = serializers.DateTimeField(allow_null=True, help_text="of what is left; null: nothing is held")
    hold = HoldSerializer(allow_null=True, help_text="null: none was asked for")
    refunds = HoldRefundSerializer(many=True)
    may_hold = serializers.BooleanField(help_text="what is left can be held now, for the first time or anew")


class OwnAgreementSerializer(AgreementSerializer):
    merchant = DepositPlaceSerializer()


class MerchantAgreementSerializer(AgreementSerializer):
    first_name = serializers.CharField(allow_null=True, help_text="once it was picked up")
    disputes = HoldDisputeSerializer(many=True)


A_FILE: Final = {(200, "image/jpeg"): OpenApiTypes.BINARY, (200, "application/pdf"): OpenApiTypes.BINARY}
