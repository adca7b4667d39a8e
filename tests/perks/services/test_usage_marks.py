"""P1: limits of perks of value hold for the person, not for the account, and outlive leaving for twelve months."""

import re
from datetime import timedelta

import pytest

from perks.errors import CitizenLimitReached, PeriodLimitReached
from perks.models import UsageMark
from perks.services.eligibility_reading import counters_of
from perks.services.redemptions import reverse_redemption, take_perk
from perks.services.usage_marks import LONGEST, forget_old_marks
from scores.models import Enrolment, Score
from scores.services.consents import current_text
from scores.services.enrolment import enrol_citizen, leave
from tests.factories.deposits import waiver_perk
from tests.factories.perks import PerkFactory, citizen_with, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def card(**fields):
    tiers = [{"min_score": 600, "benefit": {"face": {"amount": 1000, "currency": "EUR"}, "lives_months": 24}}]
    return PerkFactory(**{"kind": "gift_card", "tiers": tiers} | fields)


def person(key="one person"):
    citizen = citizen_with(640, document=True)
    Enrolment.objects.filter(pk=citizen.pk).update(person_key=key)
    Score.objects.filter(pk=citizen.pk).update(as_of=NOW.date().replace(year=NOW.year + 2))  # stays as it is
    return citizen


def test_coming_back_with_another_account_does_not_begin_the_limit_anew():
    """Lesson 7."""
    perk = card()
    first = person()
    take_perk(citizen=first, perk=perk, now=NOW)
    receipt = leave(citizen=first, now=NOW + DAY)
    assert [kept.until.date() for kept in receipt.kept if "limited perks of value" in kept.what] == [
        (NOW + LONGEST).date()
    ]
    second = person()
    with pytest.raises(CitizenLimitReached):
        take_perk(citizen=second, perk=perk, now=NOW + 2 * DAY)
    perk.refresh_from_db()
    assert perk.taken_count == 1


def test_somebody_else_has_theirs():
    perk = card()
    first = person()
    take_perk(citizen=first, perk=perk, now=NOW)
    leave(citizen=first, now=NOW + DAY)
    take_perk(citizen=person("another person"), perk=perk, now=NOW + 2 * DAY)


def test_a_mark_names_nobody_and_ends_after_twelve_months():
    perk = card()
    first = person()
    take_perk(citizen=first, perk=perk, now=NOW)
    leave(citizen=first, now=NOW + DAY)
    mark = UsageMark.objects.order_by("until").last()
    assert (mark.count, mark.until) == (1, (NOW + LONGEST).date())
    assert re.fullmatch("[0-9a-f]{64}", mark.mark)
    later = NOW + LONGEST + DAY
    take_perk(citizen=person(), perk=perk, now=later)
    forget_old_marks(now=later)
    assert not UsageMark.objects.exists()


def test_the_limit_of_a_month_is_remembered_for_the_month():
    perk = card(limit_per_citizen=None, limit_per_citizen_month=1)
    first = person()
    take_perk(citizen=first, perk=perk, now=NOW)
    leave(citizen=first, now=NOW)
    again = person()
    with pytest.raises(PeriodLimitReached):
        take_perk(citizen=again, perk=perk, now=NOW + timedelta(minutes=1))
    take_perk(citizen=again, perk=perk, now=NOW + 31 * DAY)


def test_what_was_given_back_leaves_no_mark():
    first, perk = person(), card(release_on_reversal="all")
    redemption = take_perk(citizen=first, perk=perk, now=NOW)
    reverse_redemption(redemption=redemption, by=person_of(perk.merchant), reason="By mistake.", now=NOW)
    leave(citizen=first, now=NOW + DAY)
    assert not UsageMark.objects.exists()
    take_perk(citizen=person(), perk=perk, now=NOW + 2 * DAY)


def test_leaving_twice_adds_up():
    perk = card(limit_per_citizen=2)
    for step in (0, 2):
        one = person()
        take_perk(citizen=one, perk=perk, now=NOW + step * DAY)
        leave(citizen=one, now=NOW + (step + 1) * DAY)
    with pytest.raises(CitizenLimitReached):
        take_perk(citizen=person(), perk=perk, now=NOW + 5 * DAY)


def test_other_kinds_leave_no_mark():
    first = person()
    take_perk(citizen=first, perk=PerkFactory(), now=NOW)
    leave(citizen=first, now=NOW + DAY)
    assert not UsageMark.objects.exists()


def test_what_is_still_reserved_when_somebody_leaves_is_counted_once_when_they_are_back():
    perk, first = waiver_perk(limit_per_citizen=2), person()
    day, branch = (NOW + 20 * DAY).date(), perk.merchant.branches.get()
    asked = {"date": day, "until": day, "branch": branch, "vehicle_class": "compact"}
    open_one = take_perk(citizen=first, perk=perk, now=NOW, **asked)
    leave(citizen=first, now=NOW + DAY)
    open_one.refresh_from_db()
    assert (open_one.state, open_one.citizen, open_one.forgets_citizen) == ("reserved", first, True)
    enrol_citizen(citizen=first, consent_version=current_text().version, adult=True, now=NOW + 2 * DAY)
    Enrolment.objects.filter(pk=first.pk).update(person_key="one person", document_checked_at=NOW)
    assert counters_of(citizen=first, perks=[perk], now=NOW + 2 * DAY)[perk.pk].citizen_total == 1
