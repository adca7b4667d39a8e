"""Make guests, each with a till that scans what they show, in a fresh database with the sample; prints one JSON object.

`python -m tests.faults.desk GUESTS`
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen  # noqa: E402
from perks.models import Branch, Member, Perk  # noqa: E402
from scores.services.consents import current_text  # noqa: E402
from scores.services.enrolment import enrol_citizen  # noqa: E402

LIMITS = ("stock", "budget_amount", "limit_per_day", "limit_per_citizen", "limit_per_citizen_day")
LIMITS += ("limit_per_citizen_week", "limit_per_citizen_month")


def main(guests: int) -> None:
    perk = Perk.objects.filter(state=Perk.State.PUBLISHED, has_open_tier=True, kind=Perk.Kind.DISCOUNT).earliest("pk")
    Perk.objects.filter(pk=perk.pk).update(**dict.fromkeys(LIMITS), hold_minutes=1440, hours=[])
    perk.branches.clear()
    lines = []
    with transaction.atomic():
        for number in range(guests):
            guest = Citizen.objects.create(email=f"guest{number}@guests.example", first_name="Guest")
            enrol_citizen(citizen=guest, consent_version=current_text().version, adult=True)
            cashier = Citizen.objects.create(email=f"till{number}@desk.example", first_name="Till", password="!")
            role = Member.Role.CASHIER
            Member.objects.create(merchant=perk.merchant, citizen=cashier, role=role, since=timezone.now())
            lines.append({"guest": session_token_for(guest), "till": session_token_for(cashier)})
    branch = Branch.objects.filter(merchant=perk.merchant, closed_at=None).earliest("pk")
    print(json.dumps({"lines": lines, "perk": perk.public_id, "branch": branch.public_id}))


main(int(sys.argv[1]))
