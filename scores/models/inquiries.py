"""Who learned something about a citizen (P9)."""

from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed
from scores.models.enrolment import Enrolment


class Inquiry(IntegerNamed):
    """An answer about a citizen that reached somebody else. Repeats of one asker on one day are one row."""

    class AskedBy(models.TextChoices):
        MERCHANT = "merchant"
        APP = "app"
        OPERATOR = "operator"
        FURNISHER = "furnisher"

    class What(models.TextChoices):
        SCAN = "scan"
        BOOST = "boost"
        FILE_OPENED = "file_opened"
        ENTRY = "entry"

    prefix = "inq"
    # No index of its own, which the two below begin with.
    enrolment = models.ForeignKey(
        Enrolment, models.RESTRICT, db_column="citizen_id", related_name="inquiries", db_index=False
    )
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    asker_kind = models.CharField(max_length=12, choices=AskedBy)
    asker_id = models.CharField(max_length=64)
    asker_name = models.CharField(max_length=120)
    what = models.CharField(max_length=12, choices=What)
    about = models.CharField(max_length=200)
    # Why an operator looked, in words the citizen reads; "" where the consent says it all.
    reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    consent = models.CharField(max_length=200)
    # What folds: the same asker, thing, reason and UTC day share it.
    fold = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "inquiries"
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "fold"], name="inquiry_folded_once"),
            models.CheckConstraint(
                condition=Q(asker_kind__in=["merchant", "app", "operator", "furnisher"]), name="inquiry_asker_is_known"
            ),
            models.CheckConstraint(condition=Q(last_at__gte=F("at")), name="inquiry_last_is_not_before_first"),
        ]
        indexes = [
            # One citizen's list of who asked, newest first.
            models.Index(fields=["enrolment", "-last_at", "-id"], name="inquiry_of_citizen"),
        ]

    def __str__(self) -> str:
        return f"{self.asker_kind} asked about {self.enrolment_id}"
