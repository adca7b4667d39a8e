"""The shapes of the citizen's answers about perks, for the description of the API; a test holds the answers to them."""

from rest_framework import serializers

from perks.api.deposit_shapes import TakenDepositSerializer


class StandingSerializer(serializers.Serializer):
    """What authorities recorded about an enterprise, never about a person."""

    state = serializers.ChoiceField(
        ["good", "suspended"], help_text="suspended: a grave penalty is not remedied, so it cannot offer perks"
    )
    badge = serializers.ChoiceField(["red_list"], allow_null=True, help_text="the authorities' list of the best")
    records = serializers.IntegerField(help_text="how many of its records count")


class MerchantLineSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    standing = StandingSerializer()


class PositionSerializer(serializers.Serializer):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class BranchLineSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    zone = serializers.CharField(help_text="IANA time zone")
    address = serializers.CharField()
    iata = serializers.CharField(allow_null=True)
    position = PositionSerializer(allow_null=True)


class TierSerializer(serializers.Serializer):
    min_score = serializers.IntegerField(allow_null=True, help_text="null: open to every enrolled person")
    benefit = serializers.DictField()


class ReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()
    points_to_go = serializers.IntegerField(required=False)


class EligibilitySerializer(serializers.Serializer):
    answer = serializers.ChoiceField(["eligible", "not_eligible", "not_assessable"])
    tier = TierSerializer(allow_null=True)
    purpose = serializers.CharField()
    value = serializers.IntegerField(allow_null=True)
    factors_used = serializers.ListField(child=serializers.CharField())
    factors_left_out = serializers.ListField(child=serializers.CharField())
    reasons = ReasonSerializer(many=True)


class ValiditySerializer(serializers.Serializer):
    visible_from = serializers.CharField(allow_null=True, help_text="local date or minute in `zone`")
    valid_from = serializers.CharField(allow_null=True)
    valid_until = serializers.CharField(allow_null=True, help_text="inclusive")
    opens_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True, help_text="the first moment it is over")


class LimitsSerializer(serializers.Serializer):
    per_citizen = serializers.IntegerField(allow_null=True)
    per_citizen_day = serializers.IntegerField(allow_null=True)
    per_citizen_week = serializers.IntegerField(allow_null=True)
    per_citizen_month = serializers.IntegerField(allow_null=True)
    per_day = serializers.IntegerField(allow_null=True)


class ReleaseSerializer(serializers.Serializer):
    on_cancel = serializers.ChoiceField(["all", "stock", "nothing"])
    on_expiry = serializers.ChoiceField(["all", "stock", "nothing"])
    on_reversal = serializers.ChoiceField(["all", "stock", "nothing"])


class SpanSerializer(serializers.Serializer):
    day = serializers.IntegerField(min_value=1, max_value=7)

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is no name a class body may give.
        return super().get_fields() | {"from": serializers.CharField(), "to": serializers.CharField()}


class ImageUrlsSerializer(serializers.Serializer):
    small = serializers.CharField(help_text="at most 320 pixels a side, WebP; it never shows anything else")
    medium = serializers.CharField(help_text="at most 640")
    large = serializers.CharField(help_text="at most 1280")


class ImageSerializer(serializers.Serializer):
    id = serializers.CharField()
    alt = serializers.CharField(help_text="what it shows, in words")
    urls = ImageUrlsSerializer()
    width = serializers.IntegerField(help_text="of the largest")
    height = serializers.IntegerField()


class DeskSerializer(serializers.Serializer):
    is_open = serializers.BooleanField()
    opens_at = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)


class PerkCardSerializer(serializers.Serializer):
    id = serializers.CharField()
    kind = serializers.CharField()
    purpose = serializers.CharField()
    title = serializers.CharField()
    language = serializers.CharField(help_text="of its texts: the first you accept that it is whole in, else its own")
    merchant = MerchantLineSerializer()
    tiers = TierSerializer(many=True)
    eligibility = EligibilitySerializer()
    validity = ValiditySerializer()
    zone = serializers.CharField()
    distance_km = serializers.FloatField(
        allow_null=True, help_text="to its nearest branch, when the list is asked for near a point"
    )
    images = ImageSerializer(many=True)
    categories = serializers.ListField(child=serializers.CharField())
    fair_terms = serializers.CharField()
    desk_learns = serializers.ListField(child=serializers.CharField())
    limits = LimitsSerializer()
    release = ReleaseSerializer()
    remaining = serializers.IntegerField(allow_null=True)


class PerkPageSerializer(PerkCardSerializer):
    state = serializers.ChoiceField(["published", "paused", "ended"])
    version = serializers.IntegerField()
    description = serializers.CharField()
    terms = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField(), help_text="the ones it can be read in")
    branches = BranchLineSerializer(many=True)
    hours = SpanSerializer(many=True)
    desk = DeskSerializer()
    hold_minutes = serializers.IntegerField()
    offline = serializers.CharField()
    deposit = serializers.DictField(
        allow_null=True, help_text="deposit waiver: {classes, remainder_items, max_days}, before they are frozen"
    )


class RedeemedPerkSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    purpose = serializers.CharField()
    zone = serializers.CharField()
    merchant = MerchantLineSerializer()


class BoostSerializer(serializers.Serializer):
    boost = serializers.CharField(help_text="1.01 to 1.50")
    state = serializers.ChoiceField(["running", "ended"])
    judged_again_after = serializers.DateTimeField(
        allow_null=True, help_text="it is frozen until then, and judged again on a day drawn at random"
    )
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_because = serializers.ChoiceField(["not_reached", "paused", "disconnected", "over"], allow_null=True)


class QrSerializer(serializers.Serializer):
    url = serializers.URLField()
    rotates_every = serializers.IntegerField(help_text="seconds")


class MoneyAnswerSerializer(serializers.Serializer):
    amount = serializers.IntegerField(help_text="minor units")
    currency = serializers.CharField()


class GiftCardShortSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(["open", "spent", "expired", "reversed"], help_text="open: its code is chargeable")
    face = MoneyAnswerSerializer()
    balance = MoneyAnswerSerializer()


class GiftCardLineSerializer(GiftCardShortSerializer):
    redemption = serializers.CharField()
    perk = RedeemedPerkSerializer()
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class StatementRowSerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(
        ["issue", "charge", "refund", "expire", "reverse"], help_text="reverse: a charge or the whole card taken back"
    )
    where = serializers.CharField(allow_null=True, help_text="the branch")
    amount = MoneyAnswerSerializer(help_text="negative where it left the card")
    balance = MoneyAnswerSerializer(help_text="after it")


class GiftCardSerializer(GiftCardLineSerializer):
    terms = serializers.CharField()
    code = serializers.CharField(allow_null=True, help_text="only while it is open, as the three below")
    seed = serializers.CharField(allow_null=True, help_text="of the six digits: RFC 6238, SHA-1, 30 s")
    qr = QrSerializer(allow_null=True)
    statement = StatementRowSerializer(many=True, help_text="newest first")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `pass` is no name a class body may give.
        return super().get_fields() | {
            "pass": serializers.CharField(allow_null=True, help_text="shown as CA1:<pass>.<six digits>")
        }


class RedemptionLineSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(["reserved", "redeemed", "cancelled", "expired", "reversed"])
    perk = RedeemedPerkSerializer()
    benefit = serializers.DictField()
    version = serializers.IntegerField()
    branch = BranchLineSerializer(allow_null=True)
    date = serializers.DateField(allow_null=True)
    booking_reference = serializers.CharField(allow_null=True)
    taken_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    redeemed_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    release = ReleaseSerializer()
    pending_until = serializers.DateTimeField(
        allow_null=True, help_text="it was reached only thanks to a dispute, and is yours when that ends well or then"
    )
    boost = BoostSerializer(allow_null=True, help_text="of a visibility boost; null for other kinds")
    gift_card = GiftCardShortSerializer(allow_null=True, help_text="gift cards only")
    deposit = TakenDepositSerializer(allow_null=True, help_text="deposit waivers only: its agreement")


class MakeGoodSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(
        ["offered", "needs_merchant", "taken", "expired", "declined"],
        help_text="needs_merchant: the perk is not to be had any more, and its merchant has been asked",
    )
    perk = RedeemedPerkSerializer()
    benefit = serializers.DictField(help_text="as it was at the refusal")
    min_score = serializers.IntegerField(allow_null=True, help_text="of that tier; it is not asked again")
    version = serializers.IntegerField()
    terms = serializers.CharField()
    refused_at = serializers.ListField(child=serializers.DateTimeField(), help_text="the refusals it makes good")
    dispute = serializers.CharField(help_text="the one you won")
    offered_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    reasons = ReasonSerializer(many=True, help_text="what stands in the way now, never your score")
    redemption = serializers.CharField(allow_null=True)


class RedemptionSerializer(RedemptionLineSerializer):
    terms = serializers.CharField()
    code = serializers.CharField(allow_null=True, help_text="only while it can be shown, as the four below")
    seed = serializers.CharField(allow_null=True, help_text="of the six digits: RFC 6238, SHA-1, 30 s")
    valid_until = serializers.DateTimeField()
    qr = QrSerializer(allow_null=True)
    outside_code = serializers.CharField(
        allow_null=True, help_text="for the merchant's own shop, where the perk gives one; while it is yours"
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        # `pass` is no name a class body may give.
        return super().get_fields() | {
            "pass": serializers.CharField(allow_null=True, help_text="shown as CA1:<pass>.<six digits>")
        }
