"""The citizen's catalogue: what is shown now, narrowed by what they look for, each with its answer to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final

from django.db import connections
from django.db.models import CharField, DateTimeField, OuterRef, UUIDField

from citizen_app.kept_statements import Given, KeptList, KeptRows
from citizen_app.models import Citizen
from citizen_app.statements import RowsBeside
from perks import eligibility, states
from perks.models import Merchant, Perk, PerkCategory
from perks.models.catalogue import PerkQuerySet
from perks.search import wanted_words
from perks.services.eligibility_reading import DAYS, GIVEN_DAYS, days_beside, days_of, judge_each, takeable
from perks.services.nearness import BY_DISTANCE, Near, near_perks
from perks.services.showing_perks import perk_card
from scores.assessments import Assessment

OPENS_SOON: Final = timedelta(days=7)
"""What can be taken from a day within this time opens soon."""

MOST_FOUND: Final = 10_000_000
"""More perks than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a citizen looks for; what is None does not matter."""

    kind: str | None = None
    category: str | None = None
    merchant: str | None = None
    purpose: str | None = None
    near: Near | None = None
    opens_soon: bool = False
    words: str | None = None
    only_eligible: bool = False


def catalogue(*, citizen: Citizen, assessment: Assessment, wanted: Wanted, now: datetime) -> Any:
    """Return the perks a citizen's list may contain, newest last published first by key, fetched for `cards_of`."""
    merchant = None if wanted.merchant is None else Merchant.key_of(wanted.merchant)
    if wanted.merchant is not None and merchant is None:
        return Perk.objects.none()
    named = {"kind": wanted.kind, "purpose": wanted.purpose, "category": wanted.category, "merchant": merchant}
    said = {"now": now, **days_of(now), **{name: value for name, value in named.items() if value is not None}}
    if wanted.opens_soon:
        said["soon"] = now + OPENS_SOON
    if wanted.words is None and wanted.near is None and not wanted.only_eligible:
        return KeptList(lambda: _narrowed(said), partial(_first_page, tuple(said)), said)
    perks = _narrowed(said)
    if wanted.words is not None:
        perks = with_words(perks, wanted.words)
    if wanted.near is not None:
        perks = near_perks(perks, wanted.near)
    if wanted.only_eligible:
        perks = takeable(perks, citizen=citizen, assessment=assessment, now=now, purpose=wanted.purpose)
    return perks


_GIVEN: Final = {
    "now": Given("now", DateTimeField()),
    **dict(zip(DAYS, GIVEN_DAYS, strict=True)),
    "kind": Given("kind", CharField()),
    "purpose": Given("purpose", CharField()),
    "category": Given("category", CharField()),
    "merchant": Given("merchant", UUIDField()),
    "soon": Given("soon", DateTimeField()),
}


def _narrowed(said: Mapping[str, Any]) -> PerkQuerySet:
    """The perks shown at a moment, narrowed by what is said by these names; what is left out does not matter."""
    days = [said[name] for name in DAYS]
    perks: Any = _with_what_cards_show(Perk.objects.shown_at(said["now"]), days)
    if "kind" in said:
        perks = perks.filter(kind=said["kind"])
    if "purpose" in said:
        perks = perks.filter(purpose=said["purpose"])
    if "category" in said:
        perks = perks.filter(categories__code=said["category"])
    if "merchant" in said:
        perks = perks.filter(merchant=said["merchant"])
    if "soon" in said:
        perks = perks.filter(valid_from_at__gt=said["now"], valid_from_at__lte=said["soon"])
    return perks


@lru_cache(maxsize=64)
def _first_page(names: tuple[str, ...], order: tuple[str, ...], count: int) -> KeptRows:
    """The first rows of a list about which these things are said.

    How to find the perks of a category depends on which: where anything narrows the list, each is planned for itself.
    """
    said = {name: _GIVEN[name] for name in names}
    is_narrowed = len(names) > 1 + len(DAYS)
    return KeptRows(lambda: _narrowed(said).order_by(*order)[:count], is_planned=not is_narrowed)


def order_of(wanted: Wanted) -> tuple[str, ...]:
    """The order of a list: newest first, or the nearest where a point was named."""
    return BY_DISTANCE if wanted.near is not None and not wanted.near.iata else ("-id",)


def with_words(perks: Any, query: str) -> Any:
    """Narrow perks to those with a word that begins with each of the query's; one that names no word finds none."""
    words = wanted_words(query)
    if not words:
        return perks.none()
    if connections[perks.db].vendor != "postgresql":
        return perks.filter(search_text__has_words=words)
    # PostgreSQL takes any beginning of a word for frequent and would read the whole catalogue, newest first, for a
    # rare one: found by the index beforehand, within a limit it cannot look through.
    found = Perk.objects.filter(search_text__has_words=words, state__in=states.ON_OFFER).order_by()
    return perks.filter(pk__in=found.values("pk")[:MOST_FOUND])


def with_what_cards_show(perks: Any, *, now: datetime) -> Any:
    """Fetch beside each perk what its card shows: version, merchant, categories and today's count in its own row."""
    return _with_what_cards_show(perks, list(days_of(now).values()))


def _with_what_cards_show(perks: Any, days: Sequence[Any]) -> Any:
    categories = PerkCategory.objects.filter(perk=OuterRef("pk")).order_by("code")
    found = perks.select_related("in_force", "merchant", "code_list").defer("search_text")
    return found.annotate(category_codes=RowsBeside(categories.values("code")), days_around=days_beside(days))


def cards_of(
    *,
    citizen: Citizen,
    perks: Sequence[Perk],
    assessment: Assessment,
    now: datetime,
    languages: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return a page of perks as their citizen reads them, each with its answer, each in the first language it has."""
    answers = judge_each(citizen=citizen, perks=perks, assessment=assessment, now=now)
    return [perk_card(perk, answers[perk.pk], languages) for perk in perks]


def takeable_cards_of(
    *,
    citizen: Citizen,
    perks: Sequence[Perk],
    assessment: Assessment,
    now: datetime,
    languages: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The same for `only_eligible`: what the judge refuses although its row matched is left out."""
    cards = cards_of(citizen=citizen, perks=perks, assessment=assessment, now=now, languages=languages)
    return [card for card in cards if card["eligibility"]["answer"] == eligibility.ELIGIBLE]
