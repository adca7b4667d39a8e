"""Operators who open a person's file: one at a time, for half an hour, so many a day, and never their own (P9).

The rows hold open what may be read now, and are erased when nobody needs them for that; what its citizen reads is the
inquiry, and what is accounted for is the record of acts.
"""

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from scores.models.enrolment import Enrolment

OPENINGS_A_DAY: Final = 30


class FileDay(models.Model):
    """How many look-ups an operator has made on a day (in UTC), and how many they may make.

    A look-up that finds nobody counts like any other, so that guessing is rationed too.
    """

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, related_name="+", db_index=False)
    day = models.DateField()
    count = models.PositiveSmallIntegerField(default=0)
    limit = models.PositiveSmallIntegerField(default=OPENINGS_A_DAY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "day"], name="file_day_is_counted_once"),
            models.CheckConstraint(condition=Q(count__lte=F("limit")), name="file_day_is_not_exceeded"),
        ]
        indexes = [
            # Forgetting days that are over.
            models.Index(fields=["day"], name="file_day_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.operator_id} on {self.day}: {self.count} of {self.limit}"


class FileAllowance(UUIDNamed):
    """An operator's request to open more files today than one may alone, decided by another operator."""

    prefix = "fal"
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, related_name="+")
    day = models.DateField()
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(default=False)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "day"], condition=Q(decided_at=None), name="file_allowance_waits_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None, decided_at=None, is_granted=False)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="file_allowance_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("operator")), name="file_allowance_takes_two_operators"
            ),
        ]
        indexes = [
            # What waits for another operator today; forgetting days that are over.
            models.Index(fields=["day"], name="file_allowance_by_day"),
        ]

    def __str__(self) -> str:
        return self.public_id


class FileOpening(UUIDNamed):
    """One operator's leave to read one person's file, as one of their roles, for a reason the person reads."""

    class Reason(models.TextChoices):
        """No others: these are what the text of being scored lets an operator open a file for."""

        ASKED = "asked", "You asked for help"
        DISPUTE = "dispute", "You dispute a record"

    prefix = "fil"
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, related_name="+", db_index=False)
    enrolment = models.ForeignKey(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="file_openings")
    role = models.CharField(max_length=12)
    reason = models.CharField(max_length=12, choices=Reason)
    note = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operator"], condition=Q(closed_at=None), name="file_opening_one_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(enrolment=F("operator")), name="file_opening_is_not_ones_own"),
            models.CheckConstraint(
                condition=Q(role__in=["disputes", "merchants", "support"]), name="file_opening_role_opens_files"
            ),
            models.CheckConstraint(condition=Q(reason__in=["asked", "dispute"]), name="file_opening_reason_is_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("opened_at")), name="file_opening_ends_after_it_began"),
        ]
        indexes = [
            # Forgetting openings that are over.
            models.Index(fields=["expires_at"], name="file_opening_by_end"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def reason_text(self) -> str:
        """The whole reason, as the citizen reads it."""
        return f"{self.get_reason_display()}: {self.note}"


class FileUnmasking(models.Model):
    """That a field of an opened file was shown in full."""

    opening = models.ForeignKey(FileOpening, models.CASCADE, related_name="unmaskings", db_index=False)
    field = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opening", "field"], name="file_unmasking_is_recorded_once"),
            models.CheckConstraint(
                condition=Q(field__in=["name", "email", "document"]), name="file_unmasking_field_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.opening_id}: {self.field}"
