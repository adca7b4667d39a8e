"""Make people to measure with, through the product's own services; prints one JSON object."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import transaction  # noqa: E402

from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen  # noqa: E402
from perks.models import Perk  # noqa: E402
from scores.models import Enrolment  # noqa: E402


def main(count: int) -> None:
    """Open a session for `count` of the sample's enrolled people; name a perk with an open tier and enough stock."""
    perk = Perk.objects.filter(state=Perk.State.PUBLISHED, has_open_tier=True, kind=Perk.Kind.DISCOUNT).first()
    if perk is None:
        raise SystemExit("The sample has no perk with an open tier.")
    Perk.objects.filter(pk=perk.pk).update(stock=10 * count, limit_per_day=None)
    citizens = Citizen.objects.filter(pk__in=Enrolment.objects.values("pk")).order_by("pk")[:count]
    with transaction.atomic():
        people = [{"session_token": session_token_for(citizen)} for citizen in citizens]
    print(json.dumps({"people": people, "perk": perk.public_id}))


main(int(sys.argv[1]))
