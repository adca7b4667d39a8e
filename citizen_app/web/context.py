"""What every page is told: how this person wants it to look."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, get_language_bidi

from citizen_app.models import Citizen
from citizen_app.notifying.inbox import unread_count

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"


def unread(request: HttpRequest) -> dict[str, Any]:
    """How many notifications the person has not read: counted where a page shows it, and not otherwise."""
    person = getattr(request, "user", None)
    if not isinstance(person, Citizen):
        return {}
    return {"unread": SimpleLazyObject(lambda: unread_count(person))}


def theme_of(request: HttpRequest) -> str:
    """The theme kept in the cookie; anything else there means auto."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return theme if theme in THEMES else "auto"


def appearance(request: HttpRequest) -> dict[str, str]:
    """The theme (rendered into the first byte, so the page never flashes), language and direction."""
    return {
        "theme": theme_of(request),
        "page_language": get_language() or "en",
        "page_direction": "rtl" if get_language_bidi() else "ltr",
    }
