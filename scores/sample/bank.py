"""The demo bank's machine client: its id and secret must work on every run, and the database keeps only a hash."""

from django.contrib.auth.hashers import check_password
from django.db import transaction
from oauth2_provider.generators import generate_client_secret

from citizen_app.accounts.clients import issue_client
from citizen_app.demo import BANK, DemoSecrets
from citizen_app.models import OAuthApplication
from scores.models import Source


@transaction.atomic
def bank_client(bank: Source, held: DemoSecrets) -> OAuthApplication:
    """The client that may send the demo bank's entries; its secret is among the held ones, made where it is lost."""
    application = bank.application
    if application is None:
        issued = issue_client(
            name="Demo bank",
            owner_kind=OAuthApplication.OwnerKind.FURNISHER,
            owner=bank.furnisher.public_id,
            scopes=["source:write"],
            by=None,
        )
        application, secret = issued.application, issued.client_secret
        bank.application = application
        bank.save(update_fields=["application"])
    else:
        secret = held.clients.get(BANK, {}).get("client_secret", "")
        if not check_password(secret, application.client_secret):
            secret = application.client_secret = generate_client_secret()
            application.save(update_fields=["client_secret"])
    held.clients[BANK] = {"client_id": str(application.client_id), "client_secret": secret}
    return application
