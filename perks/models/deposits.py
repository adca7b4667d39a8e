"""Deposit agreements: what was waived, what may be charged at most, and what became of it."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks import states
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption

ENDED: Final = (states.SETTLED, states.CLOSED, states.CANCELLED, states.EXPIRED)
WITH_A_CLAIM: Final = (states.CLAIMED, states.CONTESTED, states.SETTLED)
AFTER_PICK_UP: Final = (states.ACTIVE, states.RETURNED, *WITH_A_CLAIM)
"""States that only a pick-up leads to; so does `closed`."""


class DepositQuerySet(NamedQuerySet):
    """Reads and guarded writes of agreements."""

    def open(self) -> "DepositQuerySet":
        return self.exclude(state__in=ENDED)

    def due_at(self, now: datetime) -> "DepositQuerySet":
        """Those of which the clock has already made something else."""
        return self.filter(due_at__lte=now).order_by("due_at")

    def move(self, pk: Any, action: str, *, where: Q | None = None, **facts: Any) -> bool:
        """Move one by a guarded update; False when it has left the state meanwhile, or `where` no longer holds."""
        held = self.filter(pk=pk, state__in=states.DEPOSIT.sources(action))
        if where is not None:
            held = held.filter(where)
        return bool(held.update(state=states.DEPOSIT.target(action), sequence=F("sequence") + 1, **facts))


class DepositAgreement(UUIDNamed):
    """The terms of one deposit waiver, frozen when it was taken, and everything that happened to it since.

    `due_at` is when the clock moves it on by itself: an offer expires, a rental that never came back closes, a return
    without a claim closes, a claim nobody contests is settled. Amounts are minor units, and only ever go down.
    """

    class State(models.TextChoices):
        OFFERED = states.OFFERED
        ACCEPTED = states.ACCEPTED
        ACTIVE = states.ACTIVE
        RETURNED = states.RETURNED
        CLAIMED = states.CLAIMED
        CONTESTED = states.CONTESTED
        SETTLED = states.SETTLED
        CLOSED = states.CLOSED
        CANCELLED = states.CANCELLED
        EXPIRED = states.EXPIRED

    AT_THE_DESK: Final = (states.ACCEPTED, states.ACTIVE, states.RETURNED)
    """What a desk works with: to be handed over, out, and just back."""

    prefix = "dep"
    redemption = models.OneToOneField(Redemption, models.RESTRICT, related_name="deposit")
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="deposits")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="deposits")
    state = models.CharField(max_length=10, choices=State, default=State.OFFERED)

    # The terms.
    vehicle_class = models.CharField(max_length=40)
    until = models.DateField()  # the day of return, local in `zone`
    zone = models.CharField(max_length=64)
    waived_percent = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    full_amount = models.BigIntegerField()
    waived_amount = models.BigIntegerField()
    remainder_amount = models.BigIntegerField()
    remainder_items = models.JSONField(default=list)  # [{"code", "title", "amount"}], together the remainder
    claim_cap = models.BigIntegerField()

    # What happened.
    offered_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    picked_up_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    late_days = models.PositiveSmallIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    claim_items = models.JSONField(default=list)  # [{"text", "amount"}]
    claimed_amount = models.BigIntegerField(null=True)
    contested_at = models.DateTimeField(null=True)
    contest_statement = models.TextField(blank=True, max_length=4000)
    settled_amount = models.BigIntegerField(null=True)
    decision_reason = models.TextField(blank=True, max_length=2000)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    # A hold of what is left on the citizen's card; null as long as nothing is held.
    hold_expires_at = models.DateTimeField(null=True)
    hold_warned_at = models.DateTimeField(null=True)

    sequence = models.PositiveIntegerField(default=1)  # of the events told about it
    forgets_citizen = models.BooleanField(
        default=False
    )  # they left while it was open: once it has ended, it loses them

    objects = DepositQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(states.DEPOSIT.states)), name="deposit_state_is_known"),
            models.CheckConstraint(
                condition=Q(full_amount=F("waived_amount") + F("remainder_amount")),
                name="deposit_parts_make_the_whole",
            ),
            models.CheckConstraint(
                condition=Q(full_amount__gt=0, waived_amount__gte=0, remainder_amount__gte=0, claim_cap__gte=0),
                name="deposit_amounts_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(claimed_amount__isnull=True) | Q(claimed_amount__gt=0, claimed_amount__lte=F("claim_cap")),
                name="deposit_claim_within_its_cap",
            ),
            models.CheckConstraint(
                condition=Q(settled_amount__isnull=True)
                | Q(settled_amount__gte=0, settled_amount__lte=F("claimed_amount"), claimed_amount__isnull=False),
                name="deposit_settled_within_its_claim",
            ),
            models.CheckConstraint(
                condition=Q(state__in=WITH_A_CLAIM, claimed_at__isnull=False, claimed_amount__isnull=False)
                | (~Q(state__in=WITH_A_CLAIM) & Q(claimed_at__isnull=True, claimed_amount__isnull=True)),
                name="deposit_claimed_iff_it_has_a_claim",
            ),
            models.CheckConstraint(
                condition=Q(state="settled", settled_amount__isnull=False)
                | (~Q(state="settled") & Q(settled_amount__isnull=True)),
                name="deposit_settled_iff_it_says_so",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["offered", "accepted", "cancelled", "expired"])
                | Q(picked_up_at__isnull=True, returned_at__isnull=True),
                name="deposit_not_picked_up_before_its_pick_up",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=AFTER_PICK_UP) | Q(accepted_at__isnull=False, picked_up_at__isnull=False),
                name="deposit_picked_up_once_accepted",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["returned", *WITH_A_CLAIM]) | Q(returned_at__isnull=False),
                name="deposit_claimed_once_returned",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(accepted_at__isnull=False), name="deposit_accepted_at_a_moment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False) | (~Q(state__in=ENDED) & Q(ended_at__isnull=True)),
                name="deposit_ended_iff_it_is_over",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[*ENDED, "contested"], due_at__isnull=True)
                | (~Q(state__in=[*ENDED, "contested"]) & Q(due_at__isnull=False)),
                name="deposit_moves_on_by_itself",
            ),
        ]
        indexes = [
            # A citizen's list.
            models.Index(fields=["citizen", "-id"], name="deposit_of_citizen"),
            # A merchant's list, also by state.
            models.Index(fields=["merchant", "-id"], name="deposit_of_merchant"),
            # The sweep of what the clock moves on.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="deposit_due"),
            # The operators' queue, oldest first.
            models.Index(fields=["contested_at"], condition=Q(state="contested"), name="deposit_contested"),
            # The sweep of holds that run out before the return.
            models.Index(
                fields=["hold_expires_at"],
                condition=Q(hold_expires_at__isnull=False, hold_warned_at__isnull=True),
                name="deposit_hold_to_warn_of",
            ),
            # The sweep of people who left.
            models.Index(fields=["ended_at"], condition=Q(forgets_citizen=True), name="deposit_to_forget"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @classmethod
    def reads_as(cls, state: str, now: datetime) -> Q:
        """The rows everybody reads as being in `state`: what the clock has moved on is so, filed or not."""
        late = Q(due_at__lte=now)
        moved = {
            states.EXPIRED: (states.OFFERED, states.ACCEPTED),
            states.CLOSED: (states.ACTIVE, states.RETURNED),
            states.SETTLED: (states.CLAIMED,),
        }
        if state in moved:
            return Q(state=state) | (Q(state__in=moved[state]) & late)
        return Q(state=state) & ~late if any(state in left for left in moved.values()) else Q(state=state)


class DepositFile(IntegerNamed):
    """A photograph of a claim, or what a citizen adds against it; erased 90 days after the agreement's end."""

    class By(models.TextChoices):
        MERCHANT = "merchant"
        CITIZEN = "citizen"

    KEPT_AFTER_END: Final = timedelta(days=90)

    prefix = "dpf"
    agreement = models.ForeignKey(DepositAgreement, models.CASCADE, related_name="files")
    by = models.CharField(max_length=8, choices=By)
    name = models.CharField(max_length=64, unique=True)
    content_type = models.CharField(max_length=32)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="deposit_file_has_a_file"),
            models.CheckConstraint(condition=Q(size__gt=0), name="deposit_file_is_not_empty"),
            models.CheckConstraint(condition=Q(by__in=["merchant", "citizen"]), name="deposit_file_is_of_a_party"),
        ]

    def __str__(self) -> str:
        return self.public_id
