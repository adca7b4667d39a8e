"""Phone numbers that people have shown to be theirs."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Phone(models.Model):
    """The number of one account, proved by a code sent to it. It signs nobody in and resets nothing."""

    citizen = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="phone", primary_key=True, db_column="citizen_id"
    )
    number = models.CharField(max_length=16)  # E.164: +351912345678
    verified_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="phone_of_one_account"),
            models.CheckConstraint(condition=Q(number__regex=r"^\+[1-9][0-9]{5,14}$"), name="phone_is_e164"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.number[:4]}…"
