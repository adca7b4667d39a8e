"""What moved: the events promised to merchants, and a perk's count."""

from citizen_app.models import OutboxMessage
from perks.models import Perk


def events() -> list[str]:
    return [row.payload["type"] for row in OutboxMessage.objects.filter(topic="webhook").order_by("id")]


def taken(perk: Perk) -> int:
    return Perk.objects.get(pk=perk.pk).taken_count
