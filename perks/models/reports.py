"""What merchants are told in numbers: sums of weeks that are over, each about ten people or more."""

from django.db import models
from django.db.models import F, Q

from perks.models.catalogue import Perk
from perks.models.merchants import Branch, Merchant

MEASURES = (
    "taken",
    "redeemed",
    "expired",
    "cancelled",
    "reversed",
    "refused_full",
    "refused_closed",
    "refused_limit",
)


class ReportBook(models.Model):
    """How far a merchant's weeks have been told, and on whose clock they begin."""

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="report_book")
    zone = models.CharField(max_length=64)
    told_before = models.DateField()  # a Monday: every week before it is told

    def __str__(self) -> str:
        return f"reports of {self.merchant_id}"


class ReportBlock(models.Model):
    """The smallest number there is: what happened in some whole weeks, to at least ten people; it never changes.

    A block with neither branch nor perk sums up places or perks that were too small to be told alone. Every number a
    merchant reads is a sum of whole blocks, so that no subtraction of answers comes below ten people.
    """

    class Grain(models.TextChoices):
        BRANCH = "branch"
        PERK = "perk"
        MERCHANT = "merchant"

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="report_blocks")
    measure = models.CharField(max_length=16, choices=[(measure, measure) for measure in MEASURES])
    grain = models.CharField(max_length=8, choices=Grain)
    perk = models.ForeignKey(Perk, models.CASCADE, null=True, related_name="+")
    branch = models.ForeignKey(Branch, models.CASCADE, null=True, related_name="+")  # null at the grain of branch: none
    first_week = models.DateField()  # Mondays
    last_week = models.DateField()
    count = models.PositiveIntegerField()
    people_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(people_count__gte=10, count__gte=F("people_count")), name="report_block_is_of_ten_people"
            ),
            models.CheckConstraint(condition=Q(first_week__lte=F("last_week")), name="report_block_weeks_are_in_order"),
            models.CheckConstraint(
                condition=Q(grain="merchant", perk__isnull=True, branch__isnull=True)
                | Q(grain="perk", perk__isnull=False, branch__isnull=True)
                | Q(grain="branch", perk__isnull=False),
                name="report_block_grain_is_true",
            ),
        ]
        indexes = [
            # A merchant's report over some weeks.
            models.Index(fields=["merchant", "last_week"], name="report_block_of_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} of {self.merchant_id}, {self.last_week}"


class ReportRemainder(models.Model):
    """Of one perk at one branch, since when too few people did something to be told of; it waits for more."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="report_remainders")
    measure = models.CharField(max_length=16, choices=[(measure, measure) for measure in MEASURES])
    perk = models.ForeignKey(Perk, models.CASCADE, related_name="+")
    branch = models.ForeignKey(Branch, models.CASCADE, null=True, related_name="+")
    since_week = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["measure", "perk", "branch"],
                condition=Q(branch__isnull=False),
                name="report_remainder_once_at_a_branch",
            ),
            models.UniqueConstraint(
                fields=["measure", "perk"], condition=Q(branch__isnull=True), name="report_remainder_once_without_one"
            ),
        ]
        indexes = [
            # What a merchant's next week begins with.
            models.Index(fields=["merchant"], name="report_remainder_of_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} of {self.perk_id} since {self.since_week}"
