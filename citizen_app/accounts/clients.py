"""Clients: giving a merchant or a furnisher a client id and a secret, reviewing apps, and taking it all back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model

from citizen_app import audit
from citizen_app.accounts.connections import disconnect_all_of
from citizen_app.accounts.redirects import why_no_redirect
from citizen_app.accounts.scopes import OF_PEOPLE
from citizen_app.errors import WrongState
from citizen_app.models import Citizen, OAuthApplication

SANDBOX: Final = "sandbox"
"""The scope of a client that meets test citizens only: it stands alone, so that no such client meets anybody else."""
SCOPES_OF_OWNER: dict[str, frozenset[str]] = {
    OAuthApplication.OwnerKind.MERCHANT: frozenset({"merchant:scan", "merchant:perks", "boost:lookup", SANDBOX}),
    OAuthApplication.OwnerKind.FURNISHER: frozenset({"source:write"}),
}


@dataclass(frozen=True, slots=True)
class IssuedClient:
    """A new client and the only sight of its secret: the database keeps a hash."""

    application: OAuthApplication
    client_secret: str = field(repr=False)

    @property
    def client_id(self) -> str:
        return str(self.application.client_id)


@transaction.atomic
def issue_client(
    *,
    name: str,
    owner_kind: str,
    owner: str,
    scopes: list[str],
    by: Citizen | None,
    app: OAuthApplication | None = None,
) -> IssuedClient:
    """Let a merchant's or furnisher's server call us, for the named scopes and nothing else.

    `owner` is the organisation's public id; `by` who asked (None: a set-up command). The grant is client credentials.
    `app` is the owner's own app whose people a server with `boost:lookup` names as that app does.
    Raises ValueError for a scope this kind of owner can never have: doors validate before.
    """
    allowed = SCOPES_OF_OWNER[owner_kind]
    if not scopes or not set(scopes) <= allowed:
        raise ValueError(f"A {owner_kind} may have only {sorted(allowed)}, not {scopes}.")
    if SANDBOX in scopes and len(set(scopes)) > 1:
        raise ValueError("A sandbox's client has no other scope.")
    secret = generate_client_secret()
    application = OAuthApplication.objects.create(
        name=name,
        owner_kind=owner_kind,
        owner=owner,
        sector=app.sector_or_own if app is not None else "",
        allowed_scopes=sorted(set(scopes)),
        client_type=OAuthApplication.CLIENT_CONFIDENTIAL,
        authorization_grant_type=OAuthApplication.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
    )
    audit.record(by=by, action="client.issue", on=owner, client_id=application.client_id, scopes=sorted(set(scopes)))
    return IssuedClient(application, secret)


@transaction.atomic
def register_app(
    *,
    name: str,
    owner: str,
    redirect_uris: Sequence[str],
    privacy_url: str,
    terms_url: str,
    by: Citizen | None,
) -> IssuedClient:
    """Put down an app that people will be able to connect, once an operator has looked at it: until then nobody can.

    The grant is an authorization code with PKCE, for the scopes a person is asked for. Raises ValueError for an address
    no answer may be sent to: doors validate before.
    """
    if not redirect_uris or any(why_no_redirect(uri) for uri in redirect_uris):
        raise ValueError(f"No answers may be sent to {redirect_uris}.")
    secret = generate_client_secret()
    application = OAuthApplication.objects.create(
        name=name,
        owner_kind=OAuthApplication.OwnerKind.MERCHANT,
        owner=owner,
        allowed_scopes=sorted(OF_PEOPLE),
        client_type=OAuthApplication.CLIENT_CONFIDENTIAL,
        authorization_grant_type=OAuthApplication.GRANT_AUTHORIZATION_CODE,
        algorithm=OAuthApplication.RS256_ALGORITHM,
        redirect_uris=" ".join(dict.fromkeys(redirect_uris)),
        privacy_url=privacy_url,
        terms_url=terms_url,
        review=OAuthApplication.Review.PENDING,
        client_secret=secret,
    )
    audit.record(by=by, action="client.register", on=owner, client_id=application.client_id)
    return IssuedClient(application, secret)


@transaction.atomic
def approve_app(*, application: OAuthApplication, by: Citizen) -> None:
    """Let people connect an app that waits. Raises `WrongState` where it does not wait (any more)."""
    _decide(application, review=OAuthApplication.Review.APPROVED, by=by, action="client.approve")


@transaction.atomic
def refuse_app(*, application: OAuthApplication, reason: str, by: Citizen) -> None:
    """Turn an app down that waits, with the reason its people read. Raises `WrongState` where it does not wait."""
    _decide(application, review=OAuthApplication.Review.REFUSED, refusal=reason, by=by, action="client.refuse")


def _decide(application: OAuthApplication, *, review: str, by: Citizen, action: str, refusal: str = "") -> None:
    waits = OAuthApplication.objects.filter(pk=application.pk, review=OAuthApplication.Review.PENDING)
    if not waits.update(review=review, refusal=refusal, updated=timezone.now()):
        raise WrongState
    application.review, application.refusal = review, refusal
    audit.record(by=by, action=action, on=application.owner, client_id=application.client_id)


@transaction.atomic
def suspend_client(*, application: OAuthApplication, suspended: bool = True, by: Citizen | None) -> None:
    """Switch a client off (or on again): while it is off, its tokens and its secret open nothing."""
    if OAuthApplication.objects.filter(pk=application.pk, suspended=not suspended).update(
        suspended=suspended, updated=timezone.now()
    ):
        action = "client.suspend" if suspended else "client.resume"
        audit.record(by=by, action=action, on=application.owner, client_id=application.client_id)


@transaction.atomic
def withdraw_client(*, application: OAuthApplication, by: Citizen | None, via: str = "system") -> None:
    """End a client for good: secret, tokens and connections stop at once. The row stays, for the audit trail.

    `via` is `owner` where its owner took it back: everybody who connected it is told so.
    """
    disconnect_all_of(application=application, via=via)
    get_access_token_model().objects.filter(application=application).delete()
    OAuthApplication.objects.filter(pk=application.pk).update(
        suspended=True, allowed_scopes=[], client_secret=make_password(None), updated=timezone.now()
    )
    audit.record(by=by, action="client.withdraw", on=application.owner, client_id=application.client_id)
