"""Where each score stands among all: shares in whole percent, and no person."""

from django.db import models


class ScoreDistribution(models.Model):
    """For each score there can be, the share of people below it, as it was on a day (`{"612": 40, …}`, in percent).

    Empty while fewer than a thousand people have a score, so that a whole percent always stands for ten of them.
    """

    counted_on = models.DateField(unique=True)
    percents = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"distribution of {self.counted_on}"


class Reach(models.Model):
    """For each purpose and each multiple of ten, about how many scored people reach it, as it was on a day.

    `{"travel": {"600": 35, …}, …}` in percent, to the nearest five. Empty while fewer than a thousand people have a
    score, so that five percent always stand for fifty of them. This is what merchants may be told.
    """

    counted_on = models.DateField(unique=True)
    percents = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"reach of {self.counted_on}"
