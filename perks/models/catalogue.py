"""What merchants offer: the perk, and the immutable versions of what binds a citizen."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When

from citizen_app.models.citizen import validate_zone
from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks.models.merchants import Branch, Merchant


class PerkQuerySet(NamedQuerySet):
    def of(self, merchant: Merchant) -> "PerkQuerySet":
        return self.filter(merchant=merchant)

    def shown_at(self, now: object) -> "PerkQuerySet":
        """What a citizen's list may contain: published, inside its visibility, until its validity ends."""
        return self.filter(
            Q(visible_from_at__isnull=True) | Q(visible_from_at__lte=now),
            Q(valid_until_at__isnull=True) | Q(valid_until_at__gt=now),
            state__in=[Perk.State.PUBLISHED, Perk.State.PAUSED],
            merchant__state=Merchant.State.ACTIVE,
        )

    def take_one(self, perk: "Perk", *, cost: int = 0) -> bool:
        """Take one from stock, and its cost from the budget, in a single statement.

        False when none is left, or when the perk is no longer the one that was read: ended, paused, or changed by its
        merchant since.
        """
        return bool(
            self.filter(
                Q(stock__isnull=True) | Q(taken_count__lt=F("stock")),
                Q(budget_amount__isnull=True) | Q(budget_spent__lte=F("budget_amount") - cost),
                pk=perk.pk,
                state=Perk.State.PUBLISHED,
                revision=perk.revision,
            ).update(taken_count=F("taken_count") + 1, budget_spent=F("budget_spent") + cost)
        )

    def take_one_again(self, perk_id: object, *, cost: int = 0) -> bool:
        """Take back what an expired hold had returned, whatever state the perk is in; False when it is gone."""
        return bool(
            self.filter(
                Q(stock__isnull=True) | Q(taken_count__lt=F("stock")),
                Q(budget_amount__isnull=True) | Q(budget_spent__lte=F("budget_amount") - cost),
                pk=perk_id,
            ).update(taken_count=F("taken_count") + 1, budget_spent=F("budget_spent") + cost)
        )

    def take_one_for_make_good(self, perk_id: object, *, cost: int, is_beyond: bool) -> bool:
        """Take one while it is published, whatever its merchant has changed since; False when none is left.

        `is_beyond` is what the merchant agreed to give once more: in any state, and where nothing is left the stock
        and the budget grow by it in the same statement.
        """
        if not is_beyond:
            return bool(
                self._with_one_left(cost)
                .filter(pk=perk_id, state=Perk.State.PUBLISHED)
                .update(taken_count=F("taken_count") + 1, budget_spent=F("budget_spent") + cost)
            )
        taken, spent = F("taken_count") + 1, F("budget_spent") + cost
        return bool(
            self.filter(pk=perk_id).update(
                taken_count=taken,
                budget_spent=spent,
                stock=_at_least("stock", taken, models.PositiveIntegerField()),
                budget_amount=_at_least("budget_amount", spent, models.BigIntegerField()),
                revision=F("revision") + 1,
            )
        )

    def _with_one_left(self, cost: int) -> "PerkQuerySet":
        return self.filter(
            Q(stock__isnull=True) | Q(taken_count__lt=F("stock")),
            Q(budget_amount__isnull=True) | Q(budget_spent__lte=F("budget_amount") - cost),
        )

    def put_one_back(self, perk_id: object, *, cost: int = 0) -> bool:
        """Return one to stock, and its cost to the budget."""
        return bool(
            self.filter(pk=perk_id, taken_count__gt=0, budget_spent__gte=cost).update(
                taken_count=F("taken_count") - 1, budget_spent=F("budget_spent") - cost
            )
        )


def _at_least(name: str, least: Any, field: models.Field) -> Case:
    """A column raised to what is at least needed; null (no limit) stays null."""
    return Case(When(**{f"{name}__lt": least}, then=least), default=F(name), output_field=field)


class Perk(UUIDNamed):
    """An offer and its rules of taking. Tiers, terms and fair terms are its version's (`in_force`)."""

    class Kind(models.TextChoices):
        DISCOUNT = "discount"
        PRIORITY = "priority"
        GIFT_CARD = "gift_card"
        DEPOSIT_WAIVER = "deposit_waiver"
        VISIBILITY_BOOST = "visibility_boost"

    class State(models.TextChoices):
        DRAFT = "draft"
        REVIEW = "review"
        APPROVED = "approved"
        PUBLISHED = "published"
        PAUSED = "paused"
        ENDED = "ended"

    class Release(models.TextChoices):
        ALL = "all"
        STOCK = "stock"
        NOTHING = "nothing"

    prefix = "perk"
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="perks")
    kind = models.CharField(max_length=20, choices=Kind)
    purpose = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    in_force = models.ForeignKey("PerkVersion", models.RESTRICT, null=True, related_name="+")
    pending = models.ForeignKey("PerkVersion", models.SET_NULL, null=True, related_name="+")
    # The threshold of the easiest tier in force; null is an open tier, or none in force yet.
    easiest_min_score = models.PositiveSmallIntegerField(null=True)
    has_open_tier = models.BooleanField(default=False)
    refusal = models.TextField(blank=True)  # why the last review sent it back

    branches = models.ManyToManyField(Branch, related_name="perks")  # none = all
    zone = models.CharField(max_length=64, validators=[validate_zone])
    # Windows as the merchant wrote them (local date or minute in `zone`), and the instants they mean.
    visible_from = models.CharField(max_length=16, blank=True)
    valid_from = models.CharField(max_length=16, blank=True)
    valid_until = models.CharField(max_length=16, blank=True)
    visible_from_at = models.DateTimeField(null=True)
    valid_from_at = models.DateTimeField(null=True)
    valid_until_at = models.DateTimeField(null=True)
    hours = models.JSONField(default=list)  # [{"day": 1..7, "from": "09:00", "to": "17:00"}]

    stock = models.PositiveIntegerField(null=True)
    taken_count = models.PositiveIntegerField(default=0)
    budget_amount = models.BigIntegerField(null=True)
    budget_currency = models.CharField(max_length=3, blank=True)
    budget_spent = models.BigIntegerField(default=0)
    limit_per_citizen = models.PositiveIntegerField(null=True, default=1)
    limit_per_citizen_day = models.PositiveIntegerField(null=True)
    limit_per_citizen_week = models.PositiveIntegerField(null=True)
    limit_per_citizen_month = models.PositiveIntegerField(null=True)
    limit_per_day = models.PositiveIntegerField(null=True)
    hold_minutes = models.PositiveIntegerField(default=1440)
    release_on_cancel = models.CharField(max_length=8, choices=Release, default=Release.ALL)
    release_on_expiry = models.CharField(max_length=8, choices=Release, default=Release.ALL)
    release_on_reversal = models.CharField(max_length=8, choices=Release, default=Release.NOTHING)
    offline = models.CharField(max_length=16, default="accept")

    is_demo = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)  # what If-Match compares
    sequence = models.PositiveIntegerField(default=0)  # of the events told about it

    objects = PerkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(taken_count__lte=F("stock")), name="perk_not_oversold"
            ),
            models.CheckConstraint(
                condition=Q(budget_amount__isnull=True) | Q(budget_spent__gte=0, budget_spent__lte=F("budget_amount")),
                name="perk_budget_not_overspent",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "review", "approved", "published", "paused", "ended"]),
                name="perk_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["published", "paused"]) | Q(in_force__isnull=False),
                name="perk_published_has_a_version",
            ),
            models.CheckConstraint(
                condition=Q(hold_minutes__gte=1, hold_minutes__lte=43200), name="perk_hold_within_bounds"
            ),
        ]
        indexes = [
            # The citizen's list: what is published, newest first.
            models.Index(fields=["-id"], condition=Q(state="published"), name="perk_published_newest"),
            # The same, by what a person reaches.
            models.Index(
                fields=["purpose", "easiest_min_score"], condition=Q(state="published"), name="perk_published_reach"
            ),
            # A merchant's own list.
            models.Index(fields=["merchant", "-id"], name="perk_of_merchant"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def version_in_force(self) -> "PerkVersion":
        """What binds whoever takes it; LookupError for a perk that was never approved."""
        return _there(self.in_force)

    @property
    def version_read(self) -> "PerkVersion":
        """What its team reads as the perk: what is in force or, before that, the draft."""
        return _there(self.in_force or self.pending)

    @property
    def version_written(self) -> "PerkVersion":
        """What its team has written last: what waits for an operator or, without that, what is in force."""
        return _there(self.pending or self.in_force)


def _there(version: "PerkVersion | None") -> "PerkVersion":
    if version is None:
        raise LookupError("This perk has no such version.")
    return version


class PerkVersion(UUIDNamed):
    """What binds the citizen, word for word; never changed once submitted, and redemptions point to theirs."""

    prefix = "ver"
    perk = models.ForeignKey(Perk, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=4000)
    terms = models.TextField(blank=True, max_length=8000)
    fair_terms = models.TextField(blank=True, max_length=4000)
    tiers = models.JSONField()  # [{"min_score": int | null, "benefit": {...}}], lowest first
    deposit = models.JSONField(null=True)
    made_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk", "number"], name="perk_version_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.perk_id} v{self.number}"


class PerkCategory(models.Model):
    """A word a perk is found by."""

    perk = models.ForeignKey(Perk, models.CASCADE, related_name="categories")
    code = models.SlugField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk", "code"], name="perk_category_named_once"),
        ]
        indexes = [
            # The list filtered by category.
            models.Index(fields=["code", "perk"], name="perk_category_by_code"),
        ]

    def __str__(self) -> str:
        return self.code


class ThresholdUse(IntegerNamed):
    """A threshold a merchant has in force, or had: thresholds are rationed so that answers can't be added up (P4)."""

    prefix = "thr"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="threshold_uses")
    purpose = models.CharField(max_length=10)
    perk = models.ForeignKey(Perk, models.CASCADE, related_name="threshold_uses")
    min_score = models.PositiveSmallIntegerField()
    used_from = models.DateTimeField()
    used_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["perk", "min_score"], condition=Q(used_until__isnull=True), name="threshold_in_use_once"
            ),
        ]
        indexes = [
            # The probing rule: what one merchant used for one purpose in 90 days.
            models.Index(fields=["merchant", "purpose", "used_until"], name="threshold_of_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.min_score} for {self.purpose}"
