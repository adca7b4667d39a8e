"""From the inbox to the channels: what each person chose, and not before their quiet time is over."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.models import Notification, NotificationSetting, OutboxMessage, PushDevice
from citizen_app.notifying.choices import Choices, choices_of
from citizen_app.notifying.events import GROUPS, Mail, event_of
from citizen_app.notifying.mails import MAIL_TOPIC
from citizen_app.notifying.pushes import PUSH_TOPIC
from citizen_app.notifying.telling import TOPIC
from citizen_app.outbox import handles, promise
from citizen_app.quiet_time import end_of_quiet

GATHERED_FOR: Final = timedelta(minutes=5)
"""How long a mail that was asked for gathers what else happens, to become one."""
Channel = NotificationSetting.Channel


@handles(TOPIC)
@transaction.atomic
def choose_channels(*, ids: list[str]) -> None:
    """Promise what leaves for each of these notifications. Safe twice: each is chosen for once."""
    now = timezone.now()
    waiting = Notification.objects.filter(pk__in=ids, told_at=None).order_by("pk")
    rows = list(waiting.select_for_update(of=("self",)).select_related("citizen"))
    people = {row.citizen_id for row in rows}
    choices = choices_of(people)
    devices: dict[int, list[PushDevice]] = {}
    for device in PushDevice.objects.filter(citizen__in=people).order_by("pk"):
        devices.setdefault(device.citizen_id, []).append(device)
    promises: list[OutboxMessage] = []
    for row in rows:
        row.told_at = now
        if row.citizen.is_active:
            promises += _promises(row, choices[row.citizen_id], devices.get(row.citizen_id, []), now)
    Notification.objects.bulk_update(rows, ["told_at", "mail_due_at"], batch_size=500)
    OutboxMessage.objects.bulk_create(promises)


def _promises(
    row: Notification, choices: Choices, devices: Iterable[PushDevice], now: datetime
) -> Iterable[OutboxMessage]:
    group = GROUPS[event_of(row.event).group]
    if choices.wants(group.code, Channel.EMAIL):
        at = max(now, row.created_at + GATHERED_FOR) if group.mail == Mail.ASKED else now
        row.mail_due_at = now if group.mail == Mail.ALWAYS else _not_before(row, choices, at)
        yield promise(MAIL_TOPIC, due_at=row.mail_due_at, citizen_id=row.citizen_id)
    if choices.wants(group.code, Channel.PUSH):
        due_at = _not_before(row, choices, now)
        for device in devices:
            yield promise(PUSH_TOPIC, due_at=due_at, notification=str(row.pk), device=str(device.pk))


def _not_before(row: Notification, choices: Choices, instant: datetime) -> datetime:
    quiet = choices.quiet
    if quiet is None:
        return instant
    return end_of_quiet(instant, zone=row.citizen.zone, begins=quiet.begins, ends=quiet.ends)
