"""What was asked of Stripe and read there goes thirty days after it was finished; the books of it stay.

A call stays as long as somebody may come back to it: while it is not finished, while a person has to look at it, while
it is the line of a bill, and the one that opened a hold while that hold is not over.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from citizen_app.pruning import deletes
from perks.models import DepositHold, StripeCall, StripeReading
from perks.services.holds import opening

KEPT: Final = timedelta(days=30)
"""As long as Stripe lists its events; its keys are forgotten long before."""


def _calls(now: datetime) -> QuerySet[Any]:
    finished = [StripeCall.State.DONE, StripeCall.State.REFUSED]
    old = StripeCall.objects.filter(state__in=finished, closed_at__lt=now - KEPT, used_perk=None)
    still_open = DepositHold.objects.unfinished().filter(asked_at__lt=now - KEPT)
    return old.exclude(key__in=[opening(hold) for hold in still_open])


def _readings(now: datetime) -> QuerySet[Any]:
    """The order among readers of one moment: whoever reads the object again begins anew."""
    return StripeReading.objects.filter(taken_at__lt=now - KEPT)


deletes("stripe_calls", _calls)
deletes("stripe_readings", _readings)
