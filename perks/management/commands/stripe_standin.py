"""Serve the stand-in for Stripe on this machine."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from perks.payments.checks import LIVE
from perks.payments.standin.deliveries import Target
from perks.payments.standin.service import Service

PORT = 8420


class Command(BaseCommand):
    help = (
        "Serve a stand-in for Stripe on 127.0.0.1: this is not Stripe, and no money moves. It keeps its objects under "
        "VAR_DIR and sends its signed events to the product. `STRIPE_DEMO=1 make run` starts it beside the server."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help=f"on 127.0.0.1 (default: {PORT})")
        parser.add_argument("--app", default="http://127.0.0.1:8000", help="where the product listens")
        parser.add_argument("--with-parent", action="store_true", help="end when the process that started it has ended")

    def handle(self, *args: Any, port: int, app: str, with_parent: bool, **options: Any) -> None:
        if settings.PRODUCTION or settings.STRIPE_LIVEMODE or settings.STRIPE_API_KEY.startswith(LIVE):
            raise CommandError("The stand-in takes no live key and no production.")
        if not settings.STRIPE_WEBHOOK_SECRETS or not settings.STRIPE_CONNECT_WEBHOOK_SECRETS:
            raise CommandError("Set STRIPE_WEBHOOK_SECRETS and STRIPE_CONNECT_WEBHOOK_SECRETS: they sign its events.")
        target = Target(app, settings.STRIPE_WEBHOOK_SECRETS[0], settings.STRIPE_CONNECT_WEBHOOK_SECRETS[0])
        parent = os.getppid()
        try:
            service = Service(file=Path(settings.VAR_DIR) / "stripe_standin.json", port=port, target=target)
        except OSError as error:
            raise CommandError(f"Port {port} is taken: choose another with --port.") from error
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        service.start()
        service.deliver()
        self.stdout.write(f"A stand-in for Stripe (not Stripe; no money moves) on {service.base}")
        while not stop.wait(0.5):
            # A signal to a whole process group would reach the server twice, so the parent need not send any.
            if with_parent and os.getppid() != parent:
                break
        service.close()
