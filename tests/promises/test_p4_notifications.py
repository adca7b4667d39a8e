"""P4: nothing that reaches a mailbox, a push service or the inbox's words holds a score, a band, a factor or a point.

The canary is somebody who ticked everything and to whom everything happens; their values before and after are looked
for in whatever was written, queued, mailed and pushed.
"""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.test import Client
from structlog.testing import capture_logs

from citizen_app.models import Notification, OutboxMessage
from citizen_app.notifying import notify
from citizen_app.notifying.events import known_events
from citizen_app.notifying.pushes import payload_of
from citizen_app.notifying.texts import text_of
from citizen_app.outbox import run_due
from scores.models import Entry, Score
from scores.services.inquiries import record_inquiry
from scores.services.rescoring import rescore
from tests.factories.notifications import told, wants_everything
from tests.factories.perks import PerkFactory, reservation
from tests.factories.scores import NOW, entry_of, scored_citizen

pytestmark = pytest.mark.django_db
WORDS = re.compile(r"\b(points?|band|threshold|percentile|factor|min_score|credit_history|excellent|very good)\b", re.I)
FACTS = "merchant perk until left agreement source dispute app why who did perks month lines"
NAMES = dict.fromkeys(FACTS.split(), "Hotel")


def values_of(citizen):
    score = Score.objects.get(pk=citizen.pk)
    purposes = {answer["value"] for answer in score.purposes.values()}
    factors = {abs(micro) // 1_000_000 for micro in score.factors.values()}
    return {str(value) for value in {score.value, *purposes, *factors} - {None} if value > 99}


def test_p4_a_life_is_told_without_its_score(settings):
    settings.SITE_URL = "https://citizen.example"
    with time_machine.travel(NOW, tick=False) as clock, capture_logs() as logged:
        citizen = scored_citizen(payments=6)
        run_due()
        seen = values_of(citizen)
        wants_everything(citizen)
        linked = Entry.objects.filter(enrolment_id=citizen.pk).first().link
        for number in range(3):
            entry_of(linked, external_id=f"late{number}", value=2)
        rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
        seen |= values_of(citizen)
        record_inquiry(
            citizen_id=citizen.pk, kind="furnisher", asker_id="src_x", asker_name="Bank", what="entry", about="x",
            consent="scoring", now=NOW,
        )  # fmt: skip
        taken = reservation(citizen, PerkFactory())
        with transaction.atomic():
            notify(citizen, "code.used", about=taken.public_id, facts=NAMES)
        run_due()
        clock.shift(timedelta(minutes=6))
        run_due()
    assert {"score.changed", "asked", "code.used"} <= set(told(citizen))
    assert mail.outbox
    rows = list(Notification.objects.filter(citizen=citizen))
    written = [row.event + json.dumps(row.facts) + payload_of(text_of(row)) for row in rows]
    written += [one.subject + one.body + one.alternatives[0].content for one in mail.outbox]
    written += [json.dumps(one.payload) for one in OutboxMessage.objects.exclude(topic="mail")]
    written += [json.dumps(logged, default=str)]
    assert len(seen) >= 2
    for text in written:
        # Ids and colours are no numbers of a score: those stand by themselves.
        assert not [value for value in seen if re.search(rf"(?<![\w#-]){value}(?![\w-])", text)], text


def test_p4_no_event_has_a_word_for_it():
    for event in known_events():
        said = " ".join((event.subject, event.sentence)).format_map(NAMES)
        assert not WORDS.search(said), event.code
        assert not re.search(r"\d{3,}", said), event.code


def test_p4_the_address_at_the_end_of_a_mail_names_nobody():
    assert Client().get("/mails/off/ana@example.org").status_code == 404
