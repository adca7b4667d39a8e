"""A citizen's objection to what was recorded about them, and everything that came of it (P7)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from scores.models.enrolment import Enrolment
from scores.models.entries import Entry
from scores.models.sources import Source


class DisputeQuerySet(NamedQuerySet):
    def of(self, citizen_id: int) -> "DisputeQuerySet":
        return self.filter(enrolment_id=citizen_id)

    def open(self) -> "DisputeQuerySet":
        """Those that are not over: waiting for the furnisher, a decision or an appeal."""
        return self.filter(state__in=Dispute.OPEN)

    def undecided(self) -> "DisputeQuerySet":
        """Those nobody has decided for the first time yet."""
        return self.filter(state__in=Dispute.UNDECIDED)

    def unanswered(self) -> "DisputeQuerySet":
        """Those whose furnisher was asked and has said nothing yet."""
        return self.undecided().filter(asked_at__isnull=False, answered_at__isnull=True)

    def lost_by(self, source: Source) -> "DisputeQuerySet":
        """Those a source lost: what it had recorded was wrong, or it did not answer for it."""
        return self.filter(source=source, state__in=Dispute.WON)

    def move(self, pk: Any, *, leaving: Collection[str], to: str, **facts: Any) -> bool:
        """Bring one dispute into a state from one of those it may leave; False when it is in none of them any more."""
        return self.filter(pk=pk, state__in=leaving).update(state=to, **facts) == 1


class Dispute(UUIDNamed):
    """One citizen says of some records of one source what is wrong with them.

    `asked_at` is when the furnisher was asked: at once, or when an operator admitted a dispute that is raised again.
    `ended_at` is when it was over for the time being: an appeal opens it once more.
    """

    class Ground(models.TextChoices):
        NOT_MINE = "not_mine", "It is not about me"
        WRONG_VALUE = "wrong_value", "The value is wrong"
        WRONG_DATE = "wrong_date", "The date is wrong"
        ALREADY_SETTLED = "already_settled", "It was settled"
        LAPSED = "lapsed", "It is too old to be kept"
        OTHER = "other", "Something else is wrong"

    class State(models.TextChoices):
        RECEIVED = "received"
        IN_REVIEW = "in_review"
        UPHELD = "upheld"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        LAPSED_UNANSWERED = "lapsed_unanswered"
        APPEALED = "appealed"
        UPHELD_ON_APPEAL = "upheld_on_appeal"
        REJECTED_ON_APPEAL = "rejected_on_appeal"

    class Position(models.TextChoices):
        CONFIRM = "confirm"
        WITHDRAW = "withdraw"
        CORRECT = "correct"

    UNDECIDED: Final = ("received", "in_review")
    OPEN: Final = ("received", "in_review", "appealed")
    WON: Final = ("upheld", "lapsed_unanswered", "upheld_on_appeal")
    APPEAL_STATES: Final = ("appealed", "upheld_on_appeal", "rejected_on_appeal")
    LONGEST_STATEMENT: Final = 2000
    APPEAL_WITHIN: Final = timedelta(days=30)

    prefix = "dsp"
    enrolment = models.ForeignKey(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="disputes")
    source = models.ForeignKey(Source, models.RESTRICT, related_name="disputes")
    ground = models.CharField(max_length=16, choices=Ground)
    statement = models.CharField(max_length=LONGEST_STATEMENT)
    shares_evidence = models.BooleanField(default=False)  # whether the furnisher may see the files too
    state = models.CharField(max_length=20, choices=State, default=State.RECEIVED)
    has_benefit = models.BooleanField()  # whether the benefit of the doubt was given
    is_raised_again = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)  # the last day, in UTC, for the furnisher to answer
    reminded_day = models.PositiveSmallIntegerField(default=0)  # the latest of the days on which it was reminded
    answered_at = models.DateTimeField(null=True)
    position = models.CharField(max_length=8, choices=Position, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    appealed_at = models.DateTimeField(null=True)
    appeal_decided_at = models.DateTimeField(null=True)
    appeal_decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "received",
                        "in_review",
                        "upheld",
                        "rejected",
                        "withdrawn",
                        "lapsed_unanswered",
                        "appealed",
                        "upheld_on_appeal",
                        "rejected_on_appeal",
                    ]
                ),
                name="dispute_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(ground__in=["not_mine", "wrong_value", "wrong_date", "already_settled", "lapsed", "other"]),
                name="dispute_ground_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["received", "in_review", "appealed"], ended_at__isnull=True)
                | Q(
                    state__in=[
                        "upheld",
                        "rejected",
                        "withdrawn",
                        "lapsed_unanswered",
                        "upheld_on_appeal",
                        "rejected_on_appeal",
                    ],
                    ended_at__isnull=False,
                ),
                name="dispute_ended_at_iff_over",
            ),
            models.CheckConstraint(
                condition=Q(asked_at__isnull=True, due_on__isnull=True)
                | Q(asked_at__isnull=False, due_on__isnull=False),
                name="dispute_is_due_iff_asked",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, position="")
                | Q(answered_at__isnull=False, asked_at__isnull=False, position__in=["confirm", "withdraw", "correct"]),
                name="dispute_position_iff_answered",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_review") | Q(answered_at__isnull=False) | Q(is_raised_again=True),
                name="dispute_in_review_after_an_answer_or_a_look",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["upheld", "rejected", "appealed", "upheld_on_appeal", "rejected_on_appeal"],
                    decided_at__isnull=False,
                )
                | Q(state__in=["received", "in_review", "withdrawn", "lapsed_unanswered"], decided_at__isnull=True),
                name="dispute_decided_at_iff_decided",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["appealed", "upheld_on_appeal", "rejected_on_appeal"], appealed_at__isnull=False)
                | (~Q(state__in=["appealed", "upheld_on_appeal", "rejected_on_appeal"]) & Q(appealed_at__isnull=True)),
                name="dispute_appealed_at_iff_appealed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["upheld_on_appeal", "rejected_on_appeal"], appeal_decided_at__isnull=False)
                | (
                    ~Q(state__in=["upheld_on_appeal", "rejected_on_appeal"])
                    & Q(appeal_decided_at__isnull=True, appeal_decided_by__isnull=True)
                ),
                name="dispute_appeal_decided_at_iff_decided",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(appeal_decided_by__isnull=True)
                | ~Q(decided_by=F("appeal_decided_by")),
                name="dispute_appeal_is_heard_by_another",
            ),
            models.CheckConstraint(
                condition=Q(has_benefit=False) | Q(is_raised_again=False), name="dispute_raised_again_has_no_benefit"
            ),
        ]
        indexes = [
            # One citizen's list, newest first.
            models.Index(fields=["enrolment", "-opened_at", "-id"], name="dispute_of_citizen"),
            # A source's list, by the day it has to answer.
            models.Index(fields=["source", "due_on", "id"], name="dispute_of_source"),
            # The operators' queue, the clock and the reminders: what is not over, by due day.
            models.Index(
                fields=["due_on", "id"],
                condition=Q(state__in=["received", "in_review", "appealed"]),
                name="dispute_open_by_due",
            ),
            # The erasing of evidence 90 days after the end.
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="dispute_by_end"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class DisputedEntryQuerySet(models.QuerySet["DisputedEntry"]):
    def open(self) -> "DisputedEntryQuerySet":
        return self.filter(is_open=True)


class DisputedEntry(models.Model):
    """One record that a dispute is about. `is_open` follows the dispute's state, `ground` is the dispute's own.

    `has_benefit` says that the record was marked as disputed, so that it counted only where it helped.
    """

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="disputed")
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="disputed")
    ground = models.CharField(max_length=16, choices=Dispute.Ground)
    is_open = models.BooleanField(default=True)
    has_benefit = models.BooleanField()

    objects = DisputedEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "disputed entries"
        constraints = [
            models.UniqueConstraint(fields=["dispute", "entry"], name="disputed_entry_named_once"),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(is_open=True), name="disputed_entry_in_one_open_dispute"
            ),
            models.UniqueConstraint(
                fields=["entry", "ground"],
                condition=Q(has_benefit=True),
                name="disputed_entry_benefit_once_per_ground",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} in {self.dispute_id}"


class DisputeEvent(models.Model):
    """One step of a dispute as its citizen reads it: append-only. `text` is what was written with it, if anything."""

    class What(models.TextChoices):
        OPENED = "opened"
        ASKED = "asked"
        REMINDED = "reminded"
        ADMITTED = "admitted"
        ANSWERED = "answered"
        UPHELD = "upheld"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        LAPSED_UNANSWERED = "lapsed_unanswered"
        TAKEN_BACK = "taken_back"
        APPEALED = "appealed"
        UPHELD_ON_APPEAL = "upheld_on_appeal"
        REJECTED_ON_APPEAL = "rejected_on_appeal"
        EVIDENCE_ADDED = "evidence_added"
        EVIDENCE_ERASED = "evidence_erased"

    class By(models.TextChoices):
        CITIZEN = "citizen"
        FURNISHER = "furnisher"
        OPERATOR = "operator"
        SYSTEM = "system"

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    what = models.CharField(max_length=20, choices=What)
    by = models.CharField(max_length=10, choices=By)
    text = models.CharField(max_length=Dispute.LONGEST_STATEMENT, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(by__in=["citizen", "furnisher", "operator", "system"]), name="dispute_event_by_is_known"
            ),
        ]
        indexes = [
            # One dispute's timeline.
            models.Index(fields=["dispute", "id"], name="dispute_event_timeline"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.dispute_id}"


class Evidence(IntegerNamed):
    """A file a citizen added, drawn anew; `name` is where it is kept. Erased 90 days after the dispute's end."""

    KEPT_AFTER_END: Final = timedelta(days=90)

    prefix = "evi"
    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="evidence")
    name = models.CharField(max_length=64, unique=True)
    content_type = models.CharField(max_length=32)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="evidence_has_a_file"),
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_is_not_empty"),
        ]

    def __str__(self) -> str:
        return self.public_id


class MassUpholding(UUIDNamed):
    """Two operators strike, on one ground, every record a source sent in one batch: those recorded at one instant.

    One proposes and another confirms; `done_at` is when the last of the records was struck. It names no citizen.
    """

    prefix = "mup"
    source = models.ForeignKey(Source, models.RESTRICT, related_name="mass_upholdings")
    recorded_at = models.DateTimeField()
    ground = models.CharField(max_length=16, choices=Dispute.Ground)
    reason = models.CharField(max_length=Dispute.LONGEST_STATEMENT)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.RESTRICT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "recorded_at", "ground"],
                condition=Q(dropped_at__isnull=True),
                name="mass_upholding_one_per_batch_and_ground",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, dropped_at__isnull=True),
                name="mass_upholding_confirmed_or_dropped",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("proposed_by")),
                name="mass_upholding_takes_two_operators",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(confirmed_at__isnull=False),
                name="mass_upholding_done_after_confirmed",
            ),
        ]
        indexes = [
            # What is proposed, or confirmed and not done yet.
            models.Index(
                fields=["proposed_at"],
                condition=Q(done_at__isnull=True, dropped_at__isnull=True),
                name="mass_upholding_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


def appeal_ends(ended_at: datetime) -> datetime:
    """Until when a rejected dispute may be appealed."""
    return ended_at + Dispute.APPEAL_WITHIN
