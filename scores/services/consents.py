"""The numbered texts people agree to, and what they did with them."""

from datetime import datetime
from typing import Final

from django.conf import settings

from citizen_app.models import Citizen, ConsentEvent, ConsentText

SCORING: Final = "scoring"
SOURCE: Final = "source"
FALLBACK_LANGUAGE: Final = "en"


def current_text(purpose: str = SCORING, *, language: str = FALLBACK_LANGUAGE) -> ConsentText:
    """The text in force for a purpose, in this language where there is one and otherwise in English."""
    texts = {
        text.language: text for text in ConsentText.objects.filter(purpose=purpose, version=settings.CONSENT_VERSION)
    }
    return texts.get(language) or texts.get(language.partition("-")[0]) or texts[FALLBACK_LANGUAGE]


def record_consent(
    *, citizen: Citizen, act: ConsentEvent.Act, purpose: str, text: ConsentText, via: str, now: datetime
) -> ConsentEvent:
    """Put on record what the person did about which text: its number, hash and language, and by which door.

    `purpose` is `scoring` or `source:<code>`; `via` is `web`, `app`, `operator`, `command` or `furnisher:<code>`.
    """
    return ConsentEvent.objects.create(
        citizen=citizen,
        at=now,
        act=act,
        purpose=purpose,
        text_version=text.version,
        text_sha256=text.sha256,
        language=text.language,
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
        ConsentEvent.objects.create(
            citizen=citizen,
            at=now,
            act=ConsentEvent.Act.WITHDRAWN,
            purpose=purpose,
            text_version=given.text_version,
            text_sha256=given.text_sha256,
            language=given.language,
            via=via,
        )
