"""Where others hear of what happened to their own things: their addresses, what was promised to each, every attempt."""

from datetime import datetime
from typing import Final

from django.db import models
from django.db.models import Exists, OuterRef, Q

from citizen_app.models.clients import OAuthApplication
from citizen_app.models.keys import NamedQuerySet, UUIDNamed


class WebhookEndpointQuerySet(NamedQuerySet):
    def of(self, owner_kind: str, owner: str) -> "WebhookEndpointQuerySet":
        return self.filter(owner_kind=owner_kind, owner=owner)

    def on(self) -> "WebhookEndpointQuerySet":
        return self.filter(state=WebhookEndpoint.State.ON)

    def called_at(self, now: datetime) -> "WebhookEndpointQuerySet":
        """Those that are on, rest no longer, and have something due that nobody is calling them about."""
        due = WebhookDelivery.objects.heads(now).filter(endpoint=OuterRef("pk"))
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        rested = Q(rests_until=None) | Q(rests_until__lte=now)
        return self.on().filter(free, rested).filter(Exists(due))


class WebhookEndpoint(UUIDNamed):
    """An address of a merchant's or of a furnisher's, which is told of events.

    It is a lane of its own: whoever holds its lease calls it, one event after the other, so a slow one delays nobody
    else. `is_slow` puts it among those for which only some of the callers work; `rests_until` is when it is called
    again after its breaker opened, or when it asked for a pause.
    """

    class Owner(models.TextChoices):
        MERCHANT = "merchant"
        SOURCE = "source"

    class State(models.TextChoices):
        ON = "on"
        DISABLED = "disabled"

    class Because(models.TextChoices):
        OWNER = "owner"  # somebody of its owner's switched it off
        GONE = "gone"  # it answered 410

    prefix = "whe"
    owner_kind = models.CharField(max_length=12, choices=Owner)
    # The merchant's public id or the source's code: their tables are in apps this one may not import.
    owner = models.CharField(max_length=40)
    # Of a dating app's: only the connections of this one.
    application = models.ForeignKey(OAuthApplication, models.CASCADE, null=True, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list)  # types of the catalogue; none: all
    state = models.CharField(max_length=8, choices=State, default=State.ON)
    disabled_because = models.CharField(max_length=8, choices=Because, blank=True)
    secret_sealed = models.TextField()
    # Signs too while the owner changes over.
    former_secret_sealed = models.TextField(blank=True)
    former_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    ping_count = models.PositiveIntegerField(default=0)

    leased_until = models.DateTimeField(null=True)
    served_at = models.DateTimeField(null=True)  # the last time somebody took its lease: who waited longest is next
    is_slow = models.BooleanField(default=False)
    is_open = models.BooleanField(default=False)  # its breaker
    rests_until = models.DateTimeField(null=True)
    counted_from = models.DateTimeField(null=True)  # failures before it count no more for the breaker

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="on", disabled_because="") | (Q(state="disabled") & ~Q(disabled_because="")),
                name="webhook_endpoint_is_disabled_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(former_secret_sealed="", former_secret_until=None)
                | (~Q(former_secret_sealed="") & Q(former_secret_until__isnull=False)),
                name="webhook_endpoint_former_secret_has_an_end",
            ),
            models.CheckConstraint(condition=Q(owner_kind__in=["merchant", "source"]), name="webhook_owner_is_known"),
        ]
        indexes = [
            # An owner's list, and who hears of an event.
            models.Index(fields=["owner_kind", "owner"], name="webhook_endpoint_of_owner"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def hears(self, event_type: str, client_id: str) -> bool:
        """Whether it is told of such an event (of this client's, if it is about one)."""
        if self.application is not None and self.application.client_id != client_id:
            return False
        return self.state == self.State.ON and (not self.events or event_type in self.events)


class WebhookEvent(UUIDNamed):
    """What happened, as it is told: `body` is sent as it stands. Its public id is the `webhook-id` of every attempt.

    Kept for 30 days, and only where its owner had an endpoint.
    """

    prefix = "evt"
    owner_kind = models.CharField(max_length=12, choices=WebhookEndpoint.Owner)
    owner = models.CharField(max_length=40)
    client_id = models.CharField(max_length=100, blank=True)
    type = models.CharField(max_length=40)
    object = models.CharField(max_length=190)  # kind and id
    sequence = models.PositiveBigIntegerField()
    body = models.TextField()
    at = models.DateTimeField()
    created_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        indexes = [
            # Whether the one before of the same object is here already.
            models.Index(fields=["owner", "object", "sequence"], name="webhook_event_of_object"),
            # Replaying what an owner missed since a moment.
            models.Index(fields=["owner", "created_at"], name="webhook_event_of_owner"),
            # Pruning: after 30 days.
            models.Index(fields=["created_at"], name="webhook_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class WebhookDeliveryQuerySet(NamedQuerySet):
    def pending(self) -> "WebhookDeliveryQuerySet":
        return self.filter(state=WebhookDelivery.State.PENDING)

    def heads(self, now: datetime) -> "WebhookDeliveryQuerySet":
        """What is due and has nothing before it: of one object, the later event waits for the earlier."""
        earlier = WebhookDelivery.objects.pending().filter(
            endpoint=OuterRef("endpoint"), object=OuterRef("object"), sequence__lt=OuterRef("sequence")
        )
        return self.pending().filter(due_at__lte=now).filter(~Exists(earlier))


class WebhookDelivery(UUIDNamed):
    """One event to one endpoint, until it is delivered or given up (`failed`: then it can be replayed).

    `attempt_count` counts since it was last asked for; the attempts themselves are rows.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    OVER: Final = (State.DELIVERED, State.FAILED)

    prefix = "whd"
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    object = models.CharField(max_length=190)
    sequence = models.PositiveBigIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_one_per_event_and_endpoint"),
            models.CheckConstraint(
                condition=Q(state="pending", ended_at=None)
                | Q(state__in=["delivered", "failed"], ended_at__isnull=False),
                name="webhook_delivery_is_pending_until_its_end",
            ),
        ]
        indexes = [
            # The lanes: what is due at an endpoint.
            models.Index(fields=["endpoint", "due_at"], condition=Q(state="pending"), name="webhook_delivery_due"),
            # What has something of the same object before it.
            models.Index(
                fields=["endpoint", "object", "sequence"],
                condition=Q(state="pending"),
                name="webhook_delivery_in_order",
            ),
            # The console's and the API's list, the latest first.
            models.Index(fields=["endpoint", "id"], name="webhook_delivery_listed"),
        ]

    def __str__(self) -> str:
        return self.public_id


class WebhookAttempt(models.Model):
    """One call and what came of it: a status or why there was none, how long it took, how the answer began."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="attempts")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    is_success = models.BooleanField()
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    reason = models.CharField(max_length=120, blank=True)
    answer = models.TextField(blank=True)  # its first kilobyte

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__isnull=False) | ~Q(reason=""), name="webhook_attempt_has_a_status_or_a_reason"
            ),
        ]
        indexes = [
            # The breaker: how many of the latest have failed.
            models.Index(fields=["endpoint", "at"], name="webhook_attempt_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.status or self.reason}"
