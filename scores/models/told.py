"""What a person was last told about their score."""

from django.db import models

from scores.models.enrolment import Enrolment


class ToldScore(models.Model):
    """From where on a citizen's score has moved untold: small steps add up, and fading moves nothing here.

    `untold` is in micro-points; `purposes` are the values that decided which perks were open when they were last told.
    """

    enrolment = models.OneToOneField(
        Enrolment, models.RESTRICT, primary_key=True, db_column="citizen_id", related_name="told_score"
    )
    change_id = models.BigIntegerField(default=0)  # the last row of history that was looked at
    untold = models.BigIntegerField(default=0)
    purposes = models.JSONField(default=dict)  # {code: value}

    def __str__(self) -> str:
        return f"told of {self.enrolment_id}"
