"""The citizen's own steps: to open a dispute, to withdraw it, and to appeal once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen
from citizen_app.uploads import Uploaded
from scores.errors import AlreadyDisputed, AppealTooLate, EntryStruck, EvidenceNeeded
from scores.models import Dispute, DisputedEntry, Enrolment, Entry, Evidence, ScoreChange, Source
from scores.models.disputes import appeal_ends
from scores.services.disputes.doubt import may_have_benefit, worth_doubting
from scores.services.disputes.evidence import KeptFile, add_evidence, kept
from scores.services.disputes.steps import By, State, What, finish, hold, note
from scores.services.furnisher_record import RECEIVED, count_dispute
from scores.services.rescoring import rescore, score_in_force, scoring_day
from scores.services.telling import tell_dispute

ENTRIES_AT_MOST: Final = 100
DAYS_TO_ANSWER: Final = timedelta(days=30)


def open_dispute(
    *,
    citizen: Citizen,
    entry_ids: Sequence[str],
    ground: str,
    statement: str,
    evidence: Uploaded | None = None,
    share_evidence: bool = False,
    now: datetime | None = None,
) -> Dispute:
    """Object to up to 100 records of one source on one ground; they count only where they help until it is decided.

    The doubt is the citizen's once per record and ground, in three open disputes at once; a fourth is opened without.
    What was disputed on this ground before may be raised again with new evidence, without the benefit, and goes to the
    furnisher only after an operator's look. Raises `NotEnrolled`, `InvalidInput` for records that are not theirs or of
    several sources, `EntryStruck`, `AlreadyDisputed`, `EvidenceNeeded`, and what a file is refused for.
    """
    now = now or timezone.now()
    Enrolment.objects.of(citizen.pk)
    keys = _keys_of(entry_ids)
    with kept(evidence) as file, transaction.atomic():
        Enrolment.objects.locked(citizen.pk)
        entries = _disputable(citizen, keys)
        score_in_force(citizen.pk, now=now)
        raised_before = _raised_before(entries, ground)
        if raised_before and not _is_new(file, citizen):
            raise EvidenceNeeded(entries=[entry.public_id for entry in raised_before])
        dispute = _insert(
            citizen=citizen,
            entries=entries,
            ground=ground,
            statement=statement,
            shares_evidence=share_evidence,
            is_raised_again=bool(raised_before),
            now=now,
        )
        add_evidence(dispute, file, now=now)
        record(by=citizen, action="dispute.open", on=dispute.public_id, ground=ground, entries=len(entries))
        return dispute


def _keys_of(entry_ids: Sequence[str]) -> list[int]:
    """The records' keys; each that names none is told, whoever's it may be, when the rows are looked for."""
    if not 1 <= len(entry_ids) <= ENTRIES_AT_MOST:
        raise InvalidInput(FieldError("/entries", "out_of_range", f"Name 1 to {ENTRIES_AT_MOST} records."))
    if len(set(entry_ids)) != len(entry_ids):
        raise InvalidInput(FieldError("/entries", "invalid", "Name each record once."))
    return [Entry.key_of(entry_id) or 0 for entry_id in entry_ids]


def _disputable(citizen: Citizen, keys: list[int]) -> list[Entry]:
    """The citizen's own records of these keys, held; all of one source, none struck and none in an open dispute."""
    rows = Entry.objects.of(citizen.pk).filter(pk__in=keys).select_related("link__source").order_by("pk")
    found = {entry.pk: entry for entry in rows.select_for_update(of=("self",))}
    if missing := [
        FieldError(f"/entries/{index}", "invalid", "There is no such record about you.")
        for index, key in enumerate(keys)
        if key not in found
    ]:
        raise InvalidInput(*missing)
    entries = list(found.values())
    if len({entry.link_id for entry in entries}) > 1:
        raise InvalidInput(FieldError("/entries", "invalid", "Dispute the records of one source at a time."))
    if struck := [entry.public_id for entry in entries if entry.status == Entry.Status.STRUCK]:
        raise EntryStruck(entries=struck)
    disputed = set(DisputedEntry.objects.open().filter(entry__in=found).values_list("entry_id", flat=True))
    if disputed:
        raise AlreadyDisputed(entries=[entry.public_id for entry in entries if entry.pk in disputed])
    return entries


def _raised_before(entries: list[Entry], ground: str) -> list[Entry]:
    """Those that had the benefit of the doubt on this ground already, or on which it was decided against them."""
    had_their_turn = Q(dispute__has_benefit=True) | Q(dispute__state__in=[State.REJECTED, State.REJECTED_ON_APPEAL])
    before = DisputedEntry.objects.filter(had_their_turn, entry__in=entries, ground=ground)
    known = set(before.values_list("entry_id", flat=True))
    return [entry for entry in entries if entry.pk in known]


def _is_new(file: KeptFile | None, citizen: Citizen) -> bool:
    """Whether there is a file, and not one this citizen has shown before."""
    seen = Evidence.objects.filter(dispute__enrolment_id=citizen.pk)
    return file is not None and not seen.filter(sha256=file.sha256).exists()


def _insert(
    *,
    citizen: Citizen,
    entries: list[Entry],
    ground: str,
    statement: str,
    shares_evidence: bool,
    is_raised_again: bool,
    now: datetime,
) -> Dispute:
    source: Source = entries[0].link.source
    has_benefit = not is_raised_again and may_have_benefit(citizen.pk)
    today = scoring_day(now)
    keys = [entry.pk for entry in entries]
    marked = worth_doubting(citizen_id=citizen.pk, entry_ids=keys, today=today) if has_benefit else set()
    dispute = Dispute.objects.create(
        enrolment_id=citizen.pk,
        source=source,
        ground=ground,
        statement=statement,
        shares_evidence=shares_evidence,
        has_benefit=has_benefit,
        is_raised_again=is_raised_again,
        opened_at=now,
        asked_at=None if is_raised_again else now,
        due_on=None if is_raised_again else today + DAYS_TO_ANSWER,
    )
    DisputedEntry.objects.bulk_create(
        DisputedEntry(dispute=dispute, entry=entry, ground=ground, has_benefit=entry.pk in marked) for entry in entries
    )
    note(dispute, What.OPENED, by=By.CITIZEN, at=now, text=statement)
    if not is_raised_again:
        note(dispute, What.ASKED, by=By.SYSTEM, at=now, is_told=False)
        tell_dispute(dispute, "opened", sequence=1, now=now)
    if marked:
        Entry.objects.filter(pk__in=marked).mark_disputed(now=now)
        rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.DISPUTE, now=now)
    count_dispute(source, outcome=RECEIVED, now=now)
    return dispute


@transaction.atomic
def withdraw_dispute(*, dispute: Dispute, by: Citizen, now: datetime | None = None) -> Dispute:
    """Take a dispute back before it is decided: everything counts as before. `WrongState` after that."""
    now = now or timezone.now()
    dispute = hold(dispute, now=now)
    finish(dispute, to=State.WITHDRAWN, now=now, by=By.CITIZEN)
    record(by=by, action="dispute.withdraw", on=dispute.public_id)
    return dispute


def appeal_dispute(
    *,
    dispute: Dispute,
    by: Citizen,
    statement: str = "",
    evidence: Uploaded | None = None,
    now: datetime | None = None,
) -> Dispute:
    """Ask once, within 30 days, that another operator looks at what was rejected; it counts as before meanwhile.

    Raises `WrongState` where nothing was rejected or an appeal was heard, `AppealTooLate`, and `AlreadyDisputed` where
    a record is in another open dispute by now.
    """
    now = now or timezone.now()
    with kept(evidence) as file, transaction.atomic():
        dispute = hold(dispute, now=now)
        if dispute.state != State.REJECTED or dispute.ended_at is None:
            raise WrongState
        if now > appeal_ends(dispute.ended_at):
            raise AppealTooLate
        moved = Dispute.objects.move(
            dispute.pk, leaving=[State.REJECTED], to=State.APPEALED, appealed_at=now, ended_at=None
        )
        if not moved:
            raise WrongState
        _open_again(dispute)
        add_evidence(dispute, file, now=now)
        note(dispute, What.APPEALED, by=By.CITIZEN, at=now, text=statement)
        record(by=by, action="dispute.appeal", on=dispute.public_id)
        dispute.refresh_from_db()
        return dispute


def _open_again(dispute: Dispute) -> None:
    try:
        with transaction.atomic():
            DisputedEntry.objects.filter(dispute=dispute).update(is_open=True)
    except IntegrityError as error:
        if violated(error) == "disputed_entry_in_one_open_dispute":
            raise AlreadyDisputed from error
        raise
