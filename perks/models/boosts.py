"""Boosts: what a dating app reads about somebody who took its boost perk, for a term, and never a score (P4)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.indexes import CoveringIndex
from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption


class BoostGrantQuerySet(NamedQuerySet):
    def running(self) -> "BoostGrantQuerySet":
        """Those an app may read."""
        return self.filter(ended_at=None)

    def end(self, *, now: Any, why: str) -> int:
        """End those that run, by a guarded update; return how many."""
        return self.running().update(ended_at=now, ended_because=why)


class BoostGrant(UUIDNamed):
    """One person's boost at one app. It was judged once and is frozen until the day it is judged again.

    That day is drawn at random for each grant, so that the days on which two apps see somebody's boost change tell
    them nothing together.
    """

    class Ended(models.TextChoices):
        NOT_REACHED = "not_reached"
        PAUSED = "paused"
        DISCONNECTED = "disconnected"
        OVER = "over"  # the perk ended

    prefix = "boost"
    redemption = models.OneToOneField(Redemption, models.RESTRICT, related_name="boost")
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="boosts")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="boosts")
    boost = models.CharField(max_length=4)  # "1.01" to "1.50"
    granted_at = models.DateTimeField()
    term_ends_at = models.DateTimeField()
    judged_again_at = models.DateTimeField()  # never told: see above
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=12, choices=Ended, blank=True)

    objects = BoostGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "citizen"], condition=Q(ended_at__isnull=True), name="boost_one_running_per_app"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_because="")
                | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="boost_ended_says_why",
            ),
            models.CheckConstraint(
                condition=Q(judged_again_at__gte=models.F("term_ends_at")), name="boost_is_frozen_for_its_term"
            ),
        ]
        indexes = [
            # An app's look-up of the people connected to it.
            CoveringIndex(
                fields=["merchant", "citizen"],
                covers=["boost"],
                condition=Q(ended_at__isnull=True),
                name="boost_running_at_app",
            ),
            # The sweep of those to be judged again.
            models.Index(fields=["judged_again_at"], condition=Q(ended_at__isnull=True), name="boost_to_judge_again"),
        ]

    def __str__(self) -> str:
        return self.public_id


class BoostRead(models.Model):
    """One call in which an app read boosts, and the connected people it was about.

    Within seconds it becomes one inquiry per person, app and day, and the row goes (`services.boost_reads`).
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    citizens = models.JSONField(default=list)  # their ids; none where nobody it named was connected

    def __str__(self) -> str:
        return f"{self.merchant_id} read {len(self.citizens)} at {self.at}"
