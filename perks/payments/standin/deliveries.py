"""Delivers the stand-in's events to the product on this machine, signed, again for a while where it is not taken."""

import http.client
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

from perks.payments.standin.fake import FakeStripe
from perks.payments.standin.records import Record

PLATFORM_PATH, CONNECT_PATH = "/webhooks/stripe", "/webhooks/stripe/connect"
WAITS = (0.5, 1, 2, 4, 8, 15, 30, 60)  # seconds before each further attempt, the last of them for good
ATTEMPTS = 20
DEADLINE = 5
SECONDS_BETWEEN_LOOKS = 5  # for what time alone does


@dataclass(frozen=True)
class Target:
    """Where the product listens on this machine, and what signs the events for its two addresses."""

    base: str
    platform_secret: str
    connect_secret: str

    def of(self, event: Record) -> tuple[str, str]:
        """The path and the secret for an event."""
        if "account" in event:
            return CONNECT_PATH, self.connect_secret
        return PLATFORM_PATH, self.platform_secret


class Deliveries:
    """Every event in turn; what waits for another attempt does not hold up the others."""

    def __init__(self, fake: FakeStripe, target: Target, *, on_change: Callable[[], None]) -> None:
        self.fake, self.target, self.on_change = fake, target, on_change
        self._due: dict[str, float] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Deliver until stopped, and let holds lapse whose time is over."""
        looked_at = 0.0
        while not self._stop.wait(0.2):
            if time.monotonic() - looked_at > SECONDS_BETWEEN_LOOKS:
                looked_at = time.monotonic()
                with self.fake.lock:
                    self.fake.let_time_pass()
            self.deliver_due()

    def stop(self) -> None:
        self._stop.set()

    def deliver_due(self) -> int:
        """Try each event that is due once; returns how many were taken."""
        with self.fake.lock:
            waiting = [event for event in self.fake.events if not event.get("_settled")]
        due = [event for event in waiting if self._due.get(event["id"], 0) <= time.monotonic()]
        taken = 0
        for event in due:
            attempts = event["_attempts"] = event.get("_attempts", 0) + 1
            is_taken = self._post(event)
            taken += is_taken
            event["_settled"] = is_taken or attempts >= ATTEMPTS
            self._due[event["id"]] = time.monotonic() + WAITS[min(attempts, len(WAITS)) - 1]
        if due:
            self.on_change()
        return taken

    def _post(self, event: Record) -> bool:
        address = urllib.parse.urlsplit(self.target.base)
        path, secret = self.target.of(event)
        body, signature = self.fake.signed(event, secret)
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=DEADLINE)
        try:
            headers = {"Content-Type": "application/json", "Stripe-Signature": signature, "Host": address.netloc}
            connection.request("POST", path, body, headers)
            return 200 <= connection.getresponse().status < 300
        except OSError:
            return False
        finally:
            connection.close()
