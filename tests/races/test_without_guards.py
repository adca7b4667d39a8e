"""Negative controls: the same races between the same threads are lost by code without guards.

They show that the other tests of this folder meet what they are written against: calls that really overlap. The naive
code here is what one writes first: read, decide, write.
"""

from collections import Counter
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from citizen_app.models import AuditEvent, IdempotentRequest
from perks.models import Perk, Redemption
from scores.models import Entry, Score
from tests.factories.perks import MemberFactory, PerkFactory, citizen_with, reservation
from tests.factories.scores import EnrolmentFactory, SourceFactory, link
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def insert_redemption(citizen, perk):
    number = f"{citizen.pk}-{Redemption.objects.count()}-{timezone.now().timestamp()}"
    Redemption.objects.create(
        perk=perk,
        version=perk.in_force,
        merchant=perk.merchant,
        citizen=citizen,
        benefit={},
        code_hash=number,
        taken_at=timezone.now(),
        expires_at=timezone.now(),
        release={},
    )


@transaction.atomic
def take_naively(citizen, perk):
    """Reads what is left, then writes it one smaller."""
    found = Perk.objects.get(pk=perk.pk)
    if found.taken_count >= found.stock:
        return "sold_out"
    found.taken_count += 1
    found.save(update_fields=["taken_count"])
    insert_redemption(citizen, perk)
    return "taken"


@pytest.mark.usefixtures("postgresql", "crowd")
def test_read_then_write_oversells_to_64_citizens():
    perk = PerkFactory(stock=10)
    citizens = [citizen_with() for _ in range(64)]
    results = at_once(*[lambda citizen=citizen: take_naively(citizen, perk) for citizen in citizens])
    assert Counter(results)["taken"] > 10
    assert Redemption.objects.count() > 10


@pytest.mark.usefixtures("postgresql", "crowd")
def test_looking_whether_a_code_was_used_lets_several_of_64_tills_accept_it():
    redemption = reservation()
    tills = MemberFactory.create_batch(64, merchant=redemption.merchant)

    @transaction.atomic
    def scan_naively(till):
        found = Redemption.objects.get(pk=redemption.pk)
        if found.state != "reserved":
            return "already_redeemed"
        found.state, found.closed_at = "redeemed", timezone.now()
        found.save(update_fields=["state", "closed_at"])
        return "accepted"

    results = at_once(*[lambda till=till: scan_naively(till) for till in tills])
    assert Counter(results)["accepted"] > 1


@pytest.mark.usefixtures("postgresql", "crowd")
def test_looking_whether_a_key_is_known_repeats_the_effect():
    caller = citizen_with()

    def handle_naively():
        with transaction.atomic():
            if IdempotentRequest.objects.filter(caller=f"person:{caller.pk}", key="one-intention").exists():
                return "replayed"
            AuditEvent.objects.create(actor="system", action="effect", object="once")
        IdempotentRequest.objects.bulk_create(
            [IdempotentRequest(caller=f"person:{caller.pk}", key="one-intention", status=201)], ignore_conflicts=True
        )
        return "done"

    results = at_once(*[handle_naively] * 64)
    assert Counter(results)["done"] > 1
    assert AuditEvent.objects.filter(action="effect").count() > 1


@pytest.mark.usefixtures("postgresql", "crowd")
def test_counting_then_inserting_exceeds_what_one_citizen_may_have():
    perk, citizen = PerkFactory(stock=None, limit_per_citizen=1), citizen_with()

    @transaction.atomic
    def take_counting():
        if Redemption.objects.filter(perk=perk, citizen=citizen).count() >= perk.limit_per_citizen:
            return "citizen_limit_reached"
        insert_redemption(citizen, perk)
        return "taken"

    assert Counter(at_once(*[take_counting] * 32))["taken"] > 1
    assert Redemption.objects.count() > 1


@pytest.mark.usefixtures("postgresql")
def test_a_score_that_is_read_and_written_back_loses_updates():
    EnrolmentFactory()
    before = Score.objects.get().revision

    @transaction.atomic
    def rescore_naively():
        score = Score.objects.get()
        score.revision += 1
        score.save(update_fields=["revision"])

    at_once(*[rescore_naively] * 16)
    assert Score.objects.get().revision < before + 16


@pytest.mark.usefixtures("postgresql")
def test_looking_which_records_are_known_takes_a_batch_several_times():
    known_to = link(EnrolmentFactory().citizen, SourceFactory())
    names = [f"r{number}" for number in range(50)]

    @transaction.atomic
    def furnish_naively():
        known = set(Entry.objects.filter(link=known_to).values_list("external_id", flat=True))
        new = [name for name in names if name not in known]
        Entry.objects.bulk_create(
            [
                Entry(
                    enrolment_id=known_to.enrolment_id,
                    link=known_to,
                    external_id=name,
                    kind_number=1,
                    occurred_on="2026-10-31",
                    recorded_at=timezone.now(),
                    lapses_on="2033-10-01",
                )
                for name in new
            ],
            ignore_conflicts=True,
        )
        return len(new)

    assert sum(at_once(*[furnish_naively] * 8)) > 50
    assert Entry.objects.filter(link=known_to).count() == 50


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own kinds of transaction; see the others here")
@pytest.mark.parametrize("mode", ["DEFERRED", "IMMEDIATE"])
def test_on_sqlite_deferred_transactions_fail_where_immediate_ones_queue(mode):
    perk = PerkFactory(stock=4)
    citizens = [citizen_with() for _ in range(4)]
    have_read = Barrier(len(citizens))

    def take(citizen):
        connection.transaction_mode = mode
        try:
            with transaction.atomic():
                found = Perk.objects.get(pk=perk.pk)
                if mode == "DEFERRED":  # with IMMEDIATE nobody reads before their turn to write
                    have_read.wait(timeout=30)
                found.taken_count += 1
                found.save(update_fields=["taken_count"])
        except OperationalError as error:
            return str(error)
        return "taken"

    results = Counter(at_once(*[lambda citizen=citizen: take(citizen) for citizen in citizens]))
    perk.refresh_from_db()
    if mode == "DEFERRED":
        # What they read is stale by the time they write: SQLite lets one through and turns the others away at once.
        assert results == {"taken": 1, "database is locked": 3}
        assert perk.taken_count == 1
    else:
        assert results == {"taken": 4}
        assert perk.taken_count == 4
