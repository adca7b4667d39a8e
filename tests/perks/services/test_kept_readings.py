"""The statements of taking, listing and scanning that are kept compiled are what the ORM makes of their querysets."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from citizen_app.models import Citizen
from citizen_app.public_ids import uuid7
from perks.api.citizen.perks import offered
from perks.models import catalogue
from perks.services import catalogue_reading, eligibility_reading, scan_reading
from perks.services.catalogue_reading import Wanted
from perks.services.catalogue_reading import catalogue as catalogue_of
from perks.services.eligibility_reading import any_perk
from scores import assessments
from tests.factories.perks import MerchantFactory, PerkFactory

pytestmark = pytest.mark.django_db
MOMENTS = [
    datetime(2026, 7, 4, 12, 30, 1, 5, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
]


def of_values(sql, params):
    if connection.vendor == "postgresql":
        return connection.ops.compose_sql(sql, params)
    return repr((sql, list(params)))


@pytest.mark.parametrize("among", [any_perk, offered])
@pytest.mark.parametrize("now", MOMENTS)
@pytest.mark.parametrize("citizen_id", [1, 2**40])
def test_the_reading_of_a_taking(among, now, citizen_id):
    perk_id = uuid7()
    days = [now.date() + timedelta(days=step) for step in (-1, 0, 1)]
    meant = eligibility_reading._to_take(among(now), citizen_id=citizen_id, perk_id=perk_id, now=now, days=days)
    kept = eligibility_reading._reading(among).sql(
        citizen_id=citizen_id, perk_id=perk_id, now=now, yesterday=days[0], today=days[1], tomorrow=days[2]
    )
    assert of_values(*kept) == of_values(*meant.query.get_compiler(connection=connection).as_sql())


@pytest.mark.parametrize(("revision", "cost"), [(1, 0), (70_000, 2_500), (3, 2**40)])
def test_the_guarded_update_of_a_taking(revision, cost):
    values = {"perk_id": uuid7(), "revision": revision, "cost": cost}
    kept, meant = catalogue._TAKING.of(**values), catalogue._taking(**values)
    assert of_values(kept.sql_with_returning, kept.params) == of_values(meant.sql_with_returning, meant.params)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no row locks")
@pytest.mark.parametrize("citizen_id", [1, 2**40])
def test_the_lock_of_a_citizen(citizen_id):
    with transaction.atomic():
        kept, meant = assessments.stillness_of(Citizen(pk=citizen_id)), assessments._stillness(citizen_id)
    assert of_values(kept.sql_with_returning, kept.params) == of_values(meant.sql_with_returning, meant.params)


NARROWED = [
    {},
    {"kind": "discount"},
    {"purpose": "travel", "category": "spa"},
    {"merchant": uuid7(), "soon": MOMENTS[1]},
    {"kind": "gift_card", "purpose": "retail", "category": "it's 50 %", "merchant": uuid7(), "soon": MOMENTS[0]},
]


@pytest.mark.parametrize("narrowed", NARROWED, ids=lambda said: "-".join(said) or "all")
@pytest.mark.parametrize(("order", "count"), [(("-id",), 26), (("id",), 2)])
def test_the_first_page_of_the_list(narrowed, order, count):
    for now in MOMENTS:
        said = {"now": now, **eligibility_reading.days_of(now), **narrowed}
        meant = catalogue_reading._narrowed(said).order_by(*order)[:count]
        kept = catalogue_reading._first_page(tuple(said), order, count).sql(**said)
        assert of_values(*kept) == of_values(*meant.query.get_compiler(connection=connection).as_sql())


@pytest.mark.parametrize("count", [0, 1, 3, 25])
@pytest.mark.parametrize("now", MOMENTS)
def test_what_counts_against_the_limits_of_a_page(count, now):
    perks = [uuid7() for _ in range(count)]
    meant = eligibility_reading._own_of(7, perks=perks, now=now)
    named = {f"perk{n}": key for n, key in enumerate(perks)}
    kept = eligibility_reading._own(count).sql(citizen_id=7, now=now, **named)
    assert of_values(*kept) == of_values(*meant.query.get_compiler(connection=connection).as_sql())


@pytest.mark.parametrize("now", MOMENTS)
def test_what_fills_somebodys_limits_and_a_day(now):
    days = eligibility_reading.days_of(now)
    for meant, kept in (
        (eligibility_reading._held(7, now), eligibility_reading._HELD.sql(citizen_id=7, now=now)),
        (eligibility_reading._full_on(list(days.values())), eligibility_reading._FULL.sql(**days)),
        (assessments._standing(7), assessments._STANDING.sql(citizen_id=7)),
    ):
        assert of_values(*kept) == of_values(*meant.query.get_compiler(connection=connection).as_sql())


def test_a_page_is_the_same_kept_and_asked_anew():
    merchant = MerchantFactory()
    perks = [PerkFactory(merchant=merchant) for _ in range(3)]
    PerkFactory()
    now = timezone.now()
    wanted = Wanted(merchant=merchant.public_id)
    listed = catalogue_of(citizen=None, assessment=None, wanted=wanted, now=now).order_by("-id")
    newest = [perk.pk for perk in reversed(perks)]
    assert [perk.pk for perk in listed[:26]] == newest
    assert [perk.pk for perk in listed[:2]] == newest[:2]
    assert [perk.pk for perk in listed.filter(pk__lt=newest[0])[:26]] == newest[1:]
    assert [perk.in_force.title for perk in listed[:1]] == [perks[-1].in_force.title]
    PerkFactory(merchant=merchant)
    assert len(listed[:26]) == 4


@pytest.mark.parametrize("by", ["pk", "code_hash"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("branch", [None, uuid7()])
@pytest.mark.parametrize("nonce", ["a", "it's 50 %s"])
def test_what_a_scan_reads(by, count, branch, nonce):
    keys = [uuid7() if by == "pk" else f"hash'{number}" for number in range(count)]
    asked = {"merchant_id": uuid7(), "nonce": nonce, "branch_key": branch}
    meant = scan_reading.shown(by, keys, **asked, is_branch_named=branch is not None)
    named = {f"key{number}": key for number, key in enumerate(keys)}
    kept = scan_reading.finding(by, count, branch is not None).sql(**asked, **named)
    assert of_values(*kept) == of_values(*meant.query.get_compiler(connection=connection).as_sql())
