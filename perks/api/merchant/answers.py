"""The shapes of a merchant's answers, for the description of the API; a test holds the answers to them.

No member here is a score, a band, a factor or a distance, and none may become one (P4).
"""

from typing import Any

from rest_framework import serializers

from perks.api.citizen.answers import (
    BranchLineSerializer,
    GiftCardShortSerializer,
    ImageSerializer,
    LimitsSerializer,
    MoneyAnswerSerializer,
    ReleaseSerializer,
    SpanSerializer,
    StandingSerializer,
    TierSerializer,
)


class StandingRecordSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(
        ["inspection", "penalty", "penalty_remedied", "red_list", "tourism_violation"],
    )
    source = serializers.CharField(help_text="the authority")  # type: ignore[assignment]
    date = serializers.DateField()
    gravity = serializers.ChoiceField(["minor", "grave"], allow_null=True, help_text="null: no penalty")
    remedied = serializers.BooleanField()
    remedied_on = serializers.DateField(allow_null=True, help_text="null too where the authority names no day")
    lapses_on = serializers.DateField(help_text="from this day it no longer counts")
    text = serializers.CharField()


class EnterpriseSerializer(serializers.Serializer):
    id = serializers.CharField()
    number = serializers.CharField(help_text="in the authority's register")
    name = serializers.CharField()
    address = serializers.CharField()
    source = serializers.CharField(help_text="the authority")  # type: ignore[assignment]
    as_of = serializers.DateField(allow_null=True, help_text="the day up to which its records are known")
    state = serializers.ChoiceField(["good", "suspended"])
    badge = serializers.ChoiceField(["red_list"], allow_null=True)
    records = StandingRecordSerializer(many=True)


class WholeStandingSerializer(StandingSerializer):
    open_penalties = serializers.IntegerField(help_text="those not remedied")
    as_of = serializers.DateField(allow_null=True)
    enterprises = EnterpriseSerializer(many=True, help_text="those it runs, each with its records, newest first")


class MerchantSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    sector = serializers.CharField()
    country = serializers.CharField()
    website = serializers.URLField(allow_null=True)
    state = serializers.ChoiceField(["pending", "active", "suspended", "closed"])
    since = serializers.DateTimeField(allow_null=True, help_text="when an operator let it in")
    standing = WholeStandingSerializer()
    branches = BranchLineSerializer(many=True)


class CountsSerializer(serializers.Serializer):
    reserved = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)


class WaitingSerializer(serializers.Serializer):
    language = serializers.CharField()
    terms = serializers.CharField()
    fair_terms = serializers.CharField()
    translations = serializers.DictField()
    tiers = TierSerializer(many=True)
    deposit = serializers.DictField(allow_null=True)


class MerchantPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(["draft", "review", "approved", "published", "paused", "ended"])
    purpose = serializers.CharField()
    version = serializers.IntegerField()
    pending_version = serializers.IntegerField(allow_null=True, help_text="waits for an operator")
    pending = WaitingSerializer(allow_null=True)
    refusal = serializers.CharField(allow_null=True, help_text="why the last review sent it back")
    held = serializers.CharField(allow_null=True, help_text="why an operator paused it; only an operator lets it go on")
    counts = CountsSerializer()
    published_at = serializers.DateTimeField(allow_null=True)
    kind = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    terms = serializers.CharField()
    fair_terms = serializers.CharField()
    language = serializers.CharField()
    translations = serializers.DictField(help_text="by language: title, description, terms, fair_terms")
    images = ImageSerializer(many=True)
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
    code_list = serializers.CharField(allow_null=True, help_text="whose codes its takers are given")


class ToldSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    benefit = serializers.DictField()
    terms = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)
    state = serializers.CharField()


class GiftCardToldSerializer(serializers.Serializer):
    id = serializers.CharField()
    charge = serializers.CharField(allow_null=True, help_text="the id a refund names; null where nothing was charged")
    amount = MoneyAnswerSerializer(allow_null=True, help_text="what was charged")
    balance = MoneyAnswerSerializer(help_text="after it")


class DepositToldSerializer(serializers.Serializer):
    id = serializers.CharField()
    until = serializers.DateField(help_text="the agreed day of the return")
    waived = MoneyAnswerSerializer(help_text="what is not taken")
    claim_cap = MoneyAnswerSerializer(help_text="the most that can be claimed later")

    def get_fields(self) -> dict[str, Any]:
        # The contract's name is a word of the language.
        return super().get_fields() | {"class": serializers.CharField()}


class ChargeSerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    where = serializers.CharField(allow_null=True, help_text="the branch")
    amount = MoneyAnswerSerializer()
    left = MoneyAnswerSerializer(help_text="what can still be refunded of it")


class TeamGiftCardSerializer(GiftCardShortSerializer):
    charges = ChargeSerializer(many=True)


class RefundSerializer(serializers.Serializer):
    id = serializers.CharField()
    amount = MoneyAnswerSerializer()
    charge = serializers.CharField()
    left = MoneyAnswerSerializer(help_text="what can still be refunded of the charge")
    gift_card = GiftCardShortSerializer()


class CardTotalsSerializer(serializers.Serializer):
    issued = MoneyAnswerSerializer()
    charged = MoneyAnswerSerializer()
    refunded = MoneyAnswerSerializer(help_text="charges that were undone included")
    expired = MoneyAnswerSerializer()
    reversed = MoneyAnswerSerializer(help_text="cards taken back whole")


class LiabilityRowSerializer(serializers.Serializer):
    currency = serializers.CharField()
    outstanding = MoneyAnswerSerializer(help_text="issued - charged + refunded - expired - reversed")
    open_cards = serializers.IntegerField()
    expiring_30_days = MoneyAnswerSerializer()
    expiring_90_days = MoneyAnswerSerializer()
    totals = CardTotalsSerializer()


class LiabilitySerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    currencies = LiabilityRowSerializer(many=True)


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
            "not_accepted",
            "hold_expired",
        ]
    )
    typed = serializers.BooleanField()
    redemption = ToldSerializer(allow_null=True)
    gift_card = GiftCardToldSerializer(allow_null=True)
    deposit = DepositToldSerializer(allow_null=True, help_text="what was picked up, once a waiver is accepted")
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
    gift_card = TeamGiftCardSerializer(allow_null=True, help_text="gift cards only")


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
    kind = serializers.ChoiceField(["server", "app"])
    state = serializers.ChoiceField(["pending", "approved", "refused", "suspended"], help_text="only approved opens")
    refusal = serializers.CharField(allow_null=True, help_text="why an operator turned an app down")
    scopes = serializers.ListField(child=serializers.CharField())
    redirect_uris = serializers.ListField(child=serializers.CharField())
    privacy_url = serializers.URLField(allow_null=True)
    terms_url = serializers.URLField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewClientSerializer(ClientSerializer):
    client_secret = serializers.CharField(allow_null=True, help_text="shown once; null in a replay")
    secret_already_shown = serializers.BooleanField(required=False, help_text="true in a replay by `Idempotency-Key`")


class TillSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    branch = BranchNameSerializer(allow_null=True)
    shift_minutes = serializers.IntegerField()
    paired_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class PairingSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    branch = BranchNameSerializer(allow_null=True)
    pairing_code = serializers.CharField(help_text="good once, for ten minutes")
    pairing_url = serializers.CharField(help_text="to show as a picture; the code is behind its #")
    expires_at = serializers.DateTimeField()


class PairedSerializer(serializers.Serializer):
    device_id = serializers.CharField()
    token = serializers.CharField(help_text="till_…, shown once")


class CashierSerializer(serializers.Serializer):
    id = serializers.CharField()
    first_name = serializers.CharField()


class OpenShiftSerializer(serializers.Serializer):
    id = serializers.CharField()
    member = CashierSerializer()
    opened_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class ShiftSerializer(OpenShiftSerializer):
    token = serializers.CharField(help_text="shift_…, shown once")


class OwnTillSerializer(TillSerializer):
    merchant = BranchNameSerializer()
    cashiers = CashierSerializer(many=True, help_text="who has a PIN")
    shift = OpenShiftSerializer(allow_null=True)


class MerchantTagSerializer(BranchNameSerializer):
    pass_tag = serializers.CharField(help_text="how a pass names it: hex")


class PlaceSerializer(BranchNameSerializer):
    zone = serializers.CharField()


class HonouredPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    pass_tag = serializers.CharField(help_text="how a pass names it: hex")
    kind = serializers.CharField()
    title = serializers.CharField()
    terms = serializers.CharField()
    benefits = serializers.ListField(child=serializers.DictField(), help_text="of its tiers; the citizen has one")
    offline = serializers.ChoiceField(["accept", "arrivals_only", "refuse"])
    is_dated = serializers.BooleanField()
    only_here = serializers.BooleanField(help_text="whether it is honoured at no other branch")
    hours = SpanSerializer(many=True)
    zone = serializers.CharField()


class ArrivalSerializer(serializers.Serializer):
    id = serializers.CharField()
    pass_id = serializers.CharField(help_text="how a pass names it: hex")
    perk = serializers.CharField()
    kind = serializers.CharField()
    title = serializers.CharField()
    benefit = serializers.DictField()
    terms = serializers.CharField()
    offline = serializers.ChoiceField(["accept", "arrivals_only", "refuse"])
    date = serializers.DateField()
    expires_at = serializers.DateTimeField()
    first_name = serializers.CharField(allow_null=True)
    booking_reference = serializers.CharField(allow_null=True)


class ArrivalPageSerializer(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ArrivalSerializer(many=True)
    merchant = MerchantTagSerializer()
    branch = PlaceSerializer(allow_null=True)
    perks = HonouredPerkSerializer(many=True)
