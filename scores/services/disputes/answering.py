"""The furnisher's answer: that a record stands, that it is taken back, or what it should have said."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import OAuthApplication
from scores import catalogue
from scores.errors import AnswerTooLate
from scores.models import Dispute, Entry, Link
from scores.services.batches import Rejection, judge
from scores.services.disputes.steps import By, State, What, finish, hold, note, standing_entries
from scores.services.ingestion import tell_citizens
from scores.services.rescoring import scoring_day

Position = Dispute.Position


@transaction.atomic
def answer_dispute(
    *,
    dispute: Dispute,
    position: str,
    statement: str = "",
    correction: Mapping[str, Any] | None = None,
    by: OAuthApplication | None = None,
    now: datetime | None = None,
) -> Dispute:
    """Answer for a record: `confirm` leaves the decision to a human, `withdraw` strikes it, `correct` replaces it.

    `correction` is `{"occurred_on", "value"}` as parsed, judged as a new record would be; it takes the place of the
    one disputed record and lapses no later than that. Answered once: `WrongState` after that or once it is over,
    `AnswerTooLate` after the due day, `InvalidInput` for a correction that cannot be recorded.
    """
    now = now or timezone.now()
    if (correction is not None) != (position == Position.CORRECT):
        raise InvalidInput(FieldError("/entry", "invalid", "Send `entry` with `correct`, and only then."))
    dispute = hold(dispute, now=now)
    unanswered = Dispute.objects.unanswered()
    if not unanswered.filter(pk=dispute.pk).exists():
        raise WrongState
    if dispute.due_on is not None and scoring_day(now) > dispute.due_on:
        raise AnswerTooLate
    answer: dict[str, Any] = {"answered_at": now, "position": position}
    if position == Position.CONFIRM:
        if not unanswered.move(dispute.pk, leaving=Dispute.UNDECIDED, to=State.IN_REVIEW, **answer):
            raise WrongState
        note(dispute, What.ANSWERED, by=By.FURNISHER, at=now, text=statement)
        dispute.refresh_from_db()
    else:
        # Before the records: a batch about the same subject is written or waits, and nothing is replaced twice.
        list(Link.objects.select_for_update(of=("self",), no_key=True).filter(entries__disputed__dispute=dispute))
        corrected = [] if correction is None else [_record_correction(dispute, correction, now=now).pk]
        tell_citizens(dispute.source, [dispute.enrolment_id], now=now)
        note(dispute, What.ANSWERED, by=By.FURNISHER, at=now, text=statement, is_told=False)
        finish(
            dispute,
            to=State.UPHELD,
            now=now,
            by=By.FURNISHER,
            guard=unanswered,
            decided_at=now,
            corrected_ids=corrected,
            **answer,
        )
    record(by=by, action="dispute.answer", on=dispute.public_id, position=position)
    return dispute


def _record_correction(dispute: Dispute, correction: Mapping[str, Any], *, now: datetime) -> Entry:
    """Record what the furnisher says is right in the place of what it had said; the score follows with the strike."""
    standing = list(standing_entries(dispute).select_related("link__source")[:2])
    if len(standing) != 1 or dispute.disputed.count() != 1:
        raise InvalidInput(
            FieldError(
                "/position",
                "invalid",
                "A correction is of one record. Withdraw these, and send what is right as entries that replace them.",
            )
        )
    (wrong,) = standing
    right = _judged(wrong, dispute, correction, now=now)
    lapses_on = min(right.lapses_on, wrong.lapses_on)
    if lapses_on <= scoring_day(now):
        raise InvalidInput(FieldError("/entry", "invalid", "It has lapsed: withdraw it."))
    if (right.occurred_on, right.value) == (wrong.occurred_on, wrong.value):
        raise InvalidInput(FieldError("/entry", "invalid", "That is what is recorded: confirm it."))
    return Entry.objects.create(
        enrolment_id=wrong.enrolment_id,
        link_id=wrong.link_id,
        external_id=dispute.public_id,
        kind_number=wrong.kind_number,
        occurred_on=right.occurred_on,
        value=right.value,
        recorded_at=now,
        lapses_on=lapses_on,
        replaces=wrong,
    )


def _judged(wrong: Entry, dispute: Dispute, correction: Mapping[str, Any], *, now: datetime) -> Any:
    """The correction as a row of a batch that was sent now, by the same rules; refused with the rule's own words."""
    kind = catalogue.kind_of_number(wrong.kind_number).code
    raw = {
        "external_id": dispute.public_id,
        "subject": wrong.link.subject,
        "kind": kind,
        "occurred_on": correction.get("occurred_on"),
        "value": correction.get("value", 0),
    }
    judged = judge(0, raw, kinds=[kind], today=scoring_day(now))
    if isinstance(judged, Rejection):
        field = (judged.pointer or "").rpartition("/")[2]
        pointer = f"/entry/{field}" if field in ("occurred_on", "value") else "/entry"
        raise InvalidInput(FieldError(pointer, "invalid", judged.detail))
    return judged
