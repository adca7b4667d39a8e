"""The numbered texts people agree to, and what they did with them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Max, OuterRef, QuerySet, Subquery

from citizen_app.models import Citizen, ConsentEvent, ConsentText

FALLBACK_LANGUAGE: Final = "en"


def current_text(purpose: str, *, language: str = FALLBACK_LANGUAGE) -> ConsentText:
    """The text in force for a purpose, in this language where there is one and otherwise in English."""
    texts = {
        text.language: text for text in ConsentText.objects.filter(purpose=purpose, version=settings.CONSENT_VERSION)
    }
    return texts.get(language) or texts.get(language.partition("-")[0]) or texts[FALLBACK_LANGUAGE]


def record_consent(
    *,
    citizen: Citizen,
    act: ConsentEvent.Act,
    purpose: str,
    text: ConsentText,
    via: str,
    now: datetime,
    scopes: Collection[str] = (),
) -> ConsentEvent:
    """Put on record what the person did about which text: its number, hash and language, and by which door.

    `purpose` is `scoring`, `source:<code>` or `app:<client id>`; `via` is `web`, `app`, `operator`, `command`,
    `system`, `furnisher:<code>`, or `owner`: an app's owner withdrew it. `scopes` is what was ticked, where the text
    leaves a choice.
    """
    return ConsentEvent.objects.create(
        citizen=citizen,
        at=now,
        act=act,
        purpose=purpose,
        text_version=text.version,
        text_sha256=text.sha256,
        language=text.language,
        scopes=" ".join(sorted(scopes)),
        via=via,
    )


def text_agreed_to(*, citizen: Citizen, purpose: str) -> ConsentEvent | None:
    """The latest consent given for this purpose: the text that taking it back is about."""
    given = ConsentEvent.objects.filter(citizen=citizen, purpose=purpose, act=ConsentEvent.Act.GIVEN)
    return given.order_by("-id").first()


def withdraw_consent(*, citizen: Citizen, purpose: str, via: str, now: datetime) -> None:
    """Take back what was given for this purpose, naming the text that was agreed to then."""
    given = text_agreed_to(citizen=citizen, purpose=purpose)
    if given is not None:
        _withdrawal_of(given, via=via, now=now).save()


def withdraw_all(*, citizen: Citizen, via: str, now: datetime) -> None:
    """Take back everything that is in force, each by an act of its own: leaving leaves no consent standing."""
    ConsentEvent.objects.bulk_create(
        _withdrawal_of(given, via=via, now=now) for given in consents_in_force(citizen=citizen).order_by("id")
    )


def _withdrawal_of(given: ConsentEvent, *, via: str, now: datetime) -> ConsentEvent:
    return ConsentEvent(
        citizen_id=given.citizen_id,
        at=now,
        act=ConsentEvent.Act.WITHDRAWN,
        purpose=given.purpose,
        text_version=given.text_version,
        text_sha256=given.text_sha256,
        language=given.language,
        scopes=given.scopes,
        via=via,
    )


def consents_in_force(*, citizen: Citizen) -> QuerySet[ConsentEvent]:
    """The acts by which the citizen agreed to what they have not taken back since: one for each purpose.

    To refuse when asked again takes nothing back.
    """
    decisive = ConsentEvent.objects.filter(citizen=citizen).exclude(act=ConsentEvent.Act.REFUSED)
    latest = decisive.order_by().values("purpose").annotate(latest=Max("id")).values("latest")
    return ConsentEvent.objects.filter(pk__in=latest, act=ConsentEvent.Act.GIVEN)


def replaced_at(events: Iterable[ConsentEvent]) -> dict[int, datetime]:
    """When each of these was replaced: agreed to, and agreed to once more before it was taken back. By key."""
    decisive = ConsentEvent.objects.exclude(act=ConsentEvent.Act.REFUSED).order_by("id")
    later = decisive.filter(citizen=OuterRef("citizen"), purpose=OuterRef("purpose"), pk__gt=OuterRef("pk"))
    given = ConsentEvent.objects.filter(pk__in=[event.pk for event in events], act=ConsentEvent.Act.GIVEN)
    told = given.annotate(next_act=Subquery(later.values("act")[:1]), next_at=Subquery(later.values("at")[:1]))
    return dict(told.filter(next_act=ConsentEvent.Act.GIVEN).order_by().values_list("pk", "next_at"))


def text_of(event: ConsentEvent) -> ConsentText | None:
    """The very text an act was about: by its number and language, and by the hash of what was read."""
    return ConsentText.objects.filter(
        version=event.text_version, language=event.language, sha256=event.text_sha256
    ).first()
