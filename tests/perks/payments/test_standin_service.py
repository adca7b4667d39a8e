"""The stand-in as a service: its pages, its memory, its webhooks, and who may ask it."""

import http.client
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe
from django.core.management import CommandError, call_command

from perks.payments.standin import deliveries
from perks.payments.standin.deliveries import CONNECT_PATH, PLATFORM_PATH, Target
from perks.payments.standin.service import Service


class Receiver:
    """The product's two doors: takes what is signed for them, after refusing as often as it is told to."""

    def __init__(self):
        self.taken, self.refusals = [], 0
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                secret = {PLATFORM_PATH: "whsec_p", CONNECT_PATH: "whsec_c"}[self.path]
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], secret)
                if receiver.refusals:
                    receiver.refusals -= 1
                    self.send_response(500)
                else:
                    receiver.taken.append((self.path, event.type))
                    self.send_response(200)
                self.end_headers()

            def log_message(self, *words):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def serve_standin(tmp_path, receiver):
    """Start a service on the same file as often as it is called; its webhooks are sent when a test says so."""
    services = []

    def served():
        for service in services:
            service.close()
        services[:] = [
            Service(file=tmp_path / "standin.json", port=0, target=Target(receiver.base, "whsec_p", "whsec_c"))
        ]
        services[0].start()
        return services[0]

    yield served
    for service in services:
        service.close()


def v1_of(service):
    bases = dict.fromkeys(("api", "files", "connect", "meter_events"), service.base)
    return stripe.StripeClient("sk_test_x", base_addresses=bases, http_client=stripe.RequestsClient(timeout=5)).v1


def ask(service, method, url, form=None, **headers):
    """Status, headers and text of a page, as a browser asks for it."""
    connection = http.client.HTTPConnection("127.0.0.1", service.server.server_port, timeout=5)
    body = urllib.parse.urlencode(form or {})
    connection.request(method, url.removeprefix(service.base), body if method == "POST" else None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def checkout(v1, **more):
    line = {"price_data": {"currency": "eur", "unit_amount": 5_000, "product_data": {"name": "A & B"}}, "quantity": 1}
    return v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [line],
            "success_url": "http://app.example/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://app.example/cancelled",
            **more,
        }
    )


def test_somebody_pays_on_the_hosted_page(serve_standin):
    service = serve_standin()
    v1 = v1_of(service)
    session = checkout(v1)
    status, headers, text = ask(service, "GET", session.url)
    assert status == 200
    assert "This is a stand-in, not Stripe; no money moves." in text
    assert "A &amp; B" in text
    assert "50.00 EUR" in text
    assert 'href="http://app.example/cancelled"' in text
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; form-action 'self' http://app.example; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    status, _, text = ask(service, "POST", session.url, {"card": "pm_card_chargeDeclined"})
    assert (status, "Your card was declined." in text) == (402, True)
    assert v1.checkout.sessions.retrieve(session.id).status == "open"
    status, headers, _ = ask(service, "POST", session.url, {"card": "pm_card_authenticationRequired"})
    assert (status, headers["Location"]) == (303, f"/c/pay/{session.id}/authenticate")
    status, _, text = ask(service, "POST", headers["Location"], {"answer": "refuse"})
    assert (status, "unable to authenticate" in text) == (402, True)
    status, headers, _ = ask(service, "POST", f"/c/pay/{session.id}/authenticate", {"answer": "confirm"})
    assert (status, headers["Location"]) == (303, f"http://app.example/done?session={session.id}")
    assert v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert ask(service, "POST", session.url, {"card": "pm_card_visa"})[0] != 303
    assert len(v1.charges.list().data) == 1


def test_a_plan_is_ended_in_the_portal_and_no_other_customers(serve_standin):
    service = serve_standin()
    v1 = v1_of(service)
    v1.billing_portal.configurations.create({"features": {"subscription_cancel": {"enabled": True}}})
    price = v1.prices.create(
        {"currency": "eur", "unit_amount": 4_900, "recurring": {"interval": "month"}, "product_data": {"name": "Plan"}}
    )
    plans, portals = [], []
    for _ in range(2):
        customer = v1.customers.create()
        plans.append(v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]}))
        portals.append(
            v1.billing_portal.sessions.create({"customer": customer.id, "return_url": "http://app.example/"})
        )
    text = ask(service, "GET", portals[0].url)[2]
    assert (plans[0].id in text, plans[1].id in text, "49.00 EUR" in text) == (True, False, True)
    assert ask(service, "POST", portals[0].url, {"subscription": plans[1].id})[0] == 404
    assert ask(service, "POST", portals[0].url, {"subscription": plans[0].id})[0] == 303
    ends = [v1.subscriptions.retrieve(plan.id).cancel_at_period_end for plan in plans]
    assert ends == [True, False]


def test_an_account_is_onboarded_by_its_link(serve_standin):
    service = serve_standin()
    v1 = v1_of(service)
    account = v1.accounts.create({"country": "PT"})
    pages = {"return_url": "http://app.example/back", "refresh_url": "http://app.example/again"}
    link = v1.account_links.create({"account": account.id, "type": "account_onboarding", **pages})
    assert "Leave without completing" in ask(service, "GET", link.url)[2]
    assert not v1.accounts.retrieve(account.id).charges_enabled
    status, headers, _ = ask(service, "POST", link.url)
    assert (status, headers["Location"]) == (303, "http://app.example/back")
    assert v1.accounts.retrieve(account.id).charges_enabled
    service.fake.advance_to(link.expires_at)
    assert ask(service, "GET", link.url)[1]["Location"] == "http://app.example/again"


def test_what_it_knows_outlives_a_restart(serve_standin, tmp_path):
    service = serve_standin()
    kept = {"idempotency_key": "customer:1"}
    customer = v1_of(service).customers.create({"name": "A"}, kept)
    session = checkout(v1_of(service))
    again = serve_standin()
    v1 = v1_of(again)
    assert v1.customers.create({"name": "A"}, kept).id == customer.id
    assert v1.customers.create({"name": "B"}).id != customer.id
    assert ask(again, "POST", f"/c/pay/{session.id}", {"card": "pm_card_visa"})[0] == 303
    assert again.fake.events[0]["type"] == "customer.created"
    assert (tmp_path / "standin.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "standin.json").read_text())["events"]


def test_events_are_delivered_signed_to_the_door_of_their_account(serve_standin, receiver, monkeypatch):
    monkeypatch.setattr(deliveries, "WAITS", (0,))
    service = serve_standin()
    v1 = v1_of(service)
    v1.customers.create()
    receiver.refusals = 1
    assert service.deliveries.deliver_due() == 0
    account = v1.accounts.create({"country": "PT"})
    service.fake.complete_onboarding(account.id)
    assert service.deliveries.deliver_due() == 2
    assert receiver.taken == [(PLATFORM_PATH, "customer.created"), (CONNECT_PATH, "account.updated")]
    assert serve_standin().deliveries.deliver_due() == 0


def test_what_nobody_took_is_sent_after_a_restart(serve_standin, receiver):
    service = serve_standin()
    v1_of(service).customers.create()
    receiver.refusals = 1
    service.deliveries.deliver_due()
    serve_standin().deliveries.deliver_due()
    assert receiver.taken == [(PLATFORM_PATH, "customer.created")]


def test_only_this_machine_by_its_number_and_its_own_pages_are_answered(serve_standin):
    service = serve_standin()
    session = checkout(v1_of(service))
    assert ask(service, "GET", session.url, Host="stripe.example")[0] == 421
    assert ask(service, "GET", "/v1/customers", Host="localhost.example", Authorization="Bearer sk_test_x")[0] == 421
    refused = ask(service, "POST", session.url, {"card": "pm_card_visa"}, **{"Sec-Fetch-Site": "cross-site"})
    assert refused[0] == 403
    assert service.fake.get(session.id)["status"] == "open"
    assert ask(service, "GET", "/../../etc/passwd")[0] == 404


def test_banks_act_on_the_front_page(serve_standin):
    service = serve_standin()
    v1 = v1_of(service)
    paid = v1.payment_intents.create(
        {
            "amount": 1_000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    text = ask(service, "GET", "/")[2]
    assert re.search(f'value="{paid.id}"><button name="deed" value="dispute"', text)
    assert ask(service, "POST", "/", {"deed": "dispute", "id": paid.id})[0] == 303
    dispute = v1.disputes.list().data[0]
    ask(service, "POST", "/", {"deed": "lose", "id": dispute.id})
    assert v1.disputes.retrieve(dispute.id).status == "lost"
    assert ask(service, "POST", "/", {"deed": "rob", "id": paid.id})[0] == 400


@pytest.mark.parametrize(
    "change",
    [{"PRODUCTION": True}, {"STRIPE_LIVEMODE": True}, {"STRIPE_API_KEY": "rk_live_1"}, {"STRIPE_WEBHOOK_SECRETS": []}],
)
def test_it_is_refused_where_money_could_be_real(settings, change):
    settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_CONNECT_WEBHOOK_SECRETS = ["whsec_p"], ["whsec_c"]
    for name, value in change.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError):
        call_command("stripe_standin")


def test_a_port_that_is_taken_is_said(serve_standin, settings):
    settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_CONNECT_WEBHOOK_SECRETS = ["whsec_p"], ["whsec_c"]
    port = serve_standin().server.server_port
    with pytest.raises(CommandError, match="is taken"):
        call_command("stripe_standin", port=port)
