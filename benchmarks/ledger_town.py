"""Make the people and the perk that `benchmarks.ledger` works with, through the product; prints one JSON object."""

import json
import os
import sys
from io import StringIO
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from citizen_app.accounts.operators import grant_role  # noqa: E402
from citizen_app.accounts.set_up import make_account  # noqa: E402
from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen, OperatorRole  # noqa: E402
from perks.models import Member, Merchant  # noqa: E402
from perks.services.catalogue import approve_perk, draft_perk, publish_perk, submit_perk  # noqa: E402

FACE = 5000
CARD = {
    "kind": "gift_card",
    "title": "A gift card",
    "fair_terms": "Whoever has no score buys one at the desk.",
    "tiers": [{"min_score": None, "benefit": {"face": {"amount": FACE, "currency": "EUR"}, "lives_months": 12}}],
    "budget": {"amount": 10**9, "currency": "EUR"},
    "limits": {"per_citizen": None},
    "release": {"on_reversal": "all"},
}


def main(people: int) -> None:
    """Make enrolled people with a checked document, a shop with an owner, and its gift-card perk, on offer."""
    citizens = [
        told("create_citizen", f"holder-{number}@example.org", "--enrol", "--document", "--session")["session_token"]
        for number in range(people)
    ]
    # Let in long ago: in its first days a shop gives no card of so much.
    let_in = ("--approve", "--approved-days-ago=60")
    shop = told("create_merchant", "Shop", "--sector", "shop", "--owner", "owner@example.org", *let_in, "--session")
    merchant = Merchant.objects.get(pk=Merchant.key_of(shop["id"]))
    owner = Citizen.objects.get(email="owner@example.org")
    operator, _ = make_account(email="operator@example.org", password=None, first_name=None)
    grant_role(citizen=operator, role=OperatorRole.Role.MERCHANTS, by=None)
    perk = submit_perk(perk=draft_perk(merchant=merchant, by=owner, body=CARD), by=owner)
    perk = publish_perk(perk=approve_perk(perk=perk, by=operator), by=owner)
    tills = []
    for number in range(4):
        cashier, _ = make_account(email=f"till-{number}@example.org", password=None, first_name=None)
        Member.objects.create(merchant=merchant, citizen=cashier, role=Member.Role.CASHIER, since=perk.made_at)
        tills.append(session_token_for(cashier))
    made = {"citizens": citizens, "owner": shop["session_token"], "tills": tills, "perk": perk.public_id, "face": FACE}
    print(json.dumps(made))


def told(*command: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*command, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


main(int(sys.argv[1]))
