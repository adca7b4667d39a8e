"""The till's page: a shell that is everybody's, a worker that keeps nothing else, and cookies no script reads."""

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from perks.models import Scan
from perks.services.shifts import set_pin
from perks.services.showing import secrets_of
from perks.services.tills import make_pairing
from tests.factories.gift_cards import balance_of, card_perk, taken_card
from tests.factories.people import browser_for
from tests.factories.perks import MemberFactory, MerchantFactory, PerkFactory, reservation

pytestmark = pytest.mark.django_db
PIN = "2580"


@pytest.fixture
def cashier():
    member = MemberFactory(merchant=MerchantFactory())
    set_pin(member=member, pin=PIN)
    return member


def send(device: Client, path: str, body=None, method="POST"):
    content = "" if body is None else json.dumps(body)
    return device.generic(method, f"/till/{path}", content, content_type="application/json")


def paired(cashier, device=None) -> Client:
    device = device or Client()
    owner = MemberFactory(merchant=cashier.merchant, role="owner").citizen
    code = make_pairing(merchant=cashier.merchant, by=owner, name="Desk 1").code
    answer = send(device, "pair", {"pairing_code": code})
    assert answer.status_code == 201
    assert set(answer.json()) == {"device_id"}
    return device


def at_work(cashier) -> Client:
    device = paired(cashier)
    answer = send(device, "shift", {"member": cashier.public_id, "pin": PIN})
    assert answer.status_code == 201
    assert "token" not in answer.json()
    return device


def test_the_shell_is_the_same_bytes_for_everybody(cashier):
    nobody, person, till = Client(), browser_for(cashier.citizen), at_work(cashier)
    shells = [device.get("/till") for device in (nobody, person, till)]
    assert len({shell.content for shell in shells}) == 1
    assert all("Set-Cookie" not in str(shell.headers) and not shell.cookies for shell in shells)
    assert "csrf" not in shells[0].content.decode()
    assert "default-src 'none'" in shells[0].headers["Content-Security-Policy"]


def test_the_worker_keeps_the_shell_and_what_it_links_and_no_other_page():
    answer = Client().get("/till/worker.js")
    assert (answer.headers["Service-Worker-Allowed"], answer.headers["Cache-Control"]) == ("/till", "no-cache")
    script = answer.content.decode()
    kept = json.loads(re.search(r"const SHELL = (\[.*\]);", script)[1])
    assert kept[0] == "/till"
    assert [path for path in kept[1:] if not path.startswith("/static/")] == []
    assert all(finders.find(path.removeprefix("/static/")) for path in kept[1:])
    for part in ("js/till.js", "js/till-pass.js", "css/till.css", "fonts/hanken-grotesk-latin.woff2"):
        assert f"/static/{part}" in kept
    assert re.search(r'"till-[0-9a-f]{16}"', script)
    assert script == Client().get("/till/worker.js").content.decode()


def test_the_manifest_says_where_the_till_begins():
    answer = Client().get("/till/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    said = answer.json()
    assert (said["id"], said["start_url"], said["scope"], said["display"]) == ("/till", "/till", "/till", "standalone")


def test_tokens_are_in_cookies_that_no_script_reads_and_go_nowhere_else(cashier):
    device = at_work(cashier)
    for name in ("till", "till-shift"):
        cookie = device.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/till")


def test_a_device_hears_where_it_stands(cashier):
    unpaired = Client().get("/till/state").json()
    assert (unpaired["till"], set(unpaired)) == (None, {"now", "csrf", "till", "currency"})
    device = paired(cashier)
    told = device.get("/till/state").json()["till"]
    assert (told["name"], told["shift"], told["merchant"]["name"]) == ("Desk 1", None, cashier.merchant.name)
    assert told["cashiers"] == [{"id": cashier.public_id, "first_name": cashier.citizen.first_name}]
    send(device, "shift", {"member": cashier.public_id, "pin": PIN})
    assert device.get("/till/state").json()["till"]["shift"]["member"]["id"] == cashier.public_id


def test_a_scan_is_made_in_a_shift_and_undone_by_who_made_it(cashier):
    redemption = reservation(perk=PerkFactory(merchant=cashier.merchant))
    body = {"code": secrets_of(redemption).code, "nonce": "a-nonce-of-the-page"}
    device = paired(cashier)
    refused = send(device, "scans", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_caller")
    assert not Scan.objects.exists()
    send(device, "shift", {"member": cashier.public_id, "pin": PIN})
    assert [send(device, "scans", body).status_code for _ in range(2)] == [201, 200]
    assert Scan.objects.get().scanned_by == cashier.citizen
    assert send(device, "undo", {"redemption": redemption.public_id}).status_code == 204
    redemption.refresh_from_db()
    assert redemption.state == "reserved"


def test_going_ends_the_shift(cashier):
    device = at_work(cashier)
    assert send(device, "shift", method="DELETE").status_code == 204
    assert send(device, "scans", {"code": "00000-00000", "nonce": "a-nonce-of-the-page"}).status_code == 403
    assert device.get("/till/arrivals").status_code == 200


@pytest.mark.parametrize("path", ["shift", "scans", "arrivals", "undo"])
def test_a_device_that_is_no_till_reads_and_sends_nothing(cashier, path):
    device = Client()
    device.cookies["till"] = "till_" + "x" * 43
    answer = device.get(f"/till/{path}") if path == "arrivals" else send(device, path, {})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_another_till_s_shift_is_no_shift_here(cashier):
    one, two = at_work(cashier), paired(cashier)
    two.cookies["till-shift"] = one.cookies["till-shift"].value
    assert send(two, "scans", {"code": "00000-00000", "nonce": "a-nonce-of-the-page"}).status_code == 403
    assert not Scan.objects.exists()


def test_a_page_of_somebody_else_cannot_scan(cashier):
    device = Client(enforce_csrf_checks=True)
    for name, cookie in at_work(cashier).cookies.items():
        device.cookies[name] = cookie.value
    answer = send(device, "scans", {"code": "00000-00000", "nonce": "a-nonce-of-the-page"})
    assert answer.status_code == 403
    assert not Scan.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"code": "\\u0000"}', b"x" * 70_000])
def test_a_body_that_cannot_be_read_is_refused(cashier, raw):
    answer = at_work(cashier).generic("POST", "/till/scans", raw, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert not Scan.objects.exists()


def test_the_console_shows_the_code_once_and_pairs(cashier):
    owner = browser_for(MemberFactory(merchant=cashier.merchant, role="owner").citizen)
    page = owner.post("/merchant/tills", {"name": "Desk 1"}).content.decode()
    code = re.search(r'<p class="secret"[^>]*>([0-9A-Z]{4}-[0-9A-Z]{4})</p>', page)[1]
    assert 'src="data:image/svg+xml;base64,' in page
    assert code not in owner.get("/merchant/tills").content.decode()
    assert send(Client(), "pair", {"pairing_code": code}).status_code == 201
    assert "Desk 1" in owner.get("/merchant/tills").content.decode()


def test_a_member_sets_their_pin_on_a_page(cashier):
    browser = browser_for(cashier.citizen)
    assert b"These are other digits." in browser.post("/merchant/pin", {"pin": "1590", "again": "1591"}).content
    assert b"not all equal" in browser.post("/merchant/pin", {"pin": "1111", "again": "1111"}).content
    assert browser.post("/merchant/pin", {"pin": "1590", "again": "1590"}).status_code == 302
    device = paired(cashier)
    assert send(device, "shift", {"member": cashier.public_id, "pin": PIN}).status_code == 403
    assert send(device, "shift", {"member": cashier.public_id, "pin": "1590"}).status_code == 201


def test_a_gift_card_is_charged_on_a_till(cashier):
    card = taken_card(perk=card_perk(2500, merchant=cashier.merchant))
    device = at_work(cashier)
    body = {"code": secrets_of(card.redemption).code, "nonce": "a-nonce-of-a-charge"}
    assert send(device, "scans", body).status_code == 400
    told = send(device, "scans", body | {"amount": {"amount": 900, "currency": "EUR"}}).json()
    assert (told["outcome"], told["gift_card"]["amount"]["amount"], told["gift_card"]["balance"]["amount"]) == (
        "accepted",
        900,
        1600,
    )
    assert balance_of(card) == 1600
