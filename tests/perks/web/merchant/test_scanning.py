"""The desk: what the page says to every outcome, and taking a scan back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.models import Redemption, Scan
from perks.services.redemptions import cancel_redemption
from perks.services.showing import secrets_of, shown_pass
from scores.models import Inquiry
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, person_of, reservation
from tests.factories.scores import EnrolmentFactory
from tests.perks.web.merchant.pages import errors_of, hidden, problem_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory(name="Hotel Foz")


@pytest.fixture
def cashier(merchant):
    return person_of(merchant, "cashier")


@pytest.fixture
def desk(cashier):
    return browser_for(cashier)


@pytest.fixture
def held(merchant):
    guest = EnrolmentFactory(citizen=CitizenFactory(first_name="Inês")).citizen
    return reservation(guest, PerkFactory(merchant=merchant, title="Late check-out"))


def scan(desk, shown, **sent):
    nonce = hidden(desk.get("/merchant/scan"), "nonce")
    return desk.post("/merchant/scan", {"code": shown, "nonce": nonce} | sent)


def test_a_typed_code_is_accepted_and_names_what_to_give(desk, held):
    page = scan(desk, secrets_of(held).code.lower())
    said = text_of(page)
    assert "Accepted Late check-out for Inês" in said
    assert "Give A coffee" in said
    assert 'class="result ok" role="alert"' in page.content.decode()
    held.refresh_from_db()
    assert held.state == "redeemed"
    assert Scan.objects.get().typed
    assert Inquiry.objects.get(enrolment_id=held.citizen_id).what == "scan"


def test_a_pasted_pass_is_known_by_how_it_begins(desk, held):
    whole = shown_pass(held, at=timezone.now())
    assert "Accepted" in text_of(scan(desk, f"  {whole.lower()} "))
    assert not Scan.objects.get().typed


def test_an_old_picture_tells_nothing_of_the_perk(desk, held):
    page = scan(desk, shown_pass(held, at=timezone.now() - timedelta(minutes=5)))
    said = text_of(page).split("Last scans")[0]
    assert "Old picture Nothing is told of it" in said
    assert "Late check-out" not in said
    assert "Inês" not in text_of(page)


def test_the_same_page_sent_twice_is_one_scan(desk, held):
    sent = {"code": secrets_of(held).code, "nonce": "one-page-one-scan"}
    first, second = (desk.post("/merchant/scan", sent) for _ in range(2))
    assert "Accepted" in text_of(first)
    assert "Accepted" in text_of(second)
    assert Scan.objects.count() == 1


def test_each_page_has_a_nonce_of_its_own(desk):
    assert hidden(desk.get("/merchant/scan"), "nonce") != hidden(desk.get("/merchant/scan"), "nonce")


def test_a_code_used_before_says_so(desk, held):
    code = secrets_of(held).code
    scan(desk, code)
    assert "Already used Late check-out for Inês" in text_of(scan(desk, code))
    assert Scan.objects.filter(outcome="accepted").count() == 1


def test_a_cancelled_code_names_nobody(desk, held):
    cancel_redemption(redemption=held)
    page = scan(desk, secrets_of(held).code)
    assert "Cancelled Late check-out" in text_of(page)
    assert "Inês" not in text_of(page)


def test_another_merchants_code_is_answered_like_one_nobody_has(desk):
    strangers = reservation(perk=PerkFactory(title="Their own"))
    pages = [scan(desk, secrets_of(strangers).code), scan(desk, "AAAAA-AAAAA")]
    said = [text_of(page).split("Next scan")[0] for page in pages]
    assert "Unknown code No perk of Hotel Foz answers to it" in said[0]
    assert said[0] == said[1]
    assert list(Scan.objects.order_by("id").values_list("outcome", flat=True)) == ["wrong_merchant", "unknown_code"]
    assert "Their own" not in pages[1].content.decode()


def test_after_five_wrong_codes_only_passes_are_read(desk, held):
    for _ in range(5):
        scan(desk, "AAAAA-AAAAA")
    code = scan(desk, secrets_of(held).code)
    assert code.status_code == 429
    assert "Type a code again in 10 minutes." in problem_of(code)
    assert held.scans.count() == 0
    assert "Accepted" in text_of(scan(desk, shown_pass(held, at=timezone.now())))


def test_nothing_typed_is_no_scan(desk):
    page = scan(desk, "  ")
    assert errors_of(page) == {"code": "Type the code, or scan the pass."}
    assert not Scan.objects.exists()


def test_text_that_is_not_what_it_looks_like_is_refused_beside_the_field(desk):
    page = scan(desk, "CA1:\u202eABC")
    assert errors_of(page) == {"code": "The text contains a character that turns its direction."}
    assert not Scan.objects.exists()


def test_a_nonce_nobody_made_is_replaced_and_nothing_scanned(desk, held):
    page = desk.post("/merchant/scan", {"code": secrets_of(held).code, "nonce": "x"})
    assert not Scan.objects.exists()
    assert len(hidden(page, "nonce")) == 32


def test_where_there_are_several_branches_the_desk_says_which_and_is_remembered(desk, merchant, held):
    here = BranchFactory(merchant=merchant, name="Foz", zone="Atlantic/Azores")
    BranchFactory(merchant=merchant, name="Ribeira")
    missing = scan(desk, secrets_of(held).code)
    assert errors_of(missing) == {"branch": "Say at which branch this is."}
    assert "Accepted" in text_of(scan(desk, secrets_of(held).code, branch=here.public_id))
    assert Scan.objects.get().branch == here
    again = desk.get("/merchant/scan").content.decode()
    assert f'value="{here.public_id}" selected' in again


def test_a_strangers_branch_is_no_choice(desk, merchant, held):
    BranchFactory.create_batch(2, merchant=merchant)
    page = scan(desk, secrets_of(held).code, branch=BranchFactory().public_id)
    assert "branch" in errors_of(page)
    assert not Scan.objects.exists()


def test_an_undo_puts_it_back_as_if_it_had_not_been(desk, held):
    page = scan(desk, secrets_of(held).code)
    assert "Undo, until" in text_of(page)
    done = desk.post(f"/merchant/scan/{held.public_id}/undo", follow=True)
    assert "Undone." in text_of(done)
    held.refresh_from_db()
    assert held.state == "reserved"
    assert "Undone" in text_of(desk.get("/merchant/scan")).split("Last scans")[-1]
    assert "Accepted" in text_of(scan(desk, secrets_of(held).code))


def test_a_cashier_does_not_undo_anothers_scan(desk, merchant, held):
    other = browser_for(person_of(merchant, "cashier"))
    scan(desk, secrets_of(held).code)
    assert other.post(f"/merchant/scan/{held.public_id}/undo").status_code == 404
    held.refresh_from_db()
    assert held.state == "redeemed"


def test_after_ten_minutes_a_manager_is_asked_for_a_reason_and_a_cashier_refused(desk, merchant, held):
    scan(desk, secrets_of(held).code)
    Scan.objects.update(received_at=timezone.now() - timedelta(minutes=11))
    late = desk.post(f"/merchant/scan/{held.public_id}/undo", follow=True)
    assert "a manager can reverse it" in text_of(late)
    manager = browser_for(person_of(merchant, "manager"))
    asked = manager.post(f"/merchant/scan/{held.public_id}/undo", follow=True)
    assert "Give a reason to reverse it." in text_of(asked)
    assert asked.redirect_chain[-1][0] == f"/merchant/redemptions/{held.public_id}"
    assert Redemption.objects.get(pk=held.pk).state == "redeemed"


def test_the_desk_lists_its_own_scans_only(desk, merchant, held):
    other = browser_for(person_of(merchant, "cashier"))
    scan(other, secrets_of(held).code)
    assert "No scan yet." in text_of(desk.get("/merchant/scan"))
    assert "Accepted" in text_of(other.get("/merchant/scan"))
