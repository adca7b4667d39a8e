"""One link, three places, two who leave: whatever happens at the same moment."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from scores.models import Enrolment, Entry, Vouch, VouchMark, VouchRequest
from scores.services.enrolment import leave
from scores.services.trusting import recompute_trust
from scores.services.vouching import ask_for_vouch, end_vouch, give_vouch
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import giver, seed, vouch
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def somebody():
    return EnrolmentFactory().citizen


def give(token, citizen):
    return give_vouch(token=token, citizen=citizen) and "given"


def test_one_link_used_by_8_people_at_once_is_one_vouch():
    people, token = [giver() for _ in range(8)], ask_for_vouch(citizen=somebody()).token
    results = at_once(*[lambda one=one: give(token, one) for one in people])
    assert Counter(results) == {"given": 1, "not_found": 7}
    assert (Vouch.objects.count(), VouchMark.objects.count()) == (1, 1)


def test_one_link_used_8_times_at_once_by_one_person_is_one_vouch():
    one, token = giver(), ask_for_vouch(citizen=somebody()).token
    assert Counter(at_once(*[lambda: give(token, one)] * 8)) == {"given": 1, "not_found": 7}
    assert (Vouch.objects.count(), VouchMark.objects.count()) == (1, 1)


def test_of_8_vouches_given_at_once_three_stand():
    one, tokens = giver(), [ask_for_vouch(citizen=somebody()).token for _ in range(8)]
    results = at_once(*[lambda token=token: give(token, one) for token in tokens])
    assert Counter(results) == {"given": 3, "vouch_limit_reached": 5}
    assert (Vouch.objects.count(), VouchMark.objects.count()) == (3, 3)
    assert VouchRequest.objects.filter(used_at=None).count() == 5  # a refusal uses no link up


def test_two_links_of_one_asker_used_at_once_by_one_person_are_one_vouch():
    one, asker = giver(), somebody()
    tokens = [ask_for_vouch(citizen=asker).token for _ in range(6)]
    results = at_once(*[lambda token=token: give(token, one) for token in tokens])
    assert Counter(results) == {"given": 1, "already_vouched": 5}
    assert Vouch.objects.count() == 1


def test_people_who_vouch_for_each_other_at_once_wait_for_nobody_in_a_circle():
    people = [giver() for _ in range(4)]
    asked = {
        (one.pk, other.pk): ask_for_vouch(citizen=other).token for one in people for other in people if one != other
    }
    by = {one.pk: one for one in people}
    results = at_once(*[lambda one=one, token=token: give(token, by[one]) for (one, _), token in asked.items()])
    assert Counter(results) == {"given": 12}


def test_who_leaves_while_vouches_are_given_and_ended_leaves_nothing_behind():
    people = [giver() for _ in range(6)]
    for one, other in ((0, 1), (1, 0), (2, 0), (0, 2)):
        vouch(people[one], people[other])
    tokens = [ask_for_vouch(citizen=person).token for person in people[:3]]
    ended = Vouch.objects.get(giver=people[2].pk).public_id
    results = at_once(
        *[lambda one=one: leave(citizen=people[one]) and "left" for one in (0, 1)],
        *[lambda token=token, one=one: give(token, one) for token in tokens for one in people[3:]],
        lambda: end_vouch(vouch_id=ended, citizen=people[2]),
        lambda: recompute_trust(now=NOW + timedelta(days=30)),
    )
    assert set(results) <= {"left", "given", "not_found", "not_enrolled", None, 0}
    gone = {people[0].pk, people[1].pk}
    assert set(Enrolment.objects.values_list("pk", flat=True)) == {one.pk for one in people} - gone
    assert not Vouch.objects.filter(giver__in=gone).exists()
    assert not Vouch.objects.filter(receiver__in=gone).exists()
    assert not VouchRequest.objects.filter(enrolment__in=gone).exists()


def test_trust_computed_8_times_at_once_is_written_once():
    people = [giver() for _ in range(4)]
    seed(people[0])
    for other in people[1:]:
        vouch(people[0], other)
    results = at_once(*[lambda: recompute_trust(now=NOW + timedelta(days=30))] * 8)
    assert sum(results) == 3
    assert Counter(Entry.objects.filter(kind_number=17).values_list("status", flat=True)) == {"active": 3}


@pytest.mark.usefixtures("postgresql")
def test_counting_vouches_without_holding_the_giver_exceeds_three():
    """The negative control: what one writes first."""
    one, people = giver(), [somebody() for _ in range(16)]

    @transaction.atomic
    def give_naively(receiver):
        if Vouch.objects.filter(giver=one.pk, withdrawn_at=None).count() >= 3:
            return "vouch_limit_reached"
        Vouch.objects.create(giver_id=one.pk, receiver_id=receiver.pk, given_at=timezone.now(), counts_from=NOW.date())
        return "given"

    assert Counter(at_once(*[lambda other=other: give_naively(other) for other in people]))["given"] > 3
