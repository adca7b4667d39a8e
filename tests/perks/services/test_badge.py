"""The badge says three things, never a score, and holds no metadata (P4)."""

from datetime import date
from io import BytesIO

import pytest
from PIL import Image

from perks.services.badge import HEIGHT, WIDTH, Badge, badge_of, draw_badge
from scores.errors import NotEnrolled
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, scored_citizen


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_a_picture_of_its_size_without_any_metadata(theme):
    drawn = draw_badge(Badge(date(2026, 11, 3), identity_verified=True, perks_enjoyed=2), theme=theme)
    picture = Image.open(BytesIO(drawn))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (WIDTH, HEIGHT), "RGB")
    assert picture.info == {}
    chunks = {drawn[place + 4 : place + 8] for place in _chunks(drawn)}
    assert chunks == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(drawn):
    place = 8
    while place < len(drawn):
        yield place
        place += 12 + int.from_bytes(drawn[place : place + 4], "big")


def test_what_it_says_is_also_there_in_words_and_one_perk_is_one():
    badge = Badge(date(2026, 11, 3), identity_verified=False, perks_enjoyed=1)
    assert badge.text == ("Citizen App badge. Member since November 2026. Identity not verified yet. 1 perk enjoyed.")


@pytest.mark.django_db
def test_p4_two_people_of_different_scores_have_the_same_badge():
    one, other = scored_citizen(payments=3), scored_citizen(payments=12)
    assert badge_of(one) == badge_of(other) == Badge(NOW.date(), False, 0)
    assert draw_badge(badge_of(one), theme="light") == draw_badge(badge_of(other), theme="light")
    assert badge_of(EnrolmentFactory(now=NOW, document=True).citizen).identity_verified


@pytest.mark.django_db
def test_who_is_not_enrolled_has_none():
    with pytest.raises(NotEnrolled):
        badge_of(CitizenFactory())
