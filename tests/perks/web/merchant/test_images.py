"""Pictures on the console: added, said, moved and taken away by a form each."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from perks.models import PerkImage
from tests.citizen_app.test_uploads import photograph, saved
from tests.factories.people import browser_for
from tests.factories.perks import PerkFactory, citizen_with, person_of
from tests.perks.web.merchant.pages import errors_of, problem_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def perk():
    return PerkFactory()


@pytest.fixture
def browser(perk):
    return browser_for(person_of(perk.merchant, "manager"))


def add(browser, perk, alt="The bar", content=None):
    file = SimpleUploadedFile("bar.jpg", saved(photograph(), "JPEG") if content is None else content)
    return browser.post(f"/merchant/perks/{perk.public_id}/images", {"file": file, "alt": alt})


def act(browser, image, act, **said):
    url = f"/merchant/perks/{image.perk.public_id}/images/{image.public_id}"
    return browser.post(url, {"alt": image.alt, "position": image.position, "act": act} | said)


def order() -> list[str]:
    return list(PerkImage.objects.order_by("position").values_list("alt", flat=True))


def test_a_picture_is_added_and_stands_on_the_card_and_the_page(browser, perk):
    answer = add(browser, perk)
    assert answer.headers["Location"] == f"/merchant/perks/{perk.public_id}#pictures"
    citizen = browser_for(citizen_with())
    for url in ("/perks", f"/perks/{perk.public_id}"):
        assert 'alt="The bar"' in citizen.get(url).content.decode()


def test_pictures_are_said_moved_and_removed(browser, perk):
    for alt in ("One", "Two", "Three"):
        add(browser, perk, alt)
    one, two, three = PerkImage.objects.order_by("position")
    assert act(browser, three, "earlier").status_code == 302
    assert order() == ["One", "Three", "Two"]
    one.refresh_from_db()
    act(browser, one, "later", alt="First")
    assert order() == ["Three", "First", "Two"]
    two.refresh_from_db()
    act(browser, two, "remove")
    assert order() == ["Three", "First"]


def test_what_is_no_picture_is_said_beside_its_field(browser, perk):
    page = add(browser, perk, content=b"<svg/>")
    assert "This is no picture" in errors_of(page)["file"]
    assert "This field is required." in errors_of(add(browser, perk, alt=""))["alt"]
    assert not PerkImage.objects.exists()


def test_a_sixth_is_not_offered_and_not_taken(browser, perk):
    for number in range(5):
        add(browser, perk, str(number))
    page = browser.get(f"/merchant/perks/{perk.public_id}")
    assert "Add a picture" not in text_of(page)
    assert "as many pictures as it can have" in text_of(add(browser, perk, "6"))
    assert PerkImage.objects.count() == 5


def test_a_picture_without_words_and_an_act_nobody_knows_change_nothing(browser, perk):
    add(browser, perk)
    image = PerkImage.objects.get()
    assert "Say what the picture shows." in problem_of(act(browser, image, "save", alt=""))
    assert act(browser, image, "explode").status_code == 200
    assert order() == ["The bar"]


def test_pictures_of_somebody_else_s_perk_are_not_there(browser):
    other = PerkFactory()
    add(browser_for(person_of(other.merchant)), other)
    assert act(browser, PerkImage.objects.get(), "remove").status_code == 404
    assert add(browser, other).status_code == 404
    assert order() == ["The bar"]
