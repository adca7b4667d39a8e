"""The citizen's pages of make-goods, and the merchant's of offers that wait."""

import re

import pytest

from citizen_app.models import AuditEvent
from perks.models import MakeGood, Perk, Redemption
from perks.services.catalogue import end_perk
from tests.factories.people import browser_for
from tests.factories.perks import BranchFactory, PerkFactory, citizen_with, make_good_for, person_of, scored_tier

pytestmark = pytest.mark.django_db


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def key_in(answer):
    return re.search(r'name="idempotency_key" value="(\w+)"', answer.content.decode()).group(1)


@pytest.fixture
def make_good():
    return make_good_for(citizen_with(420), PerkFactory(tiers=[scored_tier(600, "10 % off")], title="Late check-out"))


def test_the_list_of_perks_leads_to_what_is_made_good(make_good):
    browser = browser_for(make_good.citizen)
    assert "A perk is offered to you again." in text_of(browser.get("/perks"))
    page = text_of(browser.get("/make-goods"))
    assert "Late check-out" in page
    assert "Yours to take" in page
    assert "offered to you again" not in text_of(browser_for(citizen_with(420)).get("/perks"))


def test_it_is_taken_from_its_page_and_a_double_tap_takes_one(make_good):
    browser = browser_for(make_good.citizen)
    page = browser.get(f"/make-goods/{make_good.public_id}")
    assert "You get: 10 % off. Whatever your score says now." in text_of(page)
    form = {"idempotency_key": key_in(page)}
    answers = [browser.post(f"/make-goods/{make_good.public_id}/take", form) for _ in range(2)]
    redemption = Redemption.objects.get()
    assert [answer.url for answer in answers] == [f"/codes/{redemption.public_id}"] * 2
    assert "Show your code" in text_of(browser.get(f"/make-goods/{make_good.public_id}"))


def test_a_priority_asks_for_the_day_and_the_branch_and_says_what_is_wrong():
    perk = PerkFactory(kind="priority", tiers=[scored_tier(600, "Faster")])
    branch = BranchFactory(merchant=perk.merchant)
    make_good = make_good_for(citizen_with(420), perk)
    browser = browser_for(make_good.citizen)
    path = f"/make-goods/{make_good.public_id}"
    page = browser.get(path)
    form = {"idempotency_key": key_in(page), "branch": branch.public_id, "date": "2001-01-01"}
    assert "That day is over at the branch." in text_of(browser.post(f"{path}/take", form))
    assert not Redemption.objects.exists()


def test_the_merchant_reads_of_one_person_and_nothing_about_them(make_good):
    owner = person_of(make_good.perk.merchant)
    browser = browser_for(owner)
    assert "waits for your word" not in text_of(browser.get("/merchant"))
    end_perk(perk=make_good.perk, by=owner)
    assert "The merchant is asked" in text_of(browser_for(make_good.citizen).get("/make-goods"))
    assert "One offer waits for your word." in text_of(browser.get("/merchant"))
    page = browser.get("/merchant/offers")
    assert "Late check-out" in text_of(page)
    told = page.content.decode()
    for secret in (make_good.citizen.first_name, make_good.citizen.public_id, "dsp_won", "420", "600", "score"):
        assert secret not in told.replace("scores never", ""), secret


@pytest.mark.parametrize(("answer", "becomes"), [("agree", "accepted"), ("decline", "declined")])
def test_the_merchant_agrees_or_declines(make_good, answer, becomes):
    owner = person_of(make_good.perk.merchant)
    end_perk(perk=make_good.perk, by=owner)
    browser = browser_for(owner)
    assert browser.post(f"/merchant/offers/{make_good.public_id}", {"answer": answer}).url == "/merchant/offers"
    assert MakeGood.objects.get().answer == becomes
    assert "Nothing waits" in text_of(browser.get("/merchant/offers"))
    assert AuditEvent.objects.filter(action__startswith="make_good.").count() == 1
    # A second answer changes nothing.
    browser.post(f"/merchant/offers/{make_good.public_id}", {"answer": "agree"})
    assert MakeGood.objects.get().answer == becomes
    words = {"accepted": "Take what you were refused", "declined": "The merchant declined."}
    page = text_of(browser_for(make_good.citizen).get(f"/make-goods/{make_good.public_id}"))
    assert words[becomes] in page


def test_an_answer_that_means_nothing_and_one_of_another_merchant_change_nothing(make_good):
    owner = person_of(make_good.perk.merchant)
    end_perk(perk=make_good.perk, by=owner)
    browser_for(owner).post(f"/merchant/offers/{make_good.public_id}", {"answer": "perhaps"})
    stranger = person_of(PerkFactory().merchant)
    gone = browser_for(stranger).post(f"/merchant/offers/{make_good.public_id}", {"answer": "agree"})
    assert gone.status_code == 404
    assert MakeGood.objects.get().answer == ""
    assert Perk.objects.get(pk=make_good.perk.pk).state == "ended"
