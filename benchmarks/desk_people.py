"""Open sessions in a filled database and hand over what a run needs; prints one JSON object.

`python -m benchmarks.desk_people PEOPLE SCANS`: sessions of people; a thousand perks open to everybody; reservations of
other people with their codes and, for each of their merchants, a cashier's session; a sold-out perk and a hot one.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.floors_postgresql import PEOPLE_FROM, perk_key  # noqa: E402
from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen  # noqa: E402
from perks.models import Member, Perk, Redemption  # noqa: E402
from perks.services.redemptions import take_perk  # noqa: E402
from perks.services.showing import secrets_of  # noqa: E402

OPEN = range(10, 10_010, 10)  # every tenth has an open tier
TO_SCAN = range(20_010, 20_510, 10)
SOLD_OUT, HOT, HOT_STOCK = 30_000, 30_010, 10_000


def main(count: int, scans: int) -> None:
    citizens = list(Citizen.objects.filter(pk__gte=PEOPLE_FROM).order_by("pk")[: count + scans])
    Redemption.objects.filter(state="reserved").update(state="cancelled", closed_at=timezone.now())
    Perk.objects.filter(pk=perk_key(SOLD_OUT)).update(stock=F("taken_count"))
    Perk.objects.filter(pk=perk_key(HOT)).update(stock=F("taken_count") + HOT_STOCK)
    to_scan = list(Perk.objects.filter(pk__in=[perk_key(number) for number in TO_SCAN]))
    with transaction.atomic():
        people = [session_token_for(citizen) for citizen in citizens[:count]]
        tills = []
        for perk, citizen in zip(to_scan, citizens, strict=False):
            seat = {"role": "cashier", "since": timezone.now()}
            Member.objects.get_or_create(merchant_id=perk.merchant_id, citizen=citizen, defaults=seat)
            tills.append(session_token_for(citizen))
        shown = []
        for number, citizen in enumerate(citizens[count:]):
            place = number % len(to_scan)
            code = secrets_of(take_perk(citizen=citizen, perk=to_scan[place])).code
            shown.append({"till": tills[place], "code": code})
    print(
        json.dumps(
            {
                "people": people,
                "shown": shown,
                "open": [Perk(pk=perk_key(number)).public_id for number in OPEN],
                "sold_out": Perk(pk=perk_key(SOLD_OUT)).public_id,
                "hot": Perk(pk=perk_key(HOT)).public_id,
            }
        )
    )


main(int(sys.argv[1]), int(sys.argv[2]))
