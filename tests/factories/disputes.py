"""Disputes made the way the product makes them, and files to go with them."""

import io
from datetime import date, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from citizen_app.models import Citizen
from scores.models import Dispute, Entry, Source
from scores.services.disputes.deciding import decide_dispute
from scores.services.disputes.opening import open_dispute
from scores.services.rescoring import rescore
from tests.factories.people import operator_with
from tests.factories.scores import NOW, SourceFactory, entry_of, scored_citizen

WORDS = "That payment was made in time."


def photograph(colour: int = 200, size: tuple[int, int] = (40, 30), name: str = "IMG_1.jpg") -> SimpleUploadedFile:
    """A picture; another colour is another picture."""
    drawn = io.BytesIO()
    Image.new("RGB", size, (colour, 90, 30)).save(drawn, "JPEG", comment=b"secret comment")
    return SimpleUploadedFile(name, drawn.getvalue(), content_type="image/jpeg")


def citizen_in_arrears(source: Source | None = None, *, now: datetime = NOW) -> tuple[Citizen, Entry]:
    """Somebody with five payments on time and one four months late, and that one."""
    citizen = scored_citizen(source or SourceFactory(), payments=5, now=now)
    linked = citizen.enrolment.links.exclude(source__code=Source.PLATFORM).get()
    late = entry_of(linked, value=4, occurred_on=date(2026, 10, 30), external_id="late")
    rescore(citizen_id=citizen.pk, cause="entries", now=now)
    late.refresh_from_db()
    return citizen, late


def dispute_of(citizen: Citizen, *entries: Entry, **options: Any) -> Dispute:
    """An open dispute about these records."""
    options = {"ground": "wrong_value", "statement": WORDS, "now": NOW} | options
    return open_dispute(citizen=citizen, entry_ids=[entry.public_id for entry in entries], **options)


def rejected(dispute: Dispute, by: Citizen | None = None, *, now: datetime = NOW) -> Dispute:
    """The dispute, confirmed by its furnisher and rejected by an operator two days later."""
    from scores.services.disputes.answering import answer_dispute

    answer_dispute(dispute=dispute, position="confirm", now=now + timedelta(days=1))
    return decide_dispute(
        dispute=dispute,
        is_upheld=False,
        reason="The statement of the bank shows it.",
        by=by or operator_with("disputes"),
        now=now + timedelta(days=2),
    )
