"""The stand-in's memory in a file, so that a restart finds the same objects: JSON, replaced whole or not at all."""

import json
import os
from pathlib import Path

from perks.payments.standin.fake import FakeStripe


def load(path: Path) -> FakeStripe:
    """The stand-in as it was saved, or a new one."""
    fake = FakeStripe()
    if path.exists():
        fake.restore(json.loads(path.read_text()))
    return fake


def save(fake: FakeStripe, path: Path) -> None:
    """Write what it knows beside the file and then in its place: a crash leaves the old file or the new one."""
    with fake.lock:
        written = json.dumps(fake.snapshot())
        beside = path.with_suffix(".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
