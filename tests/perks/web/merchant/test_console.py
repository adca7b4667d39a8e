"""Who may open which page of the console, and for which merchant they are then at work."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from perks.models import Member
from perks.services.showing import secrets_of
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import (
    BranchFactory,
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    reservation,
    scored_tier,
)
from tests.factories.scores import EnrolmentFactory
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db

CASHIER = ("/merchant/scan", "/merchant/redemptions")
MANAGER = ("/merchant", "/merchant/perks", "/merchant/perks/new", "/merchant/branches")
OWNER = ("/merchant/team", "/merchant/clients")
EVERY_PAGE = (*CASHIER, *MANAGER, *OWNER)
OPEN_TO = {"cashier": CASHIER, "manager": CASHIER + MANAGER, "owner": EVERY_PAGE}


@pytest.mark.parametrize("address", [*EVERY_PAGE, "/merchant/apply", "/merchant/choose", "/invitations/x"])
def test_who_is_not_signed_in_is_asked_to(address):
    response = Client().get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("role", ["cashier", "manager", "owner"])
def test_a_role_opens_its_own_pages_and_no_others(role):
    browser = browser_for(person_of(MerchantFactory(), role))
    for address in EVERY_PAGE:
        response = browser.get(address)
        if address in OPEN_TO[role]:
            assert response.status_code == 200, address
            assert response.headers["Cache-Control"] == "no-store"
        elif address == "/merchant":  # a cashier's first page is the desk
            assert response.headers["Location"] == "/merchant/scan"
        else:
            assert response.status_code == 403, address


@pytest.mark.parametrize("role", ["cashier", "manager"])
def test_what_a_role_may_not_open_it_may_not_send_either(role):
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, role))
    assert browser.post("/merchant/team", {"email": "x@example.org", "role": "owner"}).status_code == 403
    assert browser.post("/merchant/clients", {"name": "Till", "scopes": ["merchant:scan"]}).status_code == 403
    assert merchant.invitations.count() == merchant.clients.count() == 0


def test_a_cashier_writes_no_perk_and_no_branch():
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, "cashier"))
    assert browser.post("/merchant/perks/new", {}).status_code == 403
    assert browser.post("/merchant/branches", {"name": "North", "zone": "Europe/Lisbon"}).status_code == 403
    assert merchant.perks.count() == merchant.branches.count() == 0


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_who_acts_for_no_merchant_is_led_to_apply(address):
    response = browser_for(CitizenFactory()).get(address)
    assert (response.status_code, response.headers["Location"]) == (302, "/merchant/apply")


def test_a_strangers_things_are_not_there():
    stranger, mine = MerchantFactory(), MerchantFactory()
    perk, branch = PerkFactory(merchant=stranger), BranchFactory(merchant=stranger)
    held = reservation(perk=perk)
    browser = browser_for(person_of(mine, "owner"))
    for address in (
        f"/merchant/perks/{perk.public_id}",
        f"/merchant/perks/{perk.public_id}/edit",
        f"/merchant/redemptions/{held.public_id}",
        f"/merchant/branches?edit={branch.public_id}",
    ):
        assert browser.get(address).status_code == 404, address
    for address, sent in (
        (f"/merchant/perks/{perk.public_id}/pause", {}),
        (f"/merchant/scan/{held.public_id}/undo", {}),
        (f"/merchant/redemptions/{held.public_id}/reverse", {"reason": "x"}),
        ("/merchant/branches", {"remove": branch.public_id}),
        ("/merchant/team", {"remove": MemberFactory(merchant=stranger).public_id}),
    ):
        assert browser.post(address, sent).status_code == 404, address
    perk.refresh_from_db()
    branch.refresh_from_db()
    assert (perk.state, branch.closed_at, stranger.members.count()) == ("published", None, 1)


def test_a_person_of_several_merchants_chooses_and_stays_there():
    first, second = MerchantFactory(name="Hotel Foz"), MerchantFactory(name="Hotel Serra")
    citizen = person_of(first, "owner")
    MemberFactory(merchant=second, citizen=citizen, role="cashier")
    browser = browser_for(citizen)
    asked = browser.get("/merchant/perks")
    assert asked.headers["Location"] == "/merchant/choose?next=%2Fmerchant%2Fperks"
    page = browser.get(asked.headers["Location"])
    assert "Hotel Foz, owner" in text_of(page)
    chosen = browser.post("/merchant/choose", {"merchant": first.public_id, "next": "/merchant/perks"})
    assert chosen.headers["Location"] == "/merchant/perks"
    assert "Hotel Foz" in text_of(browser.get("/merchant/perks"))
    browser.get(f"/merchant?merchant={second.public_id}")
    assert browser.get("/merchant/perks").status_code == 403
    assert "Hotel Serra" in text_of(browser.get("/merchant/scan"))


def test_only_ones_own_merchant_can_be_chosen_and_only_our_own_pages_follow():
    mine, stranger = MerchantFactory(), MerchantFactory()
    browser = browser_for(person_of(mine, "owner"))
    assert browser.post("/merchant/choose", {"merchant": stranger.public_id}).status_code == 404
    elsewhere = browser.post("/merchant/choose", {"merchant": mine.public_id, "next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/merchant"
    browser.get(f"/merchant?merchant={stranger.public_id}")
    assert mine.name in text_of(browser.get("/merchant"))


def test_who_was_removed_from_the_chosen_team_works_on_for_the_other():
    left, stays = MerchantFactory(name="Hotel Foz"), MerchantFactory(name="Hotel Serra")
    citizen = person_of(left, "owner")
    MemberFactory(merchant=stays, citizen=citizen, role="owner")
    browser = browser_for(citizen)
    browser.post("/merchant/choose", {"merchant": left.public_id})
    Member.objects.filter(merchant=left).delete()
    assert "Hotel Serra" in text_of(browser.get("/merchant"))


def test_p4_no_page_of_the_console_holds_a_citizens_value():
    """A value of 737 between thresholds of 690 and 770: its digits stand on no page, whatever was scanned."""
    merchant = MerchantFactory()
    branch = BranchFactory(merchant=merchant)
    citizen = citizen_with(737)
    taken = PerkFactory(merchant=merchant, tiers=[scored_tier(690)], title="Upgrade")
    PerkFactory(merchant=merchant, tiers=[scored_tier(770), open_tier()], title="Suite")
    held = reservation(citizen, taken)
    browser = browser_for(person_of(merchant, "owner"))
    pages = [browser.post("/merchant/scan", {"code": secrets_of(held).code, "nonce": "n" * 20})]
    assert "Accepted" in text_of(pages[0])
    addresses = (
        *EVERY_PAGE,
        f"/merchant/perks/{taken.public_id}",
        f"/merchant/perks/{taken.public_id}/edit",
        f"/merchant/redemptions/{held.public_id}",
        f"/merchant/branches?edit={branch.public_id}",
    )
    pages += [browser.get(address) for address in addresses]
    for page in pages:
        assert page.status_code == 200
        assert "737" not in text_of(page)
        # What is drawn by lot for each answer may hold any digits.
        drawn = {"X-Request-ID", "Content-Security-Policy", "ETag"}
        assert not [name for name, value in page.headers.items() if name not in drawn and "737" in value]
        assert citizen.email not in page.content.decode()


@pytest.mark.parametrize("address", ["/merchant", "/merchant/perks", "/merchant/redemptions", "/merchant/scan"])
def test_a_list_costs_the_same_for_one_row_and_for_twenty(address, django_assert_num_queries):
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, "owner"))
    enrolled = [EnrolmentFactory().citizen for _ in range(4)]

    def more():
        for number, citizen in enumerate(enrolled):
            perk = PerkFactory(
                merchant=merchant, categories=[f"c{number}"], branches=[BranchFactory(merchant=merchant)]
            )
            reservation(citizen, perk)
            browser.post("/merchant/scan", {"code": "AAAAA-AAAAA", "nonce": f"nonce-{perk.public_id}"})

    more()
    browser.get(address)
    with CaptureQueriesContext(connection) as captured:
        browser.get(address)
    few = len(captured)
    assert few > 3
    enrolled = [EnrolmentFactory().citizen for _ in range(4)]
    more()
    with django_assert_num_queries(few):
        browser.get(address)
