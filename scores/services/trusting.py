"""Trust as it reaches people, in the background: once a day for everybody together, written where the points change.

Once a day, so that nothing happens at the moment somebody gives or ends a vouch from which anybody could tell who did.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from scores import catalogue, scoring
from scores.models import Enrolment, Entry, Link, Seed, Source, TrustDay, Vouch
from scores.models.entries import VOUCHES, EntryQuerySet
from scores.scorecard import Rule
from scores.services.publishing import current_scorecard
from scores.services.rescoring import HELD_AT_ONCE, request_rescore, scoring_day
from scores.trust import trust_reaching

ASKED_AT_ONCE: Final = 10_000
KIND: Final = catalogue.kind_of_number(VOUCHES)


def trust_on(day: date) -> dict[int, int]:
    """The trust that reaches each citizen on a day, in ten-thousandths: four steps from the confirmed seeds.

    Vouches count that were given thirty days before and that nobody had ended when the month began. Who is not
    enrolled has no row here and passes nothing.
    """
    seeds = Seed.objects.exclude(confirmed_at=None).order_by("pk").values_list("enrolment_id", flat=True)

    def given_by(citizens: Collection[int]) -> dict[int, set[int]]:
        given: dict[int, set[int]] = {}
        for some in _pieces(sorted(citizens), ASKED_AT_ONCE):
            counting = Vouch.objects.counting(day).filter(giver_id__in=some)
            for giver_id, receiver_id in counting.values_list("giver_id", "receiver_id"):
                given.setdefault(giver_id, set()).add(receiver_id)
        return given

    return trust_reaching(seeds, given_by)


def recompute_when_due(*, now: datetime) -> int:
    """Do the day's computation unless it was done; return how many people's entries changed."""
    today = scoring_day(now)
    if TrustDay.objects.filter(day__gte=today).exists():
        return 0
    changed = recompute_trust(now=now)
    # Last: a run that was cut off is done again, and finds what it had written already as it should be.
    TrustDay.objects.update_or_create(day=today, defaults={"done_at": now})
    TrustDay.objects.filter(day__lt=today).delete()
    return changed


def recompute_trust(*, now: datetime | None = None) -> int:
    """Compute everybody's trust, write an entry for each person whose points it changes, and return how many.

    An entry holds the value of its day and stands until another bin of the scorecard is reached, or until it is about
    to lapse. Then it is struck and a new one recorded, so that one person has one; none where it earns nothing.
    Safe twice.
    """
    now = now or timezone.now()
    today = scoring_day(now)
    reached = trust_on(today)
    rules = [rule for rule in current_scorecard().card.rules if rule.kind == KIND.code]
    stands = {entry.enrolment_id: entry for entry in _standing().order_by("id")}
    due = [
        citizen_id
        for citizen_id in sorted(reached.keys() | stands.keys())
        if _is_due(rules, reached.get(citizen_id, 0), stands.get(citizen_id), today)
    ]
    return sum(_record(some, reached, rules, now=now) for some in _pieces(due, HELD_AT_ONCE))


def _standing() -> EntryQuerySet:
    rows: EntryQuerySet = Entry.objects.filter(kind_number=VOUCHES).exclude(status=Entry.Status.STRUCK)
    return rows


def _is_due(rules: Sequence[Rule], value: int, entry: Entry | None, today: date) -> bool:
    """Whether the points have changed since the entry that stands was written, or it would lapse with this month."""
    earned = _earned(rules, value)
    if entry is None:
        return any(earned)
    if earned != _earned(rules, entry.value):
        return True
    age = scoring.month(today) - scoring.month(entry.occurred_on)
    return any(earned) and age >= min(rule.lapses_after_months for rule in rules) - 1


def _earned(rules: Sequence[Rule], value: int) -> list[int]:
    return [rule.milli_points(value) for rule in rules]


@transaction.atomic
def _record(citizen_ids: Sequence[int], reached: Mapping[int, int], rules: Sequence[Rule], *, now: datetime) -> int:
    """Write what changed for some citizens, judged again now that their rows are held; return how many."""
    today = scoring_day(now)
    enrolled = Enrolment.objects.locked_together(citizen_ids)
    stands = {entry.enrolment_id: entry for entry in _standing().filter(enrolment_id__in=enrolled).order_by("id")}
    changed = [
        citizen_id
        for citizen_id in enrolled
        if _is_due(rules, reached.get(citizen_id, 0), stands.get(citizen_id), today)
    ]
    _standing().filter(enrolment_id__in=changed).strike(why="superseded", now=now)
    earning = [citizen_id for citizen_id in changed if any(_earned(rules, reached.get(citizen_id, 0)))]
    links = Link.objects.filter(enrolment_id__in=earning, source__code=Source.PLATFORM)
    link_of = dict(links.values_list("enrolment_id", "pk"))
    of_today = Entry.objects.filter(link__in=link_of.values(), kind_number=VOUCHES, occurred_on=today)
    earlier = Counter(of_today.values_list("enrolment_id", flat=True))
    Entry.objects.bulk_create(
        Entry(
            enrolment_id=citizen_id,
            link_id=link_of[citizen_id],
            external_id=f"{KIND.code}.{today}.{earlier[citizen_id] + 1}",
            kind_number=VOUCHES,
            occurred_on=today,
            value=reached[citizen_id],
            recorded_at=now,
            lapses_on=catalogue.lapses_on(KIND, today),
        )
        for citizen_id in earning
    )
    request_rescore(changed)
    return len(changed)


def _pieces(citizen_ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (citizen_ids[start : start + size] for start in range(0, len(citizen_ids), size))
