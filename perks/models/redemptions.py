"""Who took a perk: one citizen's right to one benefit, shown to the merchant as a code."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks.models.catalogue import Perk, PerkVersion
from perks.models.merchants import Branch, Merchant


class Redemption(UUIDNamed):
    """One taking of a perk, judged and frozen at that moment.

    Code, pass and seed are derived from the key under the server's secret; only the code's keyed hash is stored.
    `citizen` becomes null when the person has left and nothing is open (P10).
    """

    class State(models.TextChoices):
        RESERVED = "reserved"
        REDEEMED = "redeemed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"
        REVERSED = "reversed"

    prefix = "red"
    perk = models.ForeignKey(Perk, models.RESTRICT, related_name="redemptions")
    version = models.ForeignKey(PerkVersion, models.RESTRICT, related_name="+")
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="redemptions")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="redemptions")
    state = models.CharField(max_length=10, choices=State, default=State.RESERVED)
    min_score = models.PositiveSmallIntegerField(null=True)  # of the tier that applied; null = open
    benefit = models.JSONField()
    branch = models.ForeignKey(Branch, models.SET_NULL, null=True, related_name="+")
    date = models.DateField(null=True)  # local, in the branch's zone
    booking_reference = models.CharField(max_length=64, blank=True)
    code_hash = models.CharField(max_length=64)
    code_attempt = models.PositiveSmallIntegerField(default=0)
    taken_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)  # when it left `reserved`
    reversed_at = models.DateTimeField(null=True)
    reversal_reason = models.CharField(max_length=500, blank=True)
    # The perk's release policy as it was when this was taken: {"on_cancel", "on_expiry", "on_reversal"}.
    release = models.JSONField()
    # False once the release policy gave it back to the citizen's limits, or to the stock.
    counts_for_limits = models.BooleanField(default=True)
    counts_for_stock = models.BooleanField(default=True)
    sequence = models.PositiveIntegerField(default=1)  # of the events told about it
    # Reached only thanks to an open dispute: nothing is given before that ended well, or until then (P7).
    pending_until = models.DateTimeField(null=True)
    # The citizen left while it was open: once it has closed, it loses them.
    forgets_citizen = models.BooleanField(default=False)

    objects = NamedQuerySet.as_manager()

    outside: str | None = None
    """The code of the merchant's own shop it was just given ("": none); stored encrypted beside it (`OutsideCode`)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code_hash"], name="redemption_code_is_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "redeemed", "cancelled", "expired", "reversed"]),
                name="redemption_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="reserved", closed_at__isnull=True)
                | (~Q(state="reserved") & Q(closed_at__isnull=False)),
                name="redemption_closed_at_iff_not_reserved",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["reserved", "redeemed"]) | Q(counts_for_limits=True, counts_for_stock=True),
                name="redemption_in_use_counts",
            ),
            models.CheckConstraint(
                condition=Q(pending_until__isnull=True) | ~Q(state="redeemed"), name="redemption_pending_is_not_used"
            ),
        ]
        indexes = [
            # A citizen's own list, and the count of open ones.
            models.Index(fields=["citizen", "state", "-id"], name="redemption_of_citizen"),
            # A citizen's limits on one perk.
            models.Index(fields=["citizen", "perk", "taken_at"], name="redemption_for_limits"),
            # A merchant's list.
            models.Index(fields=["merchant", "-id"], name="redemption_of_merchant"),
            # A merchant's week, for its reports.
            models.Index(fields=["merchant", "taken_at"], name="redemption_taken_of_merchant"),
            models.Index(
                fields=["merchant", "closed_at"],
                condition=Q(closed_at__isnull=False),
                name="redemption_closed_of_merchant",
            ),
            # A perk's counts.
            models.Index(fields=["perk", "state"], name="redemption_of_perk"),
            # The sweep of holds that ran out.
            models.Index(fields=["expires_at"], condition=Q(state="reserved"), name="redemption_to_expire"),
            # The sweep of what waits for a dispute.
            models.Index(fields=["pending_until"], condition=Q(pending_until__isnull=False), name="redemption_pending"),
            # The sweep of people who left.
            models.Index(fields=["closed_at"], condition=Q(forgets_citizen=True), name="redemption_to_forget"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def offered_benefit(self) -> dict[str, Any]:
        """The benefit as its tier says it, for everybody who reads it; what else is frozen is the budget's."""
        return {name: value for name, value in self.benefit.items() if name != "waived"}

    @classmethod
    def reads_as(cls, state: str, now: datetime) -> Q:
        """The rows everybody reads as being in `state`: a hold that ran out is expired, filed or not."""
        if state == cls.State.RESERVED:
            return Q(state=cls.State.RESERVED, expires_at__gt=now)
        if state == cls.State.EXPIRED:
            return Q(state=cls.State.EXPIRED) | Q(state=cls.State.RESERVED, expires_at__lte=now)
        return Q(state=state)


class PerkDay(models.Model):
    """How many of a perk were taken on one local day of its zone; made only for perks with a limit per day."""

    perk = models.ForeignKey(Perk, models.CASCADE, related_name="days")
    day = models.DateField()
    taken_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk", "day"], name="perk_day_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.perk_id} on {self.day}"


class RefusedAttempt(IntegerNamed):
    """A taking that was refused, remembered for make-good; only the citizen sees it."""

    prefix = "ref"
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="refused_attempts")
    version = models.ForeignKey(PerkVersion, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    reasons = models.JSONField()
    # What the perk's budget still held, in minor units (null = it had none): whether a tier could have been paid for.
    budget_left = models.BigIntegerField(null=True)
    # The offer that makes it good: a refusal is made good once.
    make_good = models.ForeignKey("MakeGood", models.SET_NULL, null=True, related_name="refusals")

    class Meta:
        indexes = [
            # One citizen's refusals, newest first.
            models.Index(fields=["citizen", "-id"], name="refused_attempt_of_citizen"),
        ]

    def __str__(self) -> str:
        return f"refused {self.pk}"


class UsageMark(models.Model):
    """How often one person used a limited perk of value: outlives leaving, names nobody, at most twelve months.

    `mark` is a keyed hash of the person key, the perk, and the period whose limit it counts for.
    """

    mark = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField()
    until = models.DateField()

    def __str__(self) -> str:
        return f"mark {self.pk}"
