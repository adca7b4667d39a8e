"""The tills: devices paired with a branch, the PINs of the people who stand at them, and the shifts they open."""

from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks.models.merchants import Branch, Member, Merchant

LONGEST_SHIFT = 720  # minutes


class TillPairing(IntegerNamed):
    """A code that pairs one device, shown as a picture for ten minutes; only its keyed hash is kept."""

    prefix = "pair"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="till_pairings")
    branch = models.ForeignKey(Branch, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=60)
    shift_minutes = models.PositiveSmallIntegerField()
    code_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"pairing {self.pk}"


class Till(UUIDNamed):
    """A device at a branch's desk. Alone it reads keys and arrivals; a person with a PIN scans on it."""

    prefix = "dev"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="tills")
    branch = models.ForeignKey(Branch, models.SET_NULL, null=True, related_name="tills")
    name = models.CharField(max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    shift_minutes = models.PositiveSmallIntegerField()  # how long one PIN opens it
    paired_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    wrong_pins = models.JSONField(default=list)  # when: RFC 3339, oldest first

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(shift_minutes__gte=1, shift_minutes__lte=LONGEST_SHIFT), name="till_shift_within_bounds"
            ),
        ]
        indexes = [
            # A merchant's tills, newest first.
            models.Index(fields=["merchant", "-id"], name="till_of_merchant"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> str:
        """How scans name it (`Scan.till`)."""
        return f"till:{self.public_id}"


class MemberPin(models.Model):
    """What a member types at a till: a keyed, salted and slow hash of four to eight digits."""

    member = models.OneToOneField(Member, models.CASCADE, related_name="pin")
    pin_hash = models.CharField(max_length=200)
    set_at = models.DateTimeField()
    wrong_pins = models.JSONField(default=list)  # when, at whatever till

    def __str__(self) -> str:
        return f"PIN of {self.member_id}"


class TillShift(IntegerNamed):
    """One member at work on one till, from their PIN until they go, or the shift's minutes are over."""

    prefix = "shift"
    till = models.ForeignKey(Till, models.CASCADE, related_name="shifts")
    member = models.ForeignKey(Member, models.CASCADE, related_name="shifts")
    role = models.CharField(max_length=8)  # theirs when they came: another one ends the shift
    token_hash = models.CharField(max_length=64, unique=True)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["till"], condition=Q(ended_at__isnull=True), name="shift_one_open_per_till"
            ),
        ]

    def __str__(self) -> str:
        return f"shift {self.pk}"
