"""What is in force, and that what was published never changes."""

import hashlib
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.models import AuditEvent, ConsentText
from scores import catalogue
from scores.errors import ConsentTextIsPublished, ScorecardIsPublished
from scores.models import Furnisher, Scorecard, Source
from scores.scorecard import InvalidScorecard
from scores.services.consents import current_text
from scores.services.publishing import (
    CONSENT_TEXTS,
    SCORECARDS,
    current_scorecard,
    kinds_of_factor,
    load_reference_data,
    publish_scorecard,
)
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
FIRST = (SCORECARDS / "2026-11.yaml").read_text(encoding="utf-8")


def test_the_migrations_publish_the_first_scorecard_the_texts_and_the_platform():
    assert current_scorecard().card.version == "2026-11"
    platform = Source.objects.get(code="platform")
    assert "identity.email" in platform.kinds
    assert "credit.payment" not in platform.kinds
    assert platform.application is None
    text = current_text()
    raw = Path(CONSENT_TEXTS / "2026-11.en.txt").read_bytes()
    assert text.text.encode() == raw
    assert text.sha256 == hashlib.sha256(raw).hexdigest()
    assert ConsentText.objects.filter(purpose="source", version="2026-11", language="en").exists()


def test_loading_again_changes_nothing():
    before = [list(model.objects.order_by("pk").values()) for model in (Scorecard, ConsentText, Source, Furnisher)]
    load_reference_data()
    load_reference_data()
    after = [list(model.objects.order_by("pk").values()) for model in (Scorecard, ConsentText, Source, Furnisher)]
    assert after == before


def test_loading_leaves_a_later_scorecard_in_force():
    publish_scorecard(text=FIRST.replace('"2026-11"', '"2027-01"', 1), now=NOW)
    load_reference_data()
    assert current_scorecard().card.version == "2027-01"


def test_publishing_replaces_the_current_one_and_is_on_record():
    row = publish_scorecard(text=FIRST.replace('"2026-11"', '"2027-01"', 1), now=NOW)
    assert (row.is_current, row.published_at) == (True, NOW)
    assert Scorecard.objects.get(version="2026-11").is_current is False
    assert AuditEvent.objects.get(action="scorecard.publish").object == "scorecard:2027-01"


def test_a_published_version_never_changes():
    before = Scorecard.objects.values().get()
    with pytest.raises(ScorecardIsPublished):
        publish_scorecard(text=FIRST.replace("base: 550", "base: 551", 1), now=NOW)
    assert Scorecard.objects.values().get() == before


def test_the_same_text_again_changes_nothing():
    before = Scorecard.objects.values().get()
    publish_scorecard(text=FIRST, now=NOW)
    assert Scorecard.objects.values().get() == before
    assert not AuditEvent.objects.filter(action="scorecard.publish").exists()


def test_an_invalid_scorecard_is_refused_whole():
    with pytest.raises(InvalidScorecard):
        publish_scorecard(text=FIRST.replace("kind: credit.payment", "kind: speech.opinion"), now=NOW)
    assert Scorecard.objects.count() == 1


def test_a_numbered_text_never_changes():
    ConsentText.objects.filter(purpose="scoring").update(sha256="0" * 64)
    with pytest.raises(ConsentTextIsPublished):
        load_reference_data()


def test_the_database_knows_one_current_scorecard():
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Scorecard.objects.create(version="x", document={}, sha256="x", published_at=NOW, is_current=True)
    assert violated(refusal.value) == "scorecard_one_current"
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Scorecard.objects.update(published_at=None)
    assert violated(refusal.value) == "scorecard_current_is_published"


def test_the_kinds_of_a_factor_are_those_its_rules_read():
    card = current_scorecard().card
    assert kinds_of_factor(card, "credit_history") == ["credit.payment", "credit.utilisation"]
    assert set(kinds_of_factor(card, "vouches")) <= set(catalogue.CODES)
