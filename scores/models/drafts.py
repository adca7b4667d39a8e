"""Scorecards on their way to being published: the draft two operators write and publish, and what it would change."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from scores.models.results import Scorecard


class ScorecardDraft(UUIDNamed):
    """A scorecard that is being written. It may have faults until it is submitted; nothing is scored with it.

    `document` is the form scorecards are kept in (numbers as decimal text), `note` what the public reads about the
    change. Everybody who wrote on it is among `writers`, and none of them publishes it.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        PUBLISHED = "published"

    prefix = "scd"
    document = models.JSONField()
    note = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    refusal = models.TextField(blank=True)
    based_on = models.ForeignKey(Scorecard, models.RESTRICT, related_name="+")
    published = models.OneToOneField(Scorecard, models.RESTRICT, null=True, related_name="draft")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    writers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "refused", "withdrawn", "published"]),
                name="scorecard_draft_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="published", published__isnull=False)
                | (~Q(state="published") & Q(published__isnull=True)),
                name="scorecard_draft_published_has_its_scorecard",
            ),
        ]
        indexes = [
            # The operators' list of what is being written, newest first.
            models.Index(fields=["state", "-changed_at"], name="scorecard_draft_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"


class ShadowRun(UUIDNamed):
    """What a draft would change for everybody, added up: only totals are ever kept, and none below 20 people is told.

    The run goes through the population in ranges of citizens up to `position`; `tally` holds the totals so far,
    sealed, and is emptied when the run is over. `result` is what may be told. Nobody's result is stored.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    prefix = "shr"
    draft = models.ForeignKey(ScorecardDraft, models.CASCADE, related_name="shadow_runs")
    draft_revision = models.PositiveIntegerField()
    against = models.ForeignKey(Scorecard, models.RESTRICT, related_name="+")
    document = models.JSONField()
    thresholds = models.JSONField(default=list)  # [{"purpose", "min_score", "perks", "labels"}]
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    as_of = models.DateField()
    position = models.BigIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    total_count = models.PositiveIntegerField()
    tally = models.TextField(blank=True)
    result = models.JSONField(null=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["draft"], condition=Q(state="running"), name="shadow_run_one_at_a_time_of_a_draft"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | (Q(state__in=["done", "cancelled"]) & Q(finished_at__isnull=False, tally="")),
                name="shadow_run_keeps_no_tally_once_over",
            ),
            models.CheckConstraint(
                condition=Q(state="done", result__isnull=False) | (~Q(state="done") & Q(result__isnull=True)),
                name="shadow_run_tells_only_when_done",
            ),
        ]
        indexes = [
            # The latest run of a draft's revision.
            models.Index(fields=["draft", "-started_at"], name="shadow_run_of_draft"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"
