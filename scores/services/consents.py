"""The consents this room asks for: being scored, and letting each source in."""

from typing import Final

from citizen_app.accounts import consents
from citizen_app.accounts.consents import (
    FALLBACK_LANGUAGE,
    record_consent,
    text_agreed_to,
    withdraw_all,
    withdraw_consent,
)
from citizen_app.models import ConsentText

__all__ = [
    "FALLBACK_LANGUAGE",
    "SCORING",
    "SOURCE",
    "current_text",
    "record_consent",
    "text_agreed_to",
    "withdraw_all",
    "withdraw_consent",
]

SCORING: Final = "scoring"
SOURCE: Final = "source"


def current_text(purpose: str = SCORING, *, language: str = FALLBACK_LANGUAGE) -> ConsentText:
    """The text in force for a purpose of this room, being scored unless another is named."""
    return consents.current_text(purpose, language=language)
