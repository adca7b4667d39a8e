"""What a plan lets a merchant publish: three perks without one, and no limit with one or where billing is off."""

import pytest

from perks.errors import PlanLimitReached
from perks.models import Perk
from perks.services.catalogue import pause_perk, publish_perk, resume_perk
from tests.factories.billing import subscribe
from tests.factories.perks import MerchantFactory, PerkFactory, person_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


def published(merchant, count, **fields):
    return [PerkFactory(merchant=merchant, **fields) for _ in range(count)]


def test_the_fourth_perk_is_refused_and_stays_as_it_is(standin, merchant):
    published(merchant, 3)
    fourth = PerkFactory(merchant=merchant, state="approved")
    with pytest.raises(PlanLimitReached) as refused:
        publish_perk(perk=fourth, by=person_of(merchant))
    assert refused.value.facts == {"allowed": 3, "published": 3}
    fourth.refresh_from_db()
    assert fourth.state == "approved"


def test_resuming_counts_as_publishing(standin, merchant):
    owner = person_of(merchant)
    one, *_ = published(merchant, 3)
    pause_perk(perk=one, by=owner)
    publish_perk(perk=PerkFactory(merchant=merchant, state="approved"), by=owner)
    with pytest.raises(PlanLimitReached):
        resume_perk(perk=one, by=owner)
    assert Perk.objects.get(pk=one.pk).state == "paused"


def test_a_place_is_free_once_one_is_paused(standin, merchant):
    owner = person_of(merchant)
    one, *_ = published(merchant, 3)
    pause_perk(perk=one, by=owner)
    assert publish_perk(perk=PerkFactory(merchant=merchant, state="approved"), by=owner).state == "published"


def test_with_billing_off_no_limit_applies(merchant):
    published(merchant, 3)
    assert publish_perk(perk=PerkFactory(merchant=merchant, state="approved"), by=person_of(merchant)).pk


def test_with_a_plan_no_limit_applies(standin, deliver, merchant):
    subscribe(merchant, standin, deliver)
    published(merchant, 3)
    assert publish_perk(perk=PerkFactory(merchant=merchant, state="approved"), by=person_of(merchant)).pk


def test_the_demonstration_s_perks_and_others_merchants_count_for_nothing(standin, merchant):
    published(merchant, 3, is_demo=True)
    published(MerchantFactory(), 3)
    assert publish_perk(perk=PerkFactory(merchant=merchant, state="approved"), by=person_of(merchant)).pk
