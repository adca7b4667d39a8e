"""What perks ask of scores, said to the room that may not look at them."""

from perks import tiers
from perks.models import Perk
from scores.assessments import Threshold, asks_for_thresholds


@asks_for_thresholds
def thresholds_of_offered_perks() -> list[Threshold]:
    """Every threshold of every perk that is offered or paused, named for an operator (one query)."""
    offered = Perk.objects.filter(state__in=[Perk.State.PUBLISHED, Perk.State.PAUSED]).select_related(
        "in_force", "merchant"
    )
    return [
        Threshold(perk.purpose, tier.min_score, f"{perk.version_in_force.title}, {perk.merchant.name}")
        for perk in offered
        for tier in tiers.read_tiers(perk.version_in_force.tiers)
        if tier.min_score is not None
    ]
