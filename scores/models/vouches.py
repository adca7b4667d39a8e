"""Vouches: who asked for one, who gave it, and where trust begins.

A vouch is an act of its giver towards one person, never a list of friends (P3): it is shown to its two sides, in no
admin, to no operator, and the row goes when it no longer counts.
"""

from datetime import UTC, date, datetime, time

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from scores.models.enrolment import Enrolment


def month_of(day: date) -> datetime:
    """When the month of this day began, in UTC: what ended before has gone with its turn."""
    return datetime.combine(day.replace(day=1), time(), UTC)


class VouchRequest(UUIDNamed):
    """A private link its asker shares, good once and for seven days; only the token's keyed hash is kept."""

    prefix = "vrq"
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, db_column="citizen_id", related_name="vouch_requests")
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="vouch_request_ends_after_it_began"),
        ]
        indexes = [
            # Forgetting links that have ended.
            models.Index(fields=["expires_at"], name="vouch_request_by_expiry"),
        ]

    def __str__(self) -> str:
        return self.public_id


class VouchQuerySet(NamedQuerySet):
    def of(self, citizen_id: int) -> "VouchQuerySet":
        """Those the citizen gave or received."""
        return self.filter(Q(giver_id=citizen_id) | Q(receiver_id=citizen_id))

    def not_over(self, day: date) -> "VouchQuerySet":
        """Those that no side had ended when this day's month began: an end takes effect at the month's turn."""
        return self.exclude(over_before(day))

    def over(self, day: date) -> "VouchQuerySet":
        return self.filter(over_before(day))

    def counting(self, day: date) -> "VouchQuerySet":
        return self.not_over(day).filter(counts_from__lte=day)

    def held_by_giver(self, citizen_id: int, day: date) -> "VouchQuerySet":
        """Those that fill the giver's places: their own end frees one at once, the other side's only with the month.

        Else giving one more would tell them that somebody had ended theirs.
        """
        return self.not_over(day).filter(giver_id=citizen_id, withdrawn_at=None)


def over_before(day: date) -> Q:
    return Q(withdrawn_at__lt=month_of(day)) | Q(declined_at__lt=month_of(day))


class Vouch(UUIDNamed):
    """One person's word for another. Each side ends it for itself, in silence: for the other it stands until the
    month's turn, and then the row is erased."""

    prefix = "vch"
    giver = models.ForeignKey(Enrolment, models.RESTRICT, related_name="vouches_given")
    receiver = models.ForeignKey(Enrolment, models.RESTRICT, related_name="vouches_received")
    given_at = models.DateTimeField()
    counts_from = models.DateField()
    withdrawn_at = models.DateTimeField(null=True)  # ended by its giver
    declined_at = models.DateTimeField(null=True)  # ended by its receiver

    objects = VouchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "vouches"
        constraints = [
            models.UniqueConstraint(
                fields=["giver", "receiver"],
                condition=Q(withdrawn_at=None, declined_at=None),
                name="vouch_one_live_per_pair",
            ),
            models.CheckConstraint(condition=~Q(giver=F("receiver")), name="vouch_is_for_somebody_else"),
        ]
        indexes = [
            # Forgetting what has gone with the month: the few that a side has ended.
            models.Index(
                fields=["withdrawn_at", "declined_at"],
                condition=Q(withdrawn_at__isnull=False) | Q(declined_at__isnull=False),
                name="vouch_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class VouchMark(models.Model):
    """That one person vouched for somebody, for twelve months: outlives ending and leaving, names nobody.

    `mark` is a keyed hash of the person key, so that leaving and coming back gives nobody new vouches.
    """

    id = models.BigAutoField(primary_key=True)
    mark = models.CharField(max_length=64)
    until = models.DateField()

    class Meta:
        indexes = [
            # How many vouches one person gave in the last twelve months.
            models.Index(fields=["mark", "until"], name="vouch_mark_of_person"),
            # Forgetting those that are over.
            models.Index(fields=["until"], name="vouch_mark_by_end"),
        ]

    def __str__(self) -> str:
        return f"mark {self.pk}"


class Seed(UUIDNamed):
    """Somebody trust begins with: a verified document, chosen by one operator and confirmed by another."""

    prefix = "sed"
    enrolment = models.OneToOneField(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="seed")
    reason = models.CharField(max_length=150)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="seed_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")), name="seed_takes_two_operators"
            ),
            models.CheckConstraint(
                condition=~Q(enrolment=F("proposed_by")) & (Q(confirmed_by=None) | ~Q(enrolment=F("confirmed_by"))),
                name="seed_is_chosen_by_others",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class TrustDay(models.Model):
    """The last day for which everybody's trust was computed: once a day, for all together."""

    day = models.DateField(unique=True)
    done_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.day)
