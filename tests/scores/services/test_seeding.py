"""Whom trust begins with: two operators, a checked document, and the person reads it."""

import pytest
from django.db import IntegrityError, transaction

from citizen_app.errors import DocumentNeeded, InvalidInput, NotFound
from citizen_app.models import AuditEvent
from scores.errors import OwnSeed, SecondOperatorNeeded, SeedExists
from scores.models import Inquiry, Seed
from scores.services.enrolment import leave
from scores.services.seeding import confirm_seed, propose_seed, remove_seed
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import giver, seed

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    return operator_with("scoring")


@pytest.fixture
def other():
    return operator_with("scoring")


@pytest.fixture
def ines():
    return giver(citizen=CitizenFactory(email="ines@example.org"))


def told(citizen):
    looks = Inquiry.objects.filter(enrolment=citizen.pk, what="file_opened").order_by("pk")
    return [" / ".join(one) for one in looks.values_list("about", "reason")]


def test_one_operator_proposes_another_confirms_and_the_person_reads_both(one, other, ines):
    seed = propose_seed(email=" Ines@example.org ", reason="Our team", by=one, now=NOW)
    assert seed.confirmed_at is None
    with pytest.raises(SecondOperatorNeeded):
        confirm_seed(seed_id=seed.public_id, by=one, now=NOW)
    assert Seed.objects.get().confirmed_at is None
    confirm_seed(seed_id=seed.public_id, by=other, now=NOW)
    confirm_seed(seed_id=seed.public_id, by=operator_with("scoring"), now=NOW)  # safe twice
    assert (Seed.objects.get().confirmed_by, Seed.objects.get().confirmed_at) == (other, NOW)
    assert told(ines) == [
        "Proposed as a person trust begins with / Our team",
        "Confirmed as a person trust begins with / Our team",
    ]
    acts = AuditEvent.objects.filter(action__startswith="seed.").order_by("id").values_list("actor", "action", "object")
    assert list(acts) == [
        (f"person:{one.pk}", "seed.propose", ines.public_id),
        (f"person:{other.pk}", "seed.confirm", ines.public_id),
    ]


def test_without_a_checked_document_nobody_is_a_seed_and_the_look_is_told_all_the_same(one):
    citizen = EnrolmentFactory().citizen
    with pytest.raises(DocumentNeeded):
        propose_seed(email=citizen.email, reason="Our team", by=one, now=NOW)
    assert not Seed.objects.exists()
    assert told(citizen) == ["Proposed as a person trust begins with / Our team"]


def test_an_address_nobody_enrolled_has_is_one_answer(one):
    for email in ("nobody@example.org", CitizenFactory().email):
        with pytest.raises(InvalidInput):
            propose_seed(email=email, reason="Our team", by=one, now=NOW)


def test_nobody_is_a_seed_twice(one, ines):
    seed(ines)
    with pytest.raises(SeedExists):
        propose_seed(email=ines.email, reason="Again", by=one, now=NOW)
    assert Seed.objects.count() == 1


def test_nobody_chooses_themselves(one, other):
    for operator in (one, other):
        EnrolmentFactory(citizen=operator, document=True)
    with pytest.raises(OwnSeed):
        propose_seed(email=one.email, reason="Me", by=one, now=NOW)
    proposed = propose_seed(email=other.email, reason="Our team", by=one, now=NOW)
    with pytest.raises(OwnSeed):
        confirm_seed(seed_id=proposed.public_id, by=other, now=NOW)
    assert Seed.objects.get().confirmed_at is None
    for wrong in ({"confirmed_by": one, "confirmed_at": NOW}, {"confirmed_by": other, "confirmed_at": NOW}):
        with pytest.raises(IntegrityError, match="seed_"), transaction.atomic():
            Seed.objects.update(**wrong)
    with pytest.raises(IntegrityError, match="seed_confirmed_by_somebody"), transaction.atomic():
        Seed.objects.update(confirmed_at=NOW)


def test_one_operator_is_enough_to_stop_it(one, ines):
    chosen = seed(ines)
    remove_seed(seed_id=chosen.public_id, by=one, now=NOW)
    assert not Seed.objects.exists()
    assert told(ines)[-1] == "No longer a person trust begins with / The team."
    with pytest.raises(NotFound):
        remove_seed(seed_id=chosen.public_id, by=one, now=NOW)


def test_who_leaves_is_no_seed_any_more(one, ines):
    chosen = seed(ines)
    assert leave(citizen=ines, now=NOW).erased["seeds"] == 1
    with pytest.raises(NotFound):
        confirm_seed(seed_id=chosen.public_id, by=one, now=NOW)
