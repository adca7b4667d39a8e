"""Machine callers: merchants' servers, dating apps and furnishers, as OAuth applications."""

from django.db import models
from django.db.models import Q
from oauth2_provider.models import AbstractApplication


class OAuthApplication(AbstractApplication):
    """One machine client: whose it is, which scopes it may ask for, and whether it is switched off."""

    class OwnerKind(models.TextChoices):
        MERCHANT = "merchant"
        FURNISHER = "furnisher"

    owner_kind = models.CharField(max_length=12, choices=OwnerKind)
    # The organisation's public id: its table is in an app this one may not import.
    owner = models.CharField(max_length=40)
    # Groups the clients to which one person is one pairwise subject.
    sector = models.CharField(max_length=64, blank=True)
    allowed_scopes = models.JSONField(default=list)
    suspended = models.BooleanField(default=False)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        constraints = [
            models.CheckConstraint(condition=Q(owner_kind__in=["merchant", "furnisher"]), name="client_owner_is_known"),
        ]

    def is_usable(self, request: object) -> bool:
        return not self.suspended
