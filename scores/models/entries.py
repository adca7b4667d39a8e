"""What was recorded about a citizen: append-only, in order of arrival. Only the status changes."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet
from scores import catalogue
from scores.models.enrolment import Enrolment
from scores.models.sources import Link

VOUCHES = catalogue.kind("vouch.received").number


class EntryQuerySet(NamedQuerySet):
    def of(self, citizen_id: int) -> "EntryQuerySet":
        return self.filter(enrolment_id=citizen_id)

    def strike(self, *, why: str, now: datetime) -> int:
        """Strike those not struck yet, each with its change on record; return how many. Needs a transaction."""
        standing = dict(
            self.exclude(status=Entry.Status.STRUCK)
            .select_for_update(of=("self",))
            .order_by("pk")
            .values_list("pk", "status")
        )
        EntryStatusChange.objects.bulk_create(
            EntryStatusChange(entry_id=pk, at=now, was=status, became=Entry.Status.STRUCK, why=why)
            for pk, status in standing.items()
        )
        return Entry.objects.filter(pk__in=standing).update(status=Entry.Status.STRUCK)


class Entry(IntegerNamed):
    """One recorded fact. `kind_number` is the catalogue's stable number; `value` counts ten-thousandths.

    `lapses_on` is fixed at recording and can only move earlier (P8).
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISPUTED = "disputed"
        STRUCK = "struck"

    prefix = "ent"
    enrolment = models.ForeignKey(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="entries")
    link = models.ForeignKey(Link, models.RESTRICT, related_name="entries")
    external_id = models.CharField(max_length=128)
    kind_number = models.PositiveSmallIntegerField()
    occurred_on = models.DateField()
    value = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()
    lapses_on = models.DateField()
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    replaces = models.OneToOneField("self", models.SET_NULL, null=True, related_name="replaced_by")

    objects = EntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "external_id"], name="entry_sent_once_per_link"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "disputed", "struck"]), name="entry_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(value__gte=-9_999_999_999_999) & Q(value__lte=9_999_999_999_999),
                name="entry_value_within_bounds",
            ),
            models.CheckConstraint(condition=Q(lapses_on__gt=F("occurred_on")), name="entry_lapses_after_it_occurred"),
        ]
        indexes = [
            # Scoring one citizen, or a range of citizens, in order of arrival.
            models.Index(fields=["enrolment", "id"], name="entry_of_citizen"),
            # The daily lapse.
            models.Index(fields=["lapses_on"], name="entry_by_lapse"),
            # The daily look at everybody's trust: the few entries of vouches that stand.
            models.Index(
                fields=["enrolment", "id"],
                condition=Q(kind_number=VOUCHES) & ~Q(status="struck"),
                name="entry_of_vouches_standing",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class EntryStatusChange(models.Model):
    """A change of an entry's status, itself recorded."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="status_changes")
    at = models.DateTimeField()
    was = models.CharField(max_length=8)
    became = models.CharField(max_length=8)
    why = models.CharField(max_length=32)  # "retracted", "replaced", "withdrawn", "dispute"

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.was} → {self.became}"
