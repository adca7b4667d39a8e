"""What citizens report about perks, and the cases operators decide."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from perks.models.catalogue import Perk
from perks.models.merchants import Merchant


class ReportCase(UUIDNamed):
    """What is said against one perk, until an operator decides: several open reports of it are one case."""

    class State(models.TextChoices):
        OPEN = "open"
        DISMISSED = "dismissed"
        PERK_PAUSED = "perk_paused"
        MERCHANT_SUSPENDED = "merchant_suspended"

    prefix = "case"
    perk = models.ForeignKey(Perk, models.RESTRICT, related_name="report_cases")
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="report_cases")
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.TextField(blank=True)  # as the reporters and the merchant read it

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk"], condition=Q(state="open"), name="report_case_one_open_per_perk"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | Q(state__in=["dismissed", "perk_paused", "merchant_suspended"], decided_at__isnull=False),
                name="report_case_decided_iff_dated",
            ),
        ]
        indexes = [
            # The operators' queue, the longest waiting first.
            models.Index(fields=["opened_at"], condition=Q(state="open"), name="report_case_waiting"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Report(UUIDNamed):
    """What one citizen reports. Its merchant never learns who; when the citizen leaves, who and what are erased."""

    class Ground(models.TextChoices):
        COERCED = "coerced"
        NOT_HONOURED = "not_honoured"
        MISLEADING = "misleading"
        OTHER = "other"

    prefix = "rep"
    case = models.ForeignKey(ReportCase, models.CASCADE, related_name="reports")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="perk_reports")
    ground = models.CharField(max_length=12, choices=Ground)
    statement = models.TextField(blank=True)
    made_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "citizen"], name="report_one_per_citizen_and_case"),
            models.CheckConstraint(
                condition=Q(ground__in=["coerced", "not_honoured", "misleading", "other"]),
                name="report_ground_is_known",
            ),
        ]
        indexes = [
            # A citizen's own reports, and how many they made today.
            models.Index(fields=["citizen", "-made_at"], name="report_of_citizen"),
        ]

    def __str__(self) -> str:
        return self.public_id
