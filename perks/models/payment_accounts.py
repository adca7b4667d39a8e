"""A merchant's own account at Stripe, as far as Stripe says whether it may take money."""

from django.db import models
from django.db.models import Q

from perks.models.merchants import Merchant


class PaymentAccount(models.Model):
    """What Stripe says of the account `Merchant.stripe_account_id` names: a copy, read again whenever it changes.

    What is left of deposits is held there. It is the merchant's: the platform can neither pay out of it nor into it.
    """

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="payment_account")
    number = models.PositiveSmallIntegerField(default=0)  # of accounts that were asked for; one that left is followed
    can_charge = models.BooleanField(default=False)
    has_sent_details = models.BooleanField(default=False)
    due = models.JSONField(default=list)  # what Stripe wants to know next, by Stripe's names
    read_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)  # the merchant took the platform's access away

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(can_charge=False) | Q(left_at__isnull=True),
                name="payment_account_that_left_charges_nothing",
            ),
        ]
        indexes = [
            # The daily look, the longest unread first.
            models.Index(fields=["read_at"], condition=Q(left_at__isnull=True), name="payment_account_to_read"),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id} ({'can' if self.can_charge else 'cannot'} charge)"
