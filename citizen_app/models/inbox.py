"""What others told us."""

from django.db import models


class InboxMessage(models.Model):
    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=80)
    message_id = models.CharField(max_length=120)
    topic = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="received")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="inbox_message_kept_once")]

    def __str__(self) -> str:
        return self.message_id
