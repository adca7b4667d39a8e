"""Let a merchant, a perk or an app in, in an operator's name."""

from typing import Any

from perks.management.decisions import DecisionCommand
from perks.services.catalogue import approve_perk
from perks.services.clients import approve_client
from perks.services.merchants import approve_merchant


class Command(DecisionCommand):
    help = (
        "Approve a merchant, a perk or an app and print one JSON object. "
        "Example: approve perk perk_… --by ana@example.org"
    )

    def set_up(self, *, what: str, id: str, by: str, **options: Any) -> dict[str, Any]:
        operator, decided = self.operator(by), self.decided(what, id)
        if what == "merchant":
            return self.told(approve_merchant(merchant=decided, by=operator))
        if what == "app":
            return self.told(approve_client(client=decided, by=operator))
        return self.told(approve_perk(perk=decided, by=operator))
