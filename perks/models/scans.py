"""What was shown at the desk and what came of it: every scan, whatever its outcome."""

from django.conf import settings
from django.db import models

from citizen_app.models.keys import IntegerNamed, NamedQuerySet
from perks.models.merchants import Branch, Merchant
from perks.models.redemptions import Redemption


class Scan(IntegerNamed):
    """One showing of a code or pass at a till. The same nonce is the same scan."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        ALREADY_REDEEMED = "already_redeemed"
        EXPIRED = "expired"
        CANCELLED = "cancelled"
        REVERSED = "reversed"
        STALE_PASS = "stale_pass"  # noqa: S105  (an outcome, no secret)
        WRONG_BRANCH = "wrong_branch"
        OUTSIDE_HOURS = "outside_hours"
        UNKNOWN_CODE = "unknown_code"
        INSUFFICIENT_BALANCE = "insufficient_balance"
        CONFLICT = "conflict"
        NOT_ACCEPTED = "not_accepted"  # a deposit waiver whose terms its citizen has not accepted
        HOLD_EXPIRED = "hold_expired"  # the hold of what is left of a deposit ran out before the pick-up
        WRONG_MERCHANT = "wrong_merchant"  # recorded so, answered `unknown_code`

    prefix = "scan"
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="scans")
    branch = models.ForeignKey(Branch, models.SET_NULL, null=True, related_name="+")
    redemption = models.ForeignKey(Redemption, models.SET_NULL, null=True, related_name="scans")
    nonce = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)  # keyed hash of the body: the same nonce must mean the same scan
    outcome = models.CharField(max_length=20, choices=Outcome)
    typed = models.BooleanField()
    amount = models.BigIntegerField(null=True)  # asked of a gift card, in minor units; charged where it was accepted
    detail = models.JSONField(default=dict)
    scanned_at = models.DateTimeField()
    received_at = models.DateTimeField()
    # Whose till: a member of the merchant's team, or one of its servers.
    till = models.CharField(max_length=64)
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "nonce"], name="scan_one_per_nonce"),
            models.UniqueConstraint(
                fields=["redemption"],
                # A gift card is charged as often as there is money on it.
                condition=models.Q(outcome="accepted", undone_at__isnull=True, amount__isnull=True),
                name="scan_one_accepted_per_redemption",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__isnull=True) | models.Q(amount__gt=0), name="scan_asks_for_something"
            ),
        ]
        indexes = [
            # The last scans of a till.
            models.Index(fields=["merchant", "till", "-id"], name="scan_of_till"),
            # Wrong typed codes of the last minutes and of the day: guessing is stopped by counting them.
            models.Index(
                fields=["merchant", "received_at"],
                condition=models.Q(typed=True, outcome__in=["unknown_code", "wrong_merchant"]),
                name="scan_wrong_typed_code",
            ),
            # What two desks honoured, for their merchant to look at.
            models.Index(fields=["merchant", "-id"], condition=models.Q(outcome="conflict"), name="scan_in_conflict"),
            # A redemption's scans.
            models.Index(fields=["redemption", "-id"], name="scan_of_redemption"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.pk}"
