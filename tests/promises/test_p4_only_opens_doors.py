"""P4: the score only opens doors: what others learn is the yes a citizen shows, never a number and never a no."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
import time_machine
import yaml
from django.db import transaction

from citizen_app.api.schema import described
from perks.models import Perk, Redemption, Scan, ThresholdUse
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, open_tier, scored_tier
from tests.factories.scores import NOW
from tests.promises.canary import play, record_of
from tests.promises.doors import App, code_of, enrolled, scan, seat, take

pytestmark = pytest.mark.django_db


def day_of(value, caplog, **options):
    """Play a day, and undo it."""
    undo = transaction.savepoint()
    day = play(value, caplog, **options)
    transaction.savepoint_rollback(undo)
    return day


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def on_737(kept, caplog):
    """The record of the canary's day, played once for all tests of the file."""
    if not kept:
        kept["day"] = day_of(737, caplog)
    return kept["day"]


@pytest.mark.parametrize("other", [731, 769])
def test_p4_no_byte_for_anybody_else_changes_while_the_value_moves_between_thresholds(on_737, caplog, other):
    day = day_of(other, caplog)
    assert day.own != on_737.own  # the citizen's own answers tell the value, as they should
    theirs, ours = record_of(day), record_of(on_737)
    assert len(ours) > 250
    assert [(one, two) for one, two in zip(theirs, ours, strict=True) if one != two] == []


def test_p4_no_byte_changes_while_the_value_moves_in_the_middle_of_the_day(on_737, caplog):
    day = day_of(731, caplog, becoming=769)
    theirs, ours = record_of(day), record_of(on_737)
    assert [(one, two) for one, two in zip(theirs, ours, strict=True) if one != two] == []


def test_p4_the_record_of_the_day_does_tell_a_yes_from_none(on_737, caplog):
    # The canary is alive: with one yes fewer the same script is told differently.
    assert record_of(day_of(729, caplog)) != record_of(on_737)


def test_p4_the_value_and_its_distances_are_nowhere_in_the_record(on_737):
    assert any(b"737" in content for _, content in on_737.own)
    told = "\n".join(record_of(on_737))
    assert not re.search(r"(?<![\w.])(?:737|below_threshold|points_to_go|not_eligible)(?![\w.])", told)
    assert not re.search(r"(?<![\w.:-])33(?![\w.:-])", "\n".join(line for line in record_of(on_737) if "log:" in line))


TELLING = re.compile(
    r"score|value|band|factor|points|percentile|distance|eligib|assess|reason|explan|histor|purposes|to_go|below", re.I
)


def test_p4_no_answer_described_for_a_merchant_an_app_or_a_furnisher_has_a_member_about_a_score():
    schema = yaml.safe_load(described())
    seen = 0
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            machines = any("clientCredentials" in way or not way for way in operation["security"])
            if not (machines or path.startswith(("/api/v1/merchant", "/api/v1/sources", "/api/v1/boost"))):
                continue
            if path == "/api/v1/consent-texts/current":
                continue
            seen += 1
            answers = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
            told = {name for name in _members(answers, schema) if TELLING.search(name)}
            # Why the merchant itself took a use back, or gave money of a deposit back.
            its_own = {"reason"} if "redemptions" in path or "deposits" in path else set()
            assert told <= {"min_score"} | its_own, (method, path, told)
    assert seen > 25


def _members(node, schema, seen=frozenset()):
    """Every member name below a part of the description, references followed."""
    if isinstance(node, list):
        for inner in node:
            yield from _members(inner, schema, seen)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if reference and reference not in seen:
            target = schema
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            yield from _members(target, schema, seen | {reference})
        yield from node.get("properties", {})
        for inner in node.values():
            yield from _members(inner, schema, seen)


def test_p4_a_refusal_is_the_citizen_s_alone_and_leaves_nothing_to_show():
    perk = PerkFactory(tiers=[scored_tier(770)])
    citizen = citizen_with(737)
    owner = seat(perk.merchant, "owner")
    before = [owner.get(path).content for path in ("/merchant/perks", "/merchant/redemptions")]
    answer = take(App(citizen), perk)
    assert (answer.status_code, code_of(answer), answer.json()["points_to_go"]) == (403, "below_threshold", 33)
    assert not {"code", "pass", "seed", "qr"} & set(answer.json()) - {"code"}
    assert not Redemption.objects.exists()
    assert not Scan.objects.exists()
    assert [owner.get(path).content for path in ("/merchant/perks", "/merchant/redemptions")] == before


def test_p4_thin_files_and_people_without_records_are_refused_like_nobody():
    merchant = MerchantFactory()
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600)])
    till = seat(merchant, "cashier")
    _, app = enrolled()
    assert code_of(take(app, perk)) == "thin_file"
    assert scan(till, code="AAAAA-AAAAA").json() | {"id": ""} == {
        "id": "",
        "outcome": "unknown_code",
        "typed": True,
        "redemption": None,
        "gift_card": None,
        "deposit": None,
        "detail": None,
    }


def test_p4_a_desk_learns_a_tier_and_a_first_name_and_nothing_else():
    perk = PerkFactory(tiers=[open_tier("A coffee"), scored_tier(690, "A meal"), scored_tier(770, "A suite")])
    taken = take(App(citizen_with(737)), perk).json()
    told = scan(seat(perk.merchant, "cashier"), code=taken["code"]).json()
    assert set(told) == {"id", "outcome", "typed", "redemption", "gift_card", "deposit", "detail"}
    assert set(told["redemption"]) == {"id", "title", "benefit", "terms", "first_name", "state"}
    assert told["redemption"]["benefit"] == {"text": "A meal"}


def test_p4_thresholds_of_one_merchant_and_purpose_are_forty_apart_or_equal():
    merchant = MerchantFactory()
    manager = seat(merchant, "manager")

    def publish(min_score):
        perk = PerkFactory(merchant=merchant, state=Perk.State.APPROVED, tiers=[scored_tier(min_score)])
        return manager.post(f"/merchant/perks/{perk.public_id}/publish")

    assert publish(690).status_code == 200
    for near in (660, 680, 700, 720):
        answer = publish(near)
        assert (answer.status_code, code_of(answer)) == (409, "thresholds_too_close")
        assert answer.json()["other"]["min_score"] == 690
    for far in (690, 730, 650):
        assert publish(far).status_code == 200


def test_p4_an_adversary_with_every_perk_it_may_publish_in_ninety_days_learns_no_closer_than_forty_points():
    merchant = MerchantFactory()
    manager = seat(merchant, "manager")
    with time_machine.travel(NOW) as clock:
        for day in range(0, 91, 30):
            clock.move_to(NOW + timedelta(days=day))
            offset = day // 30 * 10
            for min_score in range(550 + offset, 951, 10):
                perk = PerkFactory(merchant=merchant, state=Perk.State.APPROVED, tiers=[scored_tier(min_score)])
                answer = manager.post(f"/merchant/perks/{perk.public_id}/publish")
                if answer.status_code == 200:
                    # Ended at once, to make room: the threshold stays in mind for ninety days all the same.
                    manager.post(f"/merchant/perks/{perk.public_id}/end")
                else:
                    assert code_of(answer) in {
                        "thresholds_too_close",
                        "threshold_unreachable",
                        "threshold_near_an_end",
                    }
        used = sorted(set(ThresholdUse.objects.values_list("min_score", flat=True)))
    assert len(used) >= 9
    assert min(after - before for before, after in pairwise(used)) >= 40
    # So whatever yes a citizen of any value shows there, it leaves at least forty values possible.
    for value in range(used[0], used[-1]):
        reached = [at for at in used if at <= value]
        beyond = [at for at in used if at > value]
        assert beyond[0] - reached[-1] >= 40


def test_p4_a_threshold_moves_at_most_once_in_seven_days():
    perk = PerkFactory(tiers=[scored_tier(690)])
    manager = seat(perk.merchant, "manager")
    address = f"/merchant/perks/{perk.public_id}"
    with time_machine.travel(NOW + timedelta(days=1)) as clock:
        Perk.objects.filter(pk=perk.pk).update(published_at=NOW - timedelta(days=30))
        ThresholdUse.objects.update(used_from=NOW - timedelta(days=2))
        tiers = {"tiers": [scored_tier(730)]}
        answer = manager.call("PATCH", address, tiers, **{"If-Match": "*"})
        assert (answer.status_code, code_of(answer)) == (409, "threshold_moved_recently")
        clock.move_to(NOW + timedelta(days=6))
        assert manager.call("PATCH", address, tiers, **{"If-Match": "*"}).status_code == 200


def test_p4_a_threshold_nobody_reaches_is_not_published():
    merchant = MerchantFactory(sector="dating_app")
    perk = PerkFactory(merchant=merchant, state=Perk.State.APPROVED, tiers=[scored_tier(700)])
    answer = seat(merchant, "manager").post(f"/merchant/perks/{perk.public_id}/publish")
    assert (answer.status_code, code_of(answer), answer.json()["maximum"]) == (409, "threshold_unreachable", 650)


@pytest.mark.parametrize("caller", ["scan_server", "perk_server", "bank", "cashier", "owner"])
def test_p4_nothing_others_can_call_reads_a_score(caller):
    from tests.factories.right_requests import RIGHT, send
    from tests.factories.world import make_world

    world = make_world()
    for right in RIGHT:
        if right.path.startswith(("me/score", "me/entries", "me/inquiries")):
            answer = send(world, right, caller=caller)
            expected = {"wrong_caller"} if caller in ("scan_server", "perk_server", "bank") else {"not_enrolled"}
            assert {code_of(answer)} == expected, right  # a member of a team is a citizen of their own, not enrolled
