"""Asking for a vouch, giving one and ending it: private to its two sides, and ended in silence (P3)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from citizen_app.accounts.erasure import Kept
from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.errors import DocumentNeeded
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from scores.errors import (
    AlreadyVouched,
    EnrolledTooRecently,
    NotEnrolled,
    TooManyVouchRequests,
    UnknownVouchRequest,
    VouchLimitReached,
)
from scores.models import Enrolment, Vouch, VouchMark, VouchRequest
from scores.services.rescoring import scoring_day

REQUEST_LIVES: Final = timedelta(days=7)
OPEN_REQUESTS: Final = 10
COUNTS_AFTER: Final = timedelta(days=30)
LIVE_VOUCHES: Final = 3
VOUCHES_A_YEAR: Final = 6


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """A private link as its asker sees it, the only time anybody does."""

    request: VouchRequest
    token: str = field(repr=False)


@transaction.atomic
def ask_for_vouch(*, citizen: Citizen, now: datetime | None = None) -> MadeRequest:
    """Give the citizen a private link to share with somebody who knows them: good once, for seven days.

    Raises `NotEnrolled`, and `TooManyVouchRequests` beyond ten open links.
    """
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    if _open_requests(now).filter(enrolment_id=citizen.pk).count() >= OPEN_REQUESTS:
        raise TooManyVouchRequests(limit=OPEN_REQUESTS)
    token = secrets.token_urlsafe(24)
    request = VouchRequest.objects.create(
        enrolment_id=citizen.pk, token_hash=_hash_of(token), made_at=now, expires_at=now + REQUEST_LIVES
    )
    return MadeRequest(request, token)


def _open_requests(now: datetime) -> QuerySet[VouchRequest]:
    return VouchRequest.objects.filter(used_at=None, expires_at__gt=now)


def _hash_of(token: str) -> str:
    return keyed_hash(derive_key(settings.SERVER_KEY, "vouch request"), token)


def open_request(*, token: str, citizen: Citizen, now: datetime | None = None) -> VouchRequest:
    """What the link asks of this citizen, with its asker; one `UnknownVouchRequest` for every link that is no use.

    Never made, ended, used and one's own are one answer, so that a link found somewhere tells nothing.
    """
    now = now or timezone.now()
    requests = _open_requests(now).select_related("enrolment__citizen").exclude(enrolment_id=citizen.pk)
    request = requests.filter(token_hash=_hash_of(token)).first()
    if request is None:
        raise UnknownVouchRequest
    return request


@transaction.atomic
def give_vouch(*, token: str, citizen: Citizen, now: datetime | None = None) -> Vouch:
    """Vouch for whoever shared the link; it counts thirty days later, and can be ended at any time.

    Raises `NotEnrolled`, `UnknownVouchRequest`, `DocumentNeeded`, `EnrolledTooRecently`, `AlreadyVouched` and
    `VouchLimitReached`; a refusal uses no link up.
    """
    now = now or timezone.now()
    today = scoring_day(now)
    Enrolment.objects.of(citizen.pk)
    request = open_request(token=token, citizen=citizen, now=now)
    # Both rows: neither side can leave meanwhile, and what one person gives at the same moment is given in turn.
    held = Enrolment.objects.locked_together([citizen.pk, request.enrolment_id])
    giver = held.get(citizen.pk)
    if giver is None:
        raise NotEnrolled
    if request.enrolment_id not in held or not _open_requests(now).filter(pk=request.pk).update(used_at=now):
        raise UnknownVouchRequest
    _check_giver(giver, now=now)
    if Vouch.objects.held_by_giver(giver.pk, today).filter(receiver_id=request.enrolment_id).exists():
        raise AlreadyVouched
    _check_limits(giver, today)
    vouch = _insert_vouch(giver_id=giver.pk, receiver_id=request.enrolment_id, now=now)
    VouchMark.objects.create(mark=_mark_of(giver), until=_year_after(today))
    # Who gives, and nothing by which the record of acts would tell for whom, once the row is gone.
    record(by=citizen, action="vouch.give", on=citizen.public_id)
    return vouch


def _check_giver(giver: Enrolment, *, now: datetime) -> None:
    if giver.person_key is None:
        raise DocumentNeeded
    since = giver.enrolled_at + timedelta(days=settings.VOUCH_MIN_ENROLMENT_DAYS)
    if now < since:
        raise EnrolledTooRecently(f"It is possible from {since:%-d %B %Y} on.", on=scoring_day(since).isoformat())


def _check_limits(giver: Enrolment, today: date) -> None:
    if Vouch.objects.held_by_giver(giver.pk, today).count() >= LIVE_VOUCHES:
        raise VouchLimitReached(f"At most {LIVE_VOUCHES} stand at once: end one you gave.", limit=LIVE_VOUCHES)
    marks = VouchMark.objects.filter(mark=_mark_of(giver), until__gt=today).order_by("until")
    given = list(marks.values_list("until", flat=True))
    if len(given) >= VOUCHES_A_YEAR:
        on = given[len(given) - VOUCHES_A_YEAR]
        raise VouchLimitReached(
            f"At most {VOUCHES_A_YEAR} in twelve months: there is room again from {on}.",
            limit=VOUCHES_A_YEAR,
            on=on.isoformat(),
        )


def _insert_vouch(*, giver_id: int, receiver_id: int, now: datetime) -> Vouch:
    try:
        with transaction.atomic():
            return Vouch.objects.create(
                giver_id=giver_id,
                receiver_id=receiver_id,
                given_at=now,
                counts_from=scoring_day(now) + COUNTS_AFTER,
            )
    except IntegrityError as error:
        if violated(error) == "vouch_one_live_per_pair":
            raise AlreadyVouched from error
        raise


def _mark_of(giver: Enrolment) -> str:
    """One person's mark, whichever account they give with; only who has a person key gives."""
    if giver.person_key is None:
        raise DocumentNeeded
    return keyed_hash(derive_key(settings.SERVER_KEY, "vouch mark"), giver.person_key)


def _year_after(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + 1, 3, 1)
    return day.replace(year=day.year + 1)


@transaction.atomic
def end_vouch(*, vouch_id: str, citizen: Citizen, now: datetime | None = None) -> None:
    """End a vouch the citizen gave or received. Nobody is told; its points go at the next month's turn. Safe twice."""
    now = now or timezone.now()
    Enrolment.objects.of(citizen.pk)
    vouch = Vouch.objects.not_over(scoring_day(now)).of(citizen.pk).named(vouch_id)
    side = "withdrawn_at" if vouch.giver_id == citizen.pk else "declined_at"
    Vouch.objects.filter(pk=vouch.pk, **{side: None}).update(**{side: now})


def vouches_of(*, citizen: Citizen, now: datetime | None = None) -> QuerySet[Vouch]:
    """The vouches the citizen gave and received that have not gone with the month, with the other sides' people."""
    now = now or timezone.now()
    Enrolment.objects.of(citizen.pk)
    rows = Vouch.objects.not_over(scoring_day(now)).of(citizen.pk)
    return rows.select_related("giver__citizen", "receiver__citizen")


def vouch_rows(vouches: Sequence[Vouch], *, citizen: Citizen, now: datetime | None = None) -> list[dict[str, Any]]:
    """Vouches as one of their sides sees them (`GET /me/vouches`): its own end at once, the other's not at all."""
    today = scoring_day(now or timezone.now())
    return [_vouch_row(vouch, citizen, today) for vouch in vouches]


def _vouch_row(vouch: Vouch, citizen: Citizen, today: date) -> dict[str, Any]:
    is_given = vouch.giver_id == citizen.pk
    other = vouch.receiver if is_given else vouch.giver
    ended_at = vouch.withdrawn_at if is_given else vouch.declined_at
    standing = "counts" if vouch.counts_from <= today else "waiting"
    return {
        "id": vouch.public_id,
        "direction": "given" if is_given else "received",
        "first_name": other.citizen.first_name,
        "given_at": vouch.given_at,
        "counts_from": vouch.counts_from,
        "state": standing if ended_at is None else "ended",
        "counts_until": None if ended_at is None else next_month(today),
    }


def next_month(day: date) -> date:
    """The first day of the month after this day's, when what was ended goes."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def requests_of(*, citizen: Citizen, now: datetime | None = None) -> QuerySet[VouchRequest]:
    """The citizen's links that somebody may still use; not the links themselves, which were shown once."""
    return _open_requests(now or timezone.now()).filter(enrolment_id=citizen.pk).order_by("-id")


def all_vouches_of(citizen_id: int) -> QuerySet[Vouch]:
    """Every vouch of somebody who leaves, on either side, held in one order: two who leave together do not wait."""
    of_citizen = Vouch.objects.filter(Q(giver_id=citizen_id) | Q(receiver_id=citizen_id))
    held = of_citizen.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)
    return Vouch.objects.filter(pk__in=list(held))


def marks_kept_of(enrolment: Enrolment, *, now: datetime) -> list[Kept]:
    """What outlives leaving: how often this person vouched in twelve months, under a key that names nobody."""
    if enrolment.person_key is None:
        return []
    until = VouchMark.objects.filter(mark=_mark_of(enrolment), until__gt=scoring_day(now)).order_by("-until").first()
    if until is None:
        return []
    return [
        Kept(
            what="how many vouches you gave in the last twelve months, under a keyed fingerprint that names nobody",
            why="so that coming back gives nobody new vouches",
            until=datetime.combine(until.until, datetime.min.time(), now.tzinfo),
        )
    ]


def forget_old(*, now: datetime) -> int:
    """Erase vouches that went with the month, links a day after they ended, and marks older than twelve months."""
    today = scoring_day(now)
    overdue = (
        Vouch.objects.over(today),
        VouchRequest.objects.filter(expires_at__lt=now - timedelta(days=1)),
        VouchMark.objects.filter(until__lte=today),
    )
    return sum(rows.delete()[0] for rows in overdue)
