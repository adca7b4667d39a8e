"""A merchant's servers: OAuth clients that scan or manage perks, and nothing else."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.clients import issue_client, withdraw_client
from citizen_app.models import Citizen, OAuthApplication
from perks.models import Merchant, MerchantClient

SCOPES: Final = ("merchant:scan", "merchant:perks")


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client just made, with the only sight of its secret."""

    client: MerchantClient
    client_id: str
    client_secret: str = field(repr=False)


@transaction.atomic
def add_client(
    *, merchant: Merchant, by: Citizen, name: str, scopes: list[str], now: datetime | None = None
) -> NewClient:
    """Let one of the merchant's servers call us. `scopes` is a subset of `SCOPES`; the secret is shown once."""
    issued = issue_client(
        name=name,
        owner_kind=OAuthApplication.OwnerKind.MERCHANT,
        owner=merchant.public_id,
        scopes=scopes,
        by=by,
    )
    client = MerchantClient.objects.create(
        merchant=merchant, application=issued.application, name=name, made_at=now or timezone.now()
    )
    return NewClient(client, issued.client_id, issued.client_secret)


@transaction.atomic
def remove_client(*, client: MerchantClient, by: Citizen) -> None:
    """Take a server's access away at once: its secret and its tokens open nothing any more."""
    withdraw_client(application=client.application, by=by)
    client.delete()
