"""The register of enterprises: what authorities recorded about them, and which merchants run which of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks import standing
from perks.models.merchants import Merchant

STATES = [(standing.GOOD, "Good"), (standing.SUSPENDED, "Suspended")]


class Register(models.Model):
    """One authority's register, known up to the day `as_of`, from which its records' lapse is counted."""

    code = models.SlugField(max_length=40, unique=True)
    authority = models.CharField(max_length=120)
    as_of = models.DateField(null=True)
    imported_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.authority


class Enterprise(UUIDNamed):
    """An enterprise of a register, whether or not it offers perks here, with the standing its records give it."""

    prefix = "reg"
    register = models.ForeignKey(Register, models.CASCADE, related_name="enterprises")
    number = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=240, blank=True)
    city = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=STATES, default=standing.GOOD)
    has_badge = models.BooleanField(default=False)
    summary = models.JSONField(default=dict)  # `perks.standing.Standing.summary`

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["register", "number"], name="enterprise_registered_once"),
            models.CheckConstraint(condition=Q(state__in=["good", "suspended"]), name="enterprise_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state="suspended", has_badge=True), name="enterprise_suspended_wears_no_badge"
            ),
        ]
        indexes = [
            # The register's public list: by name, and what is suspended or on the red list.
            models.Index(fields=["name", "id"], name="enterprise_by_name"),
            models.Index(fields=["name", "id"], condition=Q(state="suspended"), name="enterprise_suspended"),
            models.Index(fields=["name", "id"], condition=Q(has_badge=True), name="enterprise_red_listed"),
        ]

    def __str__(self) -> str:
        return self.name


class StandingRecord(IntegerNamed):
    """One thing an authority recorded about an enterprise, under the authority's own id for it."""

    class Kind(models.TextChoices):
        INSPECTION = standing.INSPECTION
        PENALTY = standing.PENALTY
        PENALTY_REMEDIED = standing.PENALTY_REMEDIED
        RED_LIST = standing.RED_LIST
        TOURISM_VIOLATION = standing.TOURISM_VIOLATION

    class Gravity(models.TextChoices):
        NONE = standing.NONE, "None"
        MINOR = standing.MINOR
        GRAVE = standing.GRAVE

    prefix = "srec"
    register = models.ForeignKey(Register, models.CASCADE, related_name="records")
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="records")
    external_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind)
    on = models.DateField()
    order = models.PositiveIntegerField(default=0)  # among the records of one day
    gravity = models.CharField(max_length=5, choices=Gravity, blank=True, default=Gravity.NONE)
    mark = models.PositiveSmallIntegerField(null=True)  # of an inspection, out of 100
    is_remedied = models.BooleanField(default=False)
    remedied_on = models.DateField(null=True)
    lapses_on = models.DateField()
    text = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["register", "external_id"], name="standing_record_once_per_register"),
            models.CheckConstraint(
                condition=Q(kind__in=["inspection", "penalty", "penalty_remedied", "red_list", "tourism_violation"]),
                name="standing_record_kind_is_known",
            ),
            models.CheckConstraint(condition=Q(gravity__in=["", "minor", "grave"]), name="standing_gravity_is_known"),
            models.CheckConstraint(
                condition=Q(kind="inspection", mark__gte=0, mark__lte=100)
                | (~Q(kind="inspection") & Q(mark__isnull=True)),
                name="standing_mark_iff_inspection",
            ),
            models.CheckConstraint(
                condition=Q(remedied_on__isnull=True) | Q(is_remedied=True), name="standing_remedy_dated_is_remedied"
            ),
            models.CheckConstraint(
                condition=~Q(kind="penalty_remedied") | Q(is_remedied=True), name="standing_penalty_remedied_has_remedy"
            ),
        ]
        indexes = [
            # All of one enterprise, oldest first: what its standing is judged from.
            models.Index(fields=["enterprise", "on", "order"], name="standing_record_of"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.on}"

    def as_record(self) -> standing.Record:
        return standing.Record(
            kind=self.kind,
            on=self.on,
            order=self.order,
            gravity=self.gravity,
            mark=self.mark,
            is_remedied=self.is_remedied,
            remedied_on=self.remedied_on,
            text=self.text,
        )


class RegistryNumber(IntegerNamed):
    """A number a merchant says it has in a register: it links the two once an operator has confirmed it.

    An empty `register` is the country's register of companies, whose records are not read here.
    """

    prefix = "rgn"
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="registry_numbers")
    register = models.CharField(max_length=40, blank=True)  # a register's code
    number = models.CharField(max_length=40)
    stated_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "register", "number"], name="registry_number_stated_once"),
            models.UniqueConstraint(
                fields=["register", "number"],
                condition=Q(confirmed_at__isnull=False) & ~Q(register=""),
                name="registry_number_of_one_merchant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.merchant_id}"
