"""What a person is told of, how they want to be told, and the browsers that may be told for them."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed


class Notification(UUIDNamed):
    """One thing a person is told of; every cause tells them once. The row is the inbox, the channels follow from it.

    `facts` are the words its sentence needs (names, days), never a score or what one is made of. `mail_due_at` is when
    a mail about it may leave at the earliest: none where its person does not want one.
    """

    prefix = "ntf"
    # No index of its own, which the ones below begin with.
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False)
    event = models.CharField(max_length=40)  # of `citizen_app.notifying.events`
    about = models.CharField(max_length=64, blank=True)  # a public id
    facts = models.JSONField(default=dict)
    cause = models.CharField(max_length=160)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when its channels were chosen
    mail_due_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["citizen", "cause"], name="notification_once_per_cause"),
            models.CheckConstraint(
                condition=Q(mailed_at__isnull=True) | Q(mail_due_at__isnull=False),
                name="notification_mailed_only_when_due",
            ),
        ]
        indexes = [
            # The inbox, newest first.
            models.Index(fields=["citizen", "-created_at", "-id"], name="notification_of_citizen"),
            # How many are unread: beside every page.
            models.Index(fields=["citizen"], condition=Q(read_at__isnull=True), name="notification_unread"),
            # The mails that wait for one person.
            models.Index(
                fields=["citizen", "mail_due_at"],
                condition=Q(mail_due_at__isnull=False, mailed_at__isnull=True),
                name="notification_mail_waits",
            ),
            # Pruning: what is older than twelve months.
            models.Index(fields=["created_at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.event}"


class NotificationSetting(models.Model):
    """One tick: whether a person wants one group of events by one channel. No row is the group's default."""

    class Channel(models.TextChoices):
        EMAIL = "email"
        PUSH = "push"

    id = models.BigAutoField(primary_key=True)
    citizen = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_settings", db_index=False
    )
    group = models.CharField(max_length=16)
    channel = models.CharField(max_length=8, choices=Channel)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["citizen", "group", "channel"], name="notification_setting_once"),
            models.CheckConstraint(
                condition=Q(channel__in=["email", "push"]), name="notification_setting_channel_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.group} by {self.channel}"


class QuietTime(models.Model):
    """From when until when, by the clock where they live, a person is not to be disturbed; it may run over midnight."""

    citizen = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="quiet_time"
    )
    begins = models.TimeField()
    ends = models.TimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(begins=F("ends")), name="quiet_time_has_an_end"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.begins} to {self.ends}"


class PushDevice(UUIDNamed):
    """One browser that a person let notify them, for as long as the session lasts that asked for it.

    Its address and keys are sealed: they let somebody write to it.
    """

    prefix = "psh"
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_devices")
    session = models.ForeignKey(Session, models.CASCADE, related_name="push_devices")
    address_hash = models.CharField(max_length=64)
    sealed = models.TextField()
    service = models.CharField(max_length=100)  # the host of its push service
    created_at = models.DateTimeField()
    last_ok_at = models.DateTimeField(null=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            # A browser two people use notifies who asked last.
            models.UniqueConstraint(fields=["address_hash"], name="push_device_of_one_person"),
        ]

    def __str__(self) -> str:
        return f"{self.citizen_id}: {self.service}"
