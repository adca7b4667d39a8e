"""The rescoring of everybody, as it goes on."""

from django.db import models
from django.db.models import F, Q

from scores.models.results import Scorecard


class RescoringRun(models.Model):
    """Everybody's scores made again after a month's turn or a publication: how far it is, never whose.

    Counts are of scores: `total_count` those there were to make at the start, `done_count` those made since (by the
    run; a score that its citizen's own rescoring overtook is not among them), `changed_count` those whose state or
    value changed.
    """

    class Cause(models.TextChoices):
        MONTH = "month"
        SCORECARD = "scorecard"

    id = models.BigAutoField(primary_key=True)
    cause = models.CharField(max_length=12, choices=Cause)
    scorecard = models.ForeignKey(Scorecard, models.RESTRICT, related_name="runs")
    as_of = models.DateField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    total_count = models.PositiveIntegerField()
    done_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scorecard"], condition=Q(finished_at__isnull=True), name="rescoring_run_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(cause__in=["month", "scorecard"]), name="rescoring_run_cause_is_known"),
            models.CheckConstraint(
                condition=Q(changed_count__lte=F("done_count")), name="rescoring_run_changed_are_among_done"
            ),
        ]

    def __str__(self) -> str:
        return f"rescoring {self.pk} ({self.cause})"
