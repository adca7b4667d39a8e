"""The enterprises: who they are, where they are, and which people and machines act for them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models import OAuthApplication
from citizen_app.models.citizen import validate_zone
from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks import standing


class Merchant(UUIDNamed):
    """An enterprise that offers perks. Its approved sector fixes the purpose of all of them."""

    class Sector(models.TextChoices):
        HOTEL = "hotel"
        AIRPORT = "airport"
        CAR_RENTAL = "car_rental"
        SHOP = "shop"
        DATING_APP = "dating_app"

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        CLOSED = "closed"

    PURPOSE_OF = {
        Sector.HOTEL: "travel",
        Sector.AIRPORT: "travel",
        Sector.CAR_RENTAL: "rental",
        Sector.SHOP: "retail",
        Sector.DATING_APP: "dating",
    }

    prefix = "mer"
    name = models.CharField(max_length=120)
    sector = models.CharField(max_length=12, choices=Sector)
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    website = models.URLField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    stripe_account_id = models.CharField(max_length=64, blank=True)
    is_billed = models.BooleanField(default=False)  # it has a plan: each of its verified redemptions is counted
    is_demo = models.BooleanField(default=False)
    applied_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    refusal = models.TextField(blank=True)  # why an operator refused or suspended it, for its own team
    contact_person = models.CharField(max_length=120, blank=True)  # whom an operator asks
    # What authorities' records make of it: the state as a column, for conditions, and all that a perk's card shows.
    standing_state = models.CharField(
        max_length=10, choices=[(standing.GOOD, "Good"), (standing.SUSPENDED, "Suspended")], default=standing.GOOD
    )
    standing = models.JSONField(default=dict)  # `perks.standing.Standing.summary`; empty: nothing is recorded
    ramp_taken_count = models.PositiveIntegerField(default=0)  # reservations of its first days (`services.ramp`)
    sequence = models.PositiveIntegerField(default=0)  # of the events told about it

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "active", "suspended", "closed"]), name="merchant_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sector__in=["hotel", "airport", "car_rental", "shop", "dating_app"]),
                name="merchant_sector_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["active", "suspended"]) | Q(approved_at__isnull=False),
                name="merchant_active_is_approved",
            ),
            models.CheckConstraint(
                condition=Q(standing_state__in=["good", "suspended"]), name="merchant_standing_is_known"
            ),
            models.UniqueConstraint(
                fields=["stripe_account_id"], condition=~Q(stripe_account_id=""), name="merchant_account_is_its_own"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        return self.PURPOSE_OF[self.Sector(self.sector)]

    @property
    def is_dating_app(self) -> bool:
        """Whether people connect its app, and it offers boosts there: no other merchant does either."""
        return self.sector == self.Sector.DATING_APP

    @property
    def offering_state(self) -> str:
        """Whether its perks can be taken: an authority's unremedied grave penalty weighs as a suspension does."""
        is_barred = self.state == self.State.ACTIVE and self.standing_state == standing.SUSPENDED
        return str(self.State.SUSPENDED) if is_barred else self.state


class Member(IntegerNamed):
    """A person who acts for a merchant, and as what."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        CASHIER = "cashier"

    prefix = "mem"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="members")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role)
    since = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "citizen"], name="member_one_role_per_merchant"),
            models.CheckConstraint(condition=Q(role__in=["owner", "manager", "cashier"]), name="member_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.merchant_id}"


class Invitation(IntegerNamed):
    """A seat offered by e-mail; the token in the mail is kept as a keyed hash."""

    prefix = "inv"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Member.Role)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class Branch(UUIDNamed):
    """A place where a merchant's perks are honoured, with its own clock."""

    prefix = "br"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="branches")
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, validators=[validate_zone])
    address = models.CharField(max_length=240, blank=True)
    iata = models.CharField(max_length=3, blank=True)
    latitude = models.FloatField(null=True)  # degrees north
    longitude = models.FloatField(null=True)  # degrees east
    closed_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                name="branch_position_is_whole",
            ),
        ]
        indexes = [
            # Perks near an airport.
            models.Index(fields=["iata"], condition=~Q(iata=""), name="branch_by_iata"),
            # Perks near a point.
            models.Index(
                fields=["latitude", "longitude"],
                condition=Q(latitude__isnull=False, closed_at__isnull=True),
                name="branch_by_position",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MerchantClient(UUIDNamed):
    """A merchant's server: an OAuth client with the cashier's or the manager's scopes."""

    prefix = "cli"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="clients")
    application = models.OneToOneField(OAuthApplication, models.CASCADE, related_name="merchant_client")
    name = models.CharField(max_length=120)
    made_at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
