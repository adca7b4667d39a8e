"""The citizen's perk pages, as a browser without JavaScript meets them."""

import html
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citizen_app.models import IdempotentRequest
from perks import passes
from perks.models import Perk, Redemption, RefusedAttempt
from perks.services.redemptions import reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing import read_shown, secrets_of, shown_pass
from scores.models import Inquiry
from scores.services.enrolment import pause_enrolment
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    reservation,
    scored_tier,
)

pytestmark = pytest.mark.django_db
KEY = "5b0f3f4e1c1d4b0a9a5f0c7d5e2b6a11"


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def titles_in(response) -> list[str]:
    return [
        html.unescape(title)
        for title in re.findall(r'<h3><a href="/perks/[^"]+">([^<]*)</a>', str(response.content, "utf-8"))
    ]


def take(browser, perk, key=KEY, **said):
    return browser.post(f"/perks/{perk.public_id}/take", {"idempotency_key": key, **said})


@pytest.fixture
def guest():
    """Somebody whose value for travel is 640."""
    return citizen_with(640)


# -- Who may look ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["/perks", "/perks/perk_x", "/codes", "/codes/red_x", "/codes/red_x/qr.svg"])
def test_a_page_asks_who_is_not_signed_in_to_sign_in(address):
    response = Client().get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


def test_every_page_is_kept_by_nobody(guest):
    redemption = reservation(guest, PerkFactory(title="Sea view"))
    code = f"/codes/{redemption.public_id}"
    for address in ("/perks", f"/perks/{redemption.perk.public_id}", "/codes", code, f"{code}/qr.svg", f"{code}/state"):
        response = browser_for(guest).get(address)
        assert (address, response.status_code, response.headers["Cache-Control"]) == (address, 200, "no-store")


def test_looking_at_perks_makes_no_inquiry(guest):
    perk = PerkFactory(tiers=[scored_tier(700)])
    browser = browser_for(guest)
    browser.get("/perks")
    browser.get(f"/perks/{perk.public_id}")
    assert not Inquiry.objects.exists()


# -- The list --------------------------------------------------------------------------------------------------
def test_what_is_open_stands_first_then_by_fewest_points_to_go(guest):
    PerkFactory(title="Open", tiers=[open_tier()])
    PerkFactory(title="Far", tiers=[scored_tier(800)])
    PerkFactory(title="Near", tiers=[scored_tier(650)])
    PerkFactory(title="Gone", tiers=[scored_tier(600)], stock=0)
    response = browser_for(guest).get("/perks")
    assert titles_in(response) == ["Open", "Near", "Far", "Gone"]
    said = text_of(response)
    assert "One of these is open to you today." in said
    assert "10 points to go" in said
    assert "160 points to go" in said
    assert "Sold out" in said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Breakfast", "Fast lane", "Lounge"]),
        ("kind=priority", ["Fast lane"]),
        ("category=food", ["Breakfast"]),
        ("purpose=retail", []),
        ("purpose=travel", ["Breakfast", "Fast lane", "Lounge"]),
        ("eligible=true", ["Breakfast", "Fast lane"]),
        ("near=LIS", ["Fast lane"]),
        ("near=lis&kind=discount", []),
        ("q=break", ["Breakfast"]),
        ("q=fast+LANE", ["Fast lane"]),
        ("merchant=mer_00000000000000000000000000", []),
    ],
)
def test_the_list_is_narrowed_by_what_the_address_says(guest, query, found):
    hotel, airport = MerchantFactory(), MerchantFactory(sector="airport")
    lisbon = BranchFactory(merchant=airport, iata="LIS")
    PerkFactory(title="Breakfast", merchant=hotel, categories=["food", "hotel"])
    PerkFactory(title="Fast lane", merchant=airport, kind=Perk.Kind.PRIORITY, branches=[lisbon])
    PerkFactory(title="Lounge", merchant=hotel, tiers=[scored_tier(900)])
    response = browser_for(guest).get(f"/perks?{query}")
    assert response.status_code == 200
    assert sorted(titles_in(response)) == found


def test_the_list_of_one_merchant_says_whose_it_is(guest):
    perk = PerkFactory(title="Breakfast", merchant__name="Casa do Mar")
    PerkFactory(title="Other")
    response = browser_for(guest).get(f"/perks?merchant={perk.merchant.public_id}")
    assert titles_in(response) == ["Breakfast"]
    assert "Offered by Casa do Mar." in text_of(response)


def test_a_filter_that_makes_no_sense_is_said_and_narrows_nothing(guest):
    PerkFactory(title="Breakfast")
    response = browser_for(guest).get("/perks?near=the+moon&kind=bribe&limit=9999&unknown=1")
    assert titles_in(response) == ["Breakfast"]
    said = text_of(response)
    assert "2 things to fix" in said
    assert "An airport's IATA code" in said


def test_a_long_list_comes_in_pages_that_keep_what_was_looked_for(guest, monkeypatch):
    monkeypatch.setattr("perks.web.citizen.ON_A_PAGE", 2)
    for number in range(5):
        PerkFactory(title=f"Dinner {number}", tiers=[open_tier()])
    PerkFactory(title="Taxi")
    browser, address, seen = browser_for(guest), "/perks?q=dinner", []
    while address:
        response = browser.get(address)
        seen.append(titles_in(response))
        older = re.search(r'href="([^"]+)" rel="next"', response.content.decode())
        address = html.unescape(older[1]) if older else None
    assert seen == [["Dinner 4", "Dinner 3"], ["Dinner 2", "Dinner 1"], ["Dinner 0"]]


def test_a_cursor_nobody_gave_out_starts_again(guest):
    response = browser_for(guest).get("/perks?cursor=nonsense")
    assert (response.status_code, response.headers["Location"]) == (302, "/perks")


def test_the_list_costs_the_same_queries_for_three_perks_and_for_thirty(guest):
    browser = browser_for(guest)

    def queries(address) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert browser.get(address).status_code == 200
        return len(caught)

    def fill(count):
        for number in range(count):
            PerkFactory(categories=["food", f"c{number}"], limit_per_day=5, tiers=[scored_tier(600 + 10 * number)])

    fill(3)
    reservation(guest, Perk.objects.first())
    few = {address: queries(address) for address in ("/perks", "/perks?eligible=true", "/codes")}
    fill(27)
    many = {address: queries(address) for address in few}
    assert few == many
    assert max(few.values()) <= 14


# -- One perk --------------------------------------------------------------------------------------------------
def test_all_that_binds_the_citizen_is_said_before_taking(guest):
    perk = PerkFactory(
        title="Sea view",
        merchant__name="Casa do Mar",
        description="A room to the sea.",
        terms="One night.",
        fair_terms="A room to the garden.",
        tiers=[scored_tier(600, "10 % off"), scored_tier(700, "20 % off")],
        hours=[{"day": day, "from": "09:00", "to": "17:00"} for day in range(1, 6)],
        stock=7,
        limit_per_citizen=2,
        release_on_cancel="stock",
    )
    response = browser_for(guest).get(f"/perks/{perk.public_id}")
    said = text_of(response).replace("\u2060", "")
    for part in (
        "Open to you",
        "A room to the sea.",
        "Take this perk",
        "You get: 10 % off. A later fall in your score changes nothing.",
        "20 % off from 700",
        "For travel you have 640 .",
        "Counted here: credit history, keeping what was agreed, identity, conduct and vouches.",
        "A room to the garden.",
        "That this perk is yours, what it gives and its terms",
        "Not your score, band or factors",
        "Monday to Friday, 09:00–17:00",
        "Left 7",
        "Per person 2 in all",
        "If you cancel it returns to stock, and counts as one of yours",
        "Lisbon time",
    ):
        assert part in said, part


def test_p5_a_locked_perk_shows_its_points_to_go_its_purposes_value_only_and_no_way_to_take(guest):
    perk = PerkFactory(merchant__sector="dating_app", purpose="dating", tiers=[scored_tier(700)])
    citizen = citizen_with(590, purpose="dating")
    for purpose, value in (("travel", 811), ("rental", 822), ("retail", 833)):
        score = citizen.enrolment.score
        score.purposes[purpose] = {"state": "assessable", "value": value}
        score.save()
    citizen.enrolment.score.value = 844
    citizen.enrolment.score.save()
    response = browser_for(citizen).get(f"/perks/{perk.public_id}")
    page, said = response.content.decode(), text_of(response)
    assert "110 points to go" in said
    assert "For dating you have 590 ." in said
    assert "Left out by design: credit history, keeping what was agreed and conduct." in said
    for value in (811, 822, 833, 844):
        assert str(value) not in said
    assert "/take" not in page
    assert "CA1:" not in page


def test_who_cannot_be_assessed_is_told_so_and_not_no():
    perk = PerkFactory(tiers=[scored_tier(600)])
    said = text_of(browser_for(citizen_with()).get(f"/perks/{perk.public_id}"))
    assert "Cannot be assessed yet" in said
    assert "That is not a no." in said
    assert "points to go" not in said
    assert "Take this perk" not in said


def test_who_is_not_enrolled_may_look_and_is_shown_what_enrolling_means():
    perk = PerkFactory()
    browser = browser_for(CitizenFactory(verified=True))
    said = text_of(browser.get(f"/perks/{perk.public_id}"))
    assert "For enrolled people" in said
    assert "Take this perk" not in said
    assert titles_in(browser.get("/perks")) == ["Late check-out"]
    response = take(browser, perk)
    assert (response.status_code, response.headers["Location"]) == (302, "/enrol")
    assert not Redemption.objects.exists()
    assert not RefusedAttempt.objects.exists()


def test_who_is_paused_is_offered_to_resume_and_can_take_nothing(guest):
    perk = PerkFactory()
    pause_enrolment(citizen=guest)
    browser = browser_for(guest)
    page = browser.get(f"/perks/{perk.public_id}")
    assert "You are paused" in text_of(page)
    assert 'action="/resume"' in page.content.decode()
    assert "/take" not in page.content.decode()
    assert "Your enrolment is paused." in text_of(
        browser.post(f"/perks/{perk.public_id}/take", {"idempotency_key": KEY}, follow=True)
    )
    assert not Redemption.objects.exists()
    perk.refresh_from_db()
    assert perk.taken_count == 0


def test_a_perk_that_was_never_offered_or_is_not_visible_yet_is_not_there(guest):
    hidden = PerkFactory(visible_from_at=timezone.now() + timedelta(days=1))
    draft = PerkFactory(state=Perk.State.DRAFT)
    browser = browser_for(guest)
    for name in (hidden.public_id, draft.public_id, "perk_x", "perk_" + "0" * 26):
        assert browser.get(f"/perks/{name}").status_code == 404
        assert browser.post(f"/perks/{name}/take", {"idempotency_key": KEY}).status_code == 404


def test_a_merchants_words_are_shown_as_words(guest):
    perk = PerkFactory(title="<script>alert(1)</script>", terms="<img src=x>", fair_terms="<b>bold</b>")
    page = browser_for(guest).get(f"/perks/{perk.public_id}").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "&lt;b&gt;bold" in page


# -- Taking ----------------------------------------------------------------------------------------------------
def test_take_then_show_the_code_then_cancel(guest):
    perk = PerkFactory(title="Sea view", tiers=[scored_tier(600)], stock=3)
    browser = browser_for(guest)
    key = re.search(
        r'name="idempotency_key" value="([^"]+)"', browser.get(f"/perks/{perk.public_id}").content.decode()
    )[1]
    response = take(browser, perk, key)
    redemption = Redemption.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/codes/{redemption.public_id}")
    perk.refresh_from_db()
    assert perk.taken_count == 1

    page = browser.get(response.headers["Location"])
    shown = secrets_of(redemption)
    assert shown.code in text_of(page)
    assert f'data-pass="{html.escape(shown.signed)}"' in page.content.decode()
    assert f'data-seed="{shown.seed}"' in page.content.decode()
    assert browser.get(f"/codes/{redemption.public_id}/state").json() == {"state": "reserved"}
    held = browser.get(f"/perks/{perk.public_id}")
    assert "Show your code" in text_of(held)
    assert "/take" not in held.content.decode()

    response = browser.post(f"/codes/{redemption.public_id}/cancel", follow=True)
    assert "You cancelled Sea view." in text_of(response)
    assert shown.code not in text_of(response)
    redemption.refresh_from_db()
    perk.refresh_from_db()
    assert (redemption.state, perk.taken_count) == ("cancelled", 0)
    assert browser.get(f"/codes/{redemption.public_id}/state").json() == {"state": "cancelled"}
    assert browser.get(f"/codes/{redemption.public_id}/qr.svg").status_code == 404
    again = browser.post(f"/codes/{redemption.public_id}/cancel", follow=True)
    assert "Only a reservation whose time is not over can be cancelled." in text_of(again)


def test_a_double_tap_takes_one(guest):
    perk = PerkFactory(limit_per_citizen=5)
    browser = browser_for(guest)
    first, second = take(browser, perk), take(browser, perk)
    assert first.headers["Location"] == second.headers["Location"]
    assert Redemption.objects.count() == 1
    perk.refresh_from_db()
    assert perk.taken_count == 1
    kept = IdempotentRequest.objects.get()
    assert kept.body == {"text": f'"{Redemption.objects.get().public_id}"', "secret": [], "headers": {}}


def test_another_form_is_another_act(guest):
    perk = PerkFactory(limit_per_citizen=5)
    browser = browser_for(guest)
    assert take(browser, perk, "a" * 32).headers["Location"] != take(browser, perk, "b" * 32).headers["Location"]
    assert Redemption.objects.count() == 2


@pytest.mark.parametrize("key", ["", "not visible \u00e9", "x" * 256])
def test_a_form_without_a_usable_key_takes_nothing(guest, key):
    perk = PerkFactory()
    response = browser_for(guest).post(f"/perks/{perk.public_id}/take", {"idempotency_key": key}, follow=True)
    assert "The Idempotency-Key is not usable." in text_of(response)
    assert not Redemption.objects.exists()


def test_what_was_refused_says_why_on_the_perks_page_and_is_remembered(guest):
    perk = PerkFactory(tiers=[scored_tier(700)])
    browser = browser_for(guest)
    response = browser.post(f"/perks/{perk.public_id}/take", {"idempotency_key": KEY}, follow=True)
    assert response.redirect_chain == [(f"/perks/{perk.public_id}", 302)]
    assert "It opens at 700: 60 points to go." in text_of(response)
    assert not Redemption.objects.exists()
    assert not IdempotentRequest.objects.exists()
    assert [reason["code"] for reason in RefusedAttempt.objects.get().reasons] == ["below_threshold"]


def test_taking_needs_the_forms_token(guest):
    perk = PerkFactory()
    response = take(browser_for(guest, enforce_csrf_checks=True), perk)
    assert response.status_code == 403
    assert not Redemption.objects.exists()


def test_opening_the_address_of_the_form_leads_to_the_perk(guest):
    perk = PerkFactory()
    response = browser_for(guest).get(f"/perks/{perk.public_id}/take")
    assert (response.status_code, response.headers["Location"]) == (302, f"/perks/{perk.public_id}")


# -- Priority: for a day, at a branch --------------------------------------------------------------------------
@pytest.fixture
def lane():
    """A fast lane at an airport of two terminals, one of which has it."""
    airport = MerchantFactory(sector="airport")
    BranchFactory(merchant=airport, name="Terminal 2")
    return PerkFactory(
        title="Fast lane",
        merchant=airport,
        kind=Perk.Kind.PRIORITY,
        branches=[BranchFactory(merchant=airport, name="Terminal 1")],
    )


def test_priority_is_taken_for_a_day_and_a_branch(guest, lane):
    day = timezone.localdate() + timedelta(days=3)
    branch = lane.branches.get()
    response = take(browser_for(guest), lane, date=day.isoformat(), branch=branch.public_id, booking_reference="TP 123")
    redemption = Redemption.objects.get()
    assert (redemption.date, redemption.branch, redemption.booking_reference) == (day, branch, "TP 123")
    said = text_of(browser_for(guest).get(response.headers["Location"]))
    assert "Terminal 1, booking TP 123" in said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"date": ""}, "Which day : This field is required."),
        ({"date": "31/12/2026"}, "Which day : Enter a valid date."),
        ({"date": "2020-01-01"}, "Which day : That day is over at the branch."),
        ({"date": "9999-12-31"}, "Which day : Such a date is not on the calendar here."),
        ({"date": (timezone.localdate() + timedelta(days=400)).isoformat()}, "Which day : At most 366 days ahead."),
        ({"branch": ""}, "Which branch : This field is required."),
        ({"branch": "another"}, "Which branch : Select a valid choice."),
        ({"booking_reference": "x" * 65}, "Booking reference : Ensure this value has at most 64 characters"),
        ({"booking_reference": "TP\u202e321"}, "Booking reference : It contains a character that cannot be seen."),
    ],
)
def test_a_slip_in_the_form_is_said_beside_it_and_takes_nothing(guest, lane, change, sentence):
    said = {"date": (timezone.localdate() + timedelta(days=3)).isoformat(), "branch": lane.branches.get().public_id}
    said |= {"booking_reference": "Kept words"} | change
    if said["branch"] == "another":
        said["branch"] = lane.merchant.branches.get(name="Terminal 2").public_id
    response = take(browser_for(guest), lane, **said)
    assert response.status_code == 200
    assert sentence in text_of(response)
    assert f'value="{KEY}"' in response.content.decode()
    assert not Redemption.objects.exists()
    assert not IdempotentRequest.objects.exists()


# -- The code --------------------------------------------------------------------------------------------------
def test_the_picture_is_the_whole_pass_of_this_half_minute(guest):
    import zxingcpp
    from PIL import Image

    from perks.services.pictures import qr_png

    redemption = reservation(guest, PerkFactory())
    response = browser_for(guest).get(f"/codes/{redemption.public_id}/qr.svg")
    assert response.headers["Content-Type"] == "image/svg+xml"
    shown = shown_pass(redemption, at=timezone.now())
    drawn = Image.open(io.BytesIO(qr_png(shown)))
    assert zxingcpp.read_barcode(drawn).text == shown
    # The same modules as the picture that was decoded: one path of dark ones.
    from perks.services.pictures import qr_svg

    assert response.content in (
        qr_svg(shown),
        qr_svg(shown_pass(redemption, at=timezone.now() - timedelta(seconds=30))),
    )
    claims = read_shown(shown)
    assert (claims.redemption_id, passes.digits_hold(secrets_of(redemption).seed, claims.digits, timezone.now())) == (
        redemption.pk,
        True,
    )


def test_a_strangers_code_is_not_there(guest):
    redemption = reservation(guest, PerkFactory())
    stranger = browser_for(citizen_with(700))
    for rest in ("", "/qr.svg", "/state"):
        theirs = stranger.get(f"/codes/{redemption.public_id}{rest}")
        missing = stranger.get(f"/codes/red_{'0' * 26}{rest}")
        assert theirs.status_code == missing.status_code == 404
        assert len(theirs.content) == len(missing.content)
    assert stranger.post(f"/codes/{redemption.public_id}/cancel").status_code == 404
    assert redemption.public_id not in stranger.get("/codes").content.decode()
    redemption.refresh_from_db()
    assert redemption.state == "reserved"


def test_a_code_says_until_when_in_its_persons_own_zone(guest):
    guest.zone = "Asia/Tehran"
    guest.save()
    redemption = reservation(guest, PerkFactory(hold_minutes=60))
    Redemption.objects.filter(pk=redemption.pk).update(
        expires_at=timezone.now().replace(hour=23, minute=59, second=30) + timedelta(days=1)
    )
    said = text_of(browser_for(guest).get(f"/codes/{redemption.public_id}"))
    assert "03:29, Tehran time" in said


def test_a_code_is_over_once_its_time_is_whoever_has_filed_it(guest):
    redemption = reservation(guest, PerkFactory(title="Sea view"), now=timezone.now() - timedelta(days=2))
    browser = browser_for(guest)
    page = browser.get(f"/codes/{redemption.public_id}")
    assert redemption.state == "reserved"
    assert "Not used in time" in text_of(page)
    assert "data-pass" not in page.content.decode()
    assert browser.get(f"/codes/{redemption.public_id}/state").json() == {"state": "expired"}
    assert browser.get(f"/codes/{redemption.public_id}/qr.svg").status_code == 404
    assert "Not used in time" in text_of(browser.get("/codes"))


def test_the_page_says_used_once_the_desk_has_scanned_and_who_asked_shows_it(guest):
    redemption = reservation(guest, PerkFactory(title="Sea view", merchant__name="Casa do Mar"))
    BranchFactory(merchant=redemption.merchant)
    desk = person_of(redemption.merchant, "cashier")
    scan, _ = scan_code(
        merchant=redemption.merchant, by=desk, shown=Shown(code=secrets_of(redemption).code), nonce="nonce-12345"
    )
    assert scan.outcome == "accepted"
    browser = browser_for(guest)
    assert browser.get(f"/codes/{redemption.public_id}/state").json() == {"state": "redeemed"}
    page = browser.get(f"/codes/{redemption.public_id}")
    assert "Used. Enjoy it." in text_of(page)
    assert secrets_of(redemption).code not in text_of(page)
    assert "Casa do Mar" in text_of(browser.get("/who-asked"))


def test_a_reversal_says_the_merchants_reason(guest):
    redemption = reservation(guest, PerkFactory(title="Sea view"))
    long_ago = timezone.now() - timedelta(hours=1)
    Redemption.objects.filter(pk=redemption.pk).update(taken_at=long_ago, state="redeemed", closed_at=long_ago)
    owner = person_of(redemption.merchant)
    redemption.refresh_from_db()
    reverse_redemption(redemption=redemption, by=owner, reason="The house is closed for repairs.")
    said = text_of(browser_for(guest).get(f"/codes/{redemption.public_id}"))
    assert "Their reason: The house is closed for repairs." in said


def test_what_is_held_and_what_was_used_is_one_list_newest_first(guest):
    first = reservation(guest, PerkFactory(title="Sea view"))
    second = reservation(guest, PerkFactory(title="Late bus"))
    reservation(citizen_with(700), PerkFactory(title="Somebody else's"))
    response = browser_for(guest).get("/codes")
    said = text_of(response)
    assert said.index("Late bus") < said.index("Sea view")
    assert "Somebody else" not in said
    for redemption in (first, second):
        assert secrets_of(redemption).code not in said


def test_who_holds_nothing_is_shown_the_way_to_perks(guest):
    said = text_of(browser_for(guest).get("/codes"))
    assert "No code yet" in said
