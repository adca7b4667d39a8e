"""The relay of the webhook run: `manage.py relay_outbox`, with days of waiting made into seconds.

What is shortened is only how long things wait: retries, the breaker's rest, and leases, so that what a killed relay
held is free again soon.
"""

import importlib
from datetime import timedelta

import django


def shorten() -> None:
    from citizen_app.webhooks import delivering

    delivering.RETRIES = (timedelta(seconds=0.2),) * 9
    delivering.BREAKER_RESTS = timedelta(seconds=0.3)
    waits: dict[str, object] = {"LEASE": timedelta(seconds=8), "TURN": 2.0, "DEADLINE": 5.0}
    for name, value in waits.items():
        setattr(delivering, name, value)
    for name in ("citizen_app.outbox", "citizen_app.leases"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        if hasattr(module, "LEASE"):
            module.LEASE = timedelta(seconds=5)


if __name__ == "__main__":
    django.setup()
    shorten()
    from django.core.management import call_command

    call_command("relay_outbox")
