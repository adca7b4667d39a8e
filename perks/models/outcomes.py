"""What became of something that was taken, on its way to being a record of its citizen."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption


class Outcome(IntegerNamed):
    """One outcome that became a record: at most one of each kind per redemption, and one kept booking or return per
    citizen, merchant and week."""

    prefix = "out"
    redemption = models.ForeignKey(Redemption, models.CASCADE, related_name="outcomes")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="outcomes")
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="outcomes")
    kind = models.CharField(max_length=40)  # of the catalogue: fulfilment.booking, …
    week = models.CharField(max_length=8)  # ISO 8601, of the day it happened: 2026-W48
    recorded_at = models.DateTimeField()
    struck_at = models.DateTimeField(null=True)  # it was taken back

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["redemption"], name="outcome_one_per_redemption"),
            models.UniqueConstraint(
                fields=["citizen", "merchant", "week"],
                condition=Q(struck_at__isnull=True),
                name="outcome_one_per_citizen_merchant_and_week",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
