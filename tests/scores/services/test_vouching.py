"""Asking, giving and ending: who may, how often, and what the other side can tell."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from citizen_app.errors import DocumentNeeded, NotFound
from citizen_app.models import AuditEvent, OutboxMessage
from scores.errors import (
    AlreadyVouched,
    EnrolledTooRecently,
    NotEnrolled,
    TooManyVouchRequests,
    UnknownVouchRequest,
    VouchLimitReached,
)
from scores.models import Enrolment, Inquiry, Vouch, VouchMark, VouchRequest
from scores.services.enrolment import leave
from scores.services.identity import record_document_check
from scores.services.vouching import (
    ask_for_vouch,
    end_vouch,
    forget_old,
    give_vouch,
    open_request,
    requests_of,
    vouch_rows,
    vouches_of,
)
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import LONG_AGO, giver, vouch

pytestmark = pytest.mark.django_db

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def rows(citizen, now=NOW):
    told = vouch_rows(list(vouches_of(citizen=citizen, now=now)), citizen=citizen, now=now)
    return sorted((row["direction"], row["first_name"], row["state"]) for row in told)


def refused(error, *, token, citizen, now=NOW):
    """The refusal, having looked that it changed nothing."""
    before = (Vouch.objects.count(), VouchMark.objects.count(), VouchRequest.objects.filter(used_at=None).count())
    with pytest.raises(error) as told:
        give_vouch(token=token, citizen=citizen, now=now)
    assert before == (
        Vouch.objects.count(),
        VouchMark.objects.count(),
        VouchRequest.objects.filter(used_at=None).count(),
    )
    return told.value


def somebody():
    return EnrolmentFactory(now=NOW).citizen


@pytest.fixture
def ana(db):
    return EnrolmentFactory(citizen=CitizenFactory(first_name="Ana"), now=NOW).citizen


@pytest.fixture
def rui(db):
    return giver(citizen=CitizenFactory(first_name="Rui"))


def test_a_vouch_is_given_by_a_private_link_and_counts_thirty_days_later(ana, rui):
    made = ask_for_vouch(citizen=ana, now=NOW)
    assert made.request.expires_at == NOW + timedelta(days=7)
    assert made.token not in repr(made) + str(vars(made.request))
    given = give_vouch(token=made.token, citizen=rui, now=NOW)
    assert (given.giver_id, given.receiver_id, given.given_at) == (rui.pk, ana.pk, NOW)
    assert given.counts_from == date(2026, 12, 23)
    assert rows(rui) == [("given", "Ana", "waiting")]
    assert rows(ana) == [("received", "Rui", "waiting")]
    assert rows(ana, NOW + timedelta(days=30)) == [("received", "Rui", "counts")]


def test_giving_leaves_nothing_that_tells_for_whom_beside_the_vouch(ana, rui):
    vouch(rui, ana)
    assert list(AuditEvent.objects.filter(action__startswith="vouch").values_list("actor", "action", "object")) == [
        (f"person:{rui.pk}", "vouch.give", rui.public_id)
    ]
    assert not Inquiry.objects.filter(enrolment=ana.pk).exists()
    assert not OutboxMessage.objects.exclude(topic__in=["account.mail", "score.moved"]).exists()


def test_only_who_is_enrolled_asks_and_gives(ana):
    stranger = CitizenFactory()
    with pytest.raises(NotEnrolled):
        ask_for_vouch(citizen=stranger, now=NOW)
    with pytest.raises(NotEnrolled):
        vouches_of(citizen=stranger)
    token = ask_for_vouch(citizen=ana, now=NOW).token
    refused(NotEnrolled, token=token, citizen=stranger)


def test_a_link_works_once_and_for_seven_days_and_for_somebody_else(ana, rui):
    made = ask_for_vouch(citizen=ana, now=NOW)
    assert open_request(token=made.token, citizen=rui, now=NOW).enrolment.citizen == ana
    last = NOW + timedelta(days=7) - timedelta(seconds=1)
    assert open_request(token=made.token, citizen=rui, now=last).pk == made.request.pk
    refused(UnknownVouchRequest, token=made.token, citizen=rui, now=NOW + timedelta(days=7))
    refused(UnknownVouchRequest, token=made.token, citizen=ana)  # one's own
    refused(UnknownVouchRequest, token=made.token + "x", citizen=rui)
    refused(UnknownVouchRequest, token="", citizen=rui)
    give_vouch(token=made.token, citizen=rui, now=last)
    refused(UnknownVouchRequest, token=made.token, citizen=giver())
    refused(UnknownVouchRequest, token=made.token, citizen=rui)


def test_the_link_of_somebody_who_left_is_no_use(ana, rui):
    token = ask_for_vouch(citizen=ana, now=NOW).token
    leave(citizen=ana)
    refused(UnknownVouchRequest, token=token, citizen=rui)


def test_only_who_has_shown_a_document_gives(ana):
    citizen = giver(document=False)
    token = ask_for_vouch(citizen=ana, now=NOW).token
    refused(DocumentNeeded, token=token, citizen=citizen)
    record_document_check(citizen=citizen, reference="PT-1", of_age=True, now=NOW)
    give_vouch(token=token, citizen=citizen, now=NOW)  # the refusal used nothing up


def test_only_who_is_enrolled_for_180_days_gives(ana, settings):
    citizen = giver(now=NOW - timedelta(days=180) + timedelta(seconds=1))
    token = ask_for_vouch(citizen=ana, now=NOW).token
    refusal = refused(EnrolledTooRecently, token=token, citizen=citizen)
    assert (refusal.facts, refusal.detail) == ({"on": "2026-11-23"}, "It is possible from 23 November 2026 on.")
    give_vouch(token=token, citizen=citizen, now=NOW + timedelta(seconds=1))
    settings.VOUCH_MIN_ENROLMENT_DAYS = 0
    vouch(giver(now=NOW), ana)


def test_one_person_vouches_for_another_once(ana, rui):
    vouch(rui, ana)
    refused(AlreadyVouched, token=ask_for_vouch(citizen=ana, now=NOW).token, citizen=rui)
    vouch(giver(), ana)
    assert Vouch.objects.filter(receiver=ana.pk).count() == 2


def test_the_database_holds_one_live_vouch_per_pair_and_none_for_oneself(ana, rui):
    vouch(rui, ana)
    with pytest.raises(IntegrityError, match=r"vouch_one_live_per_pair|UNIQUE"), transaction.atomic():
        Vouch.objects.create(giver_id=rui.pk, receiver_id=ana.pk, given_at=NOW, counts_from=NOW.date())
    with pytest.raises(IntegrityError, match="vouch_is_for_somebody_else"), transaction.atomic():
        Vouch.objects.create(giver_id=rui.pk, receiver_id=rui.pk, given_at=NOW, counts_from=NOW.date())


def test_three_stand_at_once_and_an_own_end_frees_a_place_at_once(rui):
    people = [somebody() for _ in range(4)]
    given = [vouch(rui, person) for person in people[:3]]
    refusal = refused(VouchLimitReached, token=ask_for_vouch(citizen=people[3], now=NOW).token, citizen=rui)
    assert refusal.facts == {"limit": 3}
    end_vouch(vouch_id=given[0].public_id, citizen=rui, now=NOW)
    vouch(rui, people[3])


def test_an_end_by_the_other_side_frees_a_place_with_the_month_so_that_nobody_can_tell(rui):
    people = [somebody() for _ in range(4)]
    given = [vouch(rui, person) for person in people[:3]]
    end_vouch(vouch_id=given[0].public_id, citizen=people[0], now=NOW)
    assert rows(rui) == sorted(("given", person.first_name, "waiting") for person in people[:3])
    late = DECEMBER - timedelta(seconds=1)
    refused(VouchLimitReached, token=ask_for_vouch(citizen=people[3], now=late).token, citizen=rui, now=late)
    refused(AlreadyVouched, token=ask_for_vouch(citizen=people[0], now=late).token, citizen=rui, now=late)
    vouch(rui, people[3], now=DECEMBER)
    assert {name for _, name, _ in rows(rui, DECEMBER)} == {person.first_name for person in people[1:]}


def test_six_are_given_in_twelve_months(rui):
    for day in range(6):
        now = NOW + timedelta(days=day)
        given = vouch(rui, somebody(), now=now)
        end_vouch(vouch_id=given.public_id, citizen=rui, now=now)
    other, later = somebody(), NOW + timedelta(days=60)
    refusal = refused(VouchLimitReached, token=ask_for_vouch(citizen=other, now=later).token, citizen=rui, now=later)
    assert refusal.facts == {"limit": 6, "on": "2027-11-23"}
    vouch(rui, other, now=NOW.replace(year=2027))
    refused(  # the second of the six is a day younger
        VouchLimitReached,
        token=ask_for_vouch(citizen=somebody(), now=NOW.replace(year=2027)).token,
        citizen=rui,
        now=NOW.replace(year=2027),
    )


def test_leaving_and_coming_back_as_another_account_gives_nobody_new_vouches(rui):
    record_document_check(citizen=(one := giver(document=False)), reference="PT-7", of_age=True, now=LONG_AGO)
    for _ in range(3):
        vouch(one, somebody())
    for given in Vouch.objects.filter(giver=one.pk):
        end_vouch(vouch_id=given.public_id, citizen=one, now=NOW)
    for _ in range(3):
        vouch(one, somebody())
    receipt = leave(citizen=one, now=NOW)
    assert receipt.erased["vouches"] == 6
    (kept,) = [kept for kept in receipt.kept if "vouches" in kept.what]
    assert kept.until == datetime(2027, 11, 23, tzinfo=UTC)
    again = giver(document=False)
    record_document_check(citizen=again, reference="PT-7", of_age=True, now=NOW)
    refusal = refused(VouchLimitReached, token=ask_for_vouch(citizen=somebody(), now=NOW).token, citizen=again)
    assert refusal.facts == {"limit": 6, "on": "2027-11-23"}
    assert not VouchMark.objects.filter(mark__contains=str(Enrolment.objects.get(pk=again.pk).person_key)).exists()


def test_a_mark_of_a_leap_day_is_over_after_twelve_months(ana):
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    vouch(giver(), ana, now=leap)
    assert VouchMark.objects.get().until == date(2029, 3, 1)


def test_either_side_ends_it_in_silence(ana, rui):
    given = vouch(rui, ana)
    promised, acts = OutboxMessage.objects.count(), AuditEvent.objects.count()
    end_vouch(vouch_id=given.public_id, citizen=rui, now=NOW)
    assert (OutboxMessage.objects.count(), AuditEvent.objects.count()) == (promised, acts)
    assert rows(rui) == [("given", "Ana", "ended")]
    assert rows(ana) == [("received", "Rui", "waiting")]  # as if nothing had happened
    end_vouch(vouch_id=given.public_id, citizen=rui, now=NOW + timedelta(hours=1))  # safe twice
    assert Vouch.objects.get().withdrawn_at == NOW
    end_vouch(vouch_id=given.public_id, citizen=ana, now=NOW + timedelta(hours=2))
    assert rows(ana) == [("received", "Rui", "ended")]
    assert rows(ana, DECEMBER) == rows(rui, DECEMBER) == []


def test_what_has_gone_with_the_month_is_not_there_and_then_erased(ana, rui):
    given, stays = vouch(rui, ana), vouch(giver(), ana)
    end_vouch(vouch_id=given.public_id, citizen=ana, now=NOW)
    assert forget_old(now=DECEMBER - timedelta(seconds=1)) == 0
    with pytest.raises(NotFound):
        end_vouch(vouch_id=given.public_id, citizen=ana, now=DECEMBER)
    assert forget_old(now=DECEMBER) == 1
    assert forget_old(now=DECEMBER + timedelta(days=1)) == 2  # two links, a day after they ended
    assert list(Vouch.objects.all()) == [stays]
    assert VouchMark.objects.count() == 2
    assert forget_old(now=NOW.replace(year=2027)) == 2
    assert VouchMark.objects.count() == 0


def test_a_stranger_s_vouch_is_not_found(ana, rui):
    given = vouch(rui, ana)
    for citizen in (giver(), EnrolmentFactory().citizen):
        with pytest.raises(NotFound):
            end_vouch(vouch_id=given.public_id, citizen=citizen, now=NOW)
    with pytest.raises(NotFound):
        end_vouch(vouch_id="vch_x", citizen=ana, now=NOW)
    assert Vouch.objects.get().withdrawn_at is None
    assert Vouch.objects.get().declined_at is None


def test_ten_links_are_open_at_once(ana):
    for _ in range(10):
        ask_for_vouch(citizen=ana, now=NOW)
    with pytest.raises(TooManyVouchRequests):
        ask_for_vouch(citizen=ana, now=NOW)
    assert requests_of(citizen=ana, now=NOW).count() == 10
    ask_for_vouch(citizen=ana, now=NOW + timedelta(days=7))


def test_leaving_erases_vouches_on_both_sides_links_and_the_seed(ana, rui):
    vouch(rui, ana)
    other = giver()
    vouch(other, rui)
    ask_for_vouch(citizen=rui, now=NOW)
    receipt = leave(citizen=rui, now=NOW)
    assert (receipt.erased["vouches"], receipt.erased["vouch_requests"], receipt.erased["seeds"]) == (2, 2, 0)
    assert Vouch.objects.count() == 0
    assert rows(ana) == rows(other) == []
    assert leave(citizen=rui, now=NOW).erased["vouches"] == 0
