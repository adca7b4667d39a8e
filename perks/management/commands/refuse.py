"""Turn a merchant, a perk or an app down, in an operator's name."""

from argparse import ArgumentParser
from typing import Any

from perks.management.decisions import DecisionCommand
from perks.services.catalogue import refuse_perk
from perks.services.clients import refuse_client
from perks.services.merchants import refuse_merchant


class Command(DecisionCommand):
    help = (
        "Refuse a merchant, a perk or an app and print one JSON object. "
        'Example: refuse perk perk_… --by ana@example.org --reason "Say what the discount is of."'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="read by the merchant's team")

    def set_up(self, *, what: str, id: str, by: str, reason: str, **options: Any) -> dict[str, Any]:
        operator, decided = self.operator(by), self.decided(what, id)
        if what == "merchant":
            return self.told(refuse_merchant(merchant=decided, by=operator, reason=reason))
        if what == "app":
            return self.told(refuse_client(client=decided, by=operator, reason=reason))
        return self.told(refuse_perk(perk=decided, by=operator, reason=reason))
