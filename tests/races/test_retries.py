"""One key, however often it is sent at the same moment: one effect, and the same answer for everybody."""

from collections import Counter

import pytest

from citizen_app.models import IdempotentRequest, OutboxMessage
from perks.models import Redemption
from tests.factories.people import api_client_for
from tests.factories.perks import PerkFactory, citizen_with, reservation
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]

REPLAYED = "Idempotent-Replayed"
SECRETS = ("code", "pass", "seed", "qr")


def posting(client_of, path, body, key):
    """A request that is sent again, with its key, when the answer is 503 `busy`: as the contract asks."""

    def post():
        client = client_of()
        for _ in range(20):
            answer = client.post(path, body, format="json", headers={"Idempotency-Key": key})
            if answer.status_code != 503:
                break
        return answer

    return post


def told(event):
    return OutboxMessage.objects.filter(topic="webhook", payload__type=event).count()


@pytest.mark.usefixtures("crowd")
def test_one_key_sent_64_times_is_one_redemption_and_63_replays():
    """Lesson 3."""
    # A perk one may have many of, so that nothing but the key stands in the way of a second one.
    perk, citizen = PerkFactory(stock=100, limit_per_citizen=None), citizen_with()
    path = f"/api/v1/perks/{perk.public_id}/redemptions"
    answers = at_once(*[posting(lambda: api_client_for(citizen), path, {}, "one-intention")] * 64)

    assert Counter(answer.status_code for answer in answers) == {201: 64}
    assert Counter(answer.headers.get(REPLAYED) for answer in answers) == {None: 1, "true": 63}
    assert len({answer.content for answer in answers}) == 1
    body = answers[0].json()
    assert all(body[name] for name in SECRETS)
    redemption = Redemption.objects.get()
    assert redemption.public_id == body["id"]
    perk.refresh_from_db()
    assert perk.taken_count == 1
    assert told("redemption.reserved") == OutboxMessage.objects.filter(topic="webhook").count() == 1
    kept = IdempotentRequest.objects.get()
    for name in ("code", "pass", "seed"):
        assert body[name] not in str(kept.body)

    other = api_client_for(citizen).post(
        path, {"booking_reference": "R7"}, format="json", headers={"Idempotency-Key": "one-intention"}
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Redemption.objects.count() == 1


def test_two_bodies_under_one_key_are_one_redemption_and_a_mistake():
    perk, citizen = PerkFactory(stock=100, limit_per_citizen=None), citizen_with()
    path = f"/api/v1/perks/{perk.public_id}/redemptions"
    bodies = [{} if number % 2 else {"booking_reference": "R7"} for number in range(16)]
    answers = at_once(*[posting(lambda: api_client_for(citizen), path, body, "one-intention") for body in bodies])
    # Only the body that came first can be a redemption; a discount takes no reference, so here it is the empty one.
    assert Redemption.objects.count() == 1
    assert Counter(answer.status_code for answer in answers[1::2]) == {201: 8}
    assert {answer.json()["code"] for answer in answers[::2]} <= {"idempotency_key_reused", "invalid_input"}
    assert {answer.status_code for answer in answers[::2]} <= {422, 400}


def test_16_keys_of_one_citizen_for_the_last_one_are_one_redemption_and_15_refusals():
    perk, citizen = PerkFactory(stock=1, limit_per_citizen=None), citizen_with()
    path = f"/api/v1/perks/{perk.public_id}/redemptions"
    answers = at_once(*[posting(lambda: api_client_for(citizen), path, {}, f"key-{n}") for n in range(16)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"sold_out"}
    assert IdempotentRequest.objects.count() == 1  # a refusal keeps nothing


def test_a_cancel_sent_16_times_gives_one_place_back():
    perk, citizen = PerkFactory(stock=3), citizen_with()
    redemption = reservation(citizen, perk)
    path = f"/api/v1/me/redemptions/{redemption.public_id}/cancel"
    answers = at_once(*[posting(lambda: api_client_for(citizen), path, {}, "one-intention")] * 16)
    assert Counter(answer.status_code for answer in answers) == {200: 16}
    assert Counter(answer.headers.get(REPLAYED) for answer in answers) == {None: 1, "true": 15}
    assert len({answer.content for answer in answers}) == 1
    perk.refresh_from_db()
    assert (perk.taken_count, told("redemption.cancelled")) == (0, 1)
