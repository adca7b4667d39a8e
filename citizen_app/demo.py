"""The demo's own ground: never on a real deployment, and its secrets in a file of this one, never in the repository."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError

EMAIL_DOMAIN = "demo.example.org"
"""A domain that belongs to nobody (RFC 2606): no mail to a demo person can arrive anywhere."""
BANK = "demo-bank"
"""The furnisher whose client the demo's payments come from: its source's code, and its name among the clients."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass
class DemoSecrets:
    """What signs in to the demo: one password for all of its accounts, and the machine clients by name.

    `clients` holds `{"client_id", "client_secret"}` for each.
    """

    password: str = field(repr=False)
    clients: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)


def refuse_in_production() -> None:
    """Stop a command that fills the database with invented people where real ones are."""
    if settings.PRODUCTION:
        raise CommandError("This command is for demonstrations and tests: it is refused where PRODUCTION=true.")


def secrets_path() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


@contextmanager
def demo_secrets() -> Iterator[DemoSecrets]:
    """The demo's secrets, made on the first run; what is added to them is kept, readable by this user only."""
    path = secrets_path()
    known = DemoSecrets(**json.loads(path.read_text())) if path.exists() else None
    held = known or DemoSecrets(password="-".join(_word() for _ in range(4)))
    before = asdict(held) if known else None
    yield held
    if asdict(held) != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(held), file, indent=2)
        new.replace(path)


def _word() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(4))
