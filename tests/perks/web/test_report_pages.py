"""Reporting a perk on its page, the reader's own reports, and the operators' pages of cases and merchants."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from perks.models import Merchant, Perk, RegistryNumber, Report, ReportCase
from perks.services.catalogue import hold_perk
from perks.services.reporting import report_perk
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, citizen_with, enterprise
from tests.perks.web.merchant.pages import errors_of, problem_of, text_of

pytestmark = pytest.mark.django_db
SAID = {"ground": "coerced", "statement": "They made me.\r\nTwice."}


@pytest.fixture
def operator(db):
    return operator_with("merchants")


@pytest.fixture
def back_office(operator):
    return browser_for(operator)


def report(perk, **said):
    return report_perk(perk=perk, by=CitizenFactory(), **({"ground": "other", "statement": "It was closed."} | said))


def act(browser, merchant, **sent):
    return browser.post(f"/operator/merchants/{merchant.public_id}/act", sent, follow=True)


def test_a_reader_reports_on_the_perk_s_page_and_finds_it_among_their_own():
    perk, browser = PerkFactory(), browser_for(citizen_with())
    assert f"/perks/{perk.public_id}/report" in browser.get(f"/perks/{perk.public_id}").content.decode()
    assert "The merchant never learns that it was you." in text_of(browser.get(f"/perks/{perk.public_id}/report"))
    done = browser.post(f"/perks/{perk.public_id}/report", SAID, follow=True)
    assert "An operator will read it." in text_of(done)
    assert "They made me. Twice." in text_of(done)
    assert Report.objects.get().statement == "They made me.\nTwice."
    twice = browser.post(f"/perks/{perk.public_id}/report", SAID)
    assert problem_of(twice).startswith("You have reported this perk already.")
    assert Report.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"statement": "x"}, "ground"), ({"ground": "other"}, "statement"), (SAID | {"ground": "x"}, "ground")],
)
def test_a_slip_is_said_beside_its_field_and_reports_nothing(sent, field):
    perk = PerkFactory()
    answer = browser_for(citizen_with()).post(f"/perks/{perk.public_id}/report", sent)
    assert field in errors_of(answer) or field in answer.content.decode()
    assert not Report.objects.exists()


def test_the_queue_shows_what_is_said_and_not_by_whom(back_office):
    perk = PerkFactory(title="Sea view")
    for name in ("Quirina", "Zenobia"):
        report_perk(perk=perk, by=CitizenFactory(first_name=name), ground="coerced", statement=f"Said {name[0]}.")
    page = back_office.get("/operator/reports")
    said = text_of(page)
    assert "1 case to decide" in said
    assert "2 reports since" in said
    assert ("Said Q." in said, "Said Z." in said) == (True, True)
    assert ("Quirina" in said, "Zenobia" in said) == (False, False)


@pytest.mark.parametrize(
    ("decision", "state", "perk_state", "merchant_state"),
    [
        ("dismiss", "dismissed", "published", "active"),
        ("pause", "perk_paused", "paused", "active"),
        ("suspend", "merchant_suspended", "published", "suspended"),
    ],
)
def test_a_case_is_decided_with_a_reason_its_reporters_read(back_office, decision, state, perk_state, merchant_state):
    perk, citizen = PerkFactory(), citizen_with()
    case = report_perk(perk=perk, by=citizen, ground="other", statement="It was closed.").case
    address = f"/operator/reports/{case.public_id}/decide"
    assert problem_of(back_office.post(address, {"decision": decision, "reason": " "})).startswith(
        "Nothing was decided."
    )
    assert ReportCase.objects.get().state == "open"
    back_office.post(address, {"decision": decision, "reason": "We asked them."}, follow=True)
    found = (ReportCase.objects.get().state, Perk.objects.get().state, Merchant.objects.get().state)
    assert found == (state, perk_state, merchant_state)
    assert "We asked them." in text_of(browser_for(citizen).get("/me/reports"))
    late = back_office.post(address, {"decision": "dismiss", "reason": "No."})
    assert problem_of(late).startswith("Its state does not allow this.")


def test_the_cases_cost_the_same_at_any_length(back_office, django_assert_num_queries):
    report(PerkFactory())
    back_office.get("/operator/reports")
    with CaptureQueriesContext(connection) as captured:
        back_office.get("/operator/reports")
    for _ in range(3):
        perk = PerkFactory()
        report(perk)
        report(perk)
    with django_assert_num_queries(len(captured)):
        back_office.get("/operator/reports")


def test_a_merchant_is_suspended_reinstated_and_closed_by_name(operator, back_office):
    merchant = MerchantFactory(name="Pensão Aurora")
    perk = PerkFactory(merchant=merchant)
    assert "Pensão Aurora" in text_of(back_office.get("/operator/merchants?q=aurora"))
    silent = act(back_office, merchant, act="suspend", reason=" ")
    assert problem_of(silent) == "Nothing was changed. Say why: its team reads it."
    assert Merchant.objects.get().state == "active"
    assert "is suspended" in text_of(act(back_office, merchant, act="suspend", reason="They did not answer."))
    assert Merchant.objects.get().refusal == "They did not answer."
    assert "is reinstated" in text_of(act(back_office, merchant, act="reinstate"))
    assert "is closed" in text_of(act(back_office, merchant, act="close", reason="They asked us to."))
    perk.refresh_from_db()
    assert (Merchant.objects.get().state, perk.state) == ("closed", "ended")
    assert problem_of(act(back_office, merchant, act="reinstate")).startswith("Its state does not allow this.")


def test_an_operator_confirms_a_number_and_takes_it_away(back_office):
    merchant, kitchen = MerchantFactory(), enterprise({"mark": 60})
    act(back_office, merchant, act="add", register="food", number=kitchen.number)
    merchant.refresh_from_db()
    assert merchant.standing_state == "suspended"
    assert "Penalty not remedied" in text_of(back_office.get(f"/operator/merchants/{merchant.public_id}"))
    act(back_office, merchant, act="remove", id=RegistryNumber.objects.get().public_id)
    merchant.refresh_from_db()
    assert (merchant.standing_state, RegistryNumber.objects.exists()) == ("good", False)
    assert problem_of(act(back_office, merchant, act="add", register="nowhere", number="1")).startswith(
        "There is no register"
    )


def test_a_held_perk_is_let_go_on(operator, back_office):
    perk = PerkFactory(title="Sea view")
    hold_perk(perk=perk, by=operator, reason="Say the hours.")
    assert "Say the hours." in text_of(back_office.get(f"/operator/merchants/{perk.merchant.public_id}"))
    act(back_office, perk.merchant, act="release", id=perk.public_id)
    perk.refresh_from_db()
    assert (perk.state, perk.hold_reason) == ("paused", "")


def test_nobody_acts_on_their_own_merchant(operator, back_office):
    merchant = MerchantFactory()
    MemberFactory(merchant=merchant, citizen=operator)
    for sent in ({"act": "suspend", "reason": "No."}, {"act": "add", "number": "1"}, {"act": "close", "reason": "No."}):
        assert problem_of(act(back_office, merchant, **sent)).startswith("You belong to this merchant's team")
    assert (Merchant.objects.get().state, RegistryNumber.objects.exists()) == ("active", False)


def test_another_merchant_s_perk_and_number_are_not_there(operator, back_office):
    perk = hold_perk(perk=PerkFactory(), by=operator, reason="Say the hours.")
    merchant = MerchantFactory()
    assert act(back_office, merchant, act="release", id=perk.public_id).status_code == 404
    enterprise(merchant=perk.merchant)
    stated = RegistryNumber.objects.get()
    assert act(back_office, merchant, act="remove", id=stated.public_id).status_code == 404
    assert RegistryNumber.objects.exists()


def test_the_application_carries_number_contact_branches_and_a_warning(back_office):
    MerchantFactory(name="Hotel Aurora")
    applicant = browser_for(CitizenFactory(verified=True))
    sent = {
        "name": "Hote1 Aurora",
        "sector": "hotel",
        "country": "pt",
        "key": "a-key",
        "registry_number": "PT-501442600",
    }
    applicant.post("/merchant/apply", sent | {"contact_person": "Rosa Lima"}, follow=True)
    BranchFactory(merchant=Merchant.objects.get(state="pending"), name="At the river", iata="LIS")
    said = text_of(back_office.get("/operator"))
    for words in (
        "The name reads like Hotel Aurora , which is a merchant here.",
        "PT-501442600, register of companies",
        "Contact Rosa Lima",
        "At the river (LIS)",
    ):
        assert words in said, words
