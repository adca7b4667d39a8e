"""What merchants owe the platform and what was asked of Stripe: the call, the reading, the plan, each used perk."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from citizen_app.models.keys import IntegerNamed, NamedQuerySet
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption


class StripeCall(models.Model):
    """A call that was decided, written in the transaction of its cause: the row first, Stripe second.

    `key` is its idempotency key, decided from our own rows, and the same on each retry. `arguments` hold ids and
    amounts, never a person. A call that is not answered is pending; a stuck one waits for a person.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        REFUSED = "refused"
        STUCK = "stuck"

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120)
    mint = models.PositiveSmallIntegerField(default=1)  # the key's successors: Stripe had kept a failure of its own
    operation = models.CharField(max_length=40)
    account = models.CharField(max_length=64, blank=True)  # the connected account it is made on; "" = the platform's
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    result_id = models.CharField(max_length=120, blank=True)
    error_code = models.CharField(max_length=80, blank=True)  # Stripe's, or ours for a stuck one
    decided_at = models.DateTimeField(default=timezone.now)
    first_sent_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    result: Any = None
    """What Stripe answered, for the door that has just asked; never stored."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="stripe_call_decided_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "done", "refused", "stuck"]), name="stripe_call_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", closed_at__isnull=True)
                | (~Q(state="pending") & Q(closed_at__isnull=False)),
                name="stripe_call_closed_iff_not_pending",
            ),
        ]
        indexes = [
            # The back office: what waits for an answer or for a person, oldest first.
            models.Index(
                fields=["state", "decided_at"], condition=Q(state__in=["pending", "stuck"]), name="stripe_call_open"
            ),
            # What is finished, to be pruned.
            models.Index(fields=["closed_at"], condition=Q(state__in=["done", "refused"]), name="stripe_call_to_prune"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"

    @property
    def sent_key(self) -> str:
        """The key as Stripe is told it."""
        return self.key if self.mint == 1 else f"{self.key}:{self.mint}"


class StripeReading(models.Model):
    """The tickets of one object at Stripe: an older reading of it never overwrites a newer one.

    A reader takes the next ticket before it reads, and applies what it read only while no later ticket was applied.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=120)
    taken = models.PositiveBigIntegerField(default=0)
    applied = models.PositiveBigIntegerField(default=0)
    taken_at = models.DateTimeField(default=timezone.now)  # the last ticket

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "object_id"], name="stripe_reading_one_per_object"),
            models.CheckConstraint(condition=Q(applied__lte=F("taken")), name="stripe_reading_applied_was_taken"),
        ]
        indexes = [
            # What nobody reads any more, to be pruned.
            models.Index(fields=["taken_at"], name="stripe_reading_to_prune"),
        ]

    def __str__(self) -> str:
        return self.object_id


class EventLog(models.Model):
    """How far one account's list of events at Stripe was read, for the daily sweep."""

    account = models.CharField(max_length=64, primary_key=True)  # "" = the platform's
    read_until = models.DateTimeField()
    due_at = models.DateTimeField()  # a day after it was read; meanwhile the lease of who reads it

    def __str__(self) -> str:
        return self.account or "platform"


class BillingCustomer(models.Model):
    """A merchant as Stripe's customer of the platform, made when its owner first goes to the checkout."""

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="billing_customer")
    customer_id = models.CharField(max_length=64)
    checkout_count = models.PositiveIntegerField(default=0)  # numbers its checkouts: one is open at a time
    usage_compared_at = models.DateTimeField(null=True)
    usage_difference = models.IntegerField(default=0)  # redemptions Stripe had counted more than we told it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_id"], name="billing_customer_of_one_merchant"),
        ]

    def __str__(self) -> str:
        return self.customer_id


class SubscriptionQuerySet(models.QuerySet):
    def entitling(self) -> "SubscriptionQuerySet":
        return self.filter(status__in=Subscription.ENTITLING)

    def unfinished(self) -> "SubscriptionQuerySet":
        return self.exclude(status__in=Subscription.FINAL)


class Subscription(models.Model):
    """A merchant's plan, as Stripe last said it: a copy that every reading replaces."""

    ENTITLING = ("active", "trialing", "past_due")  # past due is grace while Stripe asks the card again
    FINAL = ("canceled", "incomplete_expired")

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="subscriptions")
    subscription_id = models.CharField(max_length=64)
    status = models.CharField(max_length=20)
    plan = models.CharField(max_length=60, blank=True)  # the licensed price's lookup key
    period_ends_at = models.DateTimeField(null=True)
    period_began_at = models.DateTimeField(null=True)
    is_ending = models.BooleanField(default=False)  # cancelled at the end of its period
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField()

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription_id"], name="subscription_known_once"),
        ]
        indexes = [
            # A merchant's plan, the newest first.
            models.Index(fields=["merchant", "-began_at"], name="subscription_of_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} ({self.status})"

    @property
    def entitles(self) -> bool:
        return self.status in self.ENTITLING


class UsedPerk(IntegerNamed):
    """One redemption the merchant is billed for: a scan that stood past the time in which it can be undone.

    A line of the merchant's usage, by redemption and day (UTC, as Stripe counts); it names no citizen.
    """

    prefix = "use"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="used_perks")
    redemption = models.ForeignKey(Redemption, models.CASCADE, related_name="used_perks")
    call = models.OneToOneField(StripeCall, models.PROTECT, related_name="used_perk")
    used_at = models.DateTimeField()  # of the scan: the meter event's own timestamp
    day = models.DateField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["redemption"], name="used_perk_billed_once"),
        ]
        indexes = [
            # A merchant's usage, line by line, and its count by day.
            models.Index(fields=["merchant", "-id"], name="used_perk_of_merchant"),
            models.Index(fields=["merchant", "day"], name="used_perk_by_day"),
        ]

    def __str__(self) -> str:
        return self.public_id
