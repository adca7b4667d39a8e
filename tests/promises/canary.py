"""One day at a hotel, played by a script: everything anybody but the citizen is told of it, written down.

The citizen's value of the hotel's purpose is real: 700 by payments, the rest by conduct (a filed tax return, fares
paid, bottles returned, hours given). Nothing in the script depends on it, so whatever in the record differs between
two values has told the value.
"""

import json
import logging
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import time_machine
from django.apps import apps
from django.db.models import AutoField
from django.test import Client
from django.utils import timezone

from citizen_app import public_ids
from citizen_app.models import AuditEvent, OutboxMessage, WebhookEvent
from citizen_app.outbox import run_due, run_sweeps
from perks.models import Perk, RefusedAttempt
from perks.passes import digits_at, shown_pass
from scores.services.rescoring import rescore
from tests.factories.people import CitizenFactory, api_client_for, api_client_of, browser_for
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, person_of, scored_tier, server_of
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, furnisher_client, link
from tests.factories.signatures import Signer, key_of
from tests.factories.webhooks import EndpointFactory

V1 = "/api/v1"
# How many fares paid, bottles returned and hours given make which value: 720 are there by credit and a tax return.
CONDUCT = {729: (9, 0, 0), 731: (10, 1, 0), 737: (10, 7, 0), 769: (10, 15, 8)}
PERKS = {690: "Late check-out", 730: "A better room", 770: "A suite"}
CONSOLE = (
    "",
    "/scan",
    "/perks",
    "/perks/{perk}",
    "/redemptions",
    "/redemptions/{first}",
    "/branches",
    "/team",
    "/clients",
)


class Day:
    """The record of one day, line by line, and what the citizen's own app was told of the value."""

    def __init__(self, value: int) -> None:
        self.value, self.lines, self.own, self.count = value, [], [], 0

    def note(self, who: str, answer: Any) -> Any:
        """Write down an answer to somebody else: status, headers and bytes."""
        headers = {name: text for name, text in answer.headers.items() if name != "Content-Length"}
        cookies = sorted(answer.cookies)
        said = f"{who}: {answer.status_code} {sorted(headers.items())} {cookies} {answer.content.decode()}"
        self.lines.append(said)
        return answer

    def headers(self, **more: str) -> dict[str, str]:
        self.count += 1
        return {"X-Request-ID": f"request-{self.count}", "Idempotency-Key": f"key-{self.count}", **more}


@contextmanager
def the_same_chances() -> Iterator[None]:
    """Every random id and code of a day comes out as on the day before."""
    luck, kept = random.Random(737), public_ids.secrets
    public_ids.secrets = type("Luck", (), {"randbits": staticmethod(luck.getrandbits)})  # type: ignore[assignment]
    try:
        yield
    finally:
        public_ids.secrets = kept


def citizen_of(value: int) -> Any:
    """Somebody whose value for travel is exactly this, by records of two sources."""
    citizen = EnrolmentFactory(citizen=CitizenFactory(email="canary@example.org", first_name="Ana")).citizen
    bank = SourceFactory(code="bank")
    city = SourceFactory(
        code="city", kinds=["conduct.tax", "conduct.fare", "conduct.recycling", "conduct.volunteering"]
    )
    money, conduct = link(citizen, bank, subject="ana-7"), link(citizen, city, subject="A-7")
    for number in range(14):
        years, month = divmod(12 * 2026 + 9 - number, 12)
        entry_of(money, external_id=f"p{number}", occurred_on=date(years, month + 1, 28))
    entry_of(money, external_id="u", kind="credit.utilisation", value="0.2")
    entry_of(conduct, external_id="tax", kind="conduct.tax")
    give_conduct(conduct, value)
    return citizen, bank, conduct


def give_conduct(conduct: Any, value: int, *, since: int | None = None) -> None:
    """Add the records that make the value (of what made the value `since`, only what is missing)."""
    made = CONDUCT[since] if since else (0, 0, 0)
    kinds = (("conduct.fare", 0), ("conduct.recycling", 10), ("conduct.volunteering", 6))
    for (kind, unit), had, wanted in zip(kinds, made, CONDUCT[value], strict=True):
        for number in range(had, wanted):
            entry_of(conduct, external_id=f"{kind}.{number}", kind=kind, value=unit)
    rescore(citizen_id=conduct.enrolment_id, cause="entries", now=timezone.now())


def play(value: int, caplog: Any, *, becoming: int | None = None) -> Day:
    """Play the day for somebody whose value is this, and from noon on another if `becoming` says so."""
    caplog.clear()
    caplog.set_level(logging.INFO)
    with the_same_chances(), time_machine.travel(NOW, tick=False) as clock:
        day = Day(value)
        _play(day, clock, becoming)
    day.lines += [f"log: {record.name} {record.levelname} {record.getMessage()}" for record in caplog.records]
    return day


def _play(day: Day, clock: Any, becoming: int | None) -> None:
    citizen, bank, conduct = citizen_of(day.value)
    hotel = MerchantFactory(name="Hotel Aurora")
    EndpointFactory(owner=hotel.public_id)
    branch = BranchFactory(merchant=hotel, name="At the river")
    perks = {at: PerkFactory(merchant=hotel, title=title, tiers=[scored_tier(at)]) for at, title in PERKS.items()}
    fast = PerkFactory(merchant=hotel, kind=Perk.Kind.PRIORITY, title="Priority", tiers=[scored_tier(730)])
    rival = MerchantFactory(name="Hotel Borealis")
    people = {role: person_of(hotel, role) for role in ("owner", "manager", "cashier")}
    desk = {
        **{role: api_client_for(person) for role, person in people.items()},
        "rival": api_client_for(person_of(rival)),
        "scans": api_client_of(server_of(hotel, "merchant:scan").application),
        "perks": api_client_of(server_of(hotel, "merchant:perks").application),
        "bank": furnisher_client(bank),
    }
    signer = Signer(seed=b"the same key on each of the days")
    key_of(bank, signer)
    phone = api_client_for(citizen)
    browsers = {role: browser_for(person) for role, person in people.items()}

    def own(method: str, path: str, body: Any = None) -> Any:
        answer = phone.generic(method, V1 + path, _bytes(body), content_type="application/json", headers=day.headers())
        day.own.append((answer.status_code, answer.content))
        return answer

    def told(who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if who == "bank":
            headers |= signer.headers(method, V1 + path, _bytes(body))
        answer = desk[who].generic(
            method, V1 + path, _bytes(body), content_type="application/json", headers=day.headers(**headers)
        )
        return day.note(f"{who} {method} {path}", answer)

    def scan(who: str, nonce: str, **body: Any) -> Any:
        return told(who, "POST", "/merchant/scans", {"nonce": nonce, **body})

    def everything_a_merchant_reads(first: str) -> None:
        for who in ("owner", "manager", "cashier", "scans", "perks", "rival"):
            for path in ("perks", "redemptions", "members", "branches", "clients", f"redemptions/{first}"):
                told(who, "GET", f"/merchant/{path}")
            for perk in (*perks.values(), fast):
                told(who, "GET", f"/merchant/perks/{perk.public_id}")
            for state in ("reserved", "redeemed", "expired", "cancelled", "reversed"):
                told(who, "GET", f"/merchant/redemptions?state={state}")
            told(who, "GET", f"/merchants/{hotel.public_id}")
        ids = {"perk": perks[770].public_id, "first": first}
        for role, browser in browsers.items():
            for path in CONSOLE:
                page = browser.get(f"/merchant{path}".format(**ids), headers=day.headers())
                day.note(f"{role} page {path}", page)
        day.note("public page", Client().get("/", headers=day.headers()))

    # Morning: the citizen looks around, takes what they reach and is refused what they do not.
    assert own("GET", "/me/score").json()["purposes"]["travel"]["value"] == day.value
    for path in ("/perks", *(f"/perks/{perk.public_id}" for perk in perks.values())):
        own("GET", path)
    first = own("POST", f"/perks/{perks[690].public_id}/redemptions", {}).json()
    second = own("POST", f"/perks/{perks[730].public_id}/redemptions", {}).json()
    refused = own("POST", f"/perks/{perks[770].public_id}/redemptions", {}).json()
    assert refused["code"] == "below_threshold"
    everything_a_merchant_reads(first["id"])
    scan("cashier", "nonce-wrong", code="AAAAA-AAAAA")
    scan("rival", "nonce-rival", code=first["code"])
    scan("cashier", "nonce-first", code=first["code"])
    scan("cashier", "nonce-first", code=first["code"])
    scan("scans", "nonce-again", code=first["code"])
    told("cashier", "POST", f"/merchant/redemptions/{first['id']}/reverse", {})
    scan("manager", "nonce-after-undo", code=first["code"])
    if "pass" in second:
        fresh = shown_pass(second["pass"], digits_at(second["seed"], timezone.now()))
        scan("scans", "nonce-pass", **{"pass": fresh})
        scan("scans", "nonce-stale", **{"pass": shown_pass(second["pass"], "000000")})

    # Noon: records arrive, which may move the value, but over no threshold.
    clock.shift(timedelta(hours=3))
    if becoming is not None:
        give_conduct(conduct, becoming, since=day.value)
    row = {"external_id": "noon", "subject": "ana-7", "kind": "credit.payment", "occurred_on": "2026-10-30", "value": 0}
    told("bank", "GET", "/sources/links")
    desk["bank"] = furnisher_client(bank)
    told("bank", "POST", "/sources/entries", {"entries": [row, {**row, "external_id": "x", "subject": "nobody"}]})
    told("bank", "DELETE", "/sources/entries/noon?subject=ana-7")
    for who, scope in (("scans", "merchant:scan"), ("perks", "merchant:perks")):
        desk[who] = api_client_of(server_of(hotel, scope).application)
    run_due()

    # Afternoon: priority, a change of mind, a hold that runs out, a reversal.
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    third = own("POST", f"/perks/{fast.public_id}/redemptions", {"date": tomorrow, "branch": branch.public_id}).json()
    own("POST", f"/perks/{perks[770].public_id}/redemptions", {})
    if "id" in third:
        own("POST", f"/me/redemptions/{third['id']}/cancel", {})
        scan("cashier", "nonce-cancelled", code=third["code"])
    told("manager", "POST", f"/merchant/redemptions/{first['id']}/reverse", {"reason": "Closed for a day."})
    told("manager", "POST", f"/merchant/perks/{perks[770].public_id}/pause", {})
    clock.shift(timedelta(days=2))
    run_sweeps()
    run_due()
    for who, scope in (("scans", "merchant:scan"), ("perks", "merchant:perks")):
        desk[who] = api_client_of(server_of(hotel, scope).application)
    everything_a_merchant_reads(first["id"])
    own("GET", "/me/score")

    for message in OutboxMessage.objects.filter(topic="webhook").order_by("id"):
        day.lines.append(f"webhook: {json.dumps(message.payload, sort_keys=True)}")
    told = WebhookEvent.objects.order_by("sequence", "object", "type")
    assert told.exists()
    for event in told:
        day.lines.append(f"webhook sent: {event.type} {event.sequence} {event.body}")
    for event in AuditEvent.objects.order_by("id"):
        day.lines.append(f"audit: {event.action} {event.object} {json.dumps(event.facts, sort_keys=True)}")
    day.lines += _tables_of_perks()


def _tables_of_perks() -> Iterator[str]:
    """Every row the perks keep, without rows' numbers; not the refusals, which only their citizen reads."""
    for model in apps.get_app_config("perks").get_models(include_auto_created=True):
        if model is RefusedAttempt:
            continue
        names = [one.attname for one in model._meta.concrete_fields if not _is_number(one)]
        for row in sorted(map(repr, model._default_manager.values_list(*names))):
            yield f"row: {model._meta.db_table} {row}"


def _is_number(field: Any) -> bool:
    """Whether a column holds the number of a row, its own or another's."""
    return isinstance(field.target_field if field.is_relation else field, AutoField)


RANDOM = {
    # What two equal days differ in: masks and nonces of forms, made-up names and secrets of servers and what is hashed
    # with them, names of rows that are numbered, people's addresses.
    "token": re.compile(r"""(?<=name="csrfmiddlewaretoken" value=")\w+|(?<=name="nonce" value=")[\w-]+"""),
    "client": re.compile(r"\b[A-Za-z0-9]{40}\b"),
    "fingerprint": re.compile(r"(?<=')[0-9a-f]{64}(?=')"),
    "name": re.compile(r"\b(?:scan|mem|inv|thr|ent|lnk|inq|chg|cit)_[0-9a-hjkmnp-tv-z]{13,26}\b"),
    "person": re.compile(r"\bperson:?\d+(?:@example\.org)?|\bPerson \d+"),
}


def record_of(day: Day) -> list[str]:
    """The day's record with random names numbered in the order of their first appearance."""
    known: dict[str, str] = {}

    def numbered(kind: str) -> Any:
        return lambda found: known.setdefault(f"{kind} {found[0]}", f"<{kind} {len(known)}>")

    lines = []
    for line in day.lines:
        for kind, pattern in RANDOM.items():
            line = pattern.sub(numbered(kind), line)
        lines.append(line)
    return lines


def _bytes(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
