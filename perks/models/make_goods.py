"""What somebody is offered again because they were refused it on a wrong record (P7)."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from perks import standing
from perks.models.catalogue import Perk, PerkVersion
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption


class MakeGoodQuerySet(NamedQuerySet):
    def open_at(self, now: datetime) -> "MakeGoodQuerySet":
        """Those that can still be taken, or asked of their merchant."""
        return self.filter(state=MakeGood.State.OPEN, expires_at__gt=now)

    def beyond_what_is_offered(self, now: datetime) -> "MakeGoodQuerySet":
        """Those whose perk cannot be taken by anybody now, so that its merchant has the word."""
        budget = F("perk__budget_amount")
        return self.filter(
            ~Q(perk__state=Perk.State.PUBLISHED)
            | ~Q(perk__merchant__state=Merchant.State.ACTIVE)
            | Q(perk__merchant__standing_state=standing.SUSPENDED)
            | Q(perk__valid_from_at__gt=now)
            | Q(perk__valid_until_at__lte=now)
            | Q(is_kept=False, perk__taken_count__gte=F("perk__stock") - F("perk__promised_count"))
            | Q(perk__budget_spent__gte=budget)
            | Q(perk__budget_spent__gt=budget - F("cost"))
        )

    def waiting_at_the_head(self, perk_id: object, now: datetime) -> "MakeGoodQuerySet":
        """Those to whom the next one of a perk goes before anybody else, who asked first before the others."""
        waiting = self.open_at(now).filter(perk=perk_id, is_kept=False).exclude(answer=MakeGood.Answer.DECLINED)
        return waiting.order_by("offered_at", "pk")

    def close(self, pk: object, *, state: str, now: datetime, redemption: Redemption | None = None) -> bool:
        """Take one that is open out of the way, once; False when somebody was faster."""
        return bool(
            self.filter(pk=pk, state=MakeGood.State.OPEN).update(
                state=state, closed_at=now, redemption=redemption, is_kept=False
            )
        )


class MakeGood(UUIDNamed):
    """One perk offered again to one citizen: the version, the tier and its price as they were at the refusal.

    Its refusals (`refusals`) point to it. Whether it can be taken as it is or the merchant must agree first follows
    from the perk at the moment it is read (`perks.services.make_goods.state_of`).
    """

    class State(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        EXPIRED = "expired"

    class Answer(models.TextChoices):
        NONE = "", "None yet"
        ACCEPTED = "accepted"
        DECLINED = "declined"

    prefix = "mkg"
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="make_goods")
    perk = models.ForeignKey(Perk, models.RESTRICT, related_name="make_goods")
    version = models.ForeignKey(PerkVersion, models.RESTRICT, related_name="+")
    min_score = models.PositiveSmallIntegerField(null=True)  # of the tier that was out of reach
    benefit = models.JSONField()
    cost = models.BigIntegerField(default=0)  # of the benefit, in minor units
    # One of the perk's stock is kept for it (`Perk.promised_count`).
    is_kept = models.BooleanField(default=False, db_default=False)
    dispute = models.CharField(max_length=40)  # the public id of the one that was won
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    answer = models.CharField(max_length=8, choices=Answer, blank=True, default=Answer.NONE)  # the merchant's
    answered_at = models.DateTimeField(null=True)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    redemption = models.OneToOneField(Redemption, models.RESTRICT, null=True, related_name="make_good")

    objects = MakeGoodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["citizen", "perk"], condition=Q(state="open"), name="make_good_one_open_per_perk"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True, redemption__isnull=True)
                | Q(state="taken", closed_at__isnull=False, redemption__isnull=False)
                | Q(state="expired", closed_at__isnull=False, redemption__isnull=True),
                name="make_good_has_a_redemption_iff_taken",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | Q(answer__in=["accepted", "declined"], answered_at__isnull=False),
                name="make_good_answer_is_known_and_dated",
            ),
            models.CheckConstraint(
                condition=Q(is_kept=False) | (Q(state="open") & ~Q(answer="declined")),
                name="make_good_keeps_one_only_while_open",
            ),
        ]
        indexes = [
            # A citizen's own list, newest first.
            models.Index(fields=["citizen", "-id"], name="make_good_of_citizen"),
            # What waits for a merchant: the open ones of its perks.
            models.Index(fields=["perk"], condition=Q(state="open"), name="make_good_open_of_perk"),
            # The sweep of those nobody took.
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="make_good_to_expire"),
        ]

    def __str__(self) -> str:
        return self.public_id
