"""Where trust begins: people with a checked document, chosen by two operators together and told of it (P9)."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.errors import DocumentNeeded, DomainError, FieldError, InvalidInput, NotFound
from citizen_app.models import Citizen, OperatorRole
from scores.errors import NotEnrolled, OwnSeed, SecondOperatorNeeded, SeedExists
from scores.models import Enrolment, Seed
from scores.services.identity import tell_file_opened

PROPOSED: Final = "Proposed as a person trust begins with"


def propose_seed(*, email: str, reason: str, by: Citizen, now: datetime | None = None) -> Seed:
    """Propose whoever has exactly this address as somebody trust begins with; nothing counts until it is confirmed.

    They read that an operator did, and why, also when it comes to nothing. Raises `InvalidInput` for an address nobody
    enrolled has (whether there is an account is not said), `OwnSeed`, `SeedExists`, and `DocumentNeeded` where no
    document was checked.
    """
    now = now or timezone.now()
    citizen = Citizen.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if citizen is None or not Enrolment.objects.filter(pk=citizen.pk).exists():
        raise InvalidInput(FieldError("/email", "invalid", "Nobody enrolled has this address."))
    if citizen.pk == by.pk:
        raise OwnSeed
    try:
        return _propose(citizen, reason=reason, by=by, now=now)
    except DomainError:
        _tell(citizen, by=by, about=PROPOSED, reason=reason, now=now)
        raise


@transaction.atomic
def _propose(citizen: Citizen, *, reason: str, by: Citizen, now: datetime) -> Seed:
    enrolment = Enrolment.objects.locked(citizen.pk)
    if Seed.objects.filter(enrolment=enrolment).exists():
        raise SeedExists
    if enrolment.person_key is None:
        raise DocumentNeeded("Have their document checked first.")
    seed: Seed = Seed.objects.create(enrolment=enrolment, reason=reason, proposed_by=by, proposed_at=now)
    _tell(citizen, by=by, about=PROPOSED, reason=reason, now=now)
    record(by=by, action="seed.propose", on=citizen.public_id)
    return seed


@transaction.atomic
def confirm_seed(*, seed_id: str, by: Citizen, now: datetime | None = None) -> Seed:
    """Confirm another operator's proposal: from the next day's computation on, trust begins with this person.

    Raises `NotFound`, `OwnSeed` and `SecondOperatorNeeded`. Safe twice.
    """
    now = now or timezone.now()
    seed = _held(seed_id)
    if seed.enrolment_id == by.pk:
        raise OwnSeed
    if seed.proposed_by_id == by.pk:
        raise SecondOperatorNeeded
    if seed.confirmed_at is None:
        seed.confirmed_by, seed.confirmed_at = by, now
        seed.save(update_fields=["confirmed_by", "confirmed_at"])
        citizen = seed.enrolment.citizen
        _tell(citizen, by=by, about="Confirmed as a person trust begins with", reason=seed.reason, now=now)
        record(by=by, action="seed.confirm", on=citizen.public_id)
    return seed


@transaction.atomic
def remove_seed(*, seed_id: str, by: Citizen, now: datetime | None = None) -> None:
    """Let trust no longer begin with this person, from the next day on: one operator is enough to stop it."""
    now = now or timezone.now()
    seed = _held(seed_id)
    citizen = seed.enrolment.citizen
    seed.delete()
    _tell(citizen, by=by, about="No longer a person trust begins with", reason=seed.reason, now=now)
    record(by=by, action="seed.remove", on=citizen.public_id)


def _tell(citizen: Citizen, *, by: Citizen, about: str, reason: str, now: datetime) -> None:
    tell_file_opened(citizen=citizen, by=by, role=OperatorRole.Role.SCORING, about=about, reason=reason, now=now)


def _held(seed_id: str) -> Seed:
    """The seed, its enrolment held, or `NotFound`: they may leave, or somebody remove it, at the same moment."""
    found: Seed = Seed.objects.named(seed_id)
    try:
        Enrolment.objects.locked(found.enrolment_id)
    except NotEnrolled as left:
        raise NotFound from left
    seed: Seed = Seed.objects.select_related("enrolment__citizen").named(seed_id)
    return seed


def all_seeds() -> QuerySet[Seed]:
    """Everybody trust begins with or is proposed to, the latest proposal first."""
    return Seed.objects.select_related("enrolment__citizen", "proposed_by", "confirmed_by").order_by("-id")
