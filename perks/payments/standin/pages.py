"""The stand-in's hosted pages: paying, the customer portal, onboarding an account, confirming a card.

They say on top of each that nothing here is Stripe. A page is a path, the object it is about, and what its form does.
"""

import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from perks.money import money_text
from perks.payments.standin.fake import FakeStripe
from perks.payments.standin.intents import NEEDS_AUTHENTICATION
from perks.payments.standin.prices import amount_of
from perks.payments.standin.records import PLATFORM, Record
from perks.payments.standin.refusals import Refusal, invalid

FOLDER = Path(__file__).parent / "templates"
STYLESHEET = "/stand-in.css"
CARDS = (
    ("pm_card_visa", "4242 4242 4242 4242", "works"),
    ("pm_card_chargeDeclined", "4000 0000 0000 0002", "is declined"),
    (NEEDS_AUTHENTICATION, "4000 0025 0000 3155", "asks for authentication"),
)

Form = dict[str, str]


@dataclass(frozen=True)
class Page:
    """What the browser gets: a page, or another address to go to. `leads_to`: addresses that its forms may end at."""

    status: int = 200
    body: str = ""
    location: str = ""
    kind: str = "text/html; charset=utf-8"
    leads_to: tuple[str, ...] = field(default=())

    def headers(self) -> dict[str, str]:
        """Nothing but the stand-in's own style loads, nothing frames it, nothing of it is kept."""
        ends = " ".join(sorted({"'self'", *(origin_of(url) for url in self.leads_to if url)}))
        policy = f"default-src 'none'; style-src 'self'; form-action {ends}; base-uri 'none'; frame-ancestors 'none'"
        headers = {
            "Content-Type": self.kind,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return headers | ({"Location": self.location} if self.location else {})


def origin_of(url: str) -> str:
    """The scheme and host of an address."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Pages:
    """The pages of one stand-in."""

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self._engine = Engine(dirs=[str(FOLDER)], autoescape=True)
        self._routes: dict[str, tuple[Callable[[str], Page], Callable[[str, Form], Page] | None]] = {
            r"/": (self._front, self._act),
            r"/c/pay/(cs_test_\w+)": (self._checkout, self._pay),
            r"/c/pay/(cs_test_\w+)/authenticate": (self._checkout_confirmation, self._confirm_checkout),
            r"/authenticate/(pi_\w+)": (self._card_confirmation, self._confirm_card),
            r"/p/session/(bps_\w+)": (self._portal, self._end_plan),
            r"/setup/c/(acctlink_\w+)": (self._onboarding, self._onboard),
        }

    def answer(self, method: str, path: str, form: Form) -> Page | None:
        """The page at this path, after its form where one was sent; None where there is none."""
        if path == STYLESHEET:
            return Page(body=(FOLDER / "stand-in.css").read_text(), kind="text/css; charset=utf-8")
        for pattern, (show, act) in self._routes.items():
            if found := re.fullmatch(pattern, path):
                about = found.group(1) if found.groups() else ""
                try:
                    with self.fake.lock:
                        return act(about, form) if method == "POST" and act else show(about)
                except Refusal as refusal:
                    said = refusal.body["error"]["message"]
                    return self._page("refused.html", status=refusal.status, said=said)
        return None

    def _page(self, template: str, *, status: int = 200, leads_to: tuple[str, ...] = (), **facts: Any) -> Page:
        body = self._engine.get_template(template).render(Context({**facts, "stylesheet": STYLESHEET}))
        return Page(status, body, leads_to=leads_to)

    # -- Checkout ---------------------------------------------------------------------------------------------------
    def _checkout(self, id: str, problem: str = "") -> Page:
        session = self._open_session(id)
        lines = []
        for price_id, quantity in session["_lines"]:
            price = self.fake.get(price_id)
            is_metered = bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"
            amount = amount_of(price, 1 if is_metered else quantity)
            suffix = " for each use, billed monthly" if is_metered else " a month" if price["recurring"] else ""
            lines.append(
                {
                    "name": self.fake.get(price["product"])["name"],
                    "cost": money_text(amount, price["currency"].upper()) + suffix,
                }
            )
        is_hold = (session["_asked"].get("payment_intent_data") or {}).get("capture_method") == "manual"
        return self._page(
            "checkout.html",
            status=402 if problem else 200,
            lines=lines,
            total=money_text(session["amount_total"], session["currency"].upper()),
            is_hold=is_hold,
            cards=CARDS,
            problem=problem,
            cancel_url=session["cancel_url"],
            leads_to=(session["success_url"],),
        )

    def _open_session(self, id: str) -> Record:
        session = self.fake.get(id, "checkout.session")
        if session["status"] != "open":
            raise invalid("This page was used already, or its time is over.", status=410)
        return session

    def _pay(self, id: str, form: Form) -> Page:
        session = self._open_session(id)
        card = form.get("card", "")
        if card not in {name for name, _, _ in CARDS}:
            return self._checkout(id, "Choose a card.")
        if card == NEEDS_AUTHENTICATION:
            return Page(303, location=f"/c/pay/{id}/authenticate")
        try:
            self.fake.pay_checkout(id, card)
        except Refusal as refusal:
            return self._checkout(id, refusal.body["error"]["message"])
        return _back_to(session)

    def _checkout_confirmation(self, id: str) -> Page:
        session = self._open_session(id)
        return self._page("authenticate.html", leads_to=(session["success_url"],))

    def _confirm_checkout(self, id: str, form: Form) -> Page:
        session = self._open_session(id)
        try:
            self.fake.pay_checkout(id, NEEDS_AUTHENTICATION, authenticated=form.get("answer") == "confirm")
        except Refusal as refusal:
            return self._checkout(id, refusal.body["error"]["message"])
        return _back_to(session)

    # -- A card that asks, outside of Checkout ------------------------------------------------------------------------
    def _waiting_intent(self, id: str) -> Record:
        intent = self.fake.get(id, "payment_intent")
        if intent["status"] != "requires_action":
            raise invalid("This card was confirmed already, or not asked for.", status=410)
        return intent

    def _card_confirmation(self, id: str) -> Page:
        back = self._waiting_intent(id)["next_action"]["redirect_to_url"]["return_url"]
        return self._page("authenticate.html", leads_to=(back,))

    def _confirm_card(self, id: str, form: Form) -> Page:
        back = self._waiting_intent(id)["next_action"]["redirect_to_url"]["return_url"]
        try:
            self.fake.authenticate(id, form.get("answer") == "confirm")
        except Refusal as refusal:
            if not back:
                raise refusal
        return Page(303, location=back) if back else self._page("done.html")

    # -- The portal ---------------------------------------------------------------------------------------------------
    def _portal(self, id: str) -> Page:
        session = self.fake.get(id, "billing_portal.session")
        mine = {"customer": session["customer"], "_account": session["_account"]}
        invoices = [
            {
                "id": invoice["id"],
                "status": invoice["status"],
                "total": money_text(invoice["total"], invoice["currency"].upper()),
            }
            for invoice in reversed(self.fake.all("invoice", **mine))
        ]
        return self._page(
            "portal.html",
            plans=self.fake.all("subscription", **mine),
            invoices=invoices,
            return_url=session["return_url"],
        )

    def _end_plan(self, id: str, form: Form) -> Page:
        session = self.fake.get(id, "billing_portal.session")
        plan = self.fake.get(form.get("subscription", ""), "subscription")
        if plan["customer"] != session["customer"]:
            raise invalid("This is another customer's plan.", status=404)
        if plan["status"] != "canceled" and not plan["cancel_at_period_end"]:
            self.fake.portal_cancel(plan["id"])
        return Page(303, location=f"/p/session/{id}")

    # -- Onboarding ---------------------------------------------------------------------------------------------------
    def _onboarding(self, id: str) -> Page:
        link = self.fake.get(id, "account_link")
        if link["expires_at"] <= self.fake.now():
            return Page(303, location=link["refresh_url"])
        return self._page("onboarding.html", return_url=link["return_url"], leads_to=(link["return_url"],))

    def _onboard(self, id: str, form: Form) -> Page:
        link = self.fake.get(id, "account_link")
        self.fake.complete_onboarding(link["_of"])
        return Page(303, location=link["return_url"])

    # -- What banks do ------------------------------------------------------------------------------------------------
    def _front(self, _about: str = "") -> Page:
        payments = [
            {
                "id": intent["id"],
                "account": intent["_account"] or "the platform",
                "amount": money_text(intent["amount"], intent["currency"].upper()),
                "status": intent["status"],
                "is_held": intent["status"] == "requires_capture",
                "is_charged": intent["status"] == "succeeded"
                and not self.fake.get(intent["latest_charge"])["disputed"],
            }
            for intent in reversed(self.fake.all("payment_intent"))
        ]
        accounts = self.fake.all("account", _account=PLATFORM)
        disputes = [dispute for dispute in self.fake.all("dispute") if dispute["status"] not in ("won", "lost")]
        return self._page("front.html", payments=payments[:50], accounts=accounts, disputes=disputes)

    def _act(self, _about: str, form: Form) -> Page:
        deeds: dict[str, Callable[[str], Any]] = {
            "lapse": self.fake.expire_hold,
            "dispute": self.fake.open_dispute,
            "lose": lambda id: self.fake.close_dispute(id, won=False),
            "win": lambda id: self.fake.close_dispute(id, won=True),
            "restrict": self.fake.restrict_account,
        }
        deed = deeds.get(form.get("deed", ""))
        if deed is None:
            raise invalid("Nobody does that here.")
        deed(form.get("id", ""))
        return Page(303, location="/")


def _back_to(session: Record) -> Page:
    """Stripe writes the session's id where the address asks for it."""
    return Page(303, location=session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
