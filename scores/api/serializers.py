"""The shapes of what citizens and furnishers send and are answered; the answers' are also what the schema says."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from citizen_app.api.pagination import PageQuery
from citizen_app.api.serializers import (
    BoundedInteger,
    Instant,
    LocalDate,
    StrictBoolean,
    StrictSerializer,
    Text,
)
from scores import catalogue
from scores.models import Entry, Inquiry, ScoreChange

WHAT_IF_LIMIT = 120


class Points(serializers.CharField):
    """A field of points: decimal text with exactly six decimals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(help_text="points as decimal text with exactly six decimals", **options)


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "string"}]})
class EntryValue(serializers.Field):
    """An entry's value as it was sent, a number or decimal text; its kind judges it (`scores.catalogue`)."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


# -- Enrolment --------------------------------------------------------------------------------------------------


class ConsentTextSerializer(serializers.Serializer):
    version = serializers.CharField()
    language = serializers.CharField()
    text = serializers.CharField()
    sha256 = serializers.CharField(help_text="of the text's UTF-8 bytes")


class EnrolmentInput(StrictSerializer):
    consent_version = Text(max_length=16)
    adult = StrictBoolean(default=False, help_text="Your declaration that you are of age; must be true.")
    language = Text(max_length=12, required=False, help_text="In which the consent text was read.")


class EnrolmentSerializer(serializers.Serializer):
    state = serializers.ChoiceField(["active", "paused"])
    enrolled_at = serializers.DateTimeField()
    consent_version = serializers.CharField()
    paused_at = serializers.DateTimeField(allow_null=True)
    document_checked_at = serializers.DateTimeField(allow_null=True)


# -- The score --------------------------------------------------------------------------------------------------


class RangeSerializer(serializers.Serializer):
    min = serializers.IntegerField()
    max = serializers.IntegerField()


class BandSerializer(serializers.Serializer):
    code = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:
        # A field of this name cannot be written as a class attribute.
        return super().get_fields() | {"from": serializers.IntegerField()}


class FactorSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    points = Points()
    min = serializers.FloatField()
    max = serializers.FloatField()

    def to_representation(self, factor: Any) -> dict[str, Any]:
        # Limits are whole points but for odd scorecards, and are written as such.
        return super().to_representation(factor) | {"min": factor["min"], "max": factor["max"]}


class PurposeSerializer(serializers.Serializer):
    state = serializers.ChoiceField(["assessable", "not_enough_records"])
    value = serializers.IntegerField(allow_null=True)
    factors = serializers.ListField(child=serializers.CharField())


class ScoreReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()
    points = Points()
    lost = Points()
    entries = serializers.ListField(child=serializers.CharField())
    needed = serializers.IntegerField(required=False, help_text="entries_needed only: how many more")


class ReasonsSerializer(serializers.Serializer):
    helping = ScoreReasonSerializer(many=True)
    costing = ScoreReasonSerializer(many=True)


class ChangeSerializer(serializers.Serializer):
    value = serializers.IntegerField(help_text="the difference")
    since = serializers.DateTimeField()
    because = serializers.CharField()
    cause = serializers.ChoiceField(ScoreChange.Cause.choices)


class NextBandSerializer(serializers.Serializer):
    code = serializers.CharField()
    points_to_go = serializers.IntegerField()


class ScoreSerializer(serializers.Serializer):
    state = serializers.ChoiceField(["scored", "thin_file", "paused"])
    value = serializers.IntegerField(allow_null=True)
    band = serializers.CharField(allow_null=True)
    range = RangeSerializer()
    as_of = serializers.DateField()
    scorecard = serializers.CharField()
    base = Points()
    percentile = serializers.IntegerField(allow_null=True)
    bands = BandSerializer(many=True)
    factors = FactorSerializer(many=True)
    purposes = serializers.DictField(child=PurposeSerializer())
    reasons = ReasonsSerializer()
    change = ChangeSerializer(allow_null=True)
    next_band = NextBandSerializer(allow_null=True)


class LineSerializer(serializers.Serializer):
    kind = serializers.CharField()
    text = serializers.CharField()
    points = Points()
    entry_id = serializers.CharField(required=False)


class HistoryRowSerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(["scored", "thin_file"])
    value = serializers.IntegerField(allow_null=True)
    previous = serializers.IntegerField(allow_null=True)
    difference = serializers.IntegerField(allow_null=True)
    cause = serializers.ChoiceField(ScoreChange.Cause.choices)
    because = serializers.CharField()
    scorecard = serializers.CharField()
    lines = LineSerializer(many=True)


class EntryLineSerializer(serializers.Serializer):
    id = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    occurred_on = serializers.DateField(allow_null=True)
    points = Points()
    weight = serializers.IntegerField(help_text="out of 1,000")
    counts = serializers.BooleanField()
    why_not = serializers.CharField(allow_null=True)


class RuleLineSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    points = Points()
    capped = Points()
    entries = EntryLineSerializer(many=True)


class FactorLineSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    points = Points()
    capped = Points()
    rules = RuleLineSerializer(many=True)


class ExplanationSerializer(serializers.Serializer):
    state = serializers.ChoiceField(["scored", "thin_file"])
    value = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateField()
    scorecard = serializers.CharField()
    base = Points()
    factors = FactorLineSerializer(many=True)
    range_clamped = Points()
    rounding = Points()
    unused = EntryLineSerializer(many=True, help_text="entries of kinds the scorecard has no rule for")


class HypotheticalInput(StrictSerializer):
    kind = serializers.ChoiceField(catalogue.CODES)
    occurred_on = LocalDate(required=False, help_text="today unless said")
    value = EntryValue(required=False, help_text="a number, or decimal text; 0 unless said")
    count = BoundedInteger(1, WHAT_IF_LIMIT, default=1)


class WhatIfInput(StrictSerializer):
    add = HypotheticalInput(many=True, required=False)
    without = serializers.ListField(child=Text(max_length=40), required=False, max_length=10_000)


class WhatIfSerializer(serializers.Serializer):
    state = serializers.ChoiceField(["scored", "thin_file"])
    value = serializers.IntegerField(allow_null=True)
    difference = serializers.IntegerField(allow_null=True)
    factors = FactorSerializer(many=True)
    purposes = serializers.DictField(child=PurposeSerializer())


# -- Entries, sources, inquiries ----------------------------------------------------------------------------------


class EntryQuery(PageQuery):
    kind = serializers.ChoiceField(catalogue.CODES, required=False)
    factor = Text(max_length=64, required=False)
    source = Text(max_length=40, required=False)  # type: ignore[assignment]
    status = serializers.ChoiceField(Entry.Status.choices, required=False)


class EntrySerializer(serializers.Serializer):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_name = serializers.CharField()
    kind = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField()
    occurred_on = serializers.DateField()
    value = EntryValue(help_text="a number with at most four decimals")
    status = serializers.ChoiceField(Entry.Status.choices)
    lapses_on = serializers.DateField()
    points = Points()
    recorded_at = serializers.DateTimeField()


class SourceFurnisherSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class SourceSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(["on", "off", "unlinked"])
    since = serializers.DateTimeField(allow_null=True)
    kinds = serializers.ListField(child=serializers.CharField(), help_text="what it may send")
    is_demo = serializers.BooleanField()
    furnisher = SourceFurnisherSerializer(help_text="who sends; its record is at `/api/v1/furnishers/{id}`")


class PreviewQuery(StrictSerializer):
    preview = StrictBoolean(default=False, help_text="1: tell what it would do, and change nothing")


class SwitchInput(StrictSerializer):
    on = StrictBoolean()


class PurposePreviewSerializer(serializers.Serializer):
    before = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)


class PreviewSerializer(serializers.Serializer):
    before = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)
    purposes = serializers.DictField(child=PurposePreviewSerializer())


class LinkCodeSerializer(serializers.Serializer):
    link_code = serializers.CharField(help_text="8 characters, 15 minutes, one use")
    expires_at = serializers.DateTimeField()
    redirect_url = serializers.URLField(required=False)
    consent = ConsentTextSerializer(help_text="what handing the code over agrees to")


class AskedBySerializer(serializers.Serializer):
    kind = serializers.ChoiceField(Inquiry.AskedBy.choices)
    id = serializers.CharField()
    name = serializers.CharField()


class InquirySerializer(serializers.Serializer):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    count = serializers.IntegerField()
    asked_by = AskedBySerializer()
    what = serializers.ChoiceField(Inquiry.What.choices)
    about = serializers.CharField()
    reason = serializers.CharField(allow_blank=True, help_text="why an operator looked, in their words; else empty")
    consent = serializers.CharField(help_text="what it rests on: `scoring`, `source:<code>`, or a sentence")


# -- Furnishers ---------------------------------------------------------------------------------------------------


class SourceLinkInput(StrictSerializer):
    link_code = Text(max_length=32)
    subject = Text(max_length=128, help_text="your own id of the citizen: A–Z a–z 0–9 . _ : -")


class SourceLinksQuery(PageQuery):
    changed_since = Instant(required=False)


class SourceLinkSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="what webhooks call the link")
    subject = serializers.CharField()
    state = serializers.ChoiceField(["on", "off", "ended"])
    since = serializers.DateTimeField()


class EntryRowSerializer(serializers.Serializer):
    """One row of a batch; each is judged for itself."""

    external_id = serializers.CharField(max_length=128)
    subject = serializers.CharField(max_length=128)
    kind = serializers.CharField()
    occurred_on = serializers.DateField()
    value = EntryValue(required=False, help_text="a number or decimal text; 0 unless said")
    replaces = serializers.CharField(max_length=128, required=False)


class BatchSerializer(serializers.Serializer):
    entries = EntryRowSerializer(many=True)


class BatchQuery(StrictSerializer):
    dry_run = StrictBoolean(default=False, help_text="1: judge everything, store nothing")


class RejectionSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    external_id = serializers.CharField(allow_null=True)
    code = serializers.ChoiceField(
        [
            "invalid",
            "unknown_kind",
            "kind_not_allowed",
            "bad_value",
            "in_the_future",
            "too_old",
            "not_linked",
            "entry_contradicted",
        ]
    )
    detail = serializers.CharField()
    pointer = serializers.CharField(required=False)


class BatchAnswerSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectionSerializer(many=True)


class RetractQuery(StrictSerializer):
    subject = Text(max_length=128)
