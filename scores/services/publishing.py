"""What is in force: the scorecard, the consent texts, and the platform as a source of its own.

A published scorecard or text never changes; a changed one gets a new version. Everything here may run twice.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.models import Citizen
from scores import catalogue
from scores.errors import ConsentTextIsPublished, ScorecardIsPublished
from scores.models import Scorecard, Source
from scores.scorecard import Scorecard as Card
from scores.scorecard import load_scorecard, scorecard_from_document

_HERE = Path(__file__).resolve().parent.parent
SCORECARDS: Final = _HERE / "scorecards"
CONSENT_TEXTS: Final = _HERE / "consent_texts"
PLATFORM_NAME: Final = "Citizen App"

GetModel = Callable[[str, str], Any]


class CurrentScorecard(NamedTuple):
    """The scorecard in force: its row's key and the document as the arithmetic uses it."""

    row_id: int
    card: Card


def current_scorecard() -> CurrentScorecard:
    """The scorecard every score is made with from now on (one small query; the document is read once)."""
    row_id, sha256 = Scorecard.objects.filter(is_current=True).values_list("pk", "sha256").get()
    return CurrentScorecard(row_id, _card_of(row_id, sha256))


def card_of(row: Scorecard) -> Card:
    """The scorecard of a row that is at hand without its document, which is read once in a process."""
    return _card_of(row.pk, row.sha256)


def card_of_version(version: str) -> Card:
    """The scorecard published under this version."""
    return _card_of(*Scorecard.objects.values_list("pk", "sha256").get(version=version))


@lru_cache(maxsize=8)
def _card_of(row_id: int, sha256: str) -> Card:
    return scorecard_from_document(Scorecard.objects.values_list("document", flat=True).get(pk=row_id, sha256=sha256))


def kinds_of_factor(card: Card, factor: str) -> list[str]:
    """The kinds of record that some rule of this factor reads."""
    return sorted({rule.kind for rule in card.rules if rule.factor == factor})


@transaction.atomic
def publish_scorecard(
    *, text: str, by: Citizen | None = None, note: str = "", now: datetime | None = None, **facts: Any
) -> Scorecard:
    """Put a new scorecard in force; every stored score is made again before it is next shown or used.

    No door calls this alone: a scorecard is published by two operators (`publication.publish_draft`). `text` is the
    YAML, `note` what the public reads of the change. Raises `InvalidScorecard` naming every fault,
    `ScorecardIsPublished` where this version was published with other contents. The same text again changes nothing.
    """
    row, is_new = _publish(load_scorecard(text), Scorecard, now or timezone.now(), replaces_current=True, note=note)
    if is_new:
        record(by=by, action="scorecard.publish", on=f"scorecard:{row.version}", sha256=row.sha256, **facts)
    return row


def _publish(card: Card, model: Any, now: datetime, *, replaces_current: bool, **said: str) -> tuple[Any, bool]:
    canonical = json.dumps(card.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    published = model.objects.filter(version=card.version).first()
    if published is not None:
        if published.sha256 != sha256:
            raise ScorecardIsPublished(f"Version {card.version} was published with other contents.")
        return published, False
    current = model.objects.filter(is_current=True)
    if replaces_current:
        current.update(is_current=False)
    return (
        model.objects.create(
            version=card.version,
            document=card.document,
            sha256=sha256,
            published_at=now,
            is_current=replaces_current or not current.exists(),
            **said,
        ),
        True,
    )


@transaction.atomic
def load_reference_data(*, get_model: GetModel = apps.get_model, now: datetime | None = None) -> None:
    """Make sure that the first scorecard, the consent texts and the platform source are there, as committed.

    The data migration calls it with its historical models, tests that commit call it after their flush. A scorecard
    published since stays the current one.
    """
    now = now or timezone.now()
    load_consent_texts(get_model=get_model)
    first = SCORECARDS / f"{settings.SCORECARD_VERSION}.yaml"
    card = load_scorecard(first.read_text(encoding="utf-8"))
    _publish(card, get_model("scores", "Scorecard"), now, replaces_current=False)
    _load_platform(get_model)


def load_consent_texts(*, get_model: GetModel = apps.get_model) -> None:
    """Make sure that every committed text people agree to is there; one that was published stays as it was."""
    for path in sorted(CONSENT_TEXTS.glob("*.txt")):
        _load_text(path, get_model("citizen_app", "ConsentText"))


def _load_text(path: Path, model: Any) -> None:
    """`<version>.<language>.txt` is the text of being scored, `<version>.<purpose>.<language>.txt` another's."""
    version, *purpose, language = path.stem.split(".")
    raw = path.read_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    row, is_new = model.objects.get_or_create(
        purpose=purpose[0] if purpose else "scoring",
        version=version,
        language=language,
        defaults={"text": raw.decode("utf-8"), "sha256": sha256},
    )
    if not is_new and row.sha256 != sha256:
        raise ConsentTextIsPublished(f"{path.name} was published with other contents.")


def _load_platform(get_model: GetModel) -> None:
    kinds = [kind.code for kind in catalogue.KINDS if catalogue.PLATFORM in kind.furnished_by]
    sources = get_model("scores", "Source").objects
    if not sources.filter(code=Source.PLATFORM).exists():
        furnisher = get_model("scores", "Furnisher")(name=PLATFORM_NAME)
        furnisher.furnishes_as = [catalogue.PLATFORM]  # no column yet when the first migration calls; a later one tells
        furnisher.save()
        sources.create(code=Source.PLATFORM, name=PLATFORM_NAME, furnisher=furnisher, kinds=kinds)
    else:
        sources.filter(code=Source.PLATFORM).update(kinds=kinds)
