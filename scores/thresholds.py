"""What perks ask of scores: the rooms that stand on this one say it, since this one may not look. No Django here."""

from collections.abc import Callable
from typing import NamedTuple


class Threshold(NamedTuple):
    """One value that one offered perk asks for, for its purpose; `label` names the perk to an operator."""

    purpose: str
    min_score: int
    label: str


Provider = Callable[[], list[Threshold]]
_providers: list[Provider] = []


def asks_for_thresholds(provider: Provider) -> Provider:
    """Register a room's answer to which thresholds its offers use now."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


def thresholds_in_use() -> list[Threshold]:
    """Every threshold that some offer uses now, by purpose and height."""
    return sorted(threshold for provider in _providers for threshold in provider())
