"""The badge over HTTP: in words and as a picture, sent once while it stays as it is."""

import pytest
from django.utils import timezone

from perks.api.citizen.badge import BadgeSerializer
from scores.models import Enrolment
from tests.factories.people import CitizenFactory
from tests.factories.perks import citizen_with
from tests.perks.api.calls import app_of, code_of

pytestmark = pytest.mark.django_db
WAYS = ("/api/v1/me/badge", "/api/v1/me/badge.png", "/api/v1/me/badge.png?theme=dark")


def test_it_says_three_things_and_the_words_of_the_picture():
    told = app_of(citizen_with(610, document=True)).get("/api/v1/me/badge").json()
    assert set(told) == set(BadgeSerializer().fields)
    assert (told["identity_verified"], told["perks_enjoyed"]) == (True, 0)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_has_it_is_not_sent_it_again_until_it_says_something_else(way):
    citizen = citizen_with(610)
    app = app_of(citizen)
    first = app.get(way)
    assert first.headers["Content-Type"] == ("image/png" if ".png" in way else "application/json")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = app.get(way, HTTP_IF_NONE_MATCH=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")

    Enrolment.objects.filter(pk=citizen.pk).update(person_key="a key", document_checked_at=timezone.now())
    changed = app.get(way, HTTP_IF_NONE_MATCH=first.headers["ETag"])
    assert (changed.status_code, changed.headers["ETag"] == first.headers["ETag"]) == (200, False)


@pytest.mark.parametrize("way", WAYS)
def test_somebody_who_is_not_enrolled_has_none(way):
    answer = app_of(CitizenFactory(verified=True)).get(way)
    assert (answer.status_code, code_of(answer)) == (404, "not_enrolled")
