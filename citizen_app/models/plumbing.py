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
    """Who did what to which thing. Facts hold ids and codes, never personal data."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=64)  # "person:<id>", "client:<id>", "system"
    action = models.CharField(max_length=64)  # "perk.approve"
    object = models.CharField(max_length=64)  # a public id
    facts = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            # The history of one thing.
            models.Index(fields=["object", "id"], name="audit_event_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object}"


class OutboxMessage(models.Model):
    """An outside effect that was promised in the same transaction as its cause; the row is the promise.

    Undone rows whose `due_at` has come and whose lease has run out are taken by the relay; a done one is kept for
    30 days. `topic` names the handler, `payload` its keyword arguments (ids, never personal data).
    """

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    attempt_count = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=255, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(leased_until__isnull=True), name="outbox_done_holds_no_lease"
            ),
        ]
        indexes = [
            # The relay: what is due, oldest first.
            models.Index(fields=["due_at", "id"], condition=Q(done_at__isnull=True), name="outbox_due"),
            # Pruning: what was done more than 30 days ago.
            models.Index(fields=["done_at"], condition=Q(done_at__isnull=False), name="outbox_done"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"
