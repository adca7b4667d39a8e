"""New merchants and reports under threads: limits hold, and without their guards they would not."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from perks.models import Merchant, Perk, Report, ReportCase
from perks.services import ramp
from perks.services.catalogue import publish_perk
from perks.services.redemptions import take_perk
from perks.services.reporting import report_perk
from tests.factories.people import CitizenFactory
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def new_merchant():
    return MerchantFactory(approved_at=timezone.now() - timedelta(days=1))


def test_a_new_merchant_s_reservations_are_never_more_than_it_may_give(settings):
    settings.RAMP_RESERVATIONS = 3
    merchant = new_merchant()
    perks = [PerkFactory(merchant=merchant, stock=None) for _ in range(4)]
    citizens = [citizen_with() for _ in range(8)]
    told = at_once(*[lambda c=c, p=perks[n % 4]: take_perk(citizen=c, perk=p) for n, c in enumerate(citizens)])
    assert told.count("not_open_yet") == 5
    assert Merchant.objects.get().ramp_taken_count == 3
    assert sum(perk.taken_count for perk in Perk.objects.all()) == 3


def test_two_perks_published_at_once_are_counted(settings):
    settings.RAMP_PERKS = 1
    merchant = new_merchant()
    owner = person_of(merchant)
    perks = [PerkFactory(merchant=merchant, state="approved") for _ in range(4)]
    told = at_once(*[lambda p=p: publish_perk(perk=p, by=owner) for p in perks])
    assert told.count("ramp_limit") == 3
    assert Perk.objects.filter(state="published").count() == 1


@pytest.mark.usefixtures("postgresql")
def test_without_the_merchant_s_row_held_more_would_be_published(settings):
    settings.RAMP_PERKS = 1
    merchant = new_merchant()
    owner = person_of(merchant)
    perks = [PerkFactory(merchant=merchant, state="approved") for _ in range(6)]
    with patch.object(ramp, "hold_merchant", lambda merchant_id: None):
        at_once(*[lambda p=p: publish_perk(perk=p, by=owner) for p in perks])
    assert Perk.objects.filter(state="published").count() > 1


def test_people_who_report_at_once_share_one_case_and_one_person_reports_once():
    perk, busy = PerkFactory(), CitizenFactory()
    people = [*(CitizenFactory() for _ in range(4)), busy, busy, busy]
    told = at_once(
        *[lambda c=c: report_perk(perk=perk, by=c, ground="other", statement="It was closed.") for c in people]
    )
    assert told.count("already_reported") == 2
    assert (ReportCase.objects.count(), Report.objects.count()) == (1, 5)
