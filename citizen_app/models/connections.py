"""Which app a person has let in, for how long it lasted, and the name each app knows them by."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.clients import OAuthApplication
from citizen_app.models.keys import NamedQuerySet, UUIDNamed


def new_subject() -> str:
    """A name nobody can guess or derive: 192 bits by lot."""
    return secrets.token_urlsafe(24)


class PairwiseSubject(models.Model):
    """What the apps of one sector call a person. Two sectors share no name, so they cannot compare notes."""

    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="pairwise_subjects")
    sector = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, default=new_subject, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["citizen", "sector"], name="subject_one_per_sector"),
            models.UniqueConstraint(fields=["subject"], name="subject_names_one_person"),
        ]

    def __str__(self) -> str:
        return self.subject


class ConnectionQuerySet(NamedQuerySet):
    def running(self) -> "ConnectionQuerySet":
        return self.filter(ended_at=None)


class Connection(UUIDNamed):
    """One app a person let in, and what with. Ended ones stay until their person leaves: they may look back."""

    class Ended(models.TextChoices):
        DISCONNECTED = "disconnected"
        LEFT = "left"
        LAPSED = "lapsed"
        SWITCHED_OFF = "switched_off"
        APP_CLOSED = "app_closed"

    prefix = "con"
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="connections")
    application = models.ForeignKey(OAuthApplication, models.CASCADE, related_name="connections")
    scopes = models.JSONField(default=list)
    connected_at = models.DateTimeField()
    # When the app last exchanged a code or a refresh token: unused for thirty days, the connection lapses.
    renewed_at = models.DateTimeField()
    # SHA-256 of the code exchanged last: one that comes again ends what the first exchange gave.
    spent_code = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=12, choices=Ended, blank=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["citizen", "application"], condition=Q(ended_at=None), name="connection_one_running_per_app"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_because="") | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="connection_ended_because_iff_ended",
            ),
            models.CheckConstraint(
                condition=Q(ended_because__in=["", "disconnected", "left", "lapsed", "switched_off", "app_closed"]),
                name="connection_ended_because_is_known",
            ),
        ]
        indexes = [
            # The person's own list, newest first.
            models.Index(fields=["citizen", "-connected_at"], name="connection_of_citizen"),
            # The sweep: connections their apps have not used for a month.
            models.Index(fields=["renewed_at"], condition=Q(ended_at=None), name="connection_unused"),
            # A code that comes a second time.
            models.Index(fields=["spent_code"], condition=~Q(spent_code=""), name="connection_by_spent_code"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id} and {self.application_id}"
