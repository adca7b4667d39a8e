"""Who asked to be scored. The row exists exactly while the enrolment is live (P1)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models import ConsentEvent


class Enrolment(models.Model):
    """A person's live enrolment; leaving deletes it, and what had happened stays in the consent events.

    Everything scored hangs on this row by a foreign key, so there is no score, entry or link without it. `person_key`
    is a keyed hash of the document check's reference (`scores.services.identity`).
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"

    citizen = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.RESTRICT, primary_key=True, related_name="enrolment"
    )
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    enrolled_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    consent = models.ForeignKey(ConsentEvent, models.RESTRICT, related_name="+")
    consent_version = models.CharField(max_length=16)
    person_key = models.CharField(max_length=64, null=True)
    document_checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_key"], name="enrolment_one_live_per_person"),
            models.CheckConstraint(condition=Q(state__in=["active", "paused"]), name="enrolment_state_is_known"),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False) | Q(state="active", paused_at__isnull=True),
                name="enrolment_paused_at_iff_paused",
            ),
            models.CheckConstraint(
                condition=Q(person_key__isnull=True, document_checked_at__isnull=True)
                | Q(person_key__isnull=False, document_checked_at__isnull=False),
                name="enrolment_person_key_iff_checked",
            ),
        ]

    def __str__(self) -> str:
        return f"enrolment {self.citizen_id} ({self.state})"
