"""Operators see the pictures of what they decide on, and those that were added to perks on offer since."""

import io

import pytest

from citizen_app.errors import WrongState
from perks.errors import OwnMerchant
from perks.models import PerkImage
from perks.services import images
from perks.services.catalogue import edit_perk, submit_perk
from perks.services.showing_queue import waiting_count
from tests.citizen_app.test_uploads import photograph, saved
from tests.factories.people import browser_for, operator_with
from tests.factories.perks import MemberFactory, PerkFactory, person_of
from tests.perks.web.merchant.pages import problem_of, text_of
from tests.perks.web.test_operator import approve, refuse

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return operator_with("merchants")


@pytest.fixture
def browser(operator):
    return browser_for(operator)


def pictured(alt="The bar", **fields) -> PerkImage:
    perk = PerkFactory(**fields)
    picture = io.BytesIO(saved(photograph(), "JPEG"))
    return images.add_image(perk=perk, by=person_of(perk.merchant), uploaded=picture, alt=alt)


def test_a_perk_in_review_is_shown_with_all_that_is_asked(browser):
    image = pictured(state="draft", description="By the sea.", stock=7, categories=["late_check_out"])
    perk = image.perk
    edit_perk(
        perk=perk,
        by=person_of(perk.merchant),
        body={
            "valid_until": "2030-12-31",
            "limits": {"per_day": 5},
            "hours": [{"day": 1, "from": "09:00", "to": "17:00"}],
        },
    )
    submit_perk(perk=perk, by=person_of(perk.merchant))
    page = browser.get("/operator")
    said = text_of(page)
    for words in ("By the sea.", "late check out", "31 December 2030", "Monday, 09:00", "Stock 7", "A day 5"):
        assert words in said, (words, said)
    assert 'alt="The bar"' in page.content.decode()
    assert "Pictures added to live perks" not in said
    perk.refresh_from_db()
    approve(browser, "perk", perk, revision=perk.revision)
    image.refresh_from_db()
    assert image.looked_at is not None  # seen beside the perk


def test_a_picture_on_a_live_perk_waits_to_be_looked_at(browser):
    image = pictured()
    assert waiting_count() == 1
    assert "Pictures added to live perks" in text_of(browser.get("/operator"))
    assert "The picture stays." in text_of(approve(browser, "image", image))
    assert waiting_count() == 0
    image.refresh_from_db()
    assert image.looked_at is not None
    assert "It has changed meanwhile." in problem_of(approve(browser, "image", image))


def test_a_picture_is_taken_down_with_a_reason_its_team_reads(browser):
    image = pictured()
    assert "Say why" in problem_of(refuse(browser, "image", image))
    assert PerkImage.objects.exists()
    refuse(browser, "image", image, reason="It shows somebody’s face.")
    assert not PerkImage.objects.exists()
    perk = image.perk
    perk.refresh_from_db()
    assert (perk.pictures, perk.state) == ([], "published")
    team = browser_for(person_of(perk.merchant, "manager"))
    assert "A picture was taken down: It shows somebody’s face." in text_of(
        team.get(f"/merchant/perks/{perk.public_id}")
    )


def test_nobody_decides_on_pictures_of_their_own_team(operator):
    image = pictured()
    MemberFactory(merchant=image.perk.merchant, citizen=operator)
    for decide in (
        lambda: images.look_at_image(image=image, by=operator),
        lambda: images.take_image_down(image=image, by=operator, reason="No."),
    ):
        with pytest.raises(OwnMerchant):
            decide()
    image.refresh_from_db()
    assert image.looked_at is None


def test_a_picture_added_meanwhile_makes_an_approval_read_again(operator):
    from perks.services.catalogue import approve_perk

    perk = PerkFactory()
    edit_perk(perk=perk, by=person_of(perk.merchant), body={"terms": "Until noon."})
    perk.refresh_from_db()
    read = perk.revision
    picture = io.BytesIO(saved(photograph(), "JPEG"))
    images.add_image(perk=perk, by=person_of(perk.merchant), uploaded=picture, alt="The bar")
    with pytest.raises(WrongState):
        approve_perk(perk=perk, by=operator, revision=read)
    assert PerkImage.objects.get().looked_at is None


def test_the_queue_costs_the_same_for_one_picture_as_for_ten(browser, django_assert_max_num_queries):
    for _ in range(3):
        pictured()
    with django_assert_max_num_queries(20) as few:
        browser.get("/operator")
    for _ in range(4):
        pictured()
    with django_assert_max_num_queries(len(few)):
        browser.get("/operator")
