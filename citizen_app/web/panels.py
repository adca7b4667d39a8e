"""What other rooms add to a page of this one: a room may not import the rooms that stand on it, so they register.

The score's home shows the next perk to open, and the account its merchants, though `scores` knows neither.
"""

from collections.abc import Callable
from typing import Any

from citizen_app.models import Citizen

Part = Callable[[Citizen], dict[str, Any]]

_parts: dict[str, list[Part]] = {}


def adds_to(page: str) -> Callable[[Part], Part]:
    """Register what a room adds to the context of a page, given whose page it is."""

    def register(part: Part) -> Part:
        _parts.setdefault(page, []).append(part)
        return part

    return register


def parts_of(page: str, citizen: Citizen) -> dict[str, Any]:
    """Return everything the rooms add to this page."""
    context: dict[str, Any] = {}
    for part in _parts.get(page, []):
        context |= part(citizen)
    return context
