"""Who may furnish records, and which citizen let them in (P2)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from scores.models.enrolment import Enrolment


class Furnisher(UUIDNamed):
    """An organisation that sends records: a bank, a bureau, an authority, or this platform itself."""

    prefix = "fur"
    name = models.CharField(max_length=120)
    furnishes_as = models.JSONField(default=list)  # of `catalogue.FURNISHERS`: a city may also run the transit

    objects = NamedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """One channel of a furnisher, which a citizen switches on or off. Its client may send only `kinds`."""

    PLATFORM = "platform"

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    furnisher = models.ForeignKey(Furnisher, models.RESTRICT, related_name="sources")
    application = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.RESTRICT, null=True, related_name="source"
    )
    kinds = models.JSONField(default=list)  # codes of `scores.catalogue`
    redirect_url = models.URLField(blank=True)  # where a citizen goes to hand over a link code
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code


class SourceMonth(models.Model):
    """What became in a month of what a source sent, in counts: of which a furnisher's public record is made.

    It names nobody and no entry, so it stays when those are erased.
    """

    source = models.ForeignKey(Source, models.CASCADE, related_name="months")
    month = models.DateField()  # its first day
    accepted_count = models.PositiveBigIntegerField(default=0)
    contradicted_count = models.PositiveBigIntegerField(default=0)
    disputed_count = models.PositiveBigIntegerField(default=0)
    lost_count = models.PositiveBigIntegerField(default=0)
    unanswered_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "month"], name="source_month_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="source_month_begins_on_its_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} in {self.month:%Y-%m}"


class Link(IntegerNamed):
    """A citizen known to a source under the source's own subject id. It ends with the row (see `EndedLink`)."""

    prefix = "lnk"
    enrolment = models.ForeignKey(Enrolment, models.RESTRICT, db_column="citizen_id", related_name="links")
    source = models.ForeignKey(Source, models.RESTRICT, related_name="links")
    subject = models.CharField(max_length=128)
    is_on = models.BooleanField(default=True)
    since = models.DateTimeField()  # the last switch, or the linking

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "source"], name="link_one_per_citizen_and_source"),
            models.UniqueConstraint(fields=["source", "subject"], name="link_one_citizen_per_subject"),
            models.CheckConstraint(condition=~Q(subject=""), name="link_has_subject"),
        ]
        indexes = [
            # The furnisher's feed of changes.
            models.Index(fields=["source", "since", "id"], name="link_feed"),
            # The population statement: whose entries count for nothing while the source is off.
            models.Index(fields=["enrolment", "id"], condition=Q(is_on=False), name="link_off"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.enrolment_id}"


class EndedLink(models.Model):
    """What a furnisher still has to learn about a link that ended: its own subject id and when, no person.

    `id` is the one the link had, so that both tables make one feed. Linking the subject again deletes the row.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, models.CASCADE, related_name="ended_links")
    subject = models.CharField(max_length=128)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "subject"], name="ended_link_one_per_subject"),
        ]
        indexes = [
            # The furnisher's feed of changes, and its pruning after 30 days.
            models.Index(fields=["source", "since", "id"], name="ended_link_feed"),
        ]

    def __str__(self) -> str:
        return f"ended {self.source_id}"


class LinkCode(models.Model):
    """A code the citizen hands to a source once, within 15 minutes; only its keyed hash is kept."""

    id = models.BigAutoField(primary_key=True)
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, db_column="citizen_id", related_name="link_codes")
    source = models.ForeignKey(Source, models.CASCADE, related_name="link_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link code {self.pk}"
