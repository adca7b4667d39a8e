"""Taking one's data along: what was asked for, how far it is, and where the file lies until it goes."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from citizen_app.models.keys import NamedQuerySet, UUIDNamed


class DataExport(UUIDNamed):
    """One person's copy of every row about them; the file lies in private storage under a name nobody can guess."""

    prefix = "exp"
    KEPT = timedelta(days=7)

    class State(models.TextChoices):
        MAKING = "making"
        READY = "ready"

    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="exports")
    state = models.CharField(max_length=8, choices=State, default=State.MAKING)
    asked_at = models.DateTimeField(default=timezone.now)
    done_count = models.PositiveIntegerField(default=0)
    total_count = models.PositiveIntegerField(default=0)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    name = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["citizen"], condition=Q(state="making"), name="data_export_one_in_the_making_per_citizen"
            ),
            models.CheckConstraint(
                condition=Q(state="making", ready_at__isnull=True, name="")
                | (Q(state="ready", ready_at__isnull=False) & ~Q(name="")),
                name="data_export_has_a_file_iff_ready",
            ),
            models.CheckConstraint(
                condition=Q(done_count__lte=models.F("total_count")), name="data_export_does_no_more_than_all"
            ),
        ]
        indexes = [
            # The page: one person's, newest first.
            models.Index(fields=["citizen", "-asked_at"], name="data_export_of_citizen"),
            # Forgetting: whose time is over.
            models.Index(fields=["expires_at"], name="data_export_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"
