"""What is left of a deposit, held on a citizen's card by the merchant's own account at Stripe."""

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from perks import holds
from perks.models.deposits import DepositAgreement


class HoldQuerySet(NamedQuerySet):
    """Reads of holds."""

    def unfinished(self) -> "HoldQuerySet":
        return self.filter(state__in=holds.OPEN)

    def asked_for(self) -> "HoldQuerySet":
        return self.filter(state__in=holds.ASKED)

    def holding(self) -> "HoldQuerySet":
        return self.filter(state__in=holds.HOLDING)


class DepositHold(UUIDNamed):
    """One attempt to hold what is left of a deposit, between the citizen's card and the merchant: never the platform's.

    Stripe is told our public id and nothing of the citizen; no card's number comes here. Amounts are minor units.
    """

    class State(models.TextChoices):
        REQUESTED = holds.REQUESTED
        ACTION = holds.ACTION
        HELD = holds.HELD
        CAPTURING = holds.CAPTURING
        CAPTURED = holds.CAPTURED
        RELEASING = holds.RELEASING
        RELEASED = holds.RELEASED
        EXPIRED = holds.EXPIRED
        FAILED = holds.FAILED

    prefix = "hld"
    agreement = models.ForeignKey(DepositAgreement, models.RESTRICT, related_name="holds")
    account_id = models.CharField(max_length=64)  # the merchant's, at Stripe
    number = models.PositiveSmallIntegerField()  # attempts, from 1; a renewal is one too
    renews = models.OneToOneField("self", models.RESTRICT, null=True, related_name="renewed_by")  # with nobody there
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    to_capture = models.BigIntegerField(null=True)  # what was decided to be captured of it
    captured_amount = models.BigIntegerField(default=0)
    refunded_amount = models.BigIntegerField(default=0)  # its refunds that did not fail, from when they are decided
    taken_back_amount = models.BigIntegerField(default=0)  # by banks, in disputes that are open or lost
    checkout_session_id = models.CharField(max_length=120, blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True)
    customer_id = models.CharField(max_length=64, blank=True)  # as the merchant's account calls who named the card
    payment_method_id = models.CharField(max_length=64, blank=True)  # the card, saved there until the agreement ends
    renews_itself = models.BooleanField(default=False)  # the card may be asked again without anybody there
    capture_before = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    held_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField()  # when Stripe was last asked about it

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=holds.STATES), name="hold_state_is_known"),
            models.UniqueConstraint(fields=["agreement", "number"], name="hold_attempts_are_numbered"),
            models.UniqueConstraint(
                fields=["account_id", "payment_intent_id"],
                condition=~Q(payment_intent_id=""),
                name="hold_of_one_payment_intent",
            ),
            models.UniqueConstraint(
                fields=["account_id", "checkout_session_id"],
                condition=~Q(checkout_session_id=""),
                name="hold_of_one_checkout",
            ),
            # While a hold is renewed the agreement has two: the one that holds, and the one that is asked for.
            models.UniqueConstraint(
                fields=["agreement"], condition=Q(state__in=holds.ASKED), name="hold_asked_for_one_at_a_time"
            ),
            # The currency is the agreement's own, so it adds nothing: SQLite tells constraints apart by their columns.
            models.UniqueConstraint(
                fields=["agreement", "currency"], condition=Q(state__in=holds.HOLDING), name="hold_holds_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    refunded_amount__gte=0,
                    refunded_amount__lte=F("captured_amount"),
                    captured_amount__lte=F("amount"),
                    taken_back_amount__gte=0,
                ),
                name="hold_gives_back_within_captured_within_held",
            ),
            models.CheckConstraint(
                condition=Q(to_capture__isnull=True) | Q(to_capture__gt=0, to_capture__lte=F("amount")),
                name="hold_captures_within_what_it_holds",
            ),
            models.CheckConstraint(
                condition=Q(state="captured", captured_amount__gt=0) | (~Q(state="captured") & Q(captured_amount=0)),
                name="hold_captured_iff_it_says_so",
            ),
            models.CheckConstraint(
                condition=Q(state__in=holds.OPEN, ended_at__isnull=True)
                | (~Q(state__in=holds.OPEN) & Q(ended_at__isnull=False)),
                name="hold_ended_iff_it_is_over",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=holds.HOLDING) | Q(capture_before__isnull=False) & ~Q(payment_intent_id=""),
                name="hold_holds_until_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(renews_itself=False) | ~Q(payment_method_id="") & ~Q(customer_id=""),
                name="hold_renews_itself_on_a_saved_card",
            ),
        ]
        indexes = [
            # The daily look at what Stripe has not ended, the longest unread first.
            models.Index(fields=["read_at"], condition=Q(state__in=holds.OPEN), name="hold_to_read"),
            # The sweeps of holds that run out: to renew them, to end them.
            models.Index(fields=["capture_before"], condition=Q(state__in=holds.HOLDING), name="hold_to_renew_or_end"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"


class HoldMovement(models.Model):
    """One movement of a hold's money, in minor units; what turns out otherwise is moved back by a negative one.

    Append-only: the database refuses to change or delete one (`perks.hold_guards`). The hold's own columns are the
    sums, and the daily check compares them.
    """

    class Kind(models.TextChoices):
        HELD = holds.HELD_SUM
        CAPTURED = holds.CAPTURED_SUM
        LET_GO = holds.LET_GO_SUM
        GIVEN_BACK = holds.GIVEN_BACK_SUM
        TAKEN_BACK = holds.TAKEN_BACK_SUM

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(DepositHold, models.RESTRICT, related_name="movements")
    number = models.PositiveIntegerField()  # of its hold, from 1
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hold", "number"], name="hold_movement_numbered_once"),
            models.CheckConstraint(condition=Q(kind__in=holds.SUMS), name="hold_movement_kind_is_known"),
            models.CheckConstraint(condition=~Q(amount=0), name="hold_movement_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class HoldRefund(UUIDNamed):
    """Money given back of what was captured: counted from when it is decided, put back if the bank sends it back."""

    class State(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    LONGEST_REASON: Final = 500

    prefix = "rfd"
    hold = models.ForeignKey(DepositHold, models.RESTRICT, related_name="refunds")
    account_id = models.CharField(max_length=64)
    refund_id = models.CharField(max_length=64, blank=True)  # Stripe's; "" until it has answered
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    amount = models.BigIntegerField()
    reason = models.TextField(blank=True, max_length=LONGEST_REASON)  # "" for one made at Stripe's own dashboard
    why_failed = models.CharField(max_length=80, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "succeeded", "failed"]), name="hold_refund_state_is_known"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_refund_is_of_something"),
            models.UniqueConstraint(
                fields=["account_id", "refund_id"], condition=~Q(refund_id=""), name="hold_refund_known_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"


class HoldDispute(models.Model):
    """A card's owner asked their bank for a captured amount back; the merchant answers at Stripe, until `due_by`."""

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(DepositHold, models.RESTRICT, related_name="disputes")
    account_id = models.CharField(max_length=64)
    dispute_id = models.CharField(max_length=64)
    status = models.CharField(max_length=40)  # as Stripe calls it
    amount = models.BigIntegerField()
    due_by = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "dispute_id"], name="hold_dispute_known_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_dispute_is_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} ({self.status})"

    @property
    def is_open(self) -> bool:
        return self.status not in holds.DISPUTE_OVER
