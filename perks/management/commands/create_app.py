"""Make a dating app's credentials for a demonstration or a test."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import CommandError

from citizen_app.accounts.clients import approve_app
from citizen_app.management.set_up import SetUpCommand
from perks.models import Member, Merchant
from perks.services.clients import LOOKUP, add_app, add_client


class Command(SetUpCommand):
    help = (
        "Make an app that people can connect, and its server that looks boosts up, and print one JSON object with both "
        "secrets. Example: create_app Evenly --merchant mer_… --redirect-uri http://127.0.0.1:9000/back --approve"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--merchant", required=True, metavar="ID", help="the dating app's merchant, mer_…")
        parser.add_argument("--redirect-uri", required=True, help="where people come back to, whole")
        parser.add_argument("--approve", action="store_true", help="as if an operator had looked at it")

    def set_up(self, *, name: str, merchant: str, redirect_uri: str, approve: bool, **options: Any) -> dict[str, Any]:
        owners = Member.objects.filter(merchant=Merchant.key_of(merchant), role=Member.Role.OWNER)
        seat = owners.filter(merchant__sector=Merchant.Sector.DATING_APP).select_related("merchant", "citizen").first()
        if seat is None:
            raise CommandError(f"{merchant} is no dating app with an owner.")
        who: dict[str, Any] = {"merchant": seat.merchant, "by": seat.citizen, "name": name}
        made_up = f"{settings.OIDC_ISSUER}/privacy-of-a-made-up-app"
        app = add_app(**who, redirect_uris=[redirect_uri], privacy_url=made_up)
        if approve:
            approve_app(application=app.client.application, by=seat.citizen)
        server = add_client(**who | {"name": f"{name}, server"}, scopes=[LOOKUP], app=app.client)
        return {
            "id": app.client.public_id,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uri": redirect_uri,
            "server": {"client_id": server.client_id, "client_secret": server.client_secret},
        }
