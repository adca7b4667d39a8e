"""A browser that can be notified, as a push service and the browser itself have it."""

import base64
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from citizen_app.accounts.sign_in import open_session
from citizen_app.models import Citizen, Notification, PushDevice
from citizen_app.notifying.choices import CHOOSABLE, Channel, change_choices
from citizen_app.notifying.devices import add_device

ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/"


class Browser:
    """The keys a browser keeps, and the subscription it hands out."""

    def __init__(self, endpoint: str | None = None) -> None:
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        self.endpoint = endpoint or ENDPOINT + base64.urlsafe_b64encode(os.urandom(24)).decode()

    @property
    def keys(self) -> dict[str, str]:
        point = self.private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": _text(point), "auth": _text(self.secret)}

    @property
    def body(self) -> dict[str, Any]:
        return {"kind": "web_push", "endpoint": self.endpoint, "keys": self.keys}

    def let_notify(self, citizen: Citizen, session_key: str = "") -> PushDevice:
        """Let it notify somebody in a session of theirs, a new one unless said."""
        key = session_key or open_session(citizen).session_key
        return add_device(citizen=citizen, session_key=key, endpoint=self.endpoint, keys=self.keys)


def wants_everything(citizen: Citizen) -> None:
    """Somebody who ticked every box."""
    change_choices(citizen=citizen, email=CHOOSABLE[Channel.EMAIL], push=CHOOSABLE[Channel.PUSH], via="web")


def told(citizen: Citizen) -> list[str]:
    """What somebody was told of, oldest first."""
    return list(
        Notification.objects.filter(citizen=citizen).order_by("created_at", "pk").values_list("event", flat=True)
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
