"""Loading the sample once, and knowing that it is loaded: what the commands call."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from citizen_app.audit import record
from citizen_app.demo import BANK, EMAIL_DOMAIN
from citizen_app.models import AuditEvent, Citizen
from scores.models import Enrolment
from scores.sample.loading import DemoSources, Newcomer, enrol_with_records
from scores.sample.people import Person, dated, months_forward
from scores.sample.progress import Progress
from scores.sample.story import tell_story
from scores.services.rescoring import scoring_day

BEGUN: Final = "sample.begin"
LOADED: Final = "sample.load"
AT_ONCE: Final = 100
"""People per transaction: what a load that is broken off loses at most."""


@dataclass(frozen=True, slots=True)
class SampleState:
    """How many months the sample was moved forward at its first load, and how many people were loaded to the end."""

    months: int
    loaded: int = 0


def sample_state() -> SampleState | None:
    """What is on record about the sample in this database; None before its first load."""
    acts = AuditEvent.objects.filter(object=f"source:{BANK}", action__in=[BEGUN, LOADED]).order_by("id")
    facts = dict(acts.values_list("action", "facts"))
    if BEGUN not in facts:
        return None
    return SampleState(facts[BEGUN]["months_forward"], facts.get(LOADED, {}).get("people", 0))


def begin(*, now: datetime) -> SampleState:
    """Fix for good how far the sample moves, unless an earlier load has."""
    state = sample_state()
    if state is None:
        state = SampleState(months_forward(scoring_day(now)))
        record(by=None, action=BEGUN, on=f"source:{BANK}", months_forward=state.months)
    return state


def load(people: list[Person], *, months: int, sources: DemoSources, now: datetime, done: Progress) -> int:
    """Load whoever of these people is not there yet, and note that all are; how many were new.

    A guest's account may be there before them, without an enrolment.
    """
    accounts = {citizen.email: citizen for citizen in Citizen.objects.filter(email__endswith=f"@{EMAIL_DOMAIN}")}
    enrolled = set(Enrolment.objects.filter(pk__in=[one.pk for one in accounts.values()]).values_list("pk", flat=True))
    new = 0
    for person in people:
        if person.is_guest:
            account = accounts.get(person.email)
            if account is None or account.pk not in enrolled:
                tell_story(person, citizen=account, sources=sources, months=months, now=now)
                new += 1
            done(1)
    others = [person for person in people if not person.is_guest]
    missing = [person for person in others if person.email not in accounts]
    done(len(others) - len(missing))
    for start in range(0, len(missing), AT_ONCE):
        some = [newcomer(person, months) for person in missing[start : start + AT_ONCE]]
        enrol_with_records(some, sources=sources, now=now)
        done(len(some))
    record(by=None, action=LOADED, on=f"source:{BANK}", people=len(people))
    return new + len(missing)


def newcomer(person: Person, months: int) -> Newcomer:
    """One of the sample's people as they are enrolled in bulk."""
    return Newcomer(
        first_name=person.first_name,
        email=person.email,
        subject=person.subject,
        payments=dated(person.payments, months),
        invented=dated(person.invented, months),
    )
