"""Make a merchant for a demonstration or a test."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone

from citizen_app.accounts.set_up import make_account
from citizen_app.accounts.sign_in import session_token_for
from citizen_app.management.set_up import SetUpCommand
from perks.models import Member, Merchant
from perks.services.merchants import apply_as_merchant, approve_merchant


class Command(SetUpCommand):
    help = (
        "Make a merchant and its owner's account, and print one JSON object. Running it again finds the same merchant. "
        'Example: create_merchant "Hotel Aurora" --sector hotel --owner owner@example.org --approve'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--sector", required=True, choices=Merchant.Sector.values)
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument("--country", default="PT", help="ISO 3166-1 alpha-2")
        parser.add_argument("--approve", action="store_true", help="as if an operator had let it in")
        parser.add_argument(
            "--approved-days-ago", type=int, default=0, metavar="N", help="let in N days ago: after 30 its ramp is over"
        )
        self.add_session(parser)

    def set_up(
        self, *, name: str, sector: str, owner: str, country: str, approve: bool, session: bool, **options: Any
    ) -> dict[str, Any]:
        since = timezone.now() - timedelta(days=max(0, options["approved_days_ago"]))
        citizen, _ = make_account(email=owner, password=None, first_name=None)
        own = Merchant.objects.filter(members__citizen=citizen, members__role=Member.Role.OWNER)
        merchant = own.filter(name=name, sector=sector).first()
        created = merchant is None
        if merchant is None:
            merchant = apply_as_merchant(by=citizen, name=name, sector=sector, country=country, now=since)
        if approve and merchant.state == Merchant.State.PENDING:
            merchant = approve_merchant(merchant=merchant, by=None, now=since)
        answer = {
            "id": merchant.public_id,
            "name": merchant.name,
            "sector": merchant.sector,
            "purpose": merchant.purpose,
            "state": merchant.state,
            "owner": citizen.public_id,
            "created": created,
        }
        if session:
            answer["session_token"] = session_token_for(citizen)
        return answer
