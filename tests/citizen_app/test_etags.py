"""A read that has not changed is not sent again; a change names the version it was made on."""

import pytest

from citizen_app.api.etags import PreconditionFailed, PreconditionRequired, etag_of, require_if_match
from tests.citizen_app.rooms import a_person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.citizen_app.rooms")]


def test_an_unchanged_read_is_304_and_a_changed_one_is_sent(client):
    ana = a_person(first_name="Ana")
    header = token_of(ana)
    first = client.get("/api/versioned", headers=header)
    assert first.json() == {"version": 3, "name": "Ana"}
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["ETag"] == etag_of(first.content)
    assert first.headers["Content-Type"] == "application/json"

    again = client.get("/api/versioned", headers=header | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Type" not in again.headers

    type(ana).objects.update(first_name="Anna")
    changed = client.get("/api/versioned", headers=header | {"If-None-Match": first.headers["ETag"]})
    assert changed.json()["name"] == "Anna"


@pytest.mark.parametrize("stated", ['"other"', "", "nonsense", 'W/"x"'])
def test_a_tag_that_is_not_the_answer_s_gets_the_answer(client, stated):
    header = token_of(a_person())
    assert client.get("/api/versioned", headers=header | {"If-None-Match": stated}).status_code == 200


def test_one_of_several_tags_or_a_weak_one_is_enough(client):
    header = token_of(a_person())
    tag = client.get("/api/versioned", headers=header).headers["ETag"]
    for stated in (f'"a", {tag}', f"W/{tag}", "*"):
        assert client.get("/api/versioned", headers=header | {"If-None-Match": stated}).status_code == 304


def test_a_refused_read_carries_no_tag(client):
    assert "ETag" not in client.get("/api/versioned").headers


def test_a_change_without_its_version_is_428_and_on_an_old_one_412(client):
    header = token_of(a_person())

    def patch(**more):
        return client.patch("/api/versioned", {}, content_type="application/json", headers=header | more)

    assert (patch().status_code, patch().json()["code"]) == (428, "precondition_required")
    old = patch(**{"If-Match": '"2"'})
    assert (old.status_code, old.json()["code"]) == (412, "precondition_failed")
    assert patch(**{"If-Match": '"3"'}).json() == {"version": 4}


@pytest.mark.parametrize(
    ("stated", "refusal"),
    [
        (None, PreconditionRequired),
        ('"1"', PreconditionFailed),
        ('W/"3"', PreconditionFailed),
        ("3", PreconditionFailed),
    ],
)
def test_only_the_very_version_matches(rf, stated, refusal):
    request = rf.patch("/", headers={} if stated is None else {"If-Match": stated})
    with pytest.raises(refusal):
        require_if_match(request, '"3"')


def test_one_of_several_versions_matches(rf):
    require_if_match(rf.patch("/", headers={"If-Match": '"2", "3"'}), '"3"')
    require_if_match(rf.patch("/", headers={"If-Match": "*"}), '"3"')
