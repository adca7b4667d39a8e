"""Leaving, for deposit agreements: what is over loses its citizen at once, what is open once it has ended (P10)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.models import Citizen
from perks.models import DepositAgreement, DepositFile, HoldRefund
from perks.models.deposits import ENDED
from perks.services.deposit_files import erase_files


@erases
def erase_deposit_traces(*, citizen: Citizen, now: datetime) -> Erasure:
    """Take the person out of agreements that are over, and say which stay, and until when at the latest is known."""
    own = DepositAgreement.objects.filter(citizen=citizen)
    kept = [
        Kept(
            what=f"the deposit agreement {agreement.public_id}",
            why="so that its terms bind both sides until it is closed",
            until=agreement.due_at,
        )
        for agreement in own.open().order_by("pk")
    ]
    own.open().update(forgets_citizen=True)
    over = own.filter(state__in=ENDED)
    files = erase_files(DepositFile.objects.filter(agreement__in=over))
    loosened = _loosen(over)
    return Erasure(erased={"deposits": loosened, "deposit_files": files}, kept=kept)


def forget_deposits_of_those_who_left(*, now: datetime, limit: int = 500) -> int:
    """Take the people who left out of agreements that were open then and have ended since; return how many."""
    ended = DepositAgreement.objects.filter(forgets_citizen=True, ended_at__lte=now, state__in=ENDED)
    with transaction.atomic():
        pks = list(ended.order_by("ended_at").values_list("pk", flat=True)[:limit])
        erase_files(DepositFile.objects.filter(agreement__in=pks))
        return _loosen(DepositAgreement.objects.filter(pk__in=pks))


def _loosen(agreements: Any) -> int:
    HoldRefund.objects.filter(hold__agreement__in=agreements).update(reason="")
    return int(agreements.update(citizen=None, contest_statement="", claim_items=[], forgets_citizen=False))
