"""Reading, telling, disconnecting and leaving at the same moment: nothing is told twice, and who is gone is gone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.invariants import broken
from perks.models import BoostGrant, BoostRead, Sandbox, SandboxCitizen
from perks.services.boost_reads import fold_reads, look_up_boosts
from perks.services.boosts import DRAWN_OVER, TERM, judge_boosts_again
from perks.services.sandbox import sandbox_of
from scores.models import Inquiry
from scores.services.enrolment import leave
from tests.factories.boosts import dater, dating_app
from tests.factories.people import machine_client
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

MADE_UP = {"A score is what its latest change says.", "A score is what its entries and its scorecard make it (P6)."}
"""What does not hold here: the people's values are written down, so that they reach a boost."""


@pytest.fixture(autouse=True)
def _sound_but_for_made_up_scores(transactional_db):
    yield
    assert {sentence for sentence, facts in broken().items() if facts} <= MADE_UP


def boosted(app):
    citizen = dater()
    app.phone_of(citizen)
    app.given_to(citizen)
    return citizen, app.name_of(citizen)


def test_each_of_many_readings_is_told_once_however_many_tell_them():
    app = dating_app()
    people = [boosted(app) for _ in range(3)]
    names = [name for _, name in people]

    def read():
        return len(look_up_boosts(application=app.server, subjects=names))

    for _ in range(3):
        results = at_once(*[read] * 6, *[lambda: fold_reads(limit=2) and "told"] * 4)
        assert results[:6] == [3] * 6
    fold_reads()
    assert list(Inquiry.objects.values_list("count", flat=True)) == [18, 18, 18]
    assert not BoostRead.objects.exists()


def test_whoever_leaves_while_apps_read_is_in_no_reading_afterwards():
    app = dating_app()
    staying, stays = boosted(app)
    for _ in range(3):
        leaving, goes = boosted(app)
        results = at_once(
            *[lambda goes=goes: sorted(look_up_boosts(application=app.server, subjects=[stays, goes])) and "read"] * 5,
            lambda leaving=leaving: leave(citizen=leaving) and "left",
            lambda: fold_reads() and "told",
        )
        assert results[:6] == ["read"] * 5 + ["left"]
        assert list(look_up_boosts(application=app.server, subjects=[stays, goes])) == [stays]
        fold_reads()
        assert not Inquiry.objects.exclude(enrolment=staying.pk).exists()
        assert not BoostRead.objects.exists()


def test_disconnecting_while_the_boost_is_judged_again_ends_it():
    app = dating_app()
    later = timezone.now() + TERM + DRAWN_OVER + timedelta(days=1)
    for _ in range(5):
        citizen, name = boosted(app)
        at_once(lambda citizen=citizen: app.lose(citizen), lambda: judge_boosts_again(now=later))
        assert not BoostGrant.objects.running().filter(citizen=citizen).exists()
        assert look_up_boosts(application=app.server, subjects=[name]) == {}


def test_a_sandbox_asked_for_at_once_is_made_once_with_its_five():
    client = machine_client(scopes=("sandbox",)).application
    assert len(set(at_once(*[lambda: sandbox_of(client).pk] * 8))) == 1
    assert (Sandbox.objects.count(), SandboxCitizen.objects.count()) == (1, 5)
