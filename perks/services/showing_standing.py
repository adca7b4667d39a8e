"""The standing of merchants and of registered enterprises, as everybody may know it."""

from typing import Any

from perks import standing
from perks.models import Enterprise, Merchant
from perks.services.register import records_of
from perks.services.registered import enterprises_of

_OF_A_CARD = ("state", "badge", "records")


def standing_of(merchant: Merchant) -> dict[str, Any]:
    """What a perk's card says of its merchant, from the merchant's own row."""
    summary = {**standing.NOTHING_KNOWN, **merchant.standing}
    return {name: summary[name] for name in _OF_A_CARD}


def whole_standing_of(merchant: Merchant) -> dict[str, Any]:
    """The same with every record that counts, whose it is, and until when it counts."""
    enterprises = enterprises_of(merchant)
    summary = {**standing.NOTHING_KNOWN, **merchant.standing}
    return {**summary, "enterprises": enterprise_pages(enterprises)}


def enterprise_pages(enterprises: list[Enterprise]) -> list[dict[str, Any]]:
    """Registered enterprises with their records, the newest first; one statement for all of them."""
    found = records_of(enterprises) if enterprises else {}
    return [_page(one, found[one.pk]) for one in enterprises]


def _page(one: Enterprise, found: standing.Standing) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "name": one.name,
        "address": ", ".join(part for part in (one.address, one.city, one.postal_code) if part),
        "source": one.register.authority,
        "as_of": None if one.register.as_of is None else one.register.as_of.isoformat(),
        "state": found.state,
        "badge": standing.RED_LIST if found.has_badge else None,
        "records": [_record(fact, one) for fact in found.facts],
    }


def _record(fact: standing.Fact, one: Enterprise) -> dict[str, Any]:
    return {
        "kind": fact.kind,
        "source": one.register.authority,
        "date": fact.on.isoformat(),
        "gravity": fact.gravity or None,
        "remedied": fact.is_remedied,
        "remedied_on": None if fact.remedied_on is None else fact.remedied_on.isoformat(),
        "lapses_on": fact.lapses_on.isoformat(),
        "text": fact.text,
    }
