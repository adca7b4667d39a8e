"""What followed from the entries: the scorecard in force, the score, and every change of it with its lines."""

from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed
from scores.explaining import Explanation
from scores.models.enrolment import Enrolment
from scores.scoring import Scoring


class Scorecard(models.Model):
    """A versioned, immutable document; exactly one is current. The database refuses to change one that is published."""

    version = models.CharField(max_length=16, unique=True)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(null=True)
    is_current = models.BooleanField(default=False)
    note = models.TextField(blank=True)  # what changed and why, for the public

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="scorecard_one_current"),
            models.CheckConstraint(
                condition=Q(is_current=False) | Q(published_at__isnull=False), name="scorecard_current_is_published"
            ),
        ]

    def __str__(self) -> str:
        return self.version


class Score(models.Model):
    """The score of one live enrolment, as last computed; its lines are computed again when they are read.

    `kept` sums up the computation of the latest history row ({"base", "factors", "range_clamped", "rounding"}) and
    `compared_with` is its whole explanation, from which the next row's lines are told. A row that was made for a whole
    population has no explanation kept: `compared_upto` is then the last entry it knew, from which the explanation is
    made again. Points inside are integer micro-points.
    """

    class State(models.TextChoices):
        THIN_FILE = "thin_file"
        SCORED = "scored"

    enrolment = models.OneToOneField(
        Enrolment, models.RESTRICT, primary_key=True, db_column="citizen_id", related_name="score"
    )
    scorecard = models.ForeignKey(Scorecard, models.RESTRICT, related_name="+")
    state = models.CharField(max_length=12, choices=State)
    value = models.PositiveSmallIntegerField(null=True)
    factors = models.JSONField(default=dict)  # {code: micro-points}
    purposes = models.JSONField()  # {code: {"state", "value"}}
    kept = models.JSONField(default=dict)
    compared_with = models.JSONField(null=True)
    compared_upto = models.BigIntegerField(null=True)
    as_of = models.DateField()
    computed_at = models.DateTimeField()
    revision = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="scored", value__isnull=False) | Q(state="thin_file", value__isnull=True),
                name="score_value_iff_scored",
            ),
        ]

    explanation: Explanation | None = None
    """Every line of it, where it has just been computed; not stored."""

    def __str__(self) -> str:
        return f"score of {self.enrolment_id}"

    def follows_from(self, result: Scoring) -> bool:
        """Whether this is what was computed, for everything and for each purpose."""
        purposes = {code: one._asdict() for code, one in result.purposes.items()}
        stored = self.state, self.value, self.factors, self.purposes
        return stored == (result.state, result.value, result.factors, purposes)


class ScoreChange(IntegerNamed):
    """One row of the history: written when state or value differs from the row before.

    `lines` are the API's lines with integer micro-points and bigint entry ids; they sum to `difference` exactly, or to
    `value` when there was no value before.
    """

    class Cause(models.TextChoices):
        ENROLLED = "enrolled"
        ENTRIES = "entries"
        DISPUTE = "dispute"
        SOURCE = "source"
        MONTH = "month"
        SCORECARD = "scorecard"

    prefix = "chg"
    enrolment = models.ForeignKey(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="score_changes")
    at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=Score.State)
    value = models.PositiveSmallIntegerField(null=True)
    previous = models.PositiveSmallIntegerField(null=True)
    difference = models.SmallIntegerField(null=True)
    cause = models.CharField(max_length=12, choices=Cause)
    scorecard_version = models.CharField(max_length=16)
    lines = models.JSONField(default=list)
    is_monthly = models.BooleanField(default=False, db_default=False)  # old, and what its month is remembered by

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(previous__isnull=False, value__isnull=False, difference=F("value") - F("previous"))
                | (Q(difference__isnull=True) & (Q(previous__isnull=True) | Q(value__isnull=True))),
                name="score_change_difference_is_exact",
            ),
        ]
        indexes = [
            # One citizen's history, newest first.
            models.Index(fields=["enrolment", "-id"], name="score_change_of_citizen"),
            # The daily thinning of what is older than 24 months.
            models.Index(fields=["at"], condition=Q(is_monthly=False), name="score_change_kept_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment_id}: {self.cause}"
