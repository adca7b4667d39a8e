"""The shapes of disputes: what citizens and furnishers send about them, and what they are answered."""

from rest_framework import serializers

from citizen_app.api.pagination import PageQuery
from citizen_app.api.serializers import StrictBoolean, StrictSerializer, Text, Upload
from scores.api.serializers import EntryValue
from scores.models import Dispute, DisputeEvent, Entry
from scores.services.disputes.opening import ENTRIES_AT_MOST

LONGEST = Dispute.LONGEST_STATEMENT


class DisputeInput(StrictSerializer):
    entries = serializers.ListField(
        child=Text(max_length=40), min_length=1, max_length=ENTRIES_AT_MOST, help_text="ids of records of one source"
    )
    ground = serializers.ChoiceField(Dispute.Ground.choices)
    statement = Text(max_length=LONGEST, multiline=True)
    evidence = Upload(required=False, help_text="a picture (JPEG, PNG, WebP) or PDF of at most 5 MiB")
    share_evidence = StrictBoolean(default=False, help_text="true: the furnisher may see the file too")


class AppealInput(StrictSerializer):
    statement = Text(max_length=LONGEST, multiline=True, required=False)
    evidence = Upload(required=False, help_text="a picture (JPEG, PNG, WebP) or PDF of at most 5 MiB")


class EvidenceSerializer(serializers.Serializer):
    id = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    sha256 = serializers.CharField()
    added_at = serializers.DateTimeField()


class DisputeEventSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(DisputeEvent.What.choices)
    by = serializers.ChoiceField(DisputeEvent.By.choices)
    text = serializers.CharField(help_text="what was written with it, if anything")
    difference = serializers.IntegerField(allow_null=True, help_text="by how much it moved the score")


class DisputedEntrySerializer(serializers.Serializer):
    id = serializers.CharField()
    kind = serializers.CharField()
    title = serializers.CharField()
    occurred_on = serializers.DateField()
    value = EntryValue(help_text="a number with at most four decimals")
    status = serializers.ChoiceField(Entry.Status.choices)


class DisputeSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(Dispute.State.choices)
    source = serializers.CharField()  # type: ignore[assignment]
    source_name = serializers.CharField()
    ground = serializers.ChoiceField(Dispute.Ground.choices)
    statement = serializers.CharField()
    entries = DisputedEntrySerializer(many=True)
    benefit_of_the_doubt = serializers.BooleanField(help_text="whether its records count only where they help")
    raised_again = serializers.BooleanField(help_text="whether an operator looks at it before the furnisher is asked")
    opened_at = serializers.DateTimeField()
    due_on = serializers.DateField(allow_null=True, help_text="the last day, in UTC, for the furnisher to answer")
    days_left = serializers.IntegerField(allow_null=True)
    answer = serializers.ChoiceField(Dispute.Position.choices, allow_null=True)
    appeal_until = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    share_evidence = serializers.BooleanField()
    evidence = EvidenceSerializer(many=True)
    timeline = DisputeEventSerializer(many=True)


class EffectSerializer(serializers.Serializer):
    now = serializers.IntegerField(allow_null=True)
    if_upheld = serializers.IntegerField(allow_null=True)
    if_rejected = serializers.IntegerField(allow_null=True)


class WholeDisputeSerializer(DisputeSerializer):
    effect = EffectSerializer(allow_null=True, help_text="the score now and after each decision; null once it is over")


# -- Furnishers ---------------------------------------------------------------------------------------------------


class SourceDisputesQuery(PageQuery):
    state = serializers.ChoiceField(["unanswered", "open", "ended"], required=False)


class SourceDisputeSerializer(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField(Dispute.State.choices)
    subject = serializers.CharField()
    external_ids = serializers.ListField(child=serializers.CharField())
    ground = serializers.ChoiceField(Dispute.Ground.choices)
    statement = serializers.CharField()
    asked_at = serializers.DateTimeField()
    due_on = serializers.DateField(help_text="the last day, in UTC, to answer; after it the records are struck")
    days_left = serializers.IntegerField(allow_null=True)
    due_soon = serializers.BooleanField(help_text="five days or fewer are left")
    reminders = serializers.IntegerField(help_text="how often you were reminded: on days 15, 25 and 28")
    answer = serializers.ChoiceField(Dispute.Position.choices, allow_null=True)
    evidence = EvidenceSerializer(many=True, help_text="only what the citizen shares with you")


class CorrectionInput(StrictSerializer):
    occurred_on = Text(max_length=10, help_text="YYYY-MM-DD")
    value = EntryValue(required=False, help_text="a number or decimal text; 0 unless said")


class AnswerInput(StrictSerializer):
    position = serializers.ChoiceField(Dispute.Position.choices)
    statement = Text(max_length=LONGEST, multiline=True, required=False, help_text="the citizen reads it")
    entry = CorrectionInput(required=False, help_text="with `correct`: what the record should have said")
