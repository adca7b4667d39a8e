"""Who asked to be scored. The row exists exactly while the enrolment is live (P1)."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection, models
from django.db.models import Q

from citizen_app.models import ConsentEvent
from scores.errors import NotEnrolled


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def of(self, citizen_id: int) -> "Enrolment":
        """The citizen's enrolment, or `NotEnrolled`."""
        enrolment = self.filter(pk=citizen_id).first()
        if enrolment is None:
            raise NotEnrolled
        return enrolment

    def locked(self, citizen_id: int) -> "Enrolment":
        """The citizen's enrolment, held until the transaction ends; whoever changes a score or a link holds it first.

        `no_key` lets rows that point to it be inserted meanwhile: a batch of entries waits for nobody's reading.
        """
        return self.select_for_update(no_key=True, of=("self",)).of(citizen_id)

    def locked_together(self, citizen_ids: Collection[int]) -> dict[int, "Enrolment"]:
        """Those of these citizens who are enrolled, each held as by `locked`, in one order for everybody."""
        held = self.filter(pk__in=citizen_ids).order_by("pk").select_for_update(no_key=True, of=("self",))
        return {enrolment.pk: enrolment for enrolment in held}

    def staying(self, citizen_ids: Collection[int]) -> list[int]:
        """Those of these citizens who are enrolled, in order; none of them can leave until the transaction ends.

        The weakest lock there is (`FOR KEY SHARE`, which the ORM has no word for): it keeps nobody else waiting.
        """
        if connection.vendor != "postgresql":
            return list(self.filter(pk__in=citizen_ids).order_by("pk").values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT citizen_id FROM scores_enrolment WHERE citizen_id = ANY(%s::bigint[])"
                " ORDER BY citizen_id FOR KEY SHARE",
                ["{" + ",".join(map(str, citizen_ids)) + "}"],  # one text: the driver takes long over a list
            )
            return [citizen_id for (citizen_id,) in cursor.fetchall()]


class Enrolment(models.Model):
    """A person's live enrolment; leaving deletes it, and what had happened stays in the consent events.

    Everything scored hangs on this row by a foreign key, so there is no score, entry or link without it. `person_key`
    is a keyed hash of the document check's reference (`scores.services.identity`).
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"

    citizen = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.RESTRICT, primary_key=True, related_name="enrolment"
    )
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    enrolled_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    consent = models.ForeignKey(ConsentEvent, models.RESTRICT, related_name="+")
    consent_version = models.CharField(max_length=16)
    person_key = models.CharField(max_length=64, null=True)
    document_checked_at = models.DateTimeField(null=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_key"], name="enrolment_one_live_per_person"),
            models.CheckConstraint(condition=Q(state__in=["active", "paused"]), name="enrolment_state_is_known"),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False) | Q(state="active", paused_at__isnull=True),
                name="enrolment_paused_at_iff_paused",
            ),
            models.CheckConstraint(
                condition=Q(person_key__isnull=True, document_checked_at__isnull=True)
                | Q(person_key__isnull=False, document_checked_at__isnull=False),
                name="enrolment_person_key_iff_checked",
            ),
        ]

    def __str__(self) -> str:
        return f"enrolment {self.citizen_id} ({self.state})"


class DocumentVisit(models.Model):
    """A citizen sent to a document check that is not done here; only the keyed hash of its token is kept.

    It takes one answer, within a day. `outcome` is what the citizen reads: `accepted`, or the code of the refusal.
    """

    id = models.BigAutoField(primary_key=True)
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, db_column="citizen_id", related_name="document_visits")
    token_hash = models.CharField(max_length=64, unique=True)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, outcome="") | (Q(answered_at__isnull=False) & ~Q(outcome="")),
                name="document_visit_answered_iff_outcome",
            ),
        ]
        indexes = [
            # Forgetting visits a week after they ended.
            models.Index(fields=["expires_at"], name="document_visit_by_end"),
        ]

    def __str__(self) -> str:
        return f"document visit {self.pk}"
