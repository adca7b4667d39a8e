"""The shapes of a merchant's answers, for the description of the API; a test holds the answers to them.

No member here is a score, a band, a factor or a distance, and none may become one (P4).
"""

from rest_framework import serializers

from perks.api.citizen.answers import (
    BranchLineSerializer,
    LimitsSerializer,
    ReleaseSerializer,
    SpanSerializer,
    StandingSerializer,
    TierSerializer,
)


class MerchantSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    sector = serializers.CharField()
    country = serializers.CharField()
    website = serializers.URLField(allow_null=True)
    state = serializers.ChoiceField(["pending", "active", "suspended", "closed"])
    standing = StandingSerializer()
    branches = BranchLineSerializer(many=True)


class MoneyAnswerSerializer(serializers.Serializer):
    amount = serializers.IntegerField(help_text="minor units")
    currency = serializers.CharField()


class CountsSerializer(serializers.Serializer):
    reserved = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)


class WaitingSerializer(serializers.Serializer):
    terms = serializers.CharField()
    fair_terms = serializers.CharField()
    tiers = TierSerializer(many=True)


class MerchantPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(["draft", "review", "approved", "published", "paused", "ended"])
    purpose = serializers.CharField()
    version = serializers.IntegerField()
    pending_version = serializers.IntegerField(allow_null=True, help_text="waits for an operator")
    pending = WaitingSerializer(allow_null=True)
    refusal = serializers.CharField(allow_null=True, help_text="why the last review sent it back")
    counts = CountsSerializer()
    published_at = serializers.DateTimeField(allow_null=True)
    kind = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    terms = serializers.CharField()
    fair_terms = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    branches = serializers.ListField(child=serializers.CharField(), help_text="empty: all")
    tiers = TierSerializer(many=True)
    zone = serializers.CharField()
    visible_from = serializers.CharField(allow_null=True)
    valid_from = serializers.CharField(allow_null=True)
    valid_until = serializers.CharField(allow_null=True)
    hours = SpanSerializer(many=True)
    stock = serializers.IntegerField(allow_null=True)
    budget = MoneyAnswerSerializer(allow_null=True)
    limits = LimitsSerializer()
    hold_minutes = serializers.IntegerField()
    release = ReleaseSerializer()
    offline = serializers.CharField()
    deposit = serializers.DictField(allow_null=True)


class ToldSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    benefit = serializers.DictField()
    terms = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)
    state = serializers.CharField()


class GiftCardToldSerializer(serializers.Serializer):
    id = serializers.CharField()
    charge = MoneyAnswerSerializer()
    balance = MoneyAnswerSerializer()


class ScanSerializer(serializers.Serializer):
    id = serializers.CharField()
    outcome = serializers.ChoiceField(
        [
            "accepted",
            "already_redeemed",
            "expired",
            "cancelled",
            "reversed",
            "stale_pass",
            "wrong_branch",
            "outside_hours",
            "unknown_code",
            "insufficient_balance",
            "conflict",
        ]
    )
    typed = serializers.BooleanField()
    redemption = ToldSerializer(allow_null=True)
    gift_card = GiftCardToldSerializer(allow_null=True)
    detail = serializers.CharField(allow_null=True)


class BranchNameSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class RedemptionRowSerializer(serializers.Serializer):
    id = serializers.CharField()
    perk = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField()
    benefit = serializers.DictField()
    state = serializers.ChoiceField(["reserved", "redeemed", "cancelled", "expired", "reversed"])
    first_name = serializers.CharField(allow_null=True, help_text="once a scan was accepted")
    branch = BranchNameSerializer(allow_null=True)
    date = serializers.DateField(allow_null=True)
    booking_reference = serializers.CharField(allow_null=True)
    reserved_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    redeemed_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class ScannedSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)


class ScanRowSerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    outcome = serializers.CharField()
    typed = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)
    redemption = ScannedSerializer(allow_null=True)


class MerchantRedemptionSerializer(RedemptionRowSerializer):
    terms = serializers.CharField()
    scans = ScanRowSerializer(many=True)
    undo_until = serializers.DateTimeField(allow_null=True)


class MemberSerializer(serializers.Serializer):
    id = serializers.CharField()
    email = serializers.EmailField()
    first_name = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(["owner", "manager", "cashier"])
    state = serializers.ChoiceField(["active", "invited"])
    is_you = serializers.BooleanField()
    since = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="of an invitation")


class JoinedSerializer(serializers.Serializer):
    id = serializers.CharField()
    role = serializers.CharField()
    merchant = BranchNameSerializer()


class ClientSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    client_id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class NewClientSerializer(ClientSerializer):
    client_secret = serializers.CharField(help_text="shown once")
