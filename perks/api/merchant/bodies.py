"""What a merchant's people and servers may send: types and bounds; what it means together is judged by the services."""

from typing import Any

from rest_framework import serializers

from citizen_app.api.serializers import BoundedInteger, Instant, MoneySerializer, StrictSerializer, Text
from citizen_app.models.citizen import validate_zone
from perks.models import Member, Merchant, Perk
from perks.services.clients import SCOPES

MOST = 1_000_000_000


class Zone(Text):
    """An IANA time zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, validators=[validate_zone], help_text="IANA, such as Europe/Lisbon", **options)


class MerchantBody(StrictSerializer):
    name = Text(max_length=120)
    sector = serializers.ChoiceField(Merchant.Sector.choices)
    country = serializers.RegexField(r"\A[A-Z]{2}\Z", help_text="ISO 3166-1 alpha-2")
    website = serializers.URLField(max_length=200, required=False)


class LimitsBody(StrictSerializer):
    per_citizen = BoundedInteger(1, MOST, allow_null=True, required=False)
    per_citizen_day = BoundedInteger(1, MOST, allow_null=True, required=False)
    per_citizen_week = BoundedInteger(1, MOST, allow_null=True, required=False)
    per_citizen_month = BoundedInteger(1, MOST, allow_null=True, required=False)
    per_day = BoundedInteger(1, MOST, allow_null=True, required=False)


class ReleaseBody(StrictSerializer):
    on_cancel = serializers.ChoiceField(Perk.Release.choices, required=False)
    on_expiry = serializers.ChoiceField(Perk.Release.choices, required=False)
    on_reversal = serializers.ChoiceField(Perk.Release.choices, required=False)


class PerkBodySerializer(StrictSerializer):
    """A perk as its merchant writes it; a change sends only what changes."""

    kind = serializers.ChoiceField(Perk.Kind.choices)
    title = Text(max_length=120)
    description = Text(max_length=4000, multiline=True, allow_blank=True, required=False)
    terms = Text(max_length=8000, multiline=True, allow_blank=True, required=False)
    fair_terms = Text(max_length=4000, multiline=True, allow_blank=True, required=False)
    categories = serializers.ListField(
        child=serializers.RegexField(r"\A[a-z0-9][a-z0-9_-]{0,39}\Z"), max_length=10, required=False
    )
    branches = serializers.ListField(
        child=Text(max_length=40), max_length=500, required=False, help_text="ids; empty: all"
    )
    tiers = serializers.ListField(
        child=serializers.DictField(),
        max_length=10,
        help_text='one to three of {"min_score": number or null, "benefit": {…}}',
    )
    zone = Zone(required=False)
    visible_from = Text(max_length=40, allow_null=True, required=False, help_text="local date or minute in `zone`")
    valid_from = Text(max_length=40, allow_null=True, required=False)
    valid_until = Text(max_length=40, allow_null=True, required=False, help_text="inclusive")
    hours = serializers.ListField(
        child=serializers.DictField(), max_length=42, required=False, help_text='{"day": 1..7, "from", "to"}'
    )
    stock = BoundedInteger(0, MOST, allow_null=True, required=False)
    budget = MoneySerializer(allow_null=True, required=False)
    limits = LimitsBody(required=False)
    hold_minutes = BoundedInteger(1, 43200, required=False)
    release = ReleaseBody(required=False)
    offline = serializers.ChoiceField(["accept", "arrivals_only", "refuse"], required=False)
    deposit = serializers.DictField(allow_null=True, required=False)


class ScanBody(StrictSerializer):
    """What was shown at the desk: `code` or `pass`, and a nonce that is new for each scan."""

    code = Text(max_length=64, required=False)
    nonce = serializers.RegexField(r"\A[\x21-\x7e]{8,64}\Z", help_text="8 to 64 visible ASCII characters")
    branch = Text(max_length=40, required=False, help_text="a branch's id; needed where there are several")
    scanned_at = Instant(required=False, help_text="at most 72 hours ago")
    amount = MoneySerializer(required=False, help_text="gift cards only")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `pass` is no name a class body may give.
        return super().get_fields() | {
            "pass": Text(max_length=512, trim_whitespace=False, required=False, help_text="the whole CA1:… string")
        }

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if ("code" in said) == ("pass" in said):
            raise serializers.ValidationError({"code": ["Send either `code` or `pass`."]}, "invalid")
        if "amount" in said:
            raise serializers.ValidationError({"amount": ["Only gift cards are charged an amount."]}, "invalid")
        return said


class TakeBackBody(StrictSerializer):
    reason = Text(max_length=500, required=False, multiline=True, help_text="needed after ten minutes")


class InvitationBody(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(Member.Role.choices)


class PositionBody(StrictSerializer):
    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)


class BranchBody(StrictSerializer):
    name = Text(max_length=120)
    zone = Zone()
    address = Text(max_length=240, allow_blank=True, required=False)
    iata = serializers.RegexField(r"\A[A-Z]{3}\Z", allow_null=True, required=False, help_text="of its airport")
    position = PositionBody(allow_null=True, required=False)

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """Write it as the rows do: no airport is an empty code, a position two columns."""
        if "iata" in said:
            said["iata"] = said["iata"] or ""
        if "position" in said:
            at = said.pop("position") or {"latitude": None, "longitude": None}
            said |= at
        return said


class ClientBody(StrictSerializer):
    name = Text(max_length=120)
    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES), min_length=1, max_length=len(SCOPES))
