"""Perks taken through their lives by the services, as their team and an operator would."""

from datetime import UTC, datetime

from perks.models import Perk
from perks.services import catalogue
from tests.factories.perks import scored_tier

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BODY = {
    "kind": "discount",
    "title": "Late check-out",
    "terms": "Until 14:00.",
    "fair_terms": "Ask at the desk, for 15 euros.",
    "tiers": [scored_tier(600)],
}


def draft(merchant, owner, **changes) -> Perk:
    return catalogue.draft_perk(merchant=merchant, by=owner, body=BODY | changes)


def approved(merchant, owner, operator, now=NOW, **changes) -> Perk:
    perk = catalogue.submit_perk(perk=draft(merchant, owner, **changes), by=owner)
    return catalogue.approve_perk(perk=perk, by=operator, now=now)


def published(merchant, owner, operator, now=NOW, **changes) -> Perk:
    perk = approved(merchant, owner, operator, now, **changes)
    return catalogue.publish_perk(perk=perk, by=owner, now=now)
