"""Phone and till without a network: the reference client against the real views, with a network that can be cut."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from django.test import Client
from django.utils import timezone

from perks.models import Branch, Member
from perks.services.shifts import set_pin
from perks.services.tills import make_pairing

ROOT = Path(__file__).resolve().parents[2]
SERVER = "http://testserver"
PIN = "2580"


def reference_client() -> Any:
    """The client of the documentation, as a module."""
    if "offline_till" not in sys.modules:
        place = importlib.util.spec_from_file_location("offline_till", ROOT / "docs" / "clients" / "offline_till.py")
        assert place is not None
        assert place.loader is not None
        module = importlib.util.module_from_spec(place)
        sys.modules["offline_till"] = module
        place.loader.exec_module(module)
    return sys.modules["offline_till"]


class Network:
    """What stands between a till and the server. `cut`: nothing arrives. `swallow`: everything does, no answer does."""

    def __init__(self) -> None:
        self.cut = self.swallow = False
        self.sent: list[str] = []

    def request(self, method: str, url: str, *, json: Any = None, headers: Any = None, timeout: float = 0) -> Any:
        if self.cut:
            raise requests.ConnectionError("no network")
        path = url.removeprefix(SERVER)
        body = b"" if json is None else _dumped(json)
        answer = Client().generic(method, path, body, content_type="application/json", headers=headers or {})
        self.sent.append(f"{method} {path.partition('?')[0]}")
        if self.swallow:
            raise requests.Timeout("no answer")
        return SimpleNamespace(status_code=answer.status_code, json=lambda: _loaded(answer.content))


def _dumped(body: Any) -> bytes:
    return json.dumps(body).encode()


def _loaded(content: bytes) -> Any:
    return json.loads(content)


def paired_till(branch: Branch, cashier: Member, folder: Path, name: str = "desk") -> tuple[Any, Network]:
    """A till of the reference client at work: paired, opened with the cashier's PIN, keys and list learnt."""
    owner = Member.objects.filter(merchant=branch.merchant, role="owner").first()
    assert owner is not None
    code = make_pairing(merchant=branch.merchant, by=owner.citizen, name=name, branch=branch).code
    if not hasattr(cashier, "pin"):
        set_pin(member=cashier, pin=PIN)
    network = Network()
    till = reference_client().OfflineTill(
        SERVER, folder / f"{name}.sqlite3", connection=network, clock=lambda: timezone.now()
    )
    till.pair(code)
    till.open_shift(cashier.public_id, PIN)
    till.refresh()
    return till, network
