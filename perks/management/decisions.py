"""What `approve` and `refuse` share: finding what is decided on, and the operator who decides."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from citizen_app.errors import NotFound
from citizen_app.management.set_up import SetUpCommand
from citizen_app.models import Citizen
from perks.models import Merchant, MerchantClient, Perk

_DECIDED_ON: dict[str, Any] = {
    "merchant": Merchant.objects.all(),
    "perk": Perk.objects.all(),
    "app": MerchantClient.objects.select_related("merchant", "application"),
}


class DecisionCommand(SetUpCommand):
    """Decides on a merchant's application, on a perk or its waiting version, or on an app, in an operator's name."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["merchant", "perk", "app"])
        parser.add_argument("id", help="mer_…, perk_… or, of an app, cli_…")
        parser.add_argument("--by", required=True, metavar="OPERATOR_EMAIL")

    def decided(self, what: str, public_id: str) -> Any:
        try:
            return _DECIDED_ON[what].all().named(public_id)
        except NotFound:
            raise CommandError(f"There is no {what} {public_id!r}.") from None

    def operator(self, email: str) -> Citizen:
        operator = Citizen.objects.filter(email__iexact=email, is_active=True).first()
        if operator is None:
            raise CommandError(f"Nobody has the address {email!r}.")
        return operator

    def told(self, decided: Any) -> dict[str, Any]:
        if isinstance(decided, MerchantClient):
            return {"id": decided.public_id, "state": decided.application.review}
        return {"id": decided.public_id, "state": decided.state}
