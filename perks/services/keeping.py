"""The head of the stock (P7): while somebody is offered a perk again, one of it is kept for them.

Others see what is kept as not available. Where nothing is left the offer waits, and what comes back goes to those who
wait before anybody else. Whoever leaves an offer waiting has looked at the perk's row under its lock, and whoever
gives one back looks for those who wait under the same lock: so nothing is free while somebody waits. Rows are held in
the order offer, perk; looking for those who wait passes over offers that are held, whose holders look themselves.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from perks.models import MakeGood, Perk


def keep_for(make_good: MakeGood) -> None:
    """Keep one of the perk's stock for an open offer, or leave it waiting; the last thing its holder does."""
    if make_good.is_kept or make_good.answer == MakeGood.Answer.DECLINED:
        return
    _hold(make_good.perk_id)
    if Perk.objects.keep_one(make_good.perk_id):
        MakeGood.objects.filter(pk=make_good.pk).update(is_kept=True)
        make_good.is_kept = True


def let_go(perk_ids: Iterable[Any], *, now: datetime) -> None:
    """What was kept of these perks, once for each time it is named, goes to who waits for it, else to everybody."""
    for perk_id in sorted(perk_ids):
        if not Perk.objects.let_one_go(perk_id):
            raise AssertionError(f"Perk {perk_id} lets go what it has not kept.")
        pass_on(perk_id, now=now)


def pass_on(perk_id: Any, *, now: datetime) -> int:
    """Keep what has just become free for those who wait; return for how many. The caller holds the perk's row."""
    kept = 0
    while (waiting := _first_waiting(perk_id, now)) is not None and Perk.objects.keep_one(perk_id):
        kept += MakeGood.objects.filter(pk=waiting).update(is_kept=True)
    return kept


def keep_for_all_who_wait(*, now: datetime) -> int:
    """The sweep's look: whoever waits although something is free (the stock was opened to them only since) gets it."""
    free = MakeGood.objects.open_at(now).filter(is_kept=False, perk__taken_count__lt=_LEFT_OF_STOCK)
    perks = free.exclude(answer=MakeGood.Answer.DECLINED).order_by("perk").values_list("perk", flat=True).distinct()
    kept = 0
    for perk_id in list(perks):
        with transaction.atomic():
            _hold(perk_id)
            kept += pass_on(perk_id, now=now)
    return kept


_LEFT_OF_STOCK = F("perk__stock") - F("perk__promised_count")


def _hold(perk_id: Any) -> None:
    if connection.features.has_select_for_update:
        Perk.objects.select_for_update(no_key=True).values_list("pk").get(pk=perk_id)


def _first_waiting(perk_id: Any, now: datetime) -> Any:
    waiting = MakeGood.objects.waiting_at_the_head(perk_id, now)
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    return waiting.values_list("pk", flat=True).first()
