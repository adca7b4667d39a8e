"""Web push (RFC 8030, 8291, 8292): one short message to one browser, that nobody on its way can read."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Final

import structlog
from allauth.core.internal.sessionkit import get_session_user
from allauth.headless.internal.sessionkit import session_store
from django.conf import settings
from django.utils import timezone
from py_vapid import Vapid
from pywebpush import WebPushException, webpush

from citizen_app.calling_out import AddressRefused, Answer, CallFailed, asked_pause, session_for
from citizen_app.models import Notification, NotificationSetting, PushDevice
from citizen_app.notifying.choices import choices_of
from citizen_app.notifying.devices import Subscription, is_of_push_service, subscription_of
from citizen_app.notifying.events import GROUPS, Mail
from citizen_app.notifying.texts import Text, text_of
from citizen_app.outbox import Later, handles
from citizen_app.sealing import CannotUnseal

log = structlog.get_logger(__name__)

PUSH_TOPIC: Final = "notification.push"
KEPT_SECONDS: Final = 24 * 60 * 60
"""How long a push service keeps a message for a browser that is off; older ones are told in the inbox alone."""
DEADLINE_SECONDS: Final = 10.0
SHORTEST_PAUSE: Final = timedelta(minutes=1)
_GONE: Final = (404, 410)
_BUSY: Final = 429


class PushServiceBusy(Exception):
    """The push service asks to be asked again later."""


@handles(PUSH_TOPIC)
def push(*, notification: str, device: str) -> None:
    """Notify one browser of one thing. Safe twice: its `Topic` lets the second take the first one's place."""
    row = Notification.objects.select_related("citizen").filter(pk=notification).first()
    to = PushDevice.objects.filter(pk=device).first()
    if row is None or to is None or to.citizen_id != row.citizen_id or not row.citizen.is_active:
        return
    if get_session_user(session_store(to.session_id)) is None:
        to.delete()  # signed out there: by time, or by another password
        return
    now = timezone.now()
    text = text_of(row)
    wanted = choices_of([row.citizen_id])[row.citizen_id].wants(text.event.group, NotificationSetting.Channel.PUSH)
    if not wanted or row.read_at is not None or (now - row.created_at).total_seconds() > 2 * KEPT_SECONDS:
        return
    try:
        subscription = subscription_of(to)
    except CannotUnseal:
        to.delete()  # sealed with a key that is gone: nobody can write to it any more
        return
    answer = _send(subscription, row, text)
    match answer.status:
        case status if status in _GONE:
            to.delete()
        case status if status == _BUSY or status >= 500:
            pause = asked_pause(answer.headers, now)
            if pause is not None:  # it says when, which is no failure; what waits for too long is too old by itself
                raise Later(max(pause, SHORTEST_PAUSE))
            raise PushServiceBusy(str(status))
        case status if status >= 400:
            log.error("push.refused", device=str(to.pk), service=to.service, status=status)
        case _:
            PushDevice.objects.filter(pk=to.pk).update(last_ok_at=now)


def _send(subscription: Subscription, row: Notification, text: Text) -> Answer:
    """Send it and return the push service's answer."""
    if not is_of_push_service(subscription.endpoint):
        return Answer(_GONE[0], b"", {})  # of a service we trust no more
    try:
        answer = webpush(
            subscription.as_info(),
            data=payload_of(text),
            vapid_private_key=Vapid.from_pem(settings.VAPID_PRIVATE_KEY.encode()),
            vapid_claims={"sub": settings.VAPID_SUBJECT},
            ttl=KEPT_SECONDS,
            headers={"Urgency": _urgency_of(text), "Topic": _topic_of(row)},
            requests_session=session_for(hosts=settings.PUSH_HOSTS),
            timeout=DEADLINE_SECONDS,
        )
    except WebPushException as refusal:
        if refusal.response is None:
            raise
        answer = refusal.response
    except AddressRefused as refusal:
        raise CallFailed("The push service's name leads elsewhere.") from refusal
    return Answer(int(answer.status_code), b"", answer.headers)


def payload_of(text: Text) -> str:
    """What the browser shows: a title, a sentence, and where a tap leads."""
    return json.dumps({"title": text.subject, "body": text.sentence, "path": text.path}, ensure_ascii=False)


def _urgency_of(text: Text) -> str:
    return "high" if GROUPS[text.event.group].mail == Mail.ALWAYS else "normal"


def _topic_of(row: Notification) -> str:
    """At most 32 characters that say nothing: what is told again takes its own place."""
    return base64.urlsafe_b64encode(hashlib.sha256(row.pk.bytes).digest()[:24]).decode()


def public_key() -> str:
    """What a browser subscribes with: the uncompressed point of the VAPID key, in base64url."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Vapid.from_pem(settings.VAPID_PRIVATE_KEY.encode()).public_key
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
