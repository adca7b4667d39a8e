"""P4: nothing a merchant or app can call, read or log says anything of a score, a band, a factor or a distance.

The canary is a citizen whose value is 737. Perks at 690 and 730 accept them, one at 770 refuses them; then the value
moves within 731..769, and no byte of anything a merchant is given may change.
"""

import re

import pytest
from rest_framework import serializers
from structlog.testing import capture_logs

from citizen_app.models import AuditEvent, OutboxMessage
from perks.api.merchant import answers
from perks.models import Redemption, Scan
from tests.factories.people import api_client_of
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, scored_tier, server_of
from tests.perks.api.calls import app_of, code_of, key, members_of, scan, take, team_app

pytestmark = pytest.mark.django_db

TELLING = re.compile(r"score|band|factor|distance|points|eligib|assess|percentile|below|value", re.IGNORECASE)
# What a merchant wrote itself, and where.
OWN_WORDS = {"min_score"}


def serializers_of(module) -> list[type[serializers.Serializer]]:
    return [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, serializers.Serializer) and thing is not serializers.Serializer
    ]


def names_in(serializer: serializers.BaseSerializer) -> set[str]:
    names: set[str] = set()
    for name, field in getattr(serializer, "fields", {}).items():
        names.add(name)
        names |= names_in(getattr(field, "child", field))
    return names


def test_no_shape_a_merchant_is_given_has_a_member_about_a_score():
    shapes = serializers_of(answers)
    assert len(shapes) > 10
    for shape in shapes:
        told = {name for name in names_in(shape()) if TELLING.search(name)}
        allowed = OWN_WORDS if shape.__name__ in _SHAPES_OF_OWN_PERKS else set()
        assert told <= allowed, shape.__name__


_SHAPES_OF_OWN_PERKS = {"MerchantPerkSerializer", "WaitingSerializer", "TierSerializer"}


def the_whole_day(value: int) -> list[bytes]:
    """Everything a merchant sees of a day on which somebody with this value was accepted twice and refused once."""
    merchant = MerchantFactory(name="Aurora")
    perks = {
        min_score: PerkFactory(merchant=merchant, title=f"Perk {min_score}", tiers=[scored_tier(min_score)])
        for min_score in (690, 730, 770)
    }
    citizen = citizen_with(value)
    citizen.first_name = "Canary"
    citizen.save()
    phone, till, owner = app_of(citizen), team_app(merchant, "cashier"), team_app(merchant)
    server = api_client_of(server_of(merchant).application)

    accepted = [take(phone, perks[min_score]).json() for min_score in (690, 730)]
    refused = take(phone, perks[770])
    assert code_of(refused) == "below_threshold"
    assert "qr" not in refused.json()

    seen = [scan(till, "nonce-0001", code=accepted[0]["code"])]
    seen.append(scan(server, "nonce-0002", code=accepted[1]["code"]))
    seen.append(scan(till, "nonce-0003", code="00000-00000"))
    ids = {"perk": perks[770].public_id, "redemption": accepted[0]["id"]}
    paths = ("perks", "perks/{perk}", "redemptions", "redemptions/{redemption}", "members", "branches", "clients")
    for app in (owner, till, server):
        seen.extend(app.get(f"/api/v1/merchant/{path.format(**ids)}") for path in paths)
        seen.append(app.get(f"/api/v1/merchants/{merchant.public_id}"))
    seen.append(server.get("/api/v1/perks"))
    seen.append(owner.post(f"/api/v1/merchant/redemptions/{ids['redemption']}/reverse", {}, format="json", **key()))
    to_us = OutboxMessage.objects.filter(topic="webhook", payload__merchant=merchant.public_id)
    told = to_us.order_by("id").values_list("payload", flat=True)
    return [answer.content + repr(sorted(answer.headers.items())).encode() for answer in seen] + [
        repr(payload).encode() for payload in told
    ]


def without_names_and_times(pieces: list[bytes]) -> list[bytes]:
    """Ids, times, addresses and secrets differ from run to run whatever the score is."""
    patterns = (
        rb"\b(?:perk|red|mer|scan|mem|cli|ver|br|evt)_[0-9a-z]{13,26}",
        rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)",
        rb"\d{1,2} \w+ \d{4}, \d\d:\d\d",
        rb"person\d+@example.org",
        rb"Person \d+",
        rb'"client_id":"[^"]+"',
        rb"\"\d+\"",
        rb"'[0-9a-f-]{32,36}'",
        rb"'Content-Length', '\d+'",
    )
    cleaned = []
    for piece in pieces:
        for pattern in patterns:
            piece = re.sub(pattern, b"*", piece)
        cleaned.append(piece)
    return cleaned


def test_no_byte_a_merchant_sees_changes_while_the_score_moves_between_thresholds():
    with capture_logs() as first_logs:
        first = without_names_and_times(the_whole_day(731))
    with capture_logs() as second_logs:
        second = without_names_and_times(the_whole_day(769))
    assert len(first) > 25
    assert first == second
    assert "737" not in repr(first_logs + second_logs)


def test_the_canary_is_in_nothing_a_merchant_is_given_or_that_is_logged():
    with capture_logs() as logs:
        seen = the_whole_day(737)
    everything = b"".join(without_names_and_times(seen)) + repr(logs).encode()
    assert b"737" not in everything
    assert b"33" not in re.findall(rb"points_to_go\D+(\d+)", everything)
    assert b"below_threshold" not in everything
    assert b"737" not in repr(list(AuditEvent.objects.values("facts"))).encode()


def test_no_merchants_answer_has_a_member_about_a_score():
    merchant = MerchantFactory()
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600)])
    phone, owner = app_of(citizen_with(737)), team_app(merchant)
    taken = take(phone, perk).json()
    for answer in (
        scan(owner, code=taken["code"]),
        owner.get("/api/v1/merchant/redemptions"),
        owner.get(f"/api/v1/merchant/redemptions/{taken['id']}"),
        owner.get("/api/v1/merchant/members"),
        owner.get(f"/api/v1/merchants/{merchant.public_id}"),
    ):
        assert not [name for name in members_of(answer.json()) if TELLING.search(name)]
    own = members_of(owner.get("/api/v1/merchant/perks").json())
    assert {name for name in own if TELLING.search(name)} == OWN_WORDS


def test_below_the_threshold_there_is_nothing_to_show_and_nothing_to_scan():
    """What a merchant could learn is a yes somebody shows; a no never exists."""
    perk = PerkFactory(tiers=[scored_tier(770)])
    take(app_of(citizen_with(737)), perk)
    owner = team_app(perk.merchant)
    assert not Redemption.objects.exists()
    assert owner.get("/api/v1/merchant/redemptions").json()["results"] == []
    (line,) = owner.get("/api/v1/merchant/perks").json()["results"]
    assert line["counts"] == {"reserved": 0, "redeemed": 0, "remaining": 10}
    assert not OutboxMessage.objects.filter(topic="webhook").exists()
    assert not Scan.objects.exists()
