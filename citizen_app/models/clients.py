"""Machine callers: merchants' servers, dating apps and furnishers, as OAuth applications."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from oauth2_provider.models import AbstractApplication


class OAuthApplication(AbstractApplication):
    """One client: whose it is, which scopes it may ask for, whether it was reviewed, whether it is switched off."""

    class OwnerKind(models.TextChoices):
        MERCHANT = "merchant"
        FURNISHER = "furnisher"

    class Review(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REFUSED = "refused"

    owner_kind = models.CharField(max_length=12, choices=OwnerKind)
    # The organisation's public id: its table is in an app this one may not import.
    owner = models.CharField(max_length=40)
    # Groups the clients to which one person is one pairwise subject; empty: the client's own id.
    sector = models.CharField(max_length=64, blank=True)
    allowed_scopes = models.JSONField(default=list)
    suspended = models.BooleanField(default=False)
    # An app that asks people for their consent is looked at by an operator first; a server needs no review.
    review = models.CharField(max_length=8, choices=Review, default=Review.APPROVED)
    refusal = models.CharField(max_length=500, blank=True)
    # What a person reads before they decide.
    privacy_url = models.URLField(max_length=500, blank=True)
    terms_url = models.URLField(max_length=500, blank=True)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        constraints = [
            models.CheckConstraint(condition=Q(owner_kind__in=["merchant", "furnisher"]), name="client_owner_is_known"),
            models.CheckConstraint(
                condition=Q(review__in=["pending", "approved", "refused"]), name="client_review_is_known"
            ),
        ]
        indexes = [
            # The operators' queue: apps that wait for a decision.
            models.Index(fields=["created"], condition=Q(review="pending"), name="client_waits_for_review"),
        ]

    @property
    def is_app(self) -> bool:
        """Whether people connect to it; every other client is a server without a person behind its tokens."""
        return bool(self.authorization_grant_type == self.GRANT_AUTHORIZATION_CODE)

    @property
    def sector_or_own(self) -> str:
        return self.sector or str(self.client_id)

    def is_usable(self, request: Any) -> bool:
        return not self.suspended and self.review == self.Review.APPROVED

    def get_allowed_schemes(self) -> list[str]:
        """Answers go to https only; while developing also to this machine itself (`redirects.py` judges the host)."""
        return ["https"] if settings.PRODUCTION else ["https", "http"]
