"""Who furnishes records, for everybody to read."""

import pytest
from django.test import Client

from scores.services.furnisher_record import count_batch
from tests.factories.scores import FurnisherFactory, SourceFactory

pytestmark = pytest.mark.django_db
PATH = "/api/v1/furnishers"


@pytest.fixture
def source():
    bank = FurnisherFactory(name="A bank", furnishes_as=["bank"])
    source = SourceFactory(code="cards", name="Cards", furnisher=bank)
    count_batch(source, accepted=1_234, contradicted=21)
    return source


def test_anybody_reads_a_furnishers_record(source, client):
    told = client.get(f"{PATH}/{source.furnisher.public_id}").json()
    assert told.pop("record") | {"since": None} == {
        "since": None,
        "accepted": {"count": 1230, "fewer_than": None},
        "contradicted": {"count": 20, "fewer_than": None},
        "disputes": {key: {"count": None, "fewer_than": 20} for key in ("received", "lost", "unanswered")},
    }
    assert told == {
        "id": source.furnisher.public_id,
        "name": "A bank",
        "furnishes_as": ["bank"],
        "sources": [
            {"code": "cards", "name": "Cards", "kinds": ["credit.payment", "credit.utilisation"], "is_demo": False}
        ],
    }


def test_the_list_costs_the_same_for_one_as_for_many(source, django_assert_num_queries):
    def listed(count):
        with django_assert_num_queries(3):
            answer = Client().get(PATH).json()
        assert len(answer["results"]) == count
        return [one["name"] for one in answer["results"]]

    assert listed(2) == ["A bank", "Citizen App"]
    for number in range(5):
        SourceFactory(furnisher=FurnisherFactory(name=f"B{number}"))
    assert listed(7)[:2] == ["A bank", "B0"]


def test_an_unknown_furnisher_is_not_there(client):
    for name in ("fur_x", "mer_01m8h5ywhjffes4kettgn0dvv5", FurnisherFactory.build().public_id):
        answer = client.get(f"{PATH}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
