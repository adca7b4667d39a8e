"""P4: no mail, push, log line, address, field at Stripe or webhook holds a score, a band, a factor or a point."""

import logging
import re
from dataclasses import replace

import pytest
import time_machine

from citizen_app.notifying import mails, pushes, telling
from citizen_app.notifying.texts import text_of
from citizen_app.webhooks import events
from perks.payments import holds
from tests.factories.scores import NOW
from tests.promises.every_channel import CHANNELS, VALUE, Life

pytestmark = pytest.mark.django_db
WORDS = re.compile(
    r"\b(?:min_score|points?_to_go|below_threshold|thresholds?|percentile|factors?|bands?|points?)\b", re.I
)

# Without these the life would not be one to which everything of this kind happens.
EVENTS = {
    "score.first", "score.changed", "asked", "code.used", "reservation.ends", "digest", "dispute.opened",
    "deposit.accept", "deposit.claim", "deposit.settle", "connection.lapsed", "export.ready",
}  # fmt: skip
WEBHOOKS = {
    "redemption.redeemed", "deposit.held", "deposit.settled", "deposit.disputed", "connection.created",
    "connection.revoked", "dispute.opened", "link.ended",
}  # fmt: skip
PATHS = {
    "/v1/customers", "/v1/checkout/sessions", "/v1/billing/meter_events", "/v1/payment_intents/capture", "/v1/refunds",
    "/v1/accounts", "/v1/payment_methods/detach",
}  # fmt: skip


@pytest.fixture
def life(standin, deliver, settings, caplog):
    settings.CALL_OUT_TO_LOOPBACK, settings.PUSH_HOSTS = True, ["127.0.0.1"]
    settings.SITE_URL = "https://citizen.example"
    with time_machine.travel(NOW, tick=False) as clock:
        yield Life(standin, deliver, clock, caplog)


def told_in(life):
    """Where something the score is made of stands by itself: ids, times and amounts hold its digits by chance."""
    any_of_them = "|".join(map(re.escape, sorted(life.marks)))
    marks = re.compile(rf"(?<![\w#.,-])(?<!\d:)(?:{any_of_them})(?![\w-]|[.,:]\d)", re.I)
    found = {}
    for channel, texts in life.said.items():
        for text in texts:
            if hit := marks.search(text) or (channel not in ("log", "url") and WORDS.search(text)):
                found.setdefault(channel, []).append(text[max(0, hit.start() - 60) : hit.end() + 60])
    return found


def test_p4_a_whole_life_leaves_no_trace_of_its_score_in_any_channel(life):
    life.play()
    assert set(life.said) == CHANNELS
    assert {text.split()[0] for text in life.said["inbox"]} >= EVENTS
    assert set(re.findall(r'"type":"([a-z.]+)"', " ".join(life.said["webhook"]))) >= WEBHOOKS
    assert {re.sub(r"/\w+_fake\d+", "", text.split()[1]) for text in life.said["stripe"]} >= PATHS
    assert {str(VALUE), str(life.highest)} <= life.marks
    assert told_in(life) == {}


def test_p4_the_canary_is_heard_in_every_channel(life, monkeypatch):
    """The same life in a product that tells the score once in each of them."""
    write, fan_out = telling.write, events._fan_out

    def written(rows):
        logging.getLogger("citizen_app.notifying").debug("telling somebody who has %s", VALUE)
        for row in rows:
            row.facts["is"] = VALUE
        write(rows)

    def pushed(row):
        text = text_of(row)
        return replace(text, sentence=f"It is {VALUE}.", path=f"{text.path}?is={VALUE}")

    monkeypatch.setattr(telling, "write", written)
    monkeypatch.setattr(mails, "text_of", lambda row: replace(text_of(row), more=f"It is {VALUE}."))
    monkeypatch.setattr(pushes, "text_of", pushed)
    monkeypatch.setattr(events, "_fan_out", lambda said: fan_out(said | {"is": VALUE}))
    monkeypatch.setattr(holds, "HOLD", f"hold of {VALUE}")  # what we note at Stripe
    life.play()
    assert set(told_in(life)) == CHANNELS
