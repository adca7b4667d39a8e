"""Codes of the merchant's own web shop or booking system, given out with its perks: each to one person, once, ever."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption


class CodeListQuerySet(NamedQuerySet):
    def of(self, merchant: Merchant) -> "CodeListQuerySet":
        """A merchant's lists; one whose upload has not arrived whole is none yet."""
        return self.filter(merchant=merchant).exclude(state=CodeList.State.RECEIVING)

    def unfinished(self) -> "CodeListQuerySet":
        return self.filter(state__in=CodeList.AT_WORK)

    def take_one(self, pk: object) -> bool:
        """Count one as given; False when none is free or the list was withdrawn."""
        free = self.filter(pk=pk, free_count__gt=0).exclude(state__in=CodeList.CLOSED)
        return bool(free.update(free_count=F("free_count") - 1, given_count=F("given_count") + 1))


class CodeList(UUIDNamed):
    """Up to a million codes, uploaded or generated; the row is the promise that all of them will be there.

    `done_count` says how many of its `total_count` codes or lines are dealt with: kept, or told as rejected. Work goes
    on while `leased_until` is extended; once that has passed, a sweep asks for it again.
    """

    class Origin(models.TextChoices):
        GENERATED = "generated"
        UPLOADED = "uploaded"

    class State(models.TextChoices):
        RECEIVING = "receiving"
        WORKING = "working"
        READY = "ready"
        WITHDRAWING = "withdrawing"
        WITHDRAWN = "withdrawn"

    AT_WORK = (State.WORKING, State.WITHDRAWING)
    CLOSED = (State.RECEIVING, State.WITHDRAWING, State.WITHDRAWN)

    prefix = "cl"
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="code_lists")
    name = models.CharField(max_length=120)
    origin = models.CharField(max_length=10, choices=Origin)
    state = models.CharField(max_length=12, choices=State)
    code_prefix = models.CharField(max_length=16, blank=True)  # of generated codes
    code_length = models.PositiveSmallIntegerField(null=True)  # of generated codes, without the prefix
    total_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    malformed_count = models.PositiveIntegerField(default=0)
    first_rejected = models.JSONField(default=list)  # [{"line", "code"}]: where they stood, never what they were
    free_count = models.PositiveIntegerField(default=0)
    given_count = models.PositiveIntegerField(default=0)
    withdrawn_count = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)

    objects = CodeListQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["receiving", "working", "ready", "withdrawing", "withdrawn"]),
                name="code_list_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(origin="generated", code_length__isnull=False)
                | Q(origin="uploaded", code_length__isnull=True),
                name="code_list_length_iff_generated",
            ),
            models.CheckConstraint(
                condition=Q(done_count__lte=F("total_count"), total_count__lte=1_000_000),
                name="code_list_within_a_million",
            ),
            models.CheckConstraint(
                condition=Q(
                    done_count=F("free_count")
                    + F("given_count")
                    + F("withdrawn_count")
                    + F("duplicate_count")
                    + F("malformed_count")
                ),
                name="code_list_loses_and_doubles_none",
            ),
        ]
        indexes = [
            # A merchant's own list.
            models.Index(fields=["merchant", "-id"], name="code_list_of_merchant"),
            # The sweep of work that stopped, and of uploads that never arrived whole.
            models.Index(
                fields=["leased_until"],
                condition=Q(state__in=["receiving", "working", "withdrawing"]),
                name="code_list_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def rejected_count(self) -> int:
        return self.duplicate_count + self.malformed_count


class CodeUpload(models.Model):
    """Some lines of an uploaded list that wait to become codes, encrypted; erased by whoever keeps them as codes."""

    id = models.BigAutoField(primary_key=True)
    code_list = models.ForeignKey(CodeList, models.CASCADE, related_name="uploads")
    first_line = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code_list", "first_line"], name="code_upload_each_line_once"),
        ]

    def __str__(self) -> str:
        return f"lines from {self.first_line} of {self.code_list_id}"


class OutsideCodeQuerySet(models.QuerySet):
    def free(self) -> "OutsideCodeQuerySet":
        return self.filter(given_at__isnull=True)

    def give(self, pk: int, *, redemption: Redemption, now: datetime) -> bool:
        """Give one that is free to whoever took the perk; False when somebody was faster."""
        return bool(self.free().filter(pk=pk).update(given_at=now, redemption=redemption))


class OutsideCode(IntegerNamed):
    """One code, encrypted, and who was given it. Given once it is never free again: somebody has seen it.

    `fingerprint` is a keyed hash that finds a double in its list.
    """

    prefix = "oc"
    code_list = models.ForeignKey(CodeList, models.RESTRICT, related_name="codes")
    fingerprint = models.BinaryField(max_length=16)
    sealed = models.BinaryField()
    given_at = models.DateTimeField(null=True)
    redemption = models.OneToOneField(Redemption, models.RESTRICT, null=True, related_name="outside_code")

    objects: Any = OutsideCodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code_list", "fingerprint"], name="outside_code_once_in_its_list"),
            models.CheckConstraint(
                condition=Q(given_at__isnull=True, redemption__isnull=True)
                | Q(given_at__isnull=False, redemption__isnull=False),
                name="outside_code_given_to_a_redemption",
            ),
        ]
        indexes = [
            # The next one to give, and what is still to withdraw.
            models.Index(fields=["code_list", "id"], condition=Q(given_at__isnull=True), name="outside_code_free"),
            # The download of a whole list.
            models.Index(fields=["code_list", "id"], name="outside_code_of_list"),
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"
