"""Saving a perk does not move its dates, and limits turn at the midnight of its zone, whatever the clock does there."""

from datetime import UTC, date, datetime, timedelta

import pytest

from perks.errors import PeriodLimitReached, PerkEnded
from perks.hours import day_end, day_start
from perks.models import Perk
from perks.services import catalogue
from perks.services.redemptions import cancel_redemption, take_perk
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, open_tier, person_of
from tests.perks.api.calls import PERK, team_app
from tests.perks.web.merchant.pages import errors_of

pytestmark = pytest.mark.django_db

INSTANTS = ("visible_from_at", "valid_from_at", "valid_until_at")
TEXTS = ("visible_from", "valid_from", "valid_until")

# A day and a minute around a change of the clock: left out, there twice, midnight jumped over, half an hour, no day.
WINDOWS = {
    "London, an hour left out": ("Europe/London", "2027-03-28T01:30", "2027-03-28", "2027-03-28T02:00"),
    "London, an hour twice": ("Europe/London", "2026-10-25", "2026-10-25T01:30", "2026-10-25T01:45"),
    "São Paulo, no midnight": ("America/Sao_Paulo", "2018-11-04", "2018-11-04T00:30", "2018-11-04"),
    "São Paulo, midnight twice": ("America/Sao_Paulo", "2019-02-16", "2019-02-16T23:30", "2019-02-16T23:45"),
    "Lord Howe, half an hour left out": ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04", "2026-10-04T02:45"),
    "Lord Howe, half an hour twice": ("Australia/Lord_Howe", "2026-04-05", "2026-04-05T01:45", "2026-04-05T01:50"),
    "Apia, a day left out": ("Pacific/Apia", "2011-12-29", "2011-12-30", "2011-12-31"),
    "Kiritimati, first of all": ("Pacific/Kiritimati", "2026-12-31", "2027-01-01T00:00", "2027-01-01"),
}
windows = pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())


def instants(perk) -> list[datetime]:
    perk.refresh_from_db()
    return [getattr(perk, name) for name in INSTANTS]


def drafted(zone, visible_from, valid_from, valid_until):
    merchant = MerchantFactory()
    body = PERK | {"zone": zone, "visible_from": visible_from, "valid_from": valid_from, "valid_until": valid_until}
    return catalogue.draft_perk(merchant=merchant, by=person_of(merchant), body=body)


@windows
def test_what_the_api_gave_is_saved_as_the_same_instants(window):
    perk = drafted(*window)
    before = instants(perk)
    assert before[0] <= before[2]
    app = team_app(perk.merchant)
    url = f"/api/v1/merchant/perks/{perk.public_id}"
    for _ in range(3):
        read = app.get(url)
        said = {name: read.json()[name] for name in (*TEXTS, "zone", "hours", "title")}
        assert [said[name] for name in TEXTS] == list(window[1:])
        saved = app.patch(url, said, format="json", HTTP_IF_MATCH=read.headers["ETag"])
        assert saved.status_code == 200
        assert instants(perk) == before


@windows
@pytest.mark.parametrize("reader", ["Pacific/Kiritimati", "America/Sao_Paulo", "Europe/London"])
def test_what_the_page_shows_is_saved_as_the_same_instants(window, reader):
    perk = drafted(*window)
    before = instants(perk)
    owner = person_of(perk.merchant)
    owner.zone = reader  # whoever saves it may live anywhere
    owner.save()
    browser = browser_for(owner)
    url = f"/merchant/perks/{perk.public_id}/edit"
    page = browser.get(url)
    sent = {}
    for form in (page.context["form"], *page.context["tiers"], *page.context["hours"], *page.context["translations"]):
        sent |= {field.html_name: "" if field.value() is None else field.value() for field in form}
    for rows in (page.context["tiers"], page.context["hours"], page.context["translations"]):
        sent |= {f"{rows.prefix}-TOTAL_FORMS": len(rows.forms), f"{rows.prefix}-INITIAL_FORMS": len(rows.forms)}
    answer = browser.post(url, sent)
    assert answer.status_code == 302, errors_of(answer)
    assert instants(perk) == before
    assert [getattr(perk, name) for name in TEXTS] == list(window[1:])


def test_another_zone_moves_the_instants_and_not_what_was_written():
    perk = drafted("Europe/London", "2026-12-01", "2026-12-01T09:00", "2026-12-31")
    before = instants(perk)
    owner = person_of(perk.merchant)
    catalogue.edit_perk(perk=perk, by=owner, body={"zone": "Pacific/Kiritimati"})
    assert [one - other for one, other in zip(before, instants(perk), strict=True)] == [timedelta(hours=14)] * 3
    assert perk.valid_from == "2026-12-01T09:00"


DAYS = {
    "London, 25 hours": ("Europe/London", date(2026, 10, 25)),
    "London, 23 hours": ("Europe/London", date(2027, 3, 28)),
    "São Paulo, from one o'clock": ("America/Sao_Paulo", date(2018, 11, 4)),
    "São Paulo, midnight twice": ("America/Sao_Paulo", date(2019, 2, 16)),
    "Lord Howe": ("Australia/Lord_Howe", date(2026, 4, 5)),
    "Apia, before the day that was left out": ("Pacific/Apia", date(2011, 12, 29)),
    "Kiritimati": ("Pacific/Kiritimati", date(2026, 11, 28)),
}
days = pytest.mark.parametrize(("zone", "day"), DAYS.values(), ids=DAYS.keys())
SECOND = timedelta(seconds=1)


def lasting(zone, **fields):
    return PerkFactory(zone=zone, tiers=[open_tier()], limit_per_citizen=None, stock=None, hold_minutes=1, **fields)


@days
def test_a_limit_a_day_turns_at_the_midnight_of_the_perks_zone(zone, day):
    perk, citizen = lasting(zone, limit_per_citizen_day=1), citizen_with()
    start, end = day_start(day, zone), day_end(day, zone)
    take_perk(citizen=citizen, perk=perk, now=start)
    with pytest.raises(PeriodLimitReached) as refused:
        take_perk(citizen=citizen, perk=perk, now=end - SECOND)
    assert refused.value.facts["again_at"] == end.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert perk.redemptions.count() == 1
    take_perk(citizen=citizen, perk=perk, now=end)
    assert perk.redemptions.count() == 2


@days
def test_an_end_date_is_inside_until_it_is_over_there(zone, day):
    perk, citizen = lasting(zone), citizen_with()
    catalogue.edit_perk(perk=perk, by=person_of(perk.merchant), body={"valid_until": day.isoformat()})
    end = day_end(day, zone)
    taken = take_perk(citizen=citizen, perk=perk, now=end - SECOND)
    assert taken.expires_at == end
    cancel_redemption(redemption=taken, now=end - SECOND)
    with pytest.raises(PerkEnded):
        take_perk(citizen=citizen, perk=perk, now=end)
    assert Perk.objects.get(pk=perk.pk).taken_count == 0
