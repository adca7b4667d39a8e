"""What was taken, as its desk reads it; and taking a scan back with a reason."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.models import Redemption, Scan
from perks.services.redemptions import cancel_redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, person_of, reservation
from tests.factories.scores import EnrolmentFactory
from tests.perks.web.merchant.pages import errors_of, problem_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


def guest(name):
    return EnrolmentFactory(citizen=CitizenFactory(first_name=name)).citizen


def scanned(redemption, by):
    scan_code(
        merchant=redemption.merchant,
        by=by,
        shown=Shown(code=secrets_of(redemption).code),
        nonce=f"n-{redemption.public_id}",
    )
    redemption.refresh_from_db()
    return redemption


def test_a_first_name_appears_once_the_code_was_scanned(merchant):
    perk = PerkFactory(merchant=merchant)
    manager = person_of(merchant, "manager")
    reservation(guest("Nuno"), perk)
    scanned(reservation(guest("Inês"), perk), manager)
    said = text_of(browser_for(manager).get("/merchant/redemptions"))
    assert "Inês" in said
    assert "Nuno" not in said


def test_the_list_is_narrowed_and_forgets_filters_that_mean_nothing(merchant):
    here, there = BranchFactory.create_batch(2, merchant=merchant)
    perk = PerkFactory(merchant=merchant, kind="priority", title="First in line")
    tomorrow = timezone.now().date() + timedelta(days=1)
    reservation(guest("A"), perk, date=tomorrow, branch=here, booking_reference="B-77")
    other = PerkFactory(merchant=merchant, kind="priority", title="Second in line")
    cancel_redemption(redemption=reservation(guest("B"), other, date=tomorrow + timedelta(days=1), branch=there))
    browser = browser_for(person_of(merchant, "manager"))

    def titles(query):
        said = text_of(browser.get(f"/merchant/redemptions?{query}"))
        return [title for title in ("First in line", "Second in line") if title in said]

    assert titles("") == ["First in line", "Second in line"]
    assert titles("state=reserved") == ["First in line"]
    assert titles("state=cancelled") == ["Second in line"]
    assert titles(f"branch={there.public_id}") == ["Second in line"]
    assert titles(f"date={tomorrow}") == ["First in line"]
    assert titles("booking_reference=B-77") == ["First in line"]
    assert titles("booking_reference=B-78") == []
    assert titles("state=dancing&date=someday&branch=br_nothing") == ["First in line", "Second in line"]


def test_a_cashier_sees_what_they_scanned_and_nothing_else(merchant):
    cashier, other = person_of(merchant, "cashier"), person_of(merchant, "cashier")
    mine = scanned(reservation(guest("A"), PerkFactory(merchant=merchant, title="Mine")), cashier)
    theirs = scanned(reservation(guest("B"), PerkFactory(merchant=merchant, title="Theirs")), other)
    browser = browser_for(cashier)
    said = text_of(browser.get("/merchant/redemptions"))
    assert "Mine" in said
    assert "Theirs" not in said
    assert browser.get(f"/merchant/redemptions/{mine.public_id}").status_code == 200
    assert browser.get(f"/merchant/redemptions/{theirs.public_id}").status_code == 404


def test_a_long_list_is_paged_both_ways(merchant):
    perk = PerkFactory(merchant=merchant, stock=None, limit_per_citizen=None)
    for _ in range(26):
        reservation(guest("A"), perk)
    browser = browser_for(person_of(merchant, "manager"))
    first = browser.get("/merchant/redemptions?state=reserved")
    assert text_of(first).count("not shown") == 25
    older = first.context["page"]["next"]
    assert "state=reserved" in older
    second = browser.get(older)
    assert text_of(second).count("not shown") == 1
    assert "Newer" in text_of(second)


def test_within_ten_minutes_it_is_undone_without_a_reason(merchant):
    manager = person_of(merchant, "manager")
    held = scanned(reservation(guest("A"), PerkFactory(merchant=merchant)), manager)
    browser = browser_for(manager)
    assert "Undo this scan" in text_of(browser.get(f"/merchant/redemptions/{held.public_id}"))
    done = browser.post(f"/merchant/redemptions/{held.public_id}/reverse", {"reason": ""}, follow=True)
    assert "Undone." in text_of(done)
    assert Redemption.objects.get().state == "reserved"


def test_later_a_reversal_needs_a_reason_which_is_kept(merchant):
    manager = person_of(merchant, "manager")
    held = scanned(reservation(guest("A"), PerkFactory(merchant=merchant)), manager)
    Scan.objects.update(received_at=timezone.now() - timedelta(minutes=11))
    browser = browser_for(manager)
    address = f"/merchant/redemptions/{held.public_id}"
    assert "The guest reads it." in text_of(browser.get(address))
    silent = browser.post(f"{address}/reverse", {"reason": " "})
    assert errors_of(silent) == {"reason": "After ten minutes a reversal needs a reason."}
    assert Redemption.objects.get().state == "redeemed"
    done = browser.post(f"{address}/reverse", {"reason": "Room was\r\nnot ready"}, follow=True)
    assert "Reversed." in text_of(done)
    taken_back = Redemption.objects.get()
    assert (taken_back.state, taken_back.reversal_reason) == ("reversed", "Room was\nnot ready")


def test_a_cashier_has_no_reversal_to_press_and_is_refused_one(merchant):
    cashier = person_of(merchant, "cashier")
    held = scanned(reservation(guest("A"), PerkFactory(merchant=merchant)), cashier)
    Scan.objects.update(received_at=timezone.now() - timedelta(minutes=11))
    browser = browser_for(cashier)
    assert "Reverse it" not in text_of(browser.get(f"/merchant/redemptions/{held.public_id}"))
    refused = browser.post(f"/merchant/redemptions/{held.public_id}/reverse", {"reason": "no"})
    assert "a manager can reverse it" in problem_of(refused)
    assert Redemption.objects.get().state == "redeemed"


def test_what_is_not_redeemed_cannot_be_taken_back(merchant):
    held = reservation(guest("A"), PerkFactory(merchant=merchant))
    browser = browser_for(person_of(merchant, "manager"))
    refused = browser.post(f"/merchant/redemptions/{held.public_id}/reverse", {"reason": "no"})
    assert "there is nothing to take back" in problem_of(refused)
    assert Redemption.objects.get().state == "reserved"


def test_today_counts_what_was_taken_honoured_and_given_back(merchant):
    manager = person_of(merchant, "manager")
    perk = PerkFactory(merchant=merchant, title="Breakfast")
    scanned(reservation(guest("A"), perk), manager)
    cancel_redemption(redemption=reservation(guest("B"), perk))
    reservation(guest("C"), perk)
    ran_out = reservation(guest("D"), perk)
    Redemption.objects.filter(pk=ran_out.pk).update(expires_at=timezone.now())
    yesterday = reservation(guest("E"), perk)
    Redemption.objects.filter(pk=yesterday.pk).update(taken_at=timezone.now() - timedelta(days=2))
    page = browser_for(manager).get("/merchant")
    assert page.context["today"] == {"taken": 4, "honoured": 1, "waiting": 2, "cancelled": 2}
    assert "4 taken today, 1 honoured" in text_of(page)
    assert "Breakfast 6 of 10" in text_of(page)
