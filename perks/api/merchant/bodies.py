"""What a merchant's people and servers may send: types and bounds; what it means together is judged by the services."""

from typing import Any

from rest_framework import serializers

from citizen_app.accounts.clients import SANDBOX
from citizen_app.api.serializers import BoundedInteger, Instant, MoneySerializer, StrictSerializer, Text
from citizen_app.models.citizen import validate_zone
from perks.models import Member, Merchant, Perk
from perks.models.tills import LONGEST_SHIFT
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
    contact_person = Text(max_length=120, required=False, help_text="whom an operator asks")
    registry_number = serializers.RegexField(
        r"\A[A-Za-z0-9._/ -]{1,40}\Z", required=False, help_text="under which a register knows you"
    )
    registry = serializers.SlugField(
        max_length=40, required=False, help_text="which register; left out: your country's register of companies"
    )


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
    language = Text(max_length=12, required=False, help_text="of the texts above; `en` unless said")
    translations = serializers.DictField(
        required=False, help_text='{"de": {"title", "description", "terms", "fair_terms"}}; replaces all there were'
    )
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
    code_list = Text(
        max_length=40, allow_null=True, required=False, help_text="discounts: whose codes its takers are given"
    )


class PriceSerializer(MoneySerializer):
    """An amount that is more than nothing."""

    amount = BoundedInteger(1, 10**12)


class ScanBody(StrictSerializer):
    """What was shown at the desk: `code` or `pass`, and a nonce that is new for each scan."""

    code = Text(max_length=64, required=False)
    nonce = serializers.RegexField(r"\A[\x21-\x7e]{8,64}\Z", help_text="8 to 64 visible ASCII characters")
    branch = Text(max_length=40, required=False, help_text="a branch's id; needed where there are several")
    scanned_at = Instant(required=False, help_text="at most 72 hours ago")
    amount = PriceSerializer(required=False, help_text="gift cards only, and needed for them")
    shift = Text(max_length=40, required=False, help_text="on a till: the earlier shift in which it was scanned")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `pass` is no name a class body may give.
        return super().get_fields() | {
            "pass": Text(max_length=512, trim_whitespace=False, required=False, help_text="the whole CA1:… string")
        }

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if ("code" in said) == ("pass" in said):
            raise serializers.ValidationError({"code": ["Send either `code` or `pass`."]}, "invalid")
        return said


class TillBody(StrictSerializer):
    """A till to be paired."""

    name = Text(max_length=60)
    branch = Text(max_length=40, required=False, help_text="a branch's id; needed where there are several")
    shift_minutes = BoundedInteger(15, LONGEST_SHIFT, required=False, help_text="how long a PIN opens it; 480")


class PairBody(StrictSerializer):
    """The code a manager was shown; `name` is the device's own where it has a better one."""

    pairing_code = Text(max_length=20)
    name = Text(max_length=60, required=False)


class PinField(serializers.RegexField):
    """Four to eight digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"\A[0-9]{4,8}\Z", help_text="four to eight digits", **options)


class ShiftBody(StrictSerializer):
    """Who comes to work on a till."""

    member = Text(max_length=40, help_text="a member's id")
    pin = PinField()


class PinBody(StrictSerializer):
    pin = PinField()


class TakeBackBody(StrictSerializer):
    reason = Text(max_length=500, required=False, multiline=True, help_text="needed after ten minutes")
    scan = Text(max_length=40, required=False, help_text="gift cards: the scan that is meant, which must be the last")


class RefundBody(StrictSerializer):
    """What goes back onto the card, of which of its charges."""

    amount = PriceSerializer()
    charge = Text(max_length=40, help_text="`gift_card.charge` of the scan")


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
    name = Text(max_length=120, help_text="of an app: what people read")
    kind = serializers.ChoiceField(["server", "app"], default="server", help_text="an app waits for an operator")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES),
        min_length=1,
        max_length=len(SCOPES),
        required=False,
        help_text="of a server; an app asks people for openid and boost:read",
    )
    app = serializers.CharField(max_length=40, required=False, help_text="with boost:lookup: your app (cli_…)")
    redirect_uris = serializers.ListField(
        child=Text(max_length=500),
        min_length=1,
        max_length=10,
        required=False,
        help_text="of an app: the exact https addresses that answers are sent to",
    )
    privacy_url = serializers.URLField(max_length=500, required=False, help_text="of an app")
    terms_url = serializers.URLField(max_length=500, required=False, help_text="of an app, if it has any")

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        if SANDBOX in scopes and len(set(scopes)) > 1:
            raise serializers.ValidationError("A sandbox's client has no other scope: it meets nobody real.")
        return scopes

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        needs, may = _FIELDS_OF_CLIENT[said["kind"]]
        missing = {name: [serializers.ErrorDetail("This is needed.", "required")] for name in needs - said.keys()}
        foreign = {
            name: [serializers.ErrorDetail(f"This is not of a client of kind {said['kind']}.", "invalid")]
            for name in said.keys() - needs - may - {"name", "kind"}
        }
        if missing or foreign:
            raise serializers.ValidationError(missing | foreign)
        return said


_FIELDS_OF_CLIENT = {
    "server": ({"scopes"}, {"app"}),
    "app": ({"redirect_uris", "privacy_url"}, {"terms_url"}),
}
