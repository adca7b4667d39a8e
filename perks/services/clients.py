"""A merchant's clients: servers that scan, manage perks or look boosts up, and apps that people connect."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.clients import (
    SANDBOX,
    approve_app,
    issue_client,
    refuse_app,
    register_app,
    suspend_client,
    withdraw_client,
)
from citizen_app.accounts.connections import forbids_connecting
from citizen_app.accounts.redirects import why_no_redirect
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OAuthApplication
from perks.errors import MerchantSuspended, NoDatingApp
from perks.models import Merchant, MerchantClient
from perks.services.merchants import require_impartial_operator

LOOKUP: Final = "boost:lookup"
SCOPES: Final = ("merchant:scan", "merchant:perks", LOOKUP, SANDBOX)


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client just made, with the only sight of its secret."""

    client: MerchantClient
    client_id: str
    client_secret: str = field(repr=False)


@transaction.atomic
def add_client(
    *,
    merchant: Merchant,
    by: Citizen,
    name: str,
    scopes: list[str],
    app: MerchantClient | None = None,
    now: datetime | None = None,
) -> NewClient:
    """Let one of the merchant's servers call us. `scopes` is a subset of `SCOPES`; the secret is shown once.

    A server that looks boosts up names people as one of the merchant's own apps does: `app` says which.
    """
    if (LOOKUP in scopes) != (app is not None):
        wrong = "Name the app whose people it looks up." if app is None else f"Only {LOOKUP} is about an app."
        raise InvalidInput(FieldError("/app", "required" if app is None else "invalid", wrong))
    if app is not None and (not app.application.is_app or app.merchant_id != merchant.pk):
        raise InvalidInput(FieldError("/app", "invalid", "This is none of your apps."))
    if app is not None and app.application.review == OAuthApplication.Review.REFUSED:
        raise InvalidInput(FieldError("/app", "invalid", "This app was refused: nobody connects it."))
    issued = issue_client(
        name=name,
        owner_kind=OAuthApplication.OwnerKind.MERCHANT,
        owner=merchant.public_id,
        scopes=scopes,
        by=by,
        app=app.application if app is not None else None,
    )
    client = MerchantClient.objects.create(
        merchant=merchant, application=issued.application, name=name, made_at=now or timezone.now()
    )
    return NewClient(client, issued.client_id, issued.client_secret)


@transaction.atomic
def add_app(
    *,
    merchant: Merchant,
    by: Citizen,
    name: str,
    redirect_uris: Sequence[str],
    privacy_url: str,
    terms_url: str = "",
    now: datetime | None = None,
) -> NewClient:
    """Put an app before the operators: once one has approved it, people can connect it. The secret is shown once.

    `name` is what people read. Raises `NoDatingApp` for any other merchant (whatever an app asks a person for, it is
    about a boost), and `InvalidInput` for an address no answer may be sent to.
    """
    _require_dating_app(merchant)
    wrong = [
        FieldError(f"/redirect_uris/{place}", "invalid", why)
        for place, uri in enumerate(redirect_uris)
        if (why := why_no_redirect(uri))
    ]
    if wrong:
        raise InvalidInput(*wrong)
    issued = register_app(
        name=name,
        owner=merchant.public_id,
        redirect_uris=redirect_uris,
        privacy_url=privacy_url,
        terms_url=terms_url,
        by=by,
    )
    client = MerchantClient.objects.create(
        merchant=merchant, application=issued.application, name=name, made_at=now or timezone.now()
    )
    return NewClient(client, issued.client_id, issued.client_secret)


def _require_dating_app(merchant: Merchant) -> None:
    if not merchant.is_dating_app:
        raise NoDatingApp


@transaction.atomic
def approve_client(*, client: MerchantClient, by: Citizen) -> MerchantClient:
    """Let people connect a dating app's app, as an operator who acts for no merchant of this kind themselves."""
    require_impartial_operator(by, client.merchant)
    _require_dating_app(client.merchant)
    approve_app(application=client.application, by=by)
    return client


@transaction.atomic
def refuse_client(*, client: MerchantClient, by: Citizen, reason: str) -> MerchantClient:
    """Turn an app down, with the reason its merchant's people read."""
    require_impartial_operator(by, client.merchant)
    refuse_app(application=client.application, reason=reason, by=by)
    return client


@transaction.atomic
def switch_client(*, client: MerchantClient, suspended: bool, by: Citizen) -> MerchantClient:
    """Shut a client out from the next request on, or let it in again; its connections wait meanwhile."""
    require_impartial_operator(by, client.merchant)
    if client.application.suspended == suspended:
        raise WrongState
    suspend_client(application=client.application, suspended=suspended, by=by)
    client.application.suspended = suspended
    return client


@transaction.atomic
def withdraw_apps(*, merchant: Merchant, by: Citizen) -> None:
    """End every app of a merchant that is no more, and everybody's connection to it."""
    apps = OAuthApplication.objects.filter(
        merchant_client__merchant=merchant, authorization_grant_type=OAuthApplication.GRANT_AUTHORIZATION_CODE
    )
    for application in apps.order_by("pk"):
        withdraw_client(application=application, by=by)


@forbids_connecting
def merchant_must_offer(*, citizen: Citizen, application: OAuthApplication) -> None:
    """Nobody connects the app of a merchant that is suspended or closed; who is connected already stays so."""
    client = MerchantClient.objects.filter(application=application).select_related("merchant").first()
    if client is not None and client.merchant.state != Merchant.State.ACTIVE:
        raise MerchantSuspended


@transaction.atomic
def remove_client(*, client: MerchantClient, by: Citizen) -> None:
    """Take a client's access away at once: its secret, its tokens and every connection to it are over.

    Who had connected an app is told that its owner withdrew it.
    """
    withdraw_client(application=client.application, by=by, via="owner")
    client.delete()
