"""Make two merchants' tills and what is shown at them; prints one JSON object: `… guessing_people TILLS RIGHT`.

TILLS cashiers of the merchant that is attacked, one more for its guests, and one of another merchant; RIGHT people who
hold one thing of each.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen  # noqa: E402
from perks.models import Branch, Member, Merchant, Perk  # noqa: E402
from perks.services.redemptions import take_perk  # noqa: E402
from perks.services.showing import secrets_of  # noqa: E402
from scores.services.consents import current_text  # noqa: E402
from scores.services.enrolment import enrol_citizen  # noqa: E402


def till_of(merchant: Merchant, name: str) -> str:
    cashier = Citizen.objects.create(email=f"{name}@desk.example", first_name="Till", password="!")
    Member.objects.create(merchant=merchant, citizen=cashier, role=Member.Role.CASHIER, since=timezone.now())
    return session_token_for(cashier)


def shown(perk: Perk, citizen: Citizen) -> dict[str, str]:
    secrets = secrets_of(take_perk(citizen=citizen, perk=perk))
    return {"code": secrets.code, "pass": secrets.signed, "seed": secrets.seed}


def two_perks() -> list[Perk]:
    """One each of two merchants of the sample, open to everybody, at every hour and place."""
    found: dict[Any, Perk] = {}
    offered = Perk.objects.filter(state=Perk.State.PUBLISHED, has_open_tier=True, kind=Perk.Kind.DISCOUNT)
    for perk in offered.order_by("pk"):
        found.setdefault(perk.merchant_id, perk)
    perks = list(found.values())[:2]
    if len(perks) < 2:
        raise SystemExit("The sample has no two merchants with an open perk.")
    for perk in perks:
        Perk.objects.filter(pk=perk.pk).update(
            stock=None,
            budget_amount=None,
            limit_per_day=None,
            limit_per_citizen=None,
            limit_per_citizen_day=None,
            limit_per_citizen_week=None,
            limit_per_citizen_month=None,
            hold_minutes=1440,
            hours=[],
        )
        perk.branches.clear()
    return perks


def main(tills: int, right: int) -> None:
    attacked, other = two_perks()
    with transaction.atomic():
        people = [Citizen.objects.create(email=f"guest{n}@guests.example", first_name="Guest") for n in range(right)]
        for citizen in people:
            enrol_citizen(citizen=citizen, consent_version=current_text().version, adult=True)
        told = {
            name: {
                "shown": [shown(perk, citizen) for citizen in people],
                "till": till_of(perk.merchant, name),
                "branch": Branch.objects.filter(merchant=perk.merchant, closed_at=None).earliest("pk").public_id,
            }
            for name, perk in (("attacked", attacked), ("other", other))
        }
        guessing = [till_of(attacked.merchant, f"guessing{number}") for number in range(tills)]
    print(json.dumps({**told, "guessing": guessing}))


main(int(sys.argv[1]), int(sys.argv[2]))
