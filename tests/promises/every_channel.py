"""A life with money and messages in it, and everything that left the product meanwhile, channel by channel.

Mails as they went out, pushes as the browser opens them, what merchants, sources and Stripe were sent, every line of
the log at DEBUG, and every address: those that were asked for, led to or stand in a page. Pages and the API's answers
tell their person the score, so of those only the addresses are kept.
"""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import http_ece
import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts.connections import disconnect
from citizen_app.models import Notification
from citizen_app.outbox import run_due, run_sweeps
from citizen_app.webhooks.delivering import deliver_due
from perks.models import Perk, Redemption
from scores import scoring
from scores.models import Entry, Score
from scores.services.disputes.opening import open_dispute
from scores.services.identity import record_document_check
from scores.services.publishing import card_of
from scores.services.rescoring import rescore
from tests.factories.billing import subscribe
from tests.factories.boosts import dating_app
from tests.factories.deposits import ITEMS, accepted, waiver_perk
from tests.factories.disputes import WORDS
from tests.factories.holds import Both, onboarded, run_outbox
from tests.factories.notifications import Browser, wants_everything
from tests.factories.people import api_client_for, browser_for
from tests.factories.perks import MerchantFactory, PerkFactory, person_of, scored_tier
from tests.factories.scores import entry_of, furnisher_client
from tests.factories.webhooks import EndpointFactory
from tests.promises.canary import citizen_of, give_conduct
from tests.receiving import plain, serving

VALUE = 737
CHANNELS = {"mail", "push", "inbox", "log", "url", "stripe", "webhook"}
PAGES = (
    "/score", "/score/history", "/perks", "/codes", "/deposits", "/disputes", "/who-asked", "/me", "/me/inbox",
    "/me/inbox/settings", "/consents",
)  # fmt: skip
_ADDRESS = re.compile(r"""(?:href|src|action|content)=["'](?:\d+;url=)?([^"']+)""")


class Life:
    """Somebody to whom everything happens, and what was said of it by `channel`."""

    highest = 769

    def __init__(
        self, standin: Any, deliver: Callable[..., list[int]], clock: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.standin, self.deliver, self.clock = standin, deliver, clock
        self.said: dict[str, list[str]] = defaultdict(list)
        self.marks: set[str] = set()
        self.browser = Browser()
        caplog.set_level(logging.DEBUG)
        self.caplog = caplog

    def play(self) -> None:
        with ExitStack() as servers:
            pushes = servers.enter_context(serving(self._pushed))
            hooks = servers.enter_context(serving(self._told))
            self.browser.endpoint = pushes
            self._live(hooks)
        for one in mail.outbox:
            html = "".join(str(part.content) for part in getattr(one, "alternatives", ()))
            self.said["mail"].append(f"{one.subject} {one.extra_headers} {one.body} {html}")
        for record in self.caplog.records:
            if not record.name.startswith("factory"):  # that makes the people of tests
                self.said["log"].append(f"{record.name} {record.getMessage()} {record.exc_text}")
        for call in self.standin.calls:
            self.said["stripe"].append(f"{call.method} {call.path} {json.dumps(call.params)} {call.key}")
            self.said["url"].append(call.path)

    # -- What happens -------------------------------------------------------------------------------------------------
    def _live(self, hooks: str) -> None:
        citizen, bank, conduct = citizen_of(VALUE)
        record_document_check(citizen=citizen, reference="document", of_age=True)
        wants_everything(citizen)
        self.citizen = citizen
        self.sign_in()
        hotel, rental, dating = MerchantFactory(name="Hotel Aurora"), onboarded(self.standin), dating_app()
        furnisher_client(bank)  # whoever has no server is told nothing
        for owner in (hotel, rental, dating.merchant):
            EndpointFactory(owner=owner.public_id, url=hooks)
        EndpointFactory(owner_kind="source", owner=bank.code, url=hooks)
        self.step()

        # A perk out of reach, one that is shown at the desk and counted for the bill, and a boost an app reads.
        subscribe(hotel, self.standin, self.deliver)
        beyond = PerkFactory(merchant=hotel, title="A suite", tiers=[scored_tier(770)])
        self.ask("post", f"/api/v1/perks/{beyond.public_id}/redemptions", {})
        room = PerkFactory(merchant=hotel, title="A better room", tiers=[scored_tier(730)], kind=Perk.Kind.DISCOUNT)
        code = self.ask("post", f"/api/v1/perks/{room.public_id}/redemptions", {}).json()["code"]
        desk = api_client_for(person_of(hotel, "cashier"))
        scan = {"code": code, "nonce": "nonce-of-the-desk"}
        assert desk.post("/api/v1/merchant/scans", scan, format="json", HTTP_IDEMPOTENCY_KEY="scan").status_code == 201
        dating.phone_of(citizen)
        tiers = [{"min_score": None, "benefit": {"boost": "1.20"}}]
        dating.perk = PerkFactory(merchant=dating.merchant, kind=Perk.Kind.VISIBILITY_BOOST, tiers=tiers)
        dating.given_to(citizen, now=timezone.now())
        dating.look_up(dating.name_of(citizen))
        self.step(minutes=11)

        # A deposit that is held, charged, given back in part and disputed at the bank.
        both = Both(accepted(citizen, waiver_perk(rental, percent=50), now=timezone.now()), self.standin, self.deliver)
        both.pay()
        self.step()
        both.desk("pick-up")
        both.desk("return")
        both.desk("claim", {"items": ITEMS})
        self.step(hours=73)
        both.desk("refund", {"amount": {"amount": 2_000, "currency": "EUR"}, "reason": "Half of it was old."})
        self.standin.open_dispute(both.hold().payment_intent_id)
        self.step()

        # The score moves over a threshold and back; a dispute; a reservation runs out; a month; the end.
        give_conduct(conduct, self.highest, since=VALUE)
        self.step(hours=1)
        entry_of(Entry.objects.filter(kind_number=1, enrolment_id=citizen.pk)[0].link, external_id="late", value=3)
        rescore(citizen_id=citizen.pk, cause="entries", now=timezone.now())
        self.step(hours=1)
        late = Entry.objects.get(external_id="late")
        open_dispute(
            citizen=citizen, entry_ids=[late.public_id], ground="wrong_value", statement=WORDS, now=timezone.now()
        )
        self.ask("post", f"/api/v1/perks/{beyond.public_id}/redemptions", {})
        kept = PerkFactory(merchant=hotel, title="A table", hold_minutes=300)
        self.ask("post", f"/api/v1/perks/{kept.public_id}/redemptions", {})
        self.step(minutes=245)  # to an hour before it runs out
        self.step(hours=1)
        self.step(days=4, hours=14)  # to the morning of the first of December
        self.step(minutes=6)
        self.step(days=31)
        self.sign_in()  # the sessions of October are over
        disconnect(citizen=citizen, application=dating.application, via="app")
        self.ask("post", "/api/v1/me/exports", {})
        self.step(minutes=6)
        for address in (*PAGES, reverse("perks:deposit", args=[both.agreement.public_id])):
            self.look(address)
        for perk in (beyond, room):
            self.look(f"/perks/{perk.public_id}")
        for row in Notification.objects.all():  # which leaving erases
            self.said["inbox"].append(f"{row.event} {row.about} {json.dumps(row.facts)} {row.cause}")
        self.ask("delete", "/api/v1/me/enrolment")
        self.step(minutes=6)
        assert Redemption.objects.exists()

    def sign_in(self) -> None:
        self.app, self.page = api_client_for(self.citizen), browser_for(self.citizen)
        self.browser.let_notify(self.citizen)

    def step(self, **time: float) -> None:
        """Time goes by; what is due happens, at Stripe too, and everybody is told."""
        self.mark()
        for _ in range(2):
            self.deliver()
            run_due(limit=500)
            deliver_due()
        self.clock.shift(timedelta(**time))
        run_sweeps()
        run_outbox(2)
        deliver_due()
        self.mark()

    # -- What is looked for, and where it is put down ------------------------------------------------------------------
    def mark(self) -> None:
        """Remember what the score is made of at this moment."""
        if (score := Score.objects.select_related("scorecard").filter(pk=self.citizen.pk).first()) is None:
            return
        values = {score.value, *(answer["value"] for answer in score.purposes.values())} - {None}
        points = {abs(micro) for micro in score.factors.values()}
        self.marks |= {str(value) for value in values}
        self.marks |= {str(micro) for micro in points if micro} | {
            str(one // 1_000_000) for one in points if one >= 10**8
        }
        card = card_of(score.scorecard)
        stands_in = {scoring.band(card, value) for value in values}
        self.marks |= {band.code for band in stands_in if band is not None}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        key = f"key-{len(self.said['url'])}"
        answer = getattr(self.app, method)(path, body, format="json", HTTP_IDEMPOTENCY_KEY=key)
        self.said["url"] += [path, *answer.headers.get("Location", "").split()]
        return answer

    def look(self, path: str) -> None:
        answer = self.page.get(path)
        assert answer.status_code in (200, 302), path
        self.said["url"] += [path, answer.headers.get("Location", ""), *_ADDRESS.findall(answer.content.decode())]

    def _pushed(self, handler: Any) -> None:
        keys = {"private_key": self.browser.private_key, "auth_secret": self.browser.secret}
        opened = http_ece.decrypt(handler.sent, version="aes128gcm", **keys).decode()
        self.said["push"].append(f"{opened} {dict(handler.headers.items())}")
        self.said["url"] += [handler.path, json.loads(opened)["path"]]
        plain(handler, 201)

    def _told(self, handler: Any) -> None:
        self.said["webhook"].append(f"{handler.sent.decode()} {dict(handler.headers.items())}")
        self.said["url"].append(handler.path)
        plain(handler, 204)
