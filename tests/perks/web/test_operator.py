"""The operators' queue: what waits, and that each decision is somebody's, about what they have read."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citizen_app.accounts.operators import grant_role
from citizen_app.models import AuditEvent
from perks.models import Merchant, RegistryNumber
from perks.services.catalogue import edit_perk
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.perks import (
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    enterprise,
    person_of,
    reservation,
    scored_tier,
)
from tests.perks.web.merchant.pages import problem_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db):
    return operator_with("merchants")


@pytest.fixture
def browser(operator):
    return browser_for(operator)


def pending(**fields):
    merchant = MerchantFactory(state="pending", approved_at=None, **fields)
    MemberFactory(merchant=merchant, role="owner", citizen=CitizenFactory(email=f"owner@{merchant.pk}.example"))
    return merchant


def approve(browser, what, thing, **sent):
    return browser.post("/operator/approve", {"kind": what, "id": thing.public_id} | sent, follow=True)


def refuse(browser, what, thing, **sent):
    return browser.post("/operator/refuse", {"kind": what, "id": thing.public_id} | sent, follow=True)


def test_only_operators_with_a_second_factor_come_in():
    assert Client().get("/operator").headers["Location"].startswith("/accounts/login/")
    assert browser_for(CitizenFactory()).get("/operator").status_code == 403
    without = CitizenFactory(verified=True, password=True)
    grant_role(citizen=without, role="merchants", by=None)
    asked = browser_for(without, second_factor=False).get("/operator")
    assert asked.status_code == 302
    assert asked.headers["Location"] == "/accounts/2fa/totp/activate/?next=%2Foperator"


def test_other_operators_are_led_to_their_own_work_and_decide_nothing_here():
    merchant = pending()
    support = browser_for(operator_with("support"))
    assert support.get("/operator").headers["Location"] == "/operator/document-check"
    assert support.post("/operator/approve", {"kind": "merchant", "id": merchant.public_id}).status_code == 403
    assert support.post("/operator/refuse", {"kind": "merchant", "id": merchant.public_id}).status_code == 403
    disputes = browser_for(operator_with("disputes")).get("/operator")
    assert merchant.name not in text_of(disputes)
    merchant.refresh_from_db()
    assert merchant.state == "pending"


def test_the_queue_shows_who_applied_and_what_is_asked(browser):
    merchant = pending(name="Pensão Aurora", website="https://aurora.example")
    PerkFactory(merchant=merchant, state="review", title="Sea view", tiers=[scored_tier(640, "A room above")])
    PerkFactory(state="draft", title="Not yet sent")
    said = text_of(browser.get("/operator"))
    assert "2 to decide" in said
    assert f"Applicant owner@{merchant.pk}.example" in said
    assert "Sea view Pensão Aurora, discount" in said
    assert "from 640: A room above" in said
    assert "Not yet sent" not in said


def test_a_merchant_is_let_in_by_name(operator, browser):
    merchant = pending()
    assert f"{merchant.name} is approved." in text_of(approve(browser, "merchant", merchant))
    merchant.refresh_from_db()
    assert merchant.state == "active"
    event = AuditEvent.objects.get(action="merchant.approve")
    assert (event.actor, event.object) == (f"person:{operator.pk}", merchant.public_id)


def test_a_refusal_needs_a_reason_and_its_merchant_reads_it(browser):
    merchant = pending()
    silent = refuse(browser, "merchant", merchant, reason="  ")
    assert problem_of(silent) == "Nothing was decided. Say why: they will read it."
    assert Merchant.objects.get().state == "pending"
    refuse(browser, "merchant", merchant, reason="The registry does not know it.")
    assert Merchant.objects.get().state == "closed"
    owner = browser_for(merchant.members.get().citizen)
    assert "An operator wrote: The registry does not know it." in text_of(owner.get("/merchant"))


def test_a_decision_is_made_once(browser):
    merchant = pending()
    approve(browser, "merchant", merchant)
    late = refuse(browser, "merchant", merchant, reason="No")
    assert problem_of(late).startswith("Its state does not allow this.")
    assert Merchant.objects.get().state == "active"


def test_a_perk_is_approved_as_it_was_read(browser):
    perk = PerkFactory(state="review", title="Sea view")
    assert "“Sea view” is approved." in text_of(approve(browser, "perk", perk, revision=perk.revision))
    perk.refresh_from_db()
    assert (perk.state, perk.in_force.title, perk.pending) == ("approved", "Sea view", None)


def test_a_perk_goes_back_with_a_reason_its_team_reads(browser):
    perk = PerkFactory(state="review")
    refuse(browser, "perk", perk, revision=perk.revision, reason="Say the hours.")
    perk.refresh_from_db()
    assert (perk.state, perk.refusal) == ("draft", "Say the hours.")
    manager = browser_for(person_of(perk.merchant, "manager"))
    assert "An operator sent it back: Say the hours." in text_of(manager.get(f"/merchant/perks/{perk.public_id}"))


def test_a_change_of_a_live_perk_is_shown_beside_what_is_in_force(browser):
    perk = PerkFactory(terms="Until 14:00.", title="Late check-out")
    edit_perk(perk=perk, by=person_of(perk.merchant, "manager"), body={"terms": "Until 15:00."})
    perk.refresh_from_db()
    said = text_of(browser.get("/operator"))
    assert "version 2 of a perk in force" in said
    assert "What changes: terms ." in said
    assert (
        said.index("In force now") < said.index("Until 14:00.") < said.index("Asked for") < said.index("Until 15:00.")
    )
    approve(browser, "perk", perk, revision=perk.revision)
    perk.refresh_from_db()
    assert (perk.state, perk.in_force.terms) == ("published", "Until 15:00.")


def test_what_changed_since_it_was_read_is_not_approved_unread(browser):
    perk = PerkFactory(terms="Until 14:00.")
    manager = person_of(perk.merchant, "manager")
    edit_perk(perk=perk, by=manager, body={"terms": "Until 15:00."})
    perk.refresh_from_db()
    read = perk.revision
    edit_perk(perk=perk, by=manager, body={"terms": "Until 10:00."})
    late = approve(browser, "perk", perk, revision=read)
    assert "It has changed meanwhile." in problem_of(late)
    assert "changed meanwhile" in problem_of(refuse(browser, "perk", perk, revision=read, reason="No"))
    perk.refresh_from_db()
    assert (perk.in_force.terms, perk.pending.terms) == ("Until 14:00.", "Until 10:00.")


def test_nobody_decides_on_their_own_merchant(operator, browser):
    merchant = pending()
    MemberFactory(merchant=merchant, citizen=operator, role="cashier")
    perk = PerkFactory(merchant=merchant, state="review")
    for what, thing in (("merchant", merchant), ("perk", perk)):
        refused = approve(browser, what, thing)
        assert problem_of(refused).startswith("You belong to this merchant's team")
        assert "You belong" in problem_of(refuse(browser, what, thing, reason="No"))
    perk.refresh_from_db()
    assert (Merchant.objects.get().state, perk.state) == ("pending", "review")


@pytest.mark.parametrize("sent", [{}, {"kind": "citizen", "id": "cit_1"}, {"kind": "merchant"}])
def test_a_decision_on_nothing_decides_nothing(browser, sent):
    pending()
    assert problem_of(browser.post("/operator/approve", sent)).startswith("Nothing was decided.")
    assert Merchant.objects.get().state == "pending"


def test_what_is_not_there_is_not_there(browser):
    assert browser.post("/operator/approve", {"kind": "perk", "id": "perk_nothing"}).status_code == 404
    assert browser.post("/operator/approve", {"kind": "merchant", "id": "mer_nothing"}).status_code == 404


def test_p4_the_back_office_shows_no_value_of_anybody(browser):
    citizen = citizen_with(737)
    perk = PerkFactory(tiers=[scored_tier(690)])
    reservation(citizen, perk)
    edit_perk(perk=perk, by=person_of(perk.merchant, "manager"), body={"terms": "New."})
    MemberFactory(merchant=pending(), citizen=citizen, role="owner")
    page = browser.get("/operator")
    assert "737" not in text_of(page)


def test_the_queue_costs_the_same_at_any_length(browser, django_assert_num_queries):
    def more():
        for _ in range(3):
            PerkFactory(merchant=pending(), state="review")

    more()
    browser.get("/operator")
    with CaptureQueriesContext(connection) as captured:
        browser.get("/operator")
    few = len(captured)
    more()
    with django_assert_num_queries(few):
        browser.get("/operator")


def test_a_stated_number_is_shown_with_whom_the_register_knows_by_it(browser):
    kitchen = enterprise({"on": date(2026, 10, 1), "mark": 60}, name="Riverside Diner")
    merchant = pending(name="Pensão Aurora")
    RegistryNumber.objects.create(merchant=merchant, register="food", number=kitchen.number, stated_at=timezone.now())
    shown = text_of(browser.get("/operator"))
    assert "Riverside Diner" in shown
    assert "Penalty not remedied" in shown
    assert "Another name than the merchant’s" in shown
    Merchant.objects.filter(pk=merchant.pk).update(name="Riverside  diner")
    assert "Another name than the merchant’s" not in text_of(browser.get("/operator"))
    RegistryNumber.objects.filter(merchant=merchant).update(number="999")
    assert "This register knows nobody under that number." in text_of(browser.get("/operator"))
    RegistryNumber.objects.filter(merchant=merchant).update(register="")
    assert "This register is not read here" in text_of(browser.get("/operator"))
