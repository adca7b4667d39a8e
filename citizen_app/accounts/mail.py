"""Mail leaves through the outbox, so a slow mail server never slows a page (nor tells which addresses we know).

A mail carries codes and an address, so the row holds it sealed, and holds nothing once it is sent.
"""

import json
from datetime import timedelta

import structlog
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction

from citizen_app.models import OutboxMessage
from citizen_app.outbox import enqueue, handles
from citizen_app.sealing import CannotUnseal, seal, unseal

log = structlog.get_logger(__name__)

TOPIC = "mail"
PURPOSE = "mail on its way"
STALE = timedelta(days=1)  # its code has lapsed long before


@transaction.atomic
def queue_mail(message: EmailMessage) -> None:
    """Promise the mail in the transaction at hand; the relay sends it when that has committed."""
    parts = {
        "subject": message.subject,
        "body": message.body,
        "from_email": message.from_email,
        "to": message.to,
        "headers": message.extra_headers,
        "html": next(
            (str(part.content) for part in getattr(message, "alternatives", ()) if part.mimetype == "text/html"), None
        ),
    }
    row = enqueue(TOPIC, sealed=seal(PURPOSE, json.dumps(parts)))
    row.payload["row"] = row.pk
    row.save(update_fields=["payload"])


@handles(TOPIC)
def deliver_mail(*, row: int, sealed: str = "") -> None:
    """Send one mail and empty its row. Safe twice: an emptied row was sent; a crash in between repeats the mail."""
    if not sealed:
        return
    try:
        parts = json.loads(unseal(PURPOSE, sealed, no_older_than=STALE))
    except CannotUnseal:
        log.error("mail.dropped", outbox=row, why="older than a day, or sealed with a key that is gone")
    else:
        html = parts.pop("html")
        message = EmailMultiAlternatives(**parts)
        if html:
            message.attach_alternative(html, "text/html")
        message.send()
    OutboxMessage.objects.filter(pk=row).update(payload={"row": row})
