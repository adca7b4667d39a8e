"""People and machine clients, as the product makes them: factories with valid defaults."""

from datetime import timedelta
from typing import Any

import factory
from allauth.account.models import EmailAddress
from allauth.headless.internal import sessionkit
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.test import Client
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model, set_token_value
from rest_framework.test import APIClient

from citizen_app.accounts import set_up, sign_in
from citizen_app.accounts.clients import IssuedClient, approve_app, issue_client, register_app
from citizen_app.accounts.connections import connect
from citizen_app.accounts.operators import grant_role
from citizen_app.accounts.sessions import SignedSessionMiddleware
from citizen_app.models import Citizen, OAuthApplication

PASSWORD = "correct horse battery"


class CitizenFactory(factory.django.DjangoModelFactory):
    """Somebody with an account. `verified=True` shows the address to be theirs, `password=True` sets `PASSWORD`."""

    class Meta:
        model = Citizen
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    first_name = factory.Sequence(lambda n: f"Person {n}")
    password = "!"

    @factory.post_generation
    def verified(obj: Citizen, create: bool, wanted: bool | None, **options: Any) -> None:
        if wanted:
            EmailAddress.objects.create(user=obj, email=obj.email, verified=True, primary=True)

    @classmethod
    def _create(cls, model_class: type[Citizen], *args: Any, **fields: Any) -> Citizen:
        citizen = model_class(**{**fields, "password": "!"})
        if fields["password"] is True:
            citizen.set_password(PASSWORD)
        elif fields["password"] != "!":
            citizen.set_password(fields["password"])
        citizen.save()
        return citizen


def operator_with(*roles: str, **fields: Any) -> Citizen:
    """An operator with these roles and an authenticator, so that their sessions are complete."""
    operator = CitizenFactory(verified=True, password=True, **fields)
    for role in roles:
        grant_role(citizen=operator, role=role, by=None)
    set_up.set_up_authenticator(operator)
    operator.refresh_from_db()
    return operator


def session_token_for(citizen: Citizen, *, second_factor: bool = True) -> str:
    """A complete session's `X-Session-Token`; without `second_factor` one by password alone."""
    return sign_in.session_token_for(citizen, second_factor=second_factor)


def browser_for(citizen: Citizen, *, enforce_csrf_checks: bool = False, second_factor: bool = True) -> Client:
    """The citizen's browser, signed in completely (Django's `force_login` makes a cookie that is not signed)."""
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    key = sign_in.open_session(citizen, second_factor=second_factor).session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = signing.Signer(salt=SignedSessionMiddleware.salt).sign(key)
    return client


def session_in(client: Client) -> SessionBase:
    """The session behind a browser's cookie (in the place of Django's `client.session`)."""
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return sessionkit.session_store(signing.Signer(salt=SignedSessionMiddleware.salt).unsign(cookie))


def api_client_for(citizen: Citizen, *, second_factor: bool = True) -> APIClient:
    """The citizen's app: every request carries their session token."""
    client = APIClient()
    client.credentials(HTTP_X_SESSION_TOKEN=session_token_for(citizen, second_factor=second_factor))
    return client


def machine_client(
    *, owner: str = "mer_x", scopes: tuple[str, ...] = ("merchant:scan", "merchant:perks"), name: str = "Till"
) -> IssuedClient:
    """A merchant's server; with the scope `source:write` a furnisher's."""
    kind = OAuthApplication.OwnerKind.FURNISHER if "source:write" in scopes else OAuthApplication.OwnerKind.MERCHANT
    return issue_client(name=name, owner_kind=kind, owner=owner, scopes=list(scopes), by=None)


REDIRECT = "https://app.example/cb"


def app_client(*, owner: str = "mer_x", name: str = "Amora", approved: bool = True, **fields: Any) -> IssuedClient:
    """An app that people can connect; `approved=False` leaves it in the operators' queue."""
    issued = register_app(
        **{  # type: ignore[arg-type]
            "name": name,
            "owner": owner,
            "redirect_uris": [REDIRECT],
            "privacy_url": "https://app.example/privacy",
            "terms_url": "https://app.example/terms",
            "by": None,
            **fields,
        }
    )
    if approved:
        approve_app(application=issued.application, by=CitizenFactory())
    return issued


def connected_app(
    citizen: Citizen, application: OAuthApplication, *, scopes: tuple[str, ...] = ("boost:read", "openid")
) -> APIClient:
    """The app as it calls for somebody who connected it: every request carries its access token for them."""
    connect(citizen=citizen, application=application, scopes=scopes, via="web")
    client = APIClient()
    token = bearer_for(application, scope=" ".join(scopes), person=citizen)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def bearer_for(application: OAuthApplication, *, scope: str | None = None, person: Citizen | None = None) -> str:
    """An access token of this client, stored as the provider stores them: only its hash can be found again."""
    token = generate_client_secret()
    row = get_access_token_model()(
        application=application,
        user=person,
        scope=" ".join(application.allowed_scopes) if scope is None else scope,
        expires=timezone.now() + timedelta(minutes=10),
    )
    set_token_value(row, token)
    row.save()
    return token


def api_client_of(application: OAuthApplication, *, scope: str | None = None) -> APIClient:
    """The server behind this client: every request carries its bearer token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_for(application, scope=scope)}")
    return client


def api_client_with(token: str) -> APIClient:
    """Whoever holds this bearer token: a paired till, or somebody at work on it."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client
