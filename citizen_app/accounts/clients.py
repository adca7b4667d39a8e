"""Machine clients: giving a merchant or a furnisher a client id and a secret, and taking it back."""

from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model

from citizen_app import audit
from citizen_app.models import Citizen, OAuthApplication

SCOPES_OF_OWNER: dict[str, frozenset[str]] = {
    OAuthApplication.OwnerKind.MERCHANT: frozenset({"merchant:scan", "merchant:perks"}),
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
def issue_client(*, name: str, owner_kind: str, owner: str, scopes: list[str], by: Citizen | None) -> IssuedClient:
    """Let a merchant's or furnisher's server call us, for the named scopes and nothing else.

    `owner` is the organisation's public id; `by` who asked (None: a set-up command). The grant is client credentials.
    Raises ValueError for a scope this kind of owner can never have: doors validate before.
    """
    allowed = SCOPES_OF_OWNER[owner_kind]
    if not scopes or not set(scopes) <= allowed:
        raise ValueError(f"A {owner_kind} may have only {sorted(allowed)}, not {scopes}.")
    secret = generate_client_secret()
    application = OAuthApplication.objects.create(
        name=name,
        owner_kind=owner_kind,
        owner=owner,
        allowed_scopes=sorted(set(scopes)),
        client_type=OAuthApplication.CLIENT_CONFIDENTIAL,
        authorization_grant_type=OAuthApplication.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
    )
    audit.record(by=by, action="client.issue", on=owner, client_id=application.client_id, scopes=sorted(set(scopes)))
    return IssuedClient(application, secret)


@transaction.atomic
def suspend_client(*, application: OAuthApplication, suspended: bool = True, by: Citizen | None) -> None:
    """Switch a client off (or on again): while it is off, its tokens and its secret open nothing."""
    if OAuthApplication.objects.filter(pk=application.pk, suspended=not suspended).update(
        suspended=suspended, updated=timezone.now()
    ):
        action = "client.suspend" if suspended else "client.resume"
        audit.record(by=by, action=action, on=application.owner, client_id=application.client_id)


@transaction.atomic
def withdraw_client(*, application: OAuthApplication, by: Citizen | None) -> None:
    """End a client for good: its secret and its access tokens stop at once. The row stays, for the audit trail."""
    get_access_token_model().objects.filter(application=application).delete()
    OAuthApplication.objects.filter(pk=application.pk).update(
        suspended=True, allowed_scopes=[], client_secret=make_password(None), updated=timezone.now()
    )
    audit.record(by=by, action="client.withdraw", on=application.owner, client_id=application.client_id)
