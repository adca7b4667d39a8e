"""The tables behind the promises of the API: safe retries, effects that are not lost, acts that are on record."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class IdempotentRequest(models.Model):
    """A kept answer: inserted in the work's own transaction, so that only work that committed is replayed.

    `caller` is `person:<id>` or `client:<id>`, never a credential, so a renewed token is the same caller.
    """

    id = models.BigAutoField(primary_key=True)
    caller = models.CharField(max_length=64)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "method", "path", "key"], name="idempotent_request_one_answer_per_key"
            ),
        ]
        indexes = [
            # Pruning: answers older than 30 days.
            models.Index(fields=["created_at"], name="idempotent_request_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class AuditEvent(models.Model):
    """Who did what to which thing. Facts hold ids and codes, never personal data.

    Written in the transaction of the act, and chained to the acts before it soon after that has committed
    (`citizen_app.audit_chain`): `number` is its place in the chain, which follows the order of commits and need not
    be that of the ids, and `hash` covers its body and the hash of the act before. The database refuses any other
    change (`citizen_app.audit_guards`).
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=64)  # "person:<id>", "client:<id>", "system"
    action = models.CharField(max_length=64)  # "perk.approve"
    object = models.CharField(max_length=64)  # a public id
    facts = models.JSONField(default=dict)
    # Not hashed: a caller may choose it, and once the logs it leads to are gone it is emptied.
    request_id = models.CharField(max_length=64, blank=True)
    number = models.BigIntegerField(null=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="audit_event_numbered_once"),
            models.CheckConstraint(
                condition=Q(number__isnull=True, hash="") | (Q(number__gte=1) & ~Q(hash="")),
                name="audit_event_has_number_and_hash_or_neither",
            ),
        ]
        indexes = [
            # The history of one thing.
            models.Index(fields=["object", "id"], name="audit_event_of_object"),
            # Chaining: what has not been chained yet.
            models.Index(fields=["id"], condition=Q(number__isnull=True), name="audit_event_unchained"),
            # Pruning: names of requests whose logs are gone.
            models.Index(fields=["at"], condition=~Q(request_id=""), name="audit_event_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object}"


class AuditChain(models.Model):
    """The two ends of the chain of acts, in one row: the last act chained, and the last one pruned before its first.

    Held by whoever chains or prunes. What was pruned is remembered by its hash, so that the first act that is kept
    still proves to follow it.
    """

    NOTHING = "0" * 64

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=NOTHING)
    pruned_number = models.BigIntegerField(default=0)
    pruned_hash = models.CharField(max_length=64, default=NOTHING)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="audit_chain_is_one"),
            models.CheckConstraint(
                condition=Q(pruned_number__gte=0, number__gte=models.F("pruned_number")),
                name="audit_chain_begins_before_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pruned_number + 1} to {self.number}"


class Promised(models.Model):
    """Work that is promised by its row, whoever asked for it (`citizen_app.leases`): done, due, in hand, or dead.

    Rows whose `due_at` has come and whose lease has run out are taken by the relay. A done one is kept for 30 days; a
    dead one, which failed too often, until an operator lets it try again or drops it (then it is dead and done).
    `topic` names the handler.
    """

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    attempt_count = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=255, blank=True)
    done_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, dead_at__isnull=True) | Q(leased_until__isnull=True),
                name="%(class)s_done_or_dead_holds_no_lease",
            ),
        ]
        indexes = [
            # The relay: what is due, oldest first.
            models.Index(
                fields=["due_at", "id"],
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
                name="%(class)s_due",
            ),
            # Pruning: what was done more than 30 days ago.
            models.Index(fields=["done_at"], condition=Q(done_at__isnull=False), name="%(class)s_done"),
            # Operators: dead letters, by topic.
            models.Index(
                fields=["topic", "id"],
                condition=Q(dead_at__isnull=False, done_at__isnull=True),
                name="%(class)s_dead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class OutboxMessage(Promised):
    """An outside effect that was promised in the same transaction as its cause.

    `payload` is its handler's keyword arguments: ids, never personal data.
    """

    created_at = models.DateTimeField(default=timezone.now)


class InboxMessage(Promised):
    """What somebody outside told us, stored once by the name its sender gave it."""

    source = models.CharField(max_length=64)
    message_id = models.CharField(max_length=255)
    received_at = models.DateTimeField(default=timezone.now)
    is_ignored = models.BooleanField(default=False)

    class Meta(Promised.Meta):
        constraints = [
            *Promised.Meta.constraints,
            models.UniqueConstraint(fields=["source", "message_id"], name="inboxmessage_told_once"),
            models.CheckConstraint(
                condition=Q(is_ignored=False) | Q(done_at__isnull=False), name="inboxmessage_ignored_is_done"
            ),
        ]


class ScheduledRun(models.Model):
    """Whose turn a sweep is: one row decides, however many beats and relays ask (`citizen_app.turns`)."""

    name = models.CharField(primary_key=True, max_length=64)
    ran_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
