"""An owner's endpoints: added after their address was judged, changed, given a new secret, disabled, removed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.mail import queue_mail
from citizen_app.audit import record
from citizen_app.calling_out import CallFailed, check_address
from citizen_app.errors import DomainError, FieldError, InvalidInput, Kind, WrongState
from citizen_app.models import Citizen, OAuthApplication, WebhookDelivery, WebhookEndpoint
from citizen_app.webhooks.signing import new_secret, sealed

MOST: Final = 10
OVERLAP: Final = timedelta(hours=24)
"""How long the former secret signs, too."""

By = Citizen | OAuthApplication


class TooManyEndpoints(DomainError):
    """Carries `limit`."""

    code, kind, title = "too_many_endpoints", Kind.CONFLICT, "You have as many endpoints as there may be."
    remedy = "Remove an endpoint that you no longer need."


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint with the only sight of a secret just made."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


_mailed: dict[str, Callable[[str], list[str]]] = {}


def mails_to(owner_kind: str) -> Callable[[Callable[[str], list[str]]], Callable[[str], list[str]]]:
    """Register who is mailed about the endpoints of an owner: addresses by the owner's id."""

    def register(addresses: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
        _mailed[owner_kind] = addresses
        return addresses

    return register


def judge_address(url: str) -> None:
    """Refuse an address that is not called, as what is wrong with `/url`. Looks its name up: not in a transaction."""
    try:
        check_address(url)
    except CallFailed as refusal:  # or its name server is too slow to tell
        raise InvalidInput(FieldError("/url", "invalid", refusal.reason)) from refusal


@transaction.atomic
def add_endpoint(
    *,
    owner_kind: str,
    owner: str,
    url: str,
    events: Collection[str] = (),
    application: OAuthApplication | None = None,
    by: By,
    now: datetime | None = None,
) -> NewSecret:
    """Tell an address, which was judged (`judge_address`), of the owner's events: of these types, or of all.

    The secret is shown once.
    Of `application`, an app of the owner's, it hears the connections and nothing else.
    """
    now = now or timezone.now()
    # Two requests may count at once and make one more than there may be: a bound for tables, not a right.
    if WebhookEndpoint.objects.of(owner_kind, owner).count() >= MOST:
        raise TooManyEndpoints(limit=MOST)
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        owner_kind=owner_kind,
        owner=owner,
        application=application,
        url=url,
        events=sorted(set(events)),
        secret_sealed=sealed(secret),
        created_at=now,
    )
    record(by=by, action="webhook_endpoint.add", on=endpoint.public_id, owner=owner)
    return NewSecret(endpoint, secret)


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, changes: dict[str, Any], by: By, now: datetime | None = None
) -> WebhookEndpoint:
    """Change its address (judged before), its events or its state. What waits goes to the new address.

    Disabled, it is told nothing, and what waits is given up; once it is on again, replay what it missed.
    """
    now = now or timezone.now()
    if "url" in changes:
        # Another machine: what is known of the former one says nothing about it.
        changes = changes | {"is_slow": False, "is_open": False, "rests_until": None, "counted_from": now}
    if "events" in changes:
        changes = changes | {"events": sorted(set(changes["events"]))}
    if changes.get("state") == WebhookEndpoint.State.DISABLED and endpoint.state != WebhookEndpoint.State.DISABLED:
        changes = changes | {"disabled_because": WebhookEndpoint.Because.OWNER}
        _give_up(endpoint, now=now)
    elif changes.get("state") == WebhookEndpoint.State.ON:
        changes = changes | {"disabled_because": ""}
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changes)
    record(by=by, action="webhook_endpoint.change", on=endpoint.public_id, fields=sorted(changes))
    endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, by: By, now: datetime | None = None) -> NewSecret:
    """Give an endpoint a new secret; for 24 hours the former one signs, too. An earlier one is over at once."""
    now = now or timezone.now()
    endpoint = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    secret = new_secret()
    endpoint.former_secret_sealed, endpoint.former_secret_until = endpoint.secret_sealed, now + OVERLAP
    endpoint.secret_sealed = sealed(secret)
    endpoint.save(update_fields=["secret_sealed", "former_secret_sealed", "former_secret_until"])
    record(by=by, action="webhook_endpoint.rotate_secret", on=endpoint.public_id)
    return NewSecret(endpoint, secret)


@transaction.atomic
def remove_endpoint(*, endpoint: WebhookEndpoint, by: By) -> None:
    """Tell an address nothing any more, and forget what it was told."""
    # Whole: whoever is writing down a call to it ends first, and later ones find it gone.
    for held in WebhookEndpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint.pk):
        record(by=by, action="webhook_endpoint.remove", on=held.public_id, owner=held.owner)
        held.delete()


def disable_gone(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """Disable an endpoint that answered 410, and mail its owner. In the transaction that logs the attempt."""
    on = WebhookEndpoint.objects.on().filter(pk=endpoint.pk)
    if not on.update(state=WebhookEndpoint.State.DISABLED, disabled_because=WebhookEndpoint.Because.GONE):
        return
    _give_up(endpoint, now=now)
    record(by=None, action="webhook_endpoint.disable", on=endpoint.public_id, because="gone")
    for address in _mailed.get(endpoint.owner_kind, lambda owner: [])(endpoint.owner):
        queue_mail(EmailMessage(subject="A webhook endpoint was switched off", body=GONE_MAIL, to=[address]))


GONE_MAIL: Final = (
    "One of your webhook endpoints answered 410 Gone, so it is switched off and is told nothing any more.\n\n"
    "If that was a mistake, switch it on again in your console under Webhooks and replay what it missed.\n"
)


def _give_up(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    waiting = WebhookDelivery.objects.pending().filter(endpoint=endpoint)
    waiting.update(state=WebhookDelivery.State.FAILED, ended_at=now)


def require_on(endpoint: WebhookEndpoint) -> None:
    """Refuse what a disabled endpoint is not sent."""
    if endpoint.state != WebhookEndpoint.State.ON:
        raise WrongState("It is disabled: switch it on first.")
