"""The sandbox: test citizens who are nobody, in tables that no person's row hangs on and no real client reads."""

from django.db import models
from django.db.models import Q

from citizen_app.models import OAuthApplication


class Sandbox(models.Model):
    """One sandbox client's own little world, with a clock that its engineers set."""

    application = models.OneToOneField(OAuthApplication, models.CASCADE, related_name="sandbox")
    began_at = models.DateTimeField()  # by its own clock: since when things are as they were made, or last reset
    stands_at = models.DateTimeField(null=True)  # where its clock was set, and stays; null: the time it is

    def __str__(self) -> str:
        return f"sandbox of {self.application_id}"


class SandboxCitizen(models.Model):
    """A test citizen: what becomes of one is fixed by its case, but for whether the app is connected."""

    class Case(models.TextChoices):
        REACHED = "reached"
        NOT_REACHED = "not_reached"
        PAUSED = "paused"
        LEFT = "left"
        NEVER_CONNECTED = "never_connected"

    sandbox = models.ForeignKey(Sandbox, models.CASCADE, related_name="citizens", db_index=False)
    case = models.CharField(max_length=16, choices=Case)
    subject = models.CharField(max_length=64, unique=True)
    is_connected = models.BooleanField()
    token_hash = models.CharField(max_length=64, blank=True)
    token_ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sandbox", "case"], name="sandbox_citizen_one_per_case"),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="sandbox_token_is_one_citizen_s"
            ),
            models.CheckConstraint(
                condition=Q(case__in=["reached", "not_reached", "paused", "left", "never_connected"]),
                name="sandbox_case_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(case__in=["left", "never_connected"]) | Q(is_connected=False),
                name="sandbox_citizen_gone_is_not_connected",
            ),
            models.CheckConstraint(
                condition=Q(token_hash="") | Q(is_connected=True, token_ends_at__isnull=False),
                name="sandbox_token_of_a_connection",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} of {self.sandbox_id}"
