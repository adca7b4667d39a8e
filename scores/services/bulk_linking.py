"""Linking many people at once without codes, for a demo or a test: `link_subject` for each, in few statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from citizen_app.errors import DomainError, NotFound
from citizen_app.models import Citizen, ConsentEvent
from scores.errors import AlreadyLinked, NotEnrolled, SubjectTaken
from scores.models import EndedLink, Enrolment, Link, ScoreChange, Source
from scores.services import consents
from scores.services.linking import link_subject, purpose_of
from scores.services.rescoring import HELD_AT_ONCE, rescore_together

VIA: Final = "command"
Pair = tuple[str, str]
"""An e-mail address and the subject it is linked to."""
Outcome = bool | DomainError
"""Whether the link is new, or why there is none."""


def link_subjects(*, source: Source, pairs: Sequence[Pair], now: datetime | None = None) -> list[Outcome]:
    """Link each person to their subject, in order, each whole or not at all; what `link_subject` would say of each.

    A dozen statements for any number of pairs, and two where all of them were linked before.
    """
    now = now or timezone.now()
    people = _people([email for email, _ in pairs])
    try:
        return _link_together(source, pairs, people, now=now)
    except IntegrityError:  # somebody was linked otherwise at this very moment: it is their line alone that fails
        return [_link_alone(source, pair, people, now=now) for pair in pairs]


def _people(emails: list[str]) -> dict[str, Citizen]:
    """Who has these addresses, by the address in lower case."""
    found = Citizen.objects.annotate(address=Lower("email")).filter(address__in={email.lower() for email in emails})
    return {citizen.email.lower(): citizen for citizen in found.only("email", "language")}


def _link_alone(source: Source, pair: Pair, people: dict[str, Citizen], *, now: datetime) -> Outcome:
    citizen = people.get(pair[0].lower())
    if citizen is None:
        return _nobody()
    try:
        return link_subject(citizen=citizen, source=source, subject=pair[1], now=now)
    except DomainError as refusal:
        return refusal


def _link_together(
    source: Source, pairs: Sequence[Pair], people: dict[str, Citizen], *, now: datetime
) -> list[Outcome]:
    wanted = [(people.get(email.lower()), subject) for email, subject in pairs]
    on = Link.objects.filter(source=source, is_on=True, subject__in={subject for _, subject in pairs})
    settled = set(on.values_list("enrolment_id", "subject"))
    unsettled = [(one.pk, subject) for one, subject in wanted if one is not None and (one.pk, subject) not in settled]
    if not unsettled:
        return [_nobody() if citizen is None else False for citizen, _ in wanted]
    with transaction.atomic():
        linking = _Linking(source, unsettled, now=now)
        outcomes = [
            _nobody()
            if citizen is None
            else linking.link(citizen, subject, is_settled=(citizen.pk, subject) in settled)
            for citizen, subject in wanted
        ]
        linking.write()
    return outcomes


def _nobody() -> NotFound:
    return NotFound("Nobody has this e-mail address.")


class _Linking:
    """Links being made in one transaction: who is held, what stands, and what will be written."""

    def __init__(self, source: Source, unsettled: Sequence[tuple[int, str]], *, now: datetime) -> None:
        self._source, self._now = source, now
        links = Link.objects.filter(source=source)
        held = Enrolment.objects.filter(pk__in={pk for pk, _ in unsettled}).order_by("pk")
        self._enrolled = set(held.select_for_update(no_key=True).values_list("pk", flat=True))
        holders = links.filter(subject__in={subject for _, subject in unsettled}).order_by("pk").select_for_update()
        self._holders = {link.subject: link for link in holders}
        self._linked = set(links.filter(enrolment__in=self._enrolled).values_list("enrolment_id", flat=True))
        self._new: list[Link] = []
        self._switched: list[Link] = []
        self._agreeing: list[Citizen] = []

    def link(self, citizen: Citizen, subject: str, *, is_settled: bool) -> Outcome:
        if is_settled:
            return False
        if citizen.pk not in self._enrolled:
            return NotEnrolled()
        holder = self._holders.get(subject)
        if holder is not None and holder.enrolment_id != citizen.pk:
            return SubjectTaken()
        if holder is None and citizen.pk in self._linked:
            return AlreadyLinked()
        if holder is None:
            holder = Link(enrolment_id=citizen.pk, source=self._source, subject=subject, since=self._now)
            self._holders[subject] = holder
            self._linked.add(citizen.pk)
            self._new.append(holder)
            self._agreeing.append(citizen)
            return True
        if not holder.is_on:
            holder.is_on = True
            self._switched.append(holder)
            self._agreeing.append(citizen)
        return False

    def write(self) -> None:
        Link.objects.bulk_create(self._new)
        EndedLink.objects.filter(source=self._source, subject__in=[link.subject for link in self._new]).delete()
        Link.objects.filter(pk__in=[link.pk for link in self._switched]).update(is_on=True, since=self._now)
        _consent(self._source, self._agreeing, now=self._now)
        switched = sorted(link.enrolment_id for link in self._switched)
        for start in range(0, len(switched), HELD_AT_ONCE):
            group = switched[start : start + HELD_AT_ONCE]
            rescore_together(citizen_ids=group, cause=ScoreChange.Cause.SOURCE, now=self._now)


def _consent(source: Source, citizens: list[Citizen], *, now: datetime) -> None:
    texts = {
        language: consents.current_text(consents.SOURCE, language=language)
        for language in {citizen.language for citizen in citizens}
    }
    ConsentEvent.objects.bulk_create(
        ConsentEvent(
            citizen=citizen,
            at=now,
            act=ConsentEvent.Act.GIVEN,
            purpose=purpose_of(source),
            text_version=texts[citizen.language].version,
            text_sha256=texts[citizen.language].sha256,
            language=texts[citizen.language].language,
            via=VIA,
        )
        for citizen in citizens
    )
