"""Writing a perk on its page: what is right is stored, what is wrong is said beside its field and nothing stored."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import AuditEvent
from perks.models import Perk, ThresholdUse
from scores import assessments
from tests.factories.people import browser_for, operator_with
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    scored_tier,
)
from tests.perks.web.merchant.pages import PERK, errors_of, problem_of, text_of, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "manager"))


def form_of(perk, **changes):
    return PERK | {"revision": str(perk.revision)} | changes


def edit(browser, perk, **changes):
    return browser.post(f"/merchant/perks/{perk.public_id}/edit", form_of(perk, **changes))


def act(browser, perk, action):
    return browser.post(f"/merchant/perks/{perk.public_id}/{action}", follow=True)


def test_a_whole_perk_is_stored_as_it_was_written(browser, merchant):
    branch = BranchFactory(merchant=merchant)
    response = write(
        browser,
        description="One line\r\nand another",
        categories="Breakfast, late check out, breakfast",
        branches=[branch.public_id],
        visible_from="2026-12-01",
        valid_from="2026-12-01",
        valid_from_time="09:30",
        valid_until="2026-12-31",
        stock="40",
        per_day="5",
        budget="250.50",
        per_citizen="2",
        per_citizen_week="1",
        on_expiry="stock",
        **{
            "tiers-0-min_score": "",
            "tiers-0-text": "A coffee",
            "tiers-1-min_score": "640",
            "tiers-1-text": "12.50 off",
            "tiers-1-amount": "12.5",
            "tiers-2-min_score": "600",
            "tiers-2-text": "A tenth off",
            "tiers-2-percent": "10",
            "hours-1-day": "5",
            "hours-1-opens": "19:00",
            "hours-1-closes": "01:00",
        },
    )
    perk = Perk.objects.get()
    assert response.headers["Location"] == f"/merchant/perks/{perk.public_id}"
    version = perk.pending
    assert (perk.state, version.title, version.description) == ("draft", "Late check-out", "One line\nand another")
    assert version.tiers == [
        {"min_score": None, "benefit": {"text": "A coffee"}},
        {"min_score": 600, "benefit": {"text": "A tenth off", "percent": 10}},
        {"min_score": 640, "benefit": {"text": "12.50 off", "amount": {"amount": 1250, "currency": "EUR"}}},
    ]
    assert perk.hours == [{"day": 5, "from": "19:00", "to": "01:00"}]
    assert (perk.visible_from, perk.valid_from, perk.valid_until) == ("2026-12-01", "2026-12-01T09:30", "2026-12-31")
    assert (perk.stock, perk.limit_per_day, perk.limit_per_citizen, perk.limit_per_citizen_week) == (40, 5, 2, 1)
    assert (perk.budget_amount, perk.budget_currency) == (25050, "EUR")
    assert (perk.release_on_cancel, perk.release_on_expiry, perk.release_on_reversal) == ("all", "stock", "nothing")
    assert sorted(perk.categories.values_list("code", flat=True)) == ["breakfast", "late_check_out"]
    assert list(perk.branches.all()) == [branch]


def test_a_page_that_is_opened_and_saved_changes_nothing(browser, merchant):
    BranchFactory(merchant=merchant)
    write(
        browser,
        categories="breakfast",
        valid_until="2026-12-31",
        valid_until_time="18:00",
        stock="4",
        budget="10",
        **{"tiers-0-amount": "5.00", "hours-0-day": "1", "hours-0-opens": "09:00", "hours-0-closes": "17:00"},
    )
    perk = Perk.objects.get()
    page = browser.get(f"/merchant/perks/{perk.public_id}/edit")
    sent = {}
    for form in (page.context["form"], *page.context["tiers"], *page.context["hours"]):
        for field in form:
            value = field.value()
            sent[field.html_name] = "" if value is None else value
    for rows in (page.context["tiers"], page.context["hours"]):
        sent |= {f"{rows.prefix}-TOTAL_FORMS": len(rows.forms), f"{rows.prefix}-INITIAL_FORMS": len(rows.forms)}
    before = Perk.objects.values().get(), Perk.objects.get().pending.tiers
    assert browser.post(f"/merchant/perks/{perk.public_id}/edit", sent).status_code == 302
    after = Perk.objects.values().get(), Perk.objects.get().pending.tiers
    assert after[0].pop("revision") == before[0].pop("revision") + 1
    assert after == before


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"title": ""}, {"title": "This field is required."}),
        ({"title": "x" * 121}, {"title": "Ensure this value has at most 120 characters (it has 121)."}),
        (
            {"kind": "coupon"},
            {"kind": "Select a valid choice. coupon is not one of the available choices."},
        ),
        ({"zone": "Lisbon"}, {"zone": "Name an IANA time zone, such as Europe/Lisbon."}),
        ({"categories": "naïve"}, {"categories": "This value does not match the required pattern."}),
        ({"stock": "-1"}, {"stock": "Ensure this value is greater than or equal to 0."}),
        ({"stock": "many"}, {"stock": "Enter a whole number."}),
        ({"per_citizen": "9999999999"}, {"per_citizen": "Ensure this value is less than or equal to 1000000000."}),
        ({"hold_minutes": "43201"}, {"hold_minutes": "Ensure this value is less than or equal to 43200."}),
        ({"on_cancel": "some"}, {"on_cancel": "Select a valid choice. some is not one of the available choices."}),
        ({"valid_from_time": "09:00"}, {"valid_from": "Give the day, too."}),
        ({"valid_from": "2026-13-01"}, {"valid_from": "Enter a valid date."}),
        (
            {"valid_from": "2026-12-24", "valid_until": "2026-12-20"},
            {"valid_until": "It is over before “Can be taken from”."},
        ),
        ({"budget": "10"}, {"budget": "A budget is for benefits with an amount of money."}),
        ({"branches": ["br_nothing"]}, {"branches": None}),
        ({"tiers-0-min_score": "605"}, {"tiers-0-min_score": "A threshold is a multiple of 10."}),
        ({"tiers-0-min_score": "six"}, {"tiers-0-min_score": "Enter a whole number."}),
        ({"tiers-0-text": ""}, {"tiers-0-text": "What the desk gives, in words."}),
        (
            {"tiers-2-min_score": "630", "tiers-2-text": "More"},
            {"tiers-2-min_score": "Tiers are at least 40 points apart; this one is 30 from 600."},
        ),
        (
            {"tiers-0-min_score": "", "tiers-2-text": "Everybody, too"},
            {"tiers-2-min_score": "Only one tier can be open."},
        ),
        ({"tiers-0-percent": "101"}, {"tiers-0-percent": "1 to 100."}),
        (
            {"tiers-0-percent": "10", "tiers-0-amount": "5"},
            {"tiers-0-amount": "A discount is a percentage or an amount, not both."},
        ),
        ({"hours-1-day": "1"}, {"hours-1-opens": "A local time, 00:00 to 23:59.", "hours-1-closes": None}),
        ({"hours-0-opens": "09:00", "hours-0-closes": "10:00"}, {"hours-0-day": None}),
        ({"hours-0-day": "8", "hours-0-opens": "09:00", "hours-0-closes": "10:00"}, {"hours-0-day": None}),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nothing_is_stored(browser, merchant, changes, wrong):
    BranchFactory(merchant=merchant)
    page = write(browser, **changes)
    assert page.status_code == 200
    said = errors_of(page)
    assert set(said) == set(wrong)
    for name, sentence in wrong.items():
        assert sentence is None or said[name] == sentence
    assert problem_of(page) != ""
    assert not Perk.objects.exists()
    assert 'value="Until 14:00"' in page.content.decode() or "tiers-0-text" in changes


def test_several_mistakes_are_said_at_once(browser):
    page = write(browser, title="", zone="Mars", **{"tiers-0-min_score": "x"})
    assert {"title", "tiers-0-min_score"} <= set(errors_of(page))
    page = write(browser, zone="Mars", categories="ä", **{"tiers-0-percent": "0"})
    assert set(errors_of(page)) == {"zone", "categories"}


def test_no_tier_at_all_is_said_above_the_rows(browser):
    page = write(browser, **{"tiers-0-min_score": "", "tiers-0-text": ""})
    assert "A perk has one to 3 tiers." in text_of(page)
    assert problem_of(page) == "It is not saved yet. Look at the tiers below."
    assert not Perk.objects.exists()


@pytest.mark.parametrize("forged", ["", "x", "4", "1000000"])
def test_rows_that_no_browser_sends_are_refused(browser, forged):
    page = write(browser, **{"tiers-TOTAL_FORMS": forged})
    assert page.status_code == 200
    assert "tiers" in problem_of(page)
    assert not Perk.objects.exists()


def test_from_draft_to_live_by_two_people_and_visible_to_a_citizen(browser, merchant):
    write(browser)
    perk = Perk.objects.get()
    citizen = browser_for(citizen_with(640))
    assert "In review" in text_of(act(browser, perk, "submit"))
    assert "Late check-out" not in text_of(citizen.get("/perks"))
    early = act(browser, perk, "publish")
    assert problem_of(early).startswith("An operator has not approved this perk yet.")
    perk.refresh_from_db()
    assert perk.state == "review"
    operator = browser_for(operator_with("merchants"))
    operator.post("/operator/approve", {"kind": "perk", "id": perk.public_id, "revision": perk.revision})
    assert "It is live." in text_of(act(browser, perk, "publish"))
    assert "Late check-out" in text_of(citizen.get("/perks"))
    act(browser, perk, "pause")
    perk.refresh_from_db()
    assert perk.state == "paused"
    act(browser, perk, "resume")
    assert "Ended" in text_of(act(browser, perk, "end"))
    perk.refresh_from_db()
    assert perk.state == "ended"


def test_the_page_shows_the_actions_its_state_allows_and_no_others(browser, merchant):
    offered = {
        "draft": {"submit", "end", "edit"},
        "review": {"end"},
        "approved": {"publish", "end", "edit"},
        "published": {"pause", "end", "edit"},
        "paused": {"resume", "end", "edit"},
        "ended": set(),
    }
    for state, actions in offered.items():
        perk = PerkFactory(merchant=merchant, state=state)
        page = browser.get(f"/merchant/perks/{perk.public_id}").content.decode()
        every = ("submit", "publish", "pause", "resume", "end", "edit")
        assert {one for one in every if f"/merchant/perks/{perk.public_id}/{one}" in page} == actions


@pytest.mark.parametrize("action", ["submit", "publish", "resume", "end"])
def test_an_action_the_state_forbids_changes_nothing(browser, merchant, action):
    perk = PerkFactory(merchant=merchant, state="ended")
    page = act(browser, perk, action)
    assert problem_of(page).startswith("Its state does not allow this.")
    perk.refresh_from_db()
    assert perk.state == "ended"


def test_an_action_nobody_knows_is_not_there(browser, merchant):
    perk = PerkFactory(merchant=merchant, state="review")
    assert browser.post(f"/merchant/perks/{perk.public_id}/approve").status_code == 404
    perk.refresh_from_db()
    assert perk.state == "review"


def test_what_stands_in_the_way_is_said_before_and_after_pressing(browser, merchant):
    perk = PerkFactory(merchant=merchant, state="draft", fair_terms="", kind="discount")
    assert "write its fair terms" in text_of(browser.get(f"/merchant/perks/{perk.public_id}"))
    refused = act(browser, perk, "submit")
    assert "Write the fair terms: what somebody without a score gets." in problem_of(refused)
    priority = PerkFactory(merchant=merchant, state="draft", kind="priority")
    assert "Add one first." in text_of(browser.get(f"/merchant/perks/{priority.public_id}"))
    assert "add one first" in problem_of(act(browser, priority, "submit"))
    assert set(Perk.objects.values_list("state", flat=True)) == {"draft"}


def test_a_pending_merchant_writes_and_cannot_publish():
    merchant = MerchantFactory(state="pending", approved_at=None)
    browser = browser_for(person_of(merchant, "owner"))
    assert "Waiting for approval." in text_of(browser.get("/merchant"))
    perk = PerkFactory(merchant=merchant, state="approved")
    refused = act(browser, perk, "publish")
    assert "An operator has to approve the merchant first." in problem_of(refused)
    perk.refresh_from_db()
    assert perk.state == "approved"


def test_p4_thresholds_too_close_are_named_with_the_other_perk(browser, merchant):
    PerkFactory(merchant=merchant, tiers=[scored_tier(620)], title="Upgrade")
    perk = PerkFactory(merchant=merchant, state="approved", tiers=[scored_tier(600)])
    refused = act(browser, perk, "publish")
    assert "600 is too near the 620 of “Upgrade”. Use 620, or keep 40 points away from it." in problem_of(refused)
    assert not ThresholdUse.objects.filter(perk=perk).exists()


def test_p4_a_threshold_nobody_can_reach_names_the_highest(browser, merchant):
    highest = assessments.maximum_of("travel")
    too_high = (highest // 10 + 1) * 10
    perk = PerkFactory(merchant=merchant, state="approved", tiers=[scored_tier(too_high)])
    assert f"the highest is {highest}." in problem_of(act(browser, perk, "publish"))


def test_p4_a_moved_threshold_waits_and_is_said_beside_its_row(browser, merchant):
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600)])
    ThresholdUse.objects.filter(perk=perk).update(used_until=timezone.now() - timedelta(days=1))
    ThresholdUse.objects.create(
        merchant=merchant, purpose="travel", perk=perk, min_score=650, used_from=timezone.now() - timedelta(days=1)
    )
    page = edit(browser, perk, **{"tiers-0-min_score": "700"})
    assert "They may move again from" in problem_of(page)
    page = edit(browser, perk, **{"tiers-0-min_score": "630"})
    assert errors_of(page)["tiers-0-min_score"].startswith("630 is too near the 6")
    perk.refresh_from_db()
    assert perk.pending is None


def test_a_change_that_binds_waits_and_the_rest_is_there_at_once(browser, merchant):
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600, "Until 14:00")], terms="Until 14:00.")
    edit(browser, perk, stock="99", terms="Until 15:00.")
    perk.refresh_from_db()
    assert (perk.stock, perk.in_force.terms, perk.pending.terms) == (99, "Until 14:00.", "Until 15:00.")
    said = text_of(browser.get(f"/merchant/perks/{perk.public_id}"))
    assert "Version 2 waits for approval" in said
    assert "Until 15:00." in said
    assert "A change waits for approval" in said


def test_two_people_who_opened_the_same_page_cannot_both_save_it(browser, merchant):
    perk = PerkFactory(merchant=merchant, state="draft")
    first = form_of(perk, title="First")
    second = form_of(perk, title="Second")
    address = f"/merchant/perks/{perk.public_id}/edit"
    assert browser.post(address, first).status_code == 302
    refused = browser.post(address, second)
    assert "It has changed meanwhile." in problem_of(refused)
    perk.refresh_from_db()
    assert perk.pending.title == "First"
    assert AuditEvent.objects.filter(action="perk.edit").count() == 1


def test_a_branch_that_closed_stays_named_until_it_is_unticked(browser, merchant):
    open_one, closed = BranchFactory.create_batch(2, merchant=merchant)
    perk = PerkFactory(merchant=merchant, state="draft", branches=[open_one, closed])
    closed.closed_at = timezone.now()
    closed.save()
    assert closed.name in text_of(browser.get(f"/merchant/perks/{perk.public_id}/edit"))
    edit(browser, perk, branches=[open_one.public_id, closed.public_id])
    assert perk.branches.count() == 2


def test_the_list_is_narrowed_by_state(browser, merchant):
    PerkFactory(merchant=merchant, title="Shown", tiers=[open_tier()])
    PerkFactory(merchant=merchant, title="Hidden", state="draft")
    assert "Hidden" not in text_of(browser.get("/merchant/perks?state=published"))
    assert "None of your perks is in this state." in text_of(browser.get("/merchant/perks?state=ended"))
    assert "Hidden" in text_of(browser.get("/merchant/perks?state=nonsense"))
