"""The relay as a process of its own, where the web process runs none and there is no Celery."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from citizen_app import outbox
from citizen_app.relay import relay_forever
from citizen_app.webhooks.delivering import DEADLINE, deliver_due
from citizen_app.webhooks.dispatching import dispatch_forever
from citizen_app.webhooks.events import wake as webhook_wake


class Command(BaseCommand):
    help = "Deliver what the outbox promised, and sweep each minute, until interrupted (Ctrl-C and SIGTERM are safe)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="deliver what is due now, run the sweeps, and leave")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        if once:
            done = 0
            while count := outbox.run_due():
                done += count
            outbox.run_sweeps()
            deliver_due()
            self.stdout.write(f"{done} effects delivered.")
            return
        stop = threading.Event()

        def leave(number: int, frame: FrameType | None) -> None:
            stop.set()
            outbox.wake.set()
            webhook_wake.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, leave)
        self.stdout.write("Relaying the outbox. Ctrl-C stops it.")
        calling = threading.Thread(target=dispatch_forever, args=(stop,), name="webhooks", daemon=True)
        calling.start()
        relay_forever(stop)
        calling.join(DEADLINE)
