"""What a person agreed to, refused and took back: append-only, with the very text they saw."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet


class ConsentText(models.Model):
    """One numbered text in one language, kept for as long as an event points to it."""

    purpose = models.CharField(max_length=64)
    version = models.CharField(max_length=16)
    language = models.CharField(max_length=12)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "version", "language"], name="consent_text_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version} ({self.language})"


class ConsentEvent(IntegerNamed):
    """One act of consent. The current state is elsewhere: an enrolment, a link, a connection."""

    class Act(models.TextChoices):
        GIVEN = "given"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    prefix = "cns"
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consent_events")
    at = models.DateTimeField()
    act = models.CharField(max_length=12, choices=Act)
    purpose = models.CharField(max_length=64)  # "scoring", "source:<code>", "app:<client>"
    text_version = models.CharField(max_length=16)
    text_sha256 = models.CharField(max_length=64)
    language = models.CharField(max_length=12)
    # What was ticked where a text leaves a choice: an app's scopes, as OAuth writes them; empty where there is none.
    scopes = models.CharField(max_length=200, blank=True, default="", db_default="")
    via = models.CharField(max_length=64)  # "web", "app", "operator", "furnisher:<source>", "command", "owner"

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(act__in=["given", "refused", "withdrawn"]), name="consent_event_act_is_known"
            ),
        ]
        indexes = [
            # The consent centre: one person's events, newest first.
            models.Index(fields=["citizen", "-id"], name="consent_event_of_citizen"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id} {self.act} {self.purpose}"
