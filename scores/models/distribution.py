"""How the scores of all are spread: numbers of people, and no person."""

from django.db import models
from django.db.models import Q


class ScoreDistribution(models.Model):
    """How many people had each score on a day (`{"612": 40, …}`); the latest is what percentiles are read from."""

    counted_on = models.DateField(unique=True)
    total_count = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(total_count__gte=0), name="score_distribution_counts_people"),
        ]

    def __str__(self) -> str:
        return f"distribution of {self.counted_on}"
