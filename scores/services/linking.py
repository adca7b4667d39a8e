"""Letting a source in, switching it on and off, and ending it: always the citizen's act (P2)."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen, ConsentEvent, OAuthApplication
from scores import scoring
from scores.errors import (
    AlreadyLinked,
    NotEnrolled,
    NotLinked,
    PlatformStaysLinked,
    SubjectTaken,
    UnknownLinkCode,
    UnknownSource,
)
from scores.models import EndedLink, Enrolment, Entry, Link, LinkCode, ScoreChange, Source
from scores.services import consents
from scores.services.publishing import current_scorecard
from scores.services.rescoring import entries_to_score, forget_entries, rescore, scoring_day
from scores.services.telling import tell_link_created, tell_links_ended

CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O (read as 1, 1, 0) and no U."""
CODE_LENGTH: Final = 8
CODE_LIVES: Final = timedelta(minutes=15)
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class MadeLinkCode(NamedTuple):
    """A code as its citizen sees it, the only time anybody does."""

    code: str
    expires_at: datetime
    source: Source


class Preview(NamedTuple):
    """What a switch would do to the score, told before it is done."""

    before: scoring.Scoring
    after: scoring.Scoring


def source_named(code: str) -> Source:
    """The source of this code, or `UnknownSource`."""
    source = Source.objects.filter(code=code).first()
    if source is None:
        raise UnknownSource
    return source


def subject_of(citizen: Citizen) -> str:
    """The id under which the platform itself knows a citizen."""
    return citizen.public_id


@transaction.atomic
def make_link_code(*, citizen: Citizen, source_code: str, now: datetime | None = None) -> MadeLinkCode:
    """Give the citizen a code to hand to the source, good once and for 15 minutes; an earlier one stops working."""
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    source = source_named(source_code)
    if source.code == Source.PLATFORM:
        raise PlatformStaysLinked
    LinkCode.objects.filter(enrolment_id=citizen.pk, source=source).delete()
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    expires_at = now + CODE_LIVES
    LinkCode.objects.create(
        enrolment_id=citizen.pk, source=source, code_hash=_hash_of(code), made_at=now, expires_at=expires_at
    )
    return MadeLinkCode(code, expires_at, source)


def _hash_of(code: str) -> str:
    return keyed_hash(derive_key(settings.SERVER_KEY, "link code"), code)


def _as_made(typed: str) -> str:
    return typed.upper().translate(_READ_AS)


@transaction.atomic
def redeem_link_code(
    *, source: Source, code: str, subject: str, by: OAuthApplication | None = None, now: datetime | None = None
) -> tuple[Link, bool]:
    """Link the citizen who made the code to the source's own subject, switched on; True when the link is new.

    Raises `UnknownLinkCode` for a wrong, old or used code, `SubjectTaken` when another citizen is linked under this
    subject, `AlreadyLinked` when this one is under another. A refusal uses no code up.
    """
    now = now or timezone.now()
    usable = LinkCode.objects.filter(
        code_hash=_hash_of(_as_made(code)), source=source, used_at=None, expires_at__gt=now
    )
    found = usable.values_list("enrolment_id", flat=True).first()
    if found is None:
        raise UnknownLinkCode
    try:
        citizen_id = Enrolment.objects.locked(found).pk
    except NotEnrolled as left:
        raise UnknownLinkCode from left
    if not usable.update(used_at=now):
        raise UnknownLinkCode
    link, is_new = _link(citizen_id=citizen_id, source=source, subject=subject, via=f"furnisher:{source.code}", now=now)
    record(by=by, action="link.redeem", on=link.public_id, source=source.code)
    return link, is_new


@transaction.atomic
def link_subject(*, citizen: Citizen, source: Source, subject: str, now: datetime | None = None) -> bool:
    """Link a citizen to a subject without a code, for a demo or a test set-up; True when the link is new."""
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    return _link(citizen_id=citizen.pk, source=source, subject=subject, via="command", now=now)[1]


def _link(*, citizen_id: int, source: Source, subject: str, via: str, now: datetime) -> tuple[Link, bool]:
    """Link or switch on again, with the consent on record; the caller holds the enrolment row."""
    holder = Link.objects.select_for_update().filter(source=source, subject=subject).first()
    if holder is not None and holder.enrolment_id != citizen_id:
        raise SubjectTaken
    if holder is None:
        if Link.objects.filter(source=source, enrolment_id=citizen_id).exists():
            raise AlreadyLinked
        link = _insert_link(citizen_id=citizen_id, source=source, subject=subject, now=now)
        EndedLink.objects.filter(source=source, subject=subject).delete()
        _consent_to(source, citizen_id=citizen_id, via=via, now=now)
        tell_link_created(link, now=now)
        return link, True
    if not holder.is_on:
        holder.is_on, holder.since = True, now
        holder.save(update_fields=["is_on", "since"])
        _consent_to(source, citizen_id=citizen_id, via=via, now=now)
        rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.SOURCE, now=now)
    return holder, False


def _insert_link(*, citizen_id: int, source: Source, subject: str, now: datetime) -> Link:
    """Two citizens may bring the same subject at the same moment: the row that came second says so by name."""
    try:
        with transaction.atomic():
            return Link.objects.create(enrolment_id=citizen_id, source=source, subject=subject, since=now)
    except IntegrityError as error:
        if violated(error) == "link_one_citizen_per_subject":
            raise SubjectTaken from error
        raise


def _consent_to(source: Source, *, citizen_id: int, via: str, now: datetime) -> None:
    citizen = Citizen.objects.get(pk=citizen_id)
    consents.record_consent(
        citizen=citizen,
        act=ConsentEvent.Act.GIVEN,
        purpose=purpose_of(source),
        text=consents.current_text(consents.SOURCE, language=citizen.language),
        via=via,
        now=now,
    )


def purpose_of(source: Source) -> str:
    """The purpose under which consent to a source is on record."""
    return f"{consents.SOURCE}:{source.code}"


@transaction.atomic
def switch_source(
    *, citizen: Citizen, source_code: str, on: bool, via: str = "app", now: datetime | None = None
) -> Link:
    """Let a linked source's records count, or stop them counting, in the score at once."""
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    link = _link_to(citizen, source_code)
    if link.is_on == on:
        return link
    link.is_on, link.since = on, now
    link.save(update_fields=["is_on", "since"])
    if on:
        _consent_to(link.source, citizen_id=citizen.pk, via=via, now=now)
    else:
        consents.withdraw_consent(citizen=citizen, purpose=purpose_of(link.source), via=via, now=now)
    rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.SOURCE, now=now)
    return link


def _link_to(citizen: Citizen, source_code: str) -> Link:
    source = source_named(source_code)
    link = Link.objects.select_for_update(of=("self",)).filter(enrolment_id=citizen.pk, source=source).first()
    if link is None:
        raise NotLinked
    link.source = source
    return link


@transaction.atomic
def unlink_source(*, citizen: Citizen, source_code: str, via: str = "app", now: datetime | None = None) -> bool:
    """End a link and erase every record it brought, at once; the source learns only that it ended. Safe twice."""
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    if source_code == Source.PLATFORM:
        raise PlatformStaysLinked
    LinkCode.objects.filter(enrolment_id=citizen.pk, source__code=source_code).delete()
    try:
        link = _link_to(citizen, source_code)
    except NotLinked:
        return False
    entry_ids = list(Entry.objects.filter(link=link).values_list("pk", flat=True))
    forget_entries(citizen_id=citizen.pk, entry_ids=entry_ids)
    Entry.objects.filter(link=link).delete()
    remember_ended([link], now=now)
    link.delete()
    consents.withdraw_consent(citizen=citizen, purpose=purpose_of(link.source), via=via, now=now)
    rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.SOURCE, now=now)
    return True


def remember_ended(links: list[Link], *, now: datetime) -> None:
    """Keep what each source still has to learn: that its own subject id has ended, and when. Tell it, too."""
    EndedLink.objects.bulk_create(
        EndedLink(pk=link.pk, source_id=link.source_id, subject=link.subject, since=now) for link in links
    )
    tell_links_ended(links, now=now)


def preview_switch(*, citizen: Citizen, source_code: str, on: bool, now: datetime | None = None) -> Preview:
    """What the score is and what it would be with the source switched so; nothing is changed."""
    source = source_named(source_code)
    previews = preview_switches(citizen=citizen, switches={source.code: on}, now=now)
    if not Link.objects.filter(enrolment_id=citizen.pk, source=source).exists():
        raise NotLinked
    return previews[source.code]


def preview_switches(
    *, citizen: Citizen, switches: Mapping[str, bool], now: datetime | None = None
) -> dict[str, Preview]:
    """The same for each of some linked sources by itself, in as many statements as for one; by the source's code."""
    now = now or timezone.now()
    Enrolment.objects.of(citizen.pk)
    card, today = current_scorecard().card, scoring_day(now)
    entries = entries_to_score(citizen.pk)
    before = scoring.score(card, entries, today)
    previews = {}
    for code, on in switches.items():
        switched = [entry._replace(is_on=on) if entry.source == code else entry for entry in entries]
        previews[code] = Preview(before, scoring.score(card, switched, today))
    return previews
