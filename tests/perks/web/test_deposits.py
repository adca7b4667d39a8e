"""The pages of deposit agreements: the citizen's, the desk's and the operators'."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from perks.models import DepositAgreement, Perk
from perks.web.deposit_words import money_text, steps_of
from scores.models import Inquiry
from tests.factories.deposits import accepted, active, claimed, contested, rental, returned, somebody, waiver_perk
from tests.factories.disputes import photograph
from tests.factories.people import browser_for, operator_with
from tests.factories.perks import BranchFactory, MemberFactory, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def state_of(agreement):
    return DepositAgreement.objects.get(pk=agreement.pk).state


def text_of(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def key():
    return {"idempotency_key": uuid4().hex}


def rows(*items):
    """The claim form's rows as a browser sends them."""
    form = {"items-TOTAL_FORMS": "5", "items-INITIAL_FORMS": "0"}
    for place in range(5):
        text, amount = items[place] if place < len(items) else ("", "")
        form |= {f"items-{place}-text": text, f"items-{place}-amount": amount}
    return form


def test_a_waiver_is_taken_and_accepted_on_its_pages():
    perk, citizen = waiver_perk(), somebody()
    browser, branch = browser_for(citizen), perk.merchant.branches.get()
    page = text_of(browser.get(f"/perks/{perk.public_id}"))
    assert "compact: deposit 500.00" in page
    assert "at most 300.00" in page
    form = {"date": "2026-11-23", "until": "2026-11-25", "branch": branch.public_id, "vehicle_class": "compact"}
    taken = browser.post(f"/perks/{perk.public_id}/take", form | key())
    agreement = DepositAgreement.objects.get()
    assert taken.headers["Location"] == f"/deposits/{agreement.public_id}"
    page = text_of(browser.get(taken.headers["Location"]))
    assert "Accept these terms" in page
    assert "300.00" in page
    sent = key()
    for _ in range(2):  # a double tap
        answer = browser.post(f"/deposits/{agreement.public_id}/accept", sent)
        assert answer.status_code == 302
    assert state_of(agreement) == "accepted"
    assert "Show your code at the pick-up" in text_of(browser.get(f"/deposits/{agreement.public_id}"))
    assert agreement.public_id in text_of(browser.get("/deposits"))


def test_a_slip_in_the_days_is_said_beside_them():
    perk = waiver_perk()
    form = {"date": "2026-11-23", "until": "2026-11-22", "branch": perk.merchant.branches.get().public_id}
    answer = browser_for(somebody()).post(f"/perks/{perk.public_id}/take", form | {"vehicle_class": "compact"} | key())
    assert "The return is not before the pick-up." in text_of(answer)
    assert not DepositAgreement.objects.exists()


def test_the_desk_hands_over_takes_back_and_claims_with_photographs():
    agreement = accepted()
    cashier = browser_for(person_of(agreement.merchant, "cashier"))
    assert "R-17" in text_of(cashier.get("/merchant/deposits"))
    address = f"/merchant/deposits/{agreement.public_id}"
    assert "Record the pick-up" in text_of(cashier.get(address))
    cashier.post(f"{address}/pick-up", key())
    assert state_of(agreement) == "active"
    assert "Undo the pick-up" in text_of(cashier.get(address))
    cashier.post(f"{address}/return", key())
    assert state_of(agreement) == "returned"
    assert "Claim a damage" not in text_of(cashier.get(address))

    manager = browser_for(person_of(agreement.merchant, "manager"))
    assert "Claim a damage" in text_of(manager.get(address))
    form = rows(("A scratch", "120.00"), ("Mud", "30")) | {"photographs": [photograph(1), photograph(2)]}
    assert manager.post(f"{address}/claim", form | key()).status_code == 302
    stored = DepositAgreement.objects.get(pk=agreement.pk)
    assert (stored.state, stored.claimed_amount, stored.files.count()) == ("claimed", 15_000, 2)
    file = stored.files.first()
    assert manager.get(f"{address}/files/{file.public_id}").status_code == 200


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([], "Name 1 to 20 items."),
        ([("A scratch", "")], "This field is required."),
        ([("All of it", "300.01")], "A claim cannot be above the cap"),
    ],
)
def test_a_claim_that_is_none_is_said_and_nothing_changes(items, sentence):
    agreement = returned()
    manager = browser_for(person_of(agreement.merchant, "manager"))
    answer = manager.post(f"/merchant/deposits/{agreement.public_id}/claim", rows(*items) | key())
    assert answer.status_code == 200
    assert sentence in text_of(answer)
    assert state_of(agreement) == "returned"


def test_a_claim_is_contested_on_its_page_until_its_deadline():
    agreement = claimed(photographs=[photograph(1)])
    browser, address = browser_for(agreement.citizen), f"/deposits/{agreement.public_id}"
    page = text_of(browser.get(address))
    assert "You can contest it until" in page
    assert "Photograph 1" in page
    with time_machine.travel(NOW + timedelta(days=5), tick=False):
        answer = browser.post(f"{address}/contest", {"statement": "No."} | key())
        assert "72 hours" in text_of(answer)
        assert "It is on record; no card was charged here." in text_of(browser.get(address))
    assert state_of(agreement) == "claimed"
    answer = browser.post(f"{address}/contest", {"statement": "No.", "evidence": [photograph(2)]} | key())
    assert answer.status_code == 302
    assert state_of(agreement) == "contested"


def test_an_operator_decides_and_both_sides_read_why():
    agreement = contested(evidence=[photograph(3)])
    operator = operator_with("disputes")
    browser = browser_for(operator)
    assert agreement.public_id in text_of(browser.get("/operator/claims"))
    address = f"/operator/claims/{agreement.public_id}"
    assert "It was there before." in text_of(browser.get(address))
    assert Inquiry.objects.filter(what="file_opened").count() == 1
    answer = browser.post(f"{address}/decide", {"amount": "120.01", "reason": "So."})
    assert "what is claimed" in text_of(answer)
    assert state_of(agreement) == "contested"
    browser.post(f"{address}/decide", {"amount": "40.00", "reason": "Half of it is old."})
    assert DepositAgreement.objects.get(pk=agreement.pk).settled_amount == 4_000
    for reader, page in (
        (agreement.citizen, f"/deposits/{agreement.public_id}"),
        (person_of(agreement.merchant), f"/merchant/deposits/{agreement.public_id}"),
    ):
        assert "Half of it is old." in text_of(browser_for(reader).get(page))


def test_a_party_among_the_operators_neither_sees_nor_opens_a_claim():
    agreement = contested()
    operator = operator_with("disputes")
    MemberFactory(merchant=agreement.merchant, citizen=operator)
    browser = browser_for(operator)
    assert agreement.public_id not in text_of(browser.get("/operator/claims"))
    answer = browser.get(f"/operator/claims/{agreement.public_id}")
    assert answer.status_code == 302
    assert not Inquiry.objects.filter(what="file_opened").exists()


def test_an_agreement_that_was_not_contested_is_not_there_for_operators():
    agreement = active()
    assert browser_for(operator_with("disputes")).get(f"/operator/claims/{agreement.public_id}").status_code == 404


def test_a_waiver_is_written_on_the_perk_s_form():
    merchant = rental()
    BranchFactory(merchant=merchant)
    browser = browser_for(person_of(merchant))
    form = {
        "kind": "deposit_waiver",
        "title": "No deposit",
        "fair_terms": "The usual deposit.",
        "zone": "Europe/Lisbon",
        "hold_minutes": "1440",
        "per_citizen": "1",
        "on_cancel": "all",
        "on_expiry": "all",
        "on_reversal": "nothing",
        "tiers-TOTAL_FORMS": "3",
        "tiers-INITIAL_FORMS": "0",
        "tiers-0-min_score": "600",
        "tiers-0-waived_percent": "100",
        "hours-TOTAL_FORMS": "0",
        "hours-INITIAL_FORMS": "0",
        "classes-TOTAL_FORMS": "3",
        "classes-INITIAL_FORMS": "0",
        "classes-0-code": "compact",
        "classes-0-full": "500.00",
        "classes-0-claim_cap": "",
        "items-TOTAL_FORMS": "3",
        "items-INITIAL_FORMS": "0",
        "max_days": "14",
    }
    answer = browser.post("/merchant/perks/new", form)
    assert answer.status_code == 200
    assert "Look at the deposit below." in text_of(answer)
    assert not Perk.objects.exists()
    answer = browser.post("/merchant/perks/new", form | {"classes-0-claim_cap": "300"})
    assert answer.status_code == 302
    deposit = Perk.objects.get().pending.deposit
    assert deposit["classes"][0]["claim_cap"] == {"amount": 30_000, "currency": "EUR"}
    assert (deposit["max_days"], deposit["remainder_items"]) == (14, [])
    edit = text_of(browser.get(f"/merchant/perks/{Perk.objects.get().public_id}/edit"))
    assert 'value="300.00"' in edit
    assert 'value="14"' in edit


def test_money_is_written_with_its_currency_s_own_decimals():
    assert money_text({"amount": 1_250_00, "currency": "EUR"}) == "1\u202f250.00\u00a0EUR"
    assert money_text({"amount": 1250, "currency": "JPY"}) == "1\u202f250\u00a0JPY"
    assert money_text(None) == ""


def test_the_steps_of_what_was_never_picked_up_end_where_it_ended():
    line = dict.fromkeys(
        ("accepted_at", "picked_up_at", "returned_at", "late_days", "claim", "contest", "settled"), None
    )
    steps = steps_of(line | {"state": "expired", "ended_at": "2026-11-24T00:00:00Z"})
    assert [(step["title"], step["place"]) for step in steps] == [("Not picked up in time", "done")]
