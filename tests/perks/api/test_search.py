"""`?q=`, `?near=` and `?opens=`: perks are found by words, by where they are and by when they open."""

import math
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perks.models import Perk
from perks.models.lookups import HasWords
from perks.search import LONGEST_WORD, MOST_WORDS, folded, search_text, wanted_words, words_of
from perks.services.catalogue_reading import with_words
from perks.services.nearness import NEAR_KILOMETRES, Near, near_perks
from tests.factories.people import browser_for, operator_with
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, person_of
from tests.perks.api.calls import app_of, code_of
from tests.perks.services.lives import published
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db


def titles(app, query: str = "") -> list[str]:
    answer = app.get(f"/api/v1/perks{query}")
    assert answer.status_code == 200, answer.json()
    return [perk["title"] for perk in answer.json()["results"]]


# -- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café crème", ["cafe", "creme"]),
        ("STRASSE straße", ["strasse"]),
        ("Łódź, Øresund; Æble", ["lodz", "oresund", "aeble"]),
        ("late_check-out 10%", ["late", "check", "out", "10"]),
        ("Ελληνικά ΕΛΛΗΝΙΚΆ", ["ελληνικα"]),
        ("東京 ホテル", ["東", "京", "ホ", "テ", "ル"]),
        ("ﬁne ①", ["fine", "1"]),
        ("İstanbul ISPARTA ısı", ["istanbul", "isparta", "isi"]),
        ("' OR 1=1 -- %_\\", ["or", "1"]),
        ("", []),
        ("x" * 100, ["x" * LONGEST_WORD]),
    ],
)
def test_words_are_read_without_accents_and_case(text, words):
    assert words_of(text) == words


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once_and_a_text_is_found_by_its_own_words(text):
    assert folded(folded(text)) == folded(text)
    kept = set(search_text([text]).split(" "))
    assert set(wanted_words(text)) <= kept
    assert len(wanted_words(text)) <= MOST_WORDS


def test_a_perk_is_found_by_title_description_merchant_category_and_translation():
    PerkFactory(
        merchant=MerchantFactory(name="Hôtel de la Mer"),
        title="Breakfast",
        description="Served on the terrace.",
        categories=["late_check_out"],
        translations={"de": {"title": "Frühstück", "description": "Auf der Terrasse."}},
    )
    PerkFactory(title="Airport shuttle", merchant=MerchantFactory(name="Inn"))
    app = app_of(citizen_with())
    for query in ("BREAK", "terrace", "hotel mer", "mer hôtel", "check late", "fruhst", "Frühstück mer", "de la"):
        assert titles(app, f"?q={query}") == ["Breakfast"], query
    for query in ("reakfast", "break shuttle", "terraces", "%", "_", "--", "x%25"):
        assert titles(app, f"?q={query}") == [], query
    assert titles(app) == ["Airport shuttle", "Breakfast"]


def test_what_a_perk_is_found_by_follows_its_words():
    merchant = MerchantFactory()
    owner, operator = person_of(merchant), operator_with("merchants")
    perk = published(merchant, owner, operator, now=timezone.now(), title="Sauna")
    app = app_of(citizen_with())
    assert titles(app, "?q=sauna") == ["Sauna"]
    from perks.services.catalogue import edit_perk

    edit_perk(perk=perk, by=owner, body={"title": "Hammam", "categories": ["wellness"]})
    assert titles(app, "?q=sauna") == []
    assert titles(app, "?q=ham well") == ["Hammam"]


WORDS = ["cafe", "café", "late", "lately", "latte", "check", "out", "hotel", "ho", "10", "1", "straße", "東京", "l'eau"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.lists(st.sampled_from([*WORDS, "c", "la", "%", "'", "\\"]), max_size=3),
)
def test_the_index_of_a_database_finds_what_reading_every_word_finds(shared_perk, title, query):
    text = search_text([" ".join(title)])
    Perk.objects.filter(pk=shared_perk.pk).update(search_text=text)
    wanted = wanted_words(" ".join(query))
    kept = text.split(" ")
    expected = bool(wanted) and all(any(word.startswith(start) for word in kept) for start in wanted)
    assert with_words(Perk.objects.all(), " ".join(query)).exists() == expected


@pytest.fixture
def shared_perk():
    return PerkFactory()


def test_both_ways_of_looking_are_tried_on_this_database(django_assert_num_queries):
    assert HasWords.lookup_name == "has_words"
    with django_assert_num_queries(1) as asked:
        list(with_words(Perk.objects.all(), "cafe"))
    from django.db import connection

    way = "tsquery" if connection.vendor == "postgresql" else "LIKE"
    assert way in asked.captured_queries[0]["sql"]


# -- Nearness ---------------------------------------------------------------------------------------------------------


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By vectors from the middle of the Earth: another way than the product's."""

    def point(place):
        latitude, longitude = map(math.radians, place)
        return (
            math.cos(latitude) * math.cos(longitude),
            math.cos(latitude) * math.sin(longitude),
            math.sin(latitude),
        )

    here, there = point(one), point(other)
    apart = math.dist(here, there)
    return 2 * 6371.0088 * math.asin(min(1, apart / 2))


def perk_at(latitude, longitude, **fields):
    merchant = MerchantFactory()
    BranchFactory(merchant=merchant, latitude=latitude, longitude=longitude)
    return PerkFactory(merchant=merchant, **fields)


def test_the_nearest_stands_first_and_says_how_far_it_is():
    perk_at(38.72, -9.14, title="Here")
    perk_at(38.72, -9.60, title="Further")
    perk_at(38.80, -9.14, title="Near")
    perk_at(38.72, -9.80, title="Beyond the circle")
    app = app_of(citizen_with())
    found = app.get("/api/v1/perks?near=38.72,-9.14").json()["results"]
    assert [(perk["title"], perk["distance_km"]) for perk in found] == [("Here", 0.0), ("Near", 8.9), ("Further", 39.9)]
    assert {perk["distance_km"] for perk in app.get("/api/v1/perks").json()["results"]} == {None}


def test_the_corners_of_a_square_are_not_in_the_circle():
    perk_at(38.72 + 0.40, -9.14 + 0.50, title="Corner")  # 44 km north and 43 km east
    perk_at(38.72 + 0.40, -9.14, title="Edge")
    assert titles(app_of(citizen_with()), "?near=38.72,-9.14") == ["Edge"]


@pytest.mark.parametrize(
    ("middle", "place", "is_near"),
    [
        ((-17.0, 179.95), (-17.0, -179.95), True),  # across the antimeridian
        ((-17.0, -179.95), (-17.0, 179.95), True),
        ((0.0, 180.0), (0.0, -180.0), True),  # the same place
        ((89.9, 0.0), (89.9, 180.0), True),  # across the pole: 22 km
        ((-89.9, 10.0), (-89.9, -170.0), True),
        ((90.0, 0.0), (89.6, 77.0), True),
        ((90.0, 0.0), (89.5, 77.0), False),  # 56 km
        ((89.4, 0.0), (89.9, 90.0), False),
        ((70.0, 25.0), (70.0, 26.3), True),  # degrees of longitude are short here: 49 km
        ((70.0, 25.0), (70.0, 26.4), False),
    ],
)
def test_the_circle_is_right_across_the_antimeridian_and_at_the_poles(middle, place, is_near):
    perk_at(*place, title="There")
    assert (kilometres(middle, place) <= NEAR_KILOMETRES) == is_near
    found = titles(app_of(citizen_with()), f"?near={middle[0]},{middle[1]}")
    assert found == (["There"] if is_near else [])


places = st.tuples(
    st.floats(-90, 90).map(lambda degrees: round(degrees, 4)),
    st.floats(-180, 180).map(lambda degrees: round(degrees, 4)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places, st.floats(0, 1.2), st.floats(0, 2 * math.pi))
def test_a_perk_is_near_exactly_where_the_distance_says(shared_branch, middle, part, bearing):
    branch, _ = shared_branch
    away = part * NEAR_KILOMETRES / 6371.0088
    latitude, longitude = map(math.radians, middle)
    there = math.asin(
        max(-1, min(1, math.sin(latitude) * math.cos(away) + math.cos(latitude) * math.sin(away) * math.cos(bearing)))
    )
    turned = math.atan2(
        math.sin(bearing) * math.sin(away) * math.cos(latitude), math.cos(away) - math.sin(latitude) * math.sin(there)
    )
    place = (math.degrees(there), (math.degrees(longitude + turned) + 540) % 360 - 180)
    type(branch).objects.filter(pk=branch.pk).update(latitude=place[0], longitude=place[1])
    distance = kilometres(middle, place)
    if abs(distance - NEAR_KILOMETRES) < 0.01:
        return
    found = list(near_perks(Perk.objects.all(), Near(latitude=middle[0], longitude=middle[1])))
    assert bool(found) == (distance < NEAR_KILOMETRES), (middle, place, distance)
    if found:
        assert abs(found[0].distance_m / 1000 - distance) < 0.01


@pytest.fixture
def shared_branch():
    merchant = MerchantFactory()
    return BranchFactory(merchant=merchant), PerkFactory(merchant=merchant)


def test_a_place_that_is_almost_nothing_breaks_no_list():
    perk_at(5e-324, 2.3e-308, title="Null Island")
    assert titles(app_of(citizen_with()), "?near=0,0") == ["Null Island"]


def test_only_the_branches_a_perk_names_and_that_are_open_count():
    merchant = MerchantFactory()
    here = BranchFactory(merchant=merchant, latitude=38.72, longitude=-9.14)
    far = BranchFactory(merchant=merchant, latitude=38.72, longitude=-9.50)
    PerkFactory(merchant=merchant, title="Far only", branches=[far])
    PerkFactory(merchant=merchant, title="Both", branches=[far, here])
    PerkFactory(merchant=merchant, title="All")
    app = app_of(citizen_with())
    assert titles(app, "?near=38.72,-9.14") == ["All", "Both", "Far only"]
    here.closed_at = timezone.now()
    here.save()
    found = app.get("/api/v1/perks?near=38.72,-9.14").json()["results"]
    assert {perk["distance_km"] for perk in found} == {31.2}
    BranchFactory(merchant=merchant)  # a place without a position is nowhere
    assert len(titles(app, "?near=38.72,-9.14")) == 3


def test_pages_by_distance_follow_each_other():
    for step in range(12):
        perk_at(38.72 + (step % 4) / 100, -9.14, title=f"{step:02}")  # three of each distance
    app = app_of(citizen_with())
    whole = titles(app, "?near=38.72,-9.14")
    assert len(whole) == 12
    seen, url = [], "/api/v1/perks?near=38.72,-9.14&limit=5"
    while url:
        answer = app.get(url).json()
        seen += [perk["title"] for perk in answer["results"]]
        url = answer["next"]
    assert seen == whole
    back = app.get("/api/v1/perks?near=38.72,-9.14&limit=5").json()["next"]
    assert [perk["title"] for perk in app.get(app.get(back).json()["previous"]).json()["results"]] == whole[:5]


def test_a_list_near_a_point_costs_no_more_statements(django_assert_num_queries):
    for step in range(10):
        perk_at(38.72, -9.14 + step / 100)
    app = app_of(citizen_with())
    with django_assert_num_queries(4):
        assert len(titles(app, "?near=38.72,-9.14&q=late")) == 10


# -- Opens soon -------------------------------------------------------------------------------------------------------


def test_what_opens_within_a_week_is_found_and_says_when():
    now = timezone.now()
    opens = now + timedelta(days=3)
    PerkFactory(title="Soon", valid_from_at=opens)
    PerkFactory(title="Later", valid_from_at=now + timedelta(days=8))
    PerkFactory(title="Open", valid_from_at=now - timedelta(days=1))
    PerkFactory(title="Hidden", valid_from_at=opens, visible_from_at=now + timedelta(days=1))
    app = app_of(citizen_with())
    (card,) = app.get("/api/v1/perks?opens=soon").json()["results"]
    assert card["title"] == "Soon"
    assert [reason["code"] for reason in card["eligibility"]["reasons"]] == ["not_open_yet"]
    assert card["validity"]["opens_at"] == opens.isoformat().replace("+00:00", "Z")
    assert code_of(app.get("/api/v1/perks?opens=late")) == "invalid_input"
    page = text_of(browser_for(citizen_with()).get("/perks?opens=soon"))
    assert "Soon" in page
    assert "Later" not in page


def test_the_page_of_a_perk_says_when_its_desk_opens_next():
    always = PerkFactory()
    page = app_of(citizen_with()).get(f"/api/v1/perks/{always.public_id}").json()
    assert page["desk"] == {"is_open": True, "opens_at": None, "closes_at": None}
    weekday = timezone.now().isoweekday()
    shut = PerkFactory(hours=[{"day": weekday % 7 + 1, "from": "10:00", "to": "11:00"}], zone="UTC")
    desk = app_of(citizen_with()).get(f"/api/v1/perks/{shut.public_id}").json()["desk"]
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    assert desk == {"is_open": False, "opens_at": f"{tomorrow}T10:00:00Z", "closes_at": None}
