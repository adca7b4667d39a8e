"""The people: one account per e-mail address, whatever they do here (citizen, merchant's person, operator)."""

import zoneinfo
from functools import cache

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from citizen_app.public_ids import public_id_of, uuid7, uuid_of


def validate_zone(name: str) -> None:
    """Refuse what is not an IANA time zone."""
    if name not in _zones():
        raise ValidationError("Name an IANA time zone, such as Europe/Lisbon.", code="invalid")


@cache
def _zones() -> frozenset[str]:
    """Every zone there is; to look for them in the file system takes ten milliseconds, each time."""
    return frozenset(zoneinfo.available_timezones())


def default_zone() -> str:
    return settings.DEFAULT_ZONE


class CitizenManager(BaseUserManager["Citizen"]):
    """Makes accounts; signing up by e-mail code goes through allauth, which calls neither of these."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Citizen":
        if not email:
            raise ValueError("An account needs an e-mail address.")
        citizen = self.model(email=self.normalize_email(email), **fields)
        citizen.set_password(password)
        citizen.save(using=self._db)
        return citizen

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "Citizen":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "Citizen":
        return self.get(email__iexact=username)


class Citizen(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # (swapped application)
    """A person with an account. Having one is not being enrolled: that is `scores.Enrolment`."""

    prefix = "cit"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    email = models.EmailField()
    first_name = models.CharField(max_length=60, blank=True)
    language = models.CharField(max_length=12, default="en")
    zone = models.CharField(max_length=64, default=default_zone, validators=[validate_zone])
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = CitizenManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="citizen_one_account_per_email"),
            models.CheckConstraint(condition=~Q(email=""), name="citizen_has_email"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return public_id_of(self.prefix, self.uuid)

    @classmethod
    def key_of(cls, public_id: object) -> object:
        return uuid_of(cls.prefix, public_id)


class OperatorRole(models.Model):
    """What an operator may do; someone without a row here is not an operator."""

    class Role(models.TextChoices):
        SCORING = "scoring"
        DISPUTES = "disputes"
        MERCHANTS = "merchants"
        SUPPORT = "support"

    citizen = models.ForeignKey(Citizen, models.CASCADE, related_name="operator_roles")
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["citizen", "role"], name="operator_role_given_once"),
            models.CheckConstraint(
                condition=Q(role__in=["scoring", "disputes", "merchants", "support"]), name="operator_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.role}"
