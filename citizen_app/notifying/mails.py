"""Mails about what a person is told of: text and HTML, nothing in them that reports back, and a link to end them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts.mail import queue_mail
from citizen_app.models import Citizen, Notification, NotificationSetting
from citizen_app.notifying.choices import choices_of
from citizen_app.notifying.events import GROUPS, Group, Mail, event_of
from citizen_app.notifying.texts import Text, text_of
from citizen_app.outbox import enqueue, handles
from citizen_app.sealing import seal

MAIL_TOPIC: Final = "notification.mail"
MOST_A_DAY: Final = 5
"""How many mails somebody gets in a day of those they asked for; what comes then waits, and comes in one."""
OFF_PURPOSE: Final = "mails of a group, to be switched off"
_DAY: Final = timedelta(days=1)
Channel = NotificationSetting.Channel


@handles(MAIL_TOPIC)
@transaction.atomic
def send_what_waits(*, citizen_id: int) -> None:
    """Mail a person what is due, that of one group in one mail. Safe twice: what is mailed waits no more."""
    now = timezone.now()
    citizen = Citizen.objects.select_for_update(no_key=True).filter(pk=citizen_id, is_active=True).first()
    if citizen is None:
        return
    waiting = Notification.objects.filter(citizen=citizen, mail_due_at__isnull=False, mailed_at=None)
    due = list(waiting.filter(mail_due_at__lte=now).order_by("created_at", "pk"))
    choices = choices_of([citizen_id])[citizen_id]
    due.sort(key=_group_of)
    for code, of_group in groupby(due, key=_group_of):
        rows, group = list(of_group), GROUPS[code]
        if not choices.wants(code, Channel.EMAIL):
            _file(rows, mail_due_at=None)  # switched off meanwhile
        elif group.mail != Mail.ASKED:
            for row in rows:
                _mail(citizen, group, [row], now)
        elif (free_at := _free_at(citizen, now)) > now:
            _file(rows, mail_due_at=free_at)
            enqueue(MAIL_TOPIC, due_at=free_at, citizen_id=citizen_id)
        else:
            _mail(citizen, group, rows, now)


def _group_of(row: Notification) -> str:
    return event_of(row.event).group


def _file(rows: Sequence[Notification], **changes: Any) -> None:
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(**changes)


def _free_at(citizen: Citizen, now: datetime) -> datetime:
    """When the next mail that was asked for may leave. Those of one group and moment were one mail."""
    lately = Notification.objects.filter(citizen=citizen, mailed_at__gt=now - _DAY).values_list("event", "mailed_at")
    mails = {(mailed_at, event_of(event).group) for event, mailed_at in lately if mailed_at is not None}
    sent = sorted(mailed_at for mailed_at, code in mails if GROUPS[code].mail == Mail.ASKED)
    return now if len(sent) < MOST_A_DAY else sent[-MOST_A_DAY] + _DAY


def _mail(citizen: Citizen, group: Group, rows: Sequence[Notification], now: datetime) -> None:
    """Promise one mail; the rows are its mark, in the same transaction."""
    queue_mail(made(citizen, group, [text_of(row) for row in rows]))
    _file(rows, mailed_at=now)


def made(citizen: Citizen, group: Group, texts: Sequence[Text]) -> EmailMultiAlternatives:
    """The mail that says these."""
    off = None
    if group.mail != Mail.ALWAYS:
        off = settings.SITE_URL + reverse("mails_off", args=[off_token(citizen, group)])
    context = {
        "texts": [{"says": text, "address": settings.SITE_URL + text.path} for text in texts],
        "group": group,
        "off": off,
        "settings_address": settings.SITE_URL + reverse("notification_settings"),
    }
    subject = texts[0].subject if len(texts) == 1 else f"{group.title}: {len(texts)} things happened"
    message = EmailMultiAlternatives(
        subject=subject, body=render_to_string("email/notification.txt", context), to=[citizen.email]
    )
    message.attach_alternative(render_to_string("email/notification.html", context), "text/html")
    if off is not None:
        # RFC 8058: the mail program's own button switches the group off, without a visit.
        message.extra_headers = {"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return message


def off_token(citizen: Citizen, group: Group) -> str:
    """What the link in a mail says, sealed: an address names nobody."""
    return seal(OFF_PURPOSE, f"{citizen.public_id} {group.code}")
