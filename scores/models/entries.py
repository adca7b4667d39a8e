"""What was recorded about a citizen: append-only, in order of arrival. Only the status changes."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from citizen_app.models.indexes import CoveringIndex
from citizen_app.models.keys import IntegerNamed, NamedQuerySet
from scores import catalogue
from scores.models.enrolment import Enrolment
from scores.models.sources import Link
from scores.population import day_number

VOUCHES = catalogue.kind("vouch.received").number
MOST_ENTRIES = 1 << 43
"""Entry keys stay below: the population statement packs one with a day into a whole number (`scores.population`)."""


class DayNumber(models.Func):
    """A date as the whole number 32 · (12 · year + month) + day of the month: it sorts like the date, and without its
    last five bits it is the month the arithmetic counts in. Said in each database's own words, so that a constraint
    may have it.
    """

    arity = 1
    output_field = models.IntegerField()
    template = (
        "(384 * EXTRACT(YEAR FROM %(expressions)s)::integer + 32 * EXTRACT(MONTH FROM %(expressions)s)::integer"
        " + EXTRACT(DAY FROM %(expressions)s)::integer)"
    )

    def as_sqlite(self, compiler, connection, **context):
        template = (
            "(384 * CAST(substr(%(expressions)s, 1, 4) AS integer)"
            " + 32 * CAST(substr(%(expressions)s, 6, 2) AS integer)"
            " + CAST(substr(%(expressions)s, 9, 2) AS integer))"
        )
        return self.as_sql(compiler, connection, template=template, **context)


class DayField(models.IntegerField):
    """`occurred_on` as a whole number, written whenever the row is. A plain column that a constraint holds to its date:
    SQLite leaves a covering index aside where a generated one is read.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        occurred_on = models.DateField().to_python(model_instance.occurred_on)  # type: ignore[attr-defined]
        model_instance.day = number = day_number(occurred_on)  # type: ignore[attr-defined]
        return number


class EntryQuerySet(NamedQuerySet):
    def of(self, citizen_id: int) -> "EntryQuerySet":
        return self.filter(enrolment_id=citizen_id)

    def strike(self, *, why: str, now: datetime) -> int:
        """Strike those not struck yet, each with its change on record; return how many. Needs a transaction."""
        return self.exclude(status=Entry.Status.STRUCK)._become(Entry.Status.STRUCK, why=why, now=now)

    def mark_disputed(self, *, now: datetime) -> int:
        """Give those that are active the benefit of the doubt, on record; return how many. Needs a transaction."""
        return self.filter(status=Entry.Status.ACTIVE)._become(Entry.Status.DISPUTED, why="dispute", now=now)

    def restore(self, *, now: datetime) -> int:
        """Let those that are disputed count as any other again, on record; return how many. Needs a transaction."""
        return self.filter(status=Entry.Status.DISPUTED)._become(Entry.Status.ACTIVE, why="dispute", now=now)

    def _become(self, status: str, *, why: str, now: datetime) -> int:
        held = dict(self.select_for_update(of=("self",)).order_by("pk").values_list("pk", "status"))
        EntryStatusChange.objects.bulk_create(
            EntryStatusChange(entry_id=pk, at=now, was=was, became=status, why=why) for pk, was in held.items()
        )
        return Entry.objects.filter(pk__in=held).update(status=status)


class Entry(IntegerNamed):
    """One recorded fact. `kind_number` is the catalogue's stable number; `value` counts ten-thousandths.

    `lapses_on` is fixed at recording and can only move earlier (P8). `day` is `occurred_on` as whole numbers are
    reckoned with; nobody need give it.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISPUTED = "disputed"
        STRUCK = "struck"

    prefix = "ent"
    # Both keys stand first in an index already.
    enrolment = models.ForeignKey(
        Enrolment, models.RESTRICT, db_column="citizen_id", db_index=False, related_name="entries"
    )
    link = models.ForeignKey(Link, models.RESTRICT, db_index=False, related_name="entries")
    external_id = models.CharField(max_length=128)
    kind_number = models.PositiveSmallIntegerField()
    occurred_on = models.DateField()
    day = DayField(editable=False)
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
            models.CheckConstraint(condition=Q(day=DayNumber("occurred_on")), name="entry_day_is_its_date"),
            models.CheckConstraint(condition=Q(id__lt=MOST_ENTRIES), name="entry_key_within_bounds"),
        ]
        indexes = [
            # The population statement reads all it needs from here, each citizen's entries together and link by link
            # (`scores.population`); scoring one citizen, and a citizen's own list.
            CoveringIndex(
                fields=["enrolment", "link", "id"],
                covers=["day", "lapses_on", "value", "kind_number", "status"],
                name="entry_of_citizen",
            ),
            # The population statement: disputed entries that might take the latest's place.
            models.Index(fields=["enrolment", "link"], condition=Q(status="disputed"), name="entry_disputed"),
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
