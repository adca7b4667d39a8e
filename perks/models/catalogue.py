"""What merchants offer: the perk, and the immutable versions of what binds a citizen."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When

from citizen_app.kept_statements import Given, KeptStatement
from citizen_app.models.citizen import validate_zone
from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from citizen_app.statements import Statement, together, update_of
from perks import standing
from perks.models.lookups import FoundWordsField
from perks.models.merchants import Branch, Merchant

COUNTED: Final = ("taken_count", "promised_count", "stock", "budget_spent", "state", "sequence")
"""What moves when one is taken or given back, as the row says afterwards."""


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
            merchant__standing_state=standing.GOOD,
        )

    def take_one(self, perk: "Perk", *, cost: int = 0, beside: Sequence[Statement] = ()) -> bool:
        """Take one from stock, and its cost from the budget, in a single statement; `beside` is written before it.

        False when none is left, or when the perk is no longer the one that was read: ended, paused, or changed by its
        merchant since. What was read is brought up to what is left now.
        """
        *_, left = together(*beside, _TAKING.of(cost=cost, perk_id=perk.pk, revision=perk.revision))
        for name, value in (left[0] if left else {}).items():
            setattr(perk, name, value)
        return bool(left)

    def take_one_again(self, perk_id: object, *, cost: int = 0) -> bool:
        """Take back what an expired hold had returned, whatever state the perk is in; False when it is gone."""
        return bool(
            self.with_one_left(cost)
            .filter(pk=perk_id)
            .update(taken_count=F("taken_count") + 1, budget_spent=F("budget_spent") + cost)
        )

    def take_one_for_make_good(self, perk_id: object, *, cost: int, is_kept: bool, is_beyond: bool) -> bool:
        """Take one while it is published, whatever its merchant has changed since; False when none is left.

        `is_kept` is the one that was kept for it. `is_beyond` is what the merchant agreed to give once more: in any
        state, and where nothing is left the stock and the budget grow by it in the same statement.
        """
        taken, spent = F("taken_count") + 1, F("budget_spent") + cost
        promised = F("promised_count") - int(is_kept)
        if not is_beyond:
            left = self._within_budget(cost).filter(promised_count__gt=0) if is_kept else self.with_one_left(cost)
            return bool(
                left.filter(pk=perk_id, state=Perk.State.PUBLISHED).update(
                    taken_count=taken, budget_spent=spent, promised_count=promised
                )
            )
        return bool(
            self.filter(pk=perk_id).update(
                taken_count=taken,
                promised_count=promised,
                budget_spent=spent,
                stock=_at_least("stock", taken + promised, models.PositiveIntegerField()),
                budget_amount=_at_least("budget_amount", spent, models.BigIntegerField()),
                revision=F("revision") + 1,
            )
        )

    def keep_one(self, perk_id: object) -> bool:
        """Keep one of what is left for a make-good, so that nobody else takes it; False when none is."""
        left = self.filter(pk=perk_id, taken_count__lt=F("stock") - F("promised_count"))
        return bool(left.update(promised_count=F("promised_count") + 1))

    def let_one_go(self, perk_id: object) -> bool:
        """Give what was kept for a make-good to everybody again."""
        kept = self.filter(pk=perk_id, promised_count__gt=0)
        return bool(kept.update(promised_count=F("promised_count") - 1))

    def with_one_left(self, cost: int | Given = 0) -> "PerkQuerySet":
        """Those of which one is left to take, none of them kept for a make-good, and money for it."""
        return self._within_budget(cost).filter(
            Q(stock__isnull=True) | Q(taken_count__lt=F("stock") - F("promised_count"))
        )

    def _within_budget(self, cost: int | Given) -> "PerkQuerySet":
        return self.filter(Q(budget_amount__isnull=True) | Q(budget_spent__lte=F("budget_amount") - cost))

    def put_one_back(
        self, perk_id: object, *, cost: int = 0, beside: Sequence[Statement] = ()
    ) -> dict[str, Any] | None:
        """Return one to stock, and its cost to the budget; `beside` is written before it.

        What the perk counts afterwards (`COUNTED`), or None where it has not counted what is to be returned.
        """
        counted = self.filter(pk=perk_id, taken_count__gt=0, budget_spent__gte=cost)
        *_, left = together(
            *beside,
            update_of(
                counted, taken_count=F("taken_count") - 1, budget_spent=F("budget_spent") - cost, returning=COUNTED
            ),
        )
        return left[0] if left else None


def _taking(*, perk_id: Any, revision: int | Given, cost: int | Given) -> Statement:
    """The guarded update of `take_one`."""
    guarded = Perk.objects.with_one_left(cost).filter(pk=perk_id, state=Perk.State.PUBLISHED, revision=revision)
    return update_of(
        guarded, taken_count=F("taken_count") + 1, budget_spent=F("budget_spent") + cost, returning=COUNTED
    )


_TAKING: Final = KeptStatement(
    lambda: _taking(
        perk_id=Given("perk_id", Perk._meta.pk),
        revision=Given("revision", models.IntegerField()),
        cost=Given("cost", models.BigIntegerField()),
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
    hold_reason = models.TextField(blank=True)  # why an operator paused it; only an operator lets it go on
    # What a search looks through: the words in force, in every language, its merchant's name and its categories.
    search_text = FoundWordsField(blank=True, default="")
    # Its pictures as a list shows them, in their order, so that a list of perks reads no other table for them.
    pictures = models.JSONField(default=list, blank=True)  # [{"id", "name", "alt", "width", "height"}]

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
    promised_count = models.PositiveIntegerField(
        default=0, db_default=0
    )  # kept for make-goods: not taken, and nobody else's
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
    # Whose codes whoever takes it is given, for a discount honoured in the merchant's own shop.
    code_list = models.ForeignKey("CodeList", models.RESTRICT, null=True, related_name="perks")

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
                condition=Q(stock__isnull=True) | Q(taken_count__lte=F("stock") - F("promised_count")),
                name="perk_not_oversold",
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
            # The citizen's list: what is shown, newest first.
            models.Index(fields=["-id"], condition=Q(state__in=["published", "paused"]), name="perk_shown_newest"),
            # What can be taken, by what a person reaches.
            models.Index(
                fields=["purpose", "easiest_min_score"], condition=Q(state="published"), name="perk_published_reach"
            ),
            # What everybody enrolled reaches, newest first.
            models.Index(
                fields=["-id"], condition=Q(state="published", has_open_tier=True), name="perk_published_open"
            ),
            models.Index(
                fields=["purpose", "-id"],
                condition=Q(state="published", has_open_tier=True),
                name="perk_published_open_for",
            ),
            # A merchant's own list.
            models.Index(fields=["merchant", "-id"], name="perk_of_merchant"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def left(self) -> int | None:
        """How many are left for whoever comes: what is kept for a make-good is not. None without a stock."""
        return None if self.stock is None else max(0, self.stock - self.taken_count - self.promised_count)

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
    language = models.CharField(max_length=12, default="en")  # of the four texts above
    # {"de": {"title", "description", "terms", "fair_terms"}}; the last two bind like the originals.
    translations = models.JSONField(default=dict, blank=True)
    made_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk", "number"], name="perk_version_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.perk_id} v{self.number}"


class PerkImage(UUIDNamed):
    """A picture of a perk, kept as drawn anew in several sizes (`perks.services.images`); everybody may see it."""

    MOST = 5

    prefix = "img"
    perk = models.ForeignKey(Perk, models.CASCADE, related_name="images")
    name = models.CharField(max_length=32, unique=True)  # what its files share
    alt = models.CharField(max_length=160)  # what it shows, for who cannot see it
    position = models.PositiveSmallIntegerField()
    width = models.PositiveSmallIntegerField()  # of the largest size
    height = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)  # by an operator

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["perk", "position"], name="perk_image_one_at_each_place"),
            models.CheckConstraint(condition=Q(position__gte=1, position__lte=5), name="perk_image_at_most_five"),
            models.CheckConstraint(condition=~Q(alt=""), name="perk_image_says_what_it_shows"),
        ]
        indexes = [
            # The operators' queue: pictures added since somebody looked.
            models.Index(fields=["added_at"], condition=Q(looked_at__isnull=True), name="perk_image_not_looked_at"),
        ]

    def __str__(self) -> str:
        return self.public_id


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
