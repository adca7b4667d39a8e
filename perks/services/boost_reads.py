"""What an app reads of boosts: who of the people connected to it has one running, and never why somebody has none.

Not connected, not reached, too few records, paused, gone, or the app itself suspended: it is all the same answer, and
asking the database for it takes the same statements. Each reading becomes part of the list of who asked (P9).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from citizen_app.accounts.connections import on_connected, on_disconnected
from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.accounts.subjects import citizens_of, to_apps_of_owner, to_apps_of_sector
from citizen_app.models import Citizen, Connection, OAuthApplication
from citizen_app.outbox import enqueue
from perks import standing
from perks.models import BoostGrant, BoostRead, Merchant
from perks.services.boosts import Ended, end_boosts
from perks.services.telling import tell_connection
from scores import assessments
from scores.assessments import Times

SCOPE: Final = "boost:read"
"""What somebody must have agreed to, for a look-up by the app's server too."""
NO_BOOST: Final = "1.00"
MOST_SUBJECTS: Final = 1000
TOPIC: Final = "boost.reads"
FOLDED_AFTER: Final = timedelta(seconds=5)
"""How long readings are counted before they are told: a busy app makes one promise in that time, not thousands."""
MOST_AT_ONCE: Final = 500
_NOBODY: Final = 0
"""No person's key: a condition over nobody would not be asked at all, and not asking would be quicker."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an app reads about one person, good until `expires_at`: the same midnight for everybody."""

    boost: str
    expires_at: datetime


def read_boost(*, citizen: Citizen, application: OAuthApplication, now: datetime | None = None) -> Reading:
    """The boost of somebody to an app they connected, which calls with their token; `NO_BOOST` without one."""
    now = now or timezone.now()
    boosts = _boosts_of([citizen.pk], application, Q(application=application))
    _write_down(list(boosts), application, now=now)
    return Reading(boosts.get(citizen.pk) or NO_BOOST, next_midnight(now))


def look_up_boosts(
    *, application: OAuthApplication, subjects: Sequence[str], now: datetime | None = None
) -> dict[str, Reading]:
    """The running boosts among the people an app's server names, in the order it named them; who has none is left out.

    `subjects` are the app's own names for people, at most `MOST_SUBJECTS`; one it never learned is left out as well.
    """
    now = now or timezone.now()
    people = citizens_of(subjects, application)
    boosts = _boosts_of(people.values(), application, to_apps_of_sector(application))
    _write_down(list(boosts), application, now=now)
    expires_at = next_midnight(now)
    found = ((subject, boosts.get(people.get(subject, _NOBODY))) for subject in subjects)
    return {subject: Reading(boost, expires_at) for subject, boost in found if boost}


def next_midnight(now: datetime) -> datetime:
    """Until when any answer holds. It says nothing about the person: not even when it will be judged again."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), tzinfo=UTC)


def fold_reads(*, limit: int = MOST_AT_ONCE) -> int:
    """Turn readings into inquiries, one per person, app and day, and forget them; return how many. Safe twice."""
    done = 0
    while count := _fold_some(limit):
        done += count
        if count < limit:
            break
    return done


@transaction.atomic
def _fold_some(limit: int) -> int:
    held = BoostRead.objects.select_for_update(of=("self",), skip_locked=True).select_related("merchant")
    reads = list(held.order_by("pk")[:limit])
    by_day: dict[tuple[Any, date], list[BoostRead]] = defaultdict(list)
    for read in reads:
        by_day[read.merchant_id, read.at.astimezone(UTC).date()].append(read)
    for of_day in by_day.values():
        merchant = of_day[0].merchant
        assessments.record_counted_inquiries(
            _counted(of_day),
            kind="app",
            asker_id=merchant.public_id,
            asker_name=merchant.name,
            what="boost",
            about="Whether you have a boost there",
            consent="You connected this app.",
        )
    BoostRead.objects.filter(pk__in=[read.pk for read in reads]).delete()
    return len(reads)


def _counted(reads: Sequence[BoostRead]) -> list[Times]:
    moments: dict[int, list[datetime]] = defaultdict(list)
    for read in reads:
        for citizen_id in read.citizens:
            moments[citizen_id].append(read.at)
    return [Times(citizen_id, min(at), max(at), len(at)) for citizen_id, at in moments.items()]


@on_connected
def tell_connected(*, connection: Connection, subject: str, now: datetime) -> None:
    """The app hears that somebody let it in, by its own name for them."""
    if _merchant_of(connection.application) is not None:
        tell_connection(connection, subject=subject, now=now)


@on_disconnected
def end_on_disconnect(*, connection: Connection, subject: str, now: datetime) -> None:
    """Disconnecting ends the boost at once, and the app hears of it; a sister app still connected keeps it running."""
    application = connection.application
    merchant_id = _merchant_of(application)
    if merchant_id is None:
        return  # no boost is anybody's but a merchant's
    others = Connection.objects.running().filter(citizen=connection.citizen_id).exclude(pk=connection.pk)
    if not others.filter(to_apps_of_owner(application)).exists():
        end_boosts(citizen=connection.citizen, why=Ended.DISCONNECTED, now=now, merchant_id=merchant_id)
    tell_connection(connection, subject=subject, now=now)


@erases
def erase_boost_reads(*, citizen: Citizen, now: datetime) -> Erasure:
    """Take somebody out of the readings that were not yet told to them."""
    taken_out = 0
    for read in BoostRead.objects.select_for_update(of=("self",)).order_by("pk"):
        if citizen.pk not in read.citizens:
            continue
        taken_out += 1
        others = [one for one in read.citizens if one != citizen.pk]
        BoostRead.objects.filter(pk=read.pk).update(citizens=others)
    return Erasure(erased={"boost_reads": taken_out})


def _boosts_of(people: Collection[int], application: OAuthApplication, apps: Q) -> dict[int, str | None]:
    """Those of these people who let one of `apps` read boosts, each with the boost that runs there: one statement."""
    grants = BoostGrant.objects.running().filter(
        merchant=_merchant_of(application),
        merchant__state=Merchant.State.ACTIVE,
        merchant__standing_state=standing.GOOD,
        citizen=OuterRef("citizen"),
    )
    connections = Connection.objects.running().filter(
        apps, to_apps_of_owner(application), citizen__in=[_NOBODY, *people]
    )
    rows = connections.values_list("citizen", "scopes", Subquery(grants.values("boost")[:1]))
    return {citizen_id: boost for citizen_id, scopes, boost in rows if SCOPE in scopes}


def _merchant_of(application: OAuthApplication) -> Any:
    """The key of the merchant whose client it is; None where its owner is none."""
    return Merchant.key_of(application.owner)


@transaction.atomic
def _write_down(people: Sequence[int], application: OAuthApplication, *, now: datetime) -> None:
    """Write down a reading, also one about nobody, which takes as long; the first in a while promises its telling."""
    is_first = not BoostRead.objects.exists()
    BoostRead.objects.create(at=now, merchant_id=_merchant_of(application), citizens=sorted(people))
    if is_first:
        enqueue(TOPIC, due_at=now + FOLDED_AFTER)
