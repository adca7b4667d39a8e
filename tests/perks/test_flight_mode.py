"""Flight mode: phone and till both without a network.

A real pass is recognised; a forged, foreign, expired or altered one is refused; two tills that both took it are
reconciled; nothing is charged to the citizen twice (lesson 16).
"""

import re
import subprocess
import sys
import textwrap
from datetime import date, timedelta
from pathlib import Path

import base45
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from citizen_app.keys import derive_key
from perks import passes
from perks.models import Perk, Redemption, Scan
from perks.services.redemptions import cancel_redemption, reverse_redemption
from perks.services.showing import secrets_of, shown_pass
from perks.services.showing_tills import conflicts
from perks.services.tills import revoke_till, standing_tills
from scores.models import Inquiry
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, citizen_with, reservation
from tests.factories.scores import NOW
from tests.perks.flights import PIN, SERVER, paired_till, reference_client

pytestmark = pytest.mark.django_db
ZONE = "Europe/Lisbon"
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# Where each part of a pass's 110 bytes lies.
REGIONS = {
    "version": range(1),
    "key id": range(1, 5),
    "redemption": range(5, 21),
    "merchant": range(21, 31),
    "perk": range(31, 41),
    "valid until": range(41, 46),
    "signature": range(46, 110),
}


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def hotel(clock):
    merchant = MerchantFactory()
    MemberFactory(merchant=merchant, role="owner")
    merchant.here = BranchFactory(merchant=merchant, zone=ZONE, name="At the river")
    merchant.there = BranchFactory(merchant=merchant, zone=ZONE, name="At the sea")
    merchant.cashier = MemberFactory(merchant=merchant)
    return merchant


def discount(hotel, **fields) -> Redemption:
    return reservation(citizen_with(), PerkFactory(merchant=hotel, **fields))


def priority(hotel, branch, *, on: date | None = None, **fields) -> Redemption:
    perk = PerkFactory(merchant=hotel, kind="priority", zone=ZONE, **fields)
    day = on or timezone.localdate()
    return reservation(citizen_with(), perk, date=day, branch=branch, booking_reference="BOOK-7")


def on_the_phone(redemption: Redemption) -> str:
    """What the phone shows now, made from what it holds: no request is made."""
    return shown_pass(redemption, at=timezone.now())


@pytest.fixture
def till(hotel, tmp_path):
    """A function that pairs a till of the hotel and cuts its network."""

    def make(name="desk", branch=None):
        paired, network = paired_till(branch or hotel.here, hotel.cashier, tmp_path, name)
        network.cut = True
        return paired, network

    return make


def test_a_real_pass_is_recognised_and_told_what_to_give(hotel, till):
    arrival = priority(hotel, hotel.here)
    desk, network = till()
    judged = desk.scan(on_the_phone(arrival))
    assert (judged.outcome, judged.title, judged.benefit) == ("accepted", "Late check-out", arrival.benefit)
    assert (judged.first_name, judged.booking_reference) == (arrival.citizen.first_name, "BOOK-7")
    arrival.refresh_from_db()
    assert (arrival.state, desk.unsent, Scan.objects.count()) == ("reserved", 1, 0)
    network.cut = False
    [answer] = desk.send()
    arrival.refresh_from_db()
    assert (answer["outcome"], arrival.state, desk.unsent) == ("accepted", "redeemed", 0)


def test_a_discount_is_on_no_list_and_recognised_by_its_perk(hotel, till):
    taken = discount(hotel)
    desk, network = till()
    # It was taken after the network went: the till knows the perk, not the person.
    after = discount(hotel, title="Nobody knows it yet")
    again = reservation(citizen_with(), taken.perk)
    assert [desk.scan(on_the_phone(one)).outcome for one in (taken, again)] == ["accepted", "accepted"]
    assert desk.scan(on_the_phone(again)).first_name is None
    assert desk.scan(on_the_phone(after)).outcome == "wrong_branch"
    network.cut = False
    assert [answer["outcome"] for answer in desk.send()] == ["accepted", "accepted"]


@pytest.mark.parametrize("region", REGIONS)
def test_h7_a_pass_with_any_bit_flipped_is_no_pass(hotel, till, region):
    shown = on_the_phone(discount(hotel))
    desk, network = till()
    signed, digits = shown.removeprefix("CA1:").rsplit(".", 1)
    whole = base45.b45decode(signed)
    for place in REGIONS[region]:
        for bit in range(8):
            altered = bytearray(whole)
            altered[place] ^= 1 << bit
            text = passes.shown_pass(base45.b45encode(bytes(altered)).decode(), digits)
            assert desk.scan(text).outcome == "unknown_code", (place, bit)
    assert desk.unsent == 0
    network.cut = False
    assert (desk.send(), Scan.objects.count()) == ([], 0)


def test_h7_what_is_no_pass_at_all_is_no_pass(hotel, till):
    shown = on_the_phone(discount(hotel))
    desk, _ = till()
    signed = shown.removeprefix("CA1:").rsplit(".", 1)[0]
    other = BASE45[(BASE45.index(signed[9]) + 1) % 45]
    for text in (
        "",
        "CA1:",
        shown[:-1],
        shown + "0",
        shown.replace("CA1:", "CA2:"),
        shown.replace("CA1:", ""),
        shown[:60] + shown[61:],
        f"CA1:{signed[:9]}{other}{signed[10:]}.123456",
        f"CA1:{':' * 165}.123456",
        f"CA1:{signed[:46]}.123456",
        secrets_of(discount(hotel)).code,
    ):
        assert desk.scan(text).outcome == "unknown_code", text
    assert desk.unsent == 0


def test_a_forged_pass_is_no_pass(hotel, till):
    taken = discount(hotel)
    desk, _ = till()
    forger = passes.signer_from(derive_key("somebody else's secret", "pass signature"))
    claims = {"redemption_id": taken.pk, "merchant_id": hotel.pk, "perk_id": taken.perk_id}
    forged = passes.sign_pass(forger, **claims, valid_until=taken.expires_at)
    assert desk.scan(passes.shown_pass(forged, "123456")).outcome == "unknown_code"
    # With our key's id on it, it is no better.
    ours = next(iter(desk._kept("keys")))["kid"]
    named = passes.PassSigner(ours, forger.private_key)
    forged = passes.sign_pass(named, **claims, valid_until=taken.expires_at)
    assert desk.scan(passes.shown_pass(forged, "123456")).outcome == "unknown_code"
    assert desk.unsent == 0


def test_another_merchant_s_pass_is_like_no_pass(hotel, till):
    foreign = discount(MerchantFactory())
    desk, _ = till()
    assert desk.scan(on_the_phone(foreign)) == desk.scan("CA1:nothing")
    assert desk.unsent == 0


def test_another_branch_s_pass_is_refused(hotel, till):
    elsewhere = discount(hotel, branches=[hotel.there])
    arrival = priority(hotel, hotel.there)
    desk, _ = till()
    assert desk.scan(on_the_phone(elsewhere)).outcome == "wrong_branch"
    assert desk.scan(on_the_phone(arrival)).outcome == "not_listed"
    assert desk.unsent == 0


def test_an_expired_pass_is_refused(hotel, till, clock):
    taken = discount(hotel, hold_minutes=30)
    desk, _ = till()
    clock.shift(timedelta(minutes=29))
    shown = on_the_phone(taken)
    clock.shift(timedelta(minutes=1))
    assert (desk.scan(shown).outcome, desk.unsent) == ("expired", 0)


def test_a_pass_for_tomorrow_is_refused_today(hotel, till, clock):
    arrival = priority(hotel, hotel.here, on=timezone.localdate() + timedelta(days=1))
    desk, _ = till()
    assert desk.scan(on_the_phone(arrival)).outcome == "outside_hours"
    clock.shift(timedelta(days=1))
    assert desk.scan(on_the_phone(arrival)).outcome == "accepted"


def test_a_priority_taken_since_is_known_by_its_day_where_it_can_be_for_no_other_branch(hotel, till):
    perk = PerkFactory(merchant=hotel, kind="priority", zone=ZONE, branches=[hotel.here])
    desk, _ = till()
    today = reservation(citizen_with(), perk, date=timezone.localdate(), branch=hotel.here)
    later = reservation(citizen_with(), perk, date=timezone.localdate() + timedelta(days=1), branch=hotel.here)
    assert [desk.scan(on_the_phone(one)).outcome for one in (today, later)] == ["accepted", "outside_hours"]


def test_policies_hold_at_the_till(hotel, till):
    never = discount(hotel, offline="refuse")
    perk = PerkFactory(merchant=hotel, kind="priority", zone=ZONE, branches=[hotel.here], offline="arrivals_only")
    listed = reservation(citizen_with(), perk, date=timezone.localdate(), branch=hotel.here)
    desk, _ = till()
    since = reservation(citizen_with(), perk, date=timezone.localdate(), branch=hotel.here)
    judged = [desk.scan(on_the_phone(one)).outcome for one in (never, listed, since)]
    assert judged == ["needs_network", "accepted", "not_listed"]


def test_hours_are_those_of_the_scan(hotel, till, clock):
    weekday, opens, closes = timezone.localtime().isoweekday(), "10:00", "13:00"
    taken = discount(hotel, hours=[{"day": weekday, "from": opens, "to": closes}])
    desk, network = till()
    clock.move_to(NOW.replace(hour=12, minute=59))
    assert desk.scan(on_the_phone(taken)).outcome == "accepted"
    other = reservation(citizen_with(), taken.perk)
    clock.move_to(NOW.replace(hour=20))
    assert desk.scan(on_the_phone(other)).outcome == "outside_hours"
    network.cut = False
    desk.open_shift(hotel.cashier.public_id, PIN)
    assert [answer["outcome"] for answer in desk.send()] == ["accepted"]


def test_a_picture_of_the_screen_is_found_out_when_it_is_sent(hotel, till, clock):
    taken = discount(hotel)
    desk, network = till()
    picture = on_the_phone(taken)
    clock.shift(timedelta(minutes=5))
    assert desk.scan(picture).outcome == "accepted"  # the till has no seed
    network.cut = False
    [answer] = desk.send()
    taken.refresh_from_db()
    assert (answer["outcome"], taken.state) == ("stale_pass", "reserved")


def test_without_a_list_or_with_an_old_one_nothing_is_taken(hotel, till, clock, tmp_path):
    taken = discount(hotel, hold_minutes=43200)
    desk, _ = till()
    fresh = reference_client().OfflineTill(SERVER, tmp_path / "fresh.sqlite3", clock=timezone.now)
    assert fresh.scan(on_the_phone(taken)).outcome == "no_list"
    clock.shift(timedelta(hours=48, seconds=1))
    assert (desk.scan(on_the_phone(taken)).outcome, desk.unsent) == ("no_list", 0)


def test_d5_lesson_16_of_two_tills_one_counts_and_the_other_is_kept_as_a_conflict(hotel, till, clock):
    taken = discount(hotel)
    (one, its_network), (two, other_network) = till("one"), till("two")
    clock.shift(timedelta(minutes=10))
    assert one.scan(on_the_phone(taken)).outcome == "accepted"
    clock.shift(timedelta(minutes=10))
    assert two.scan(on_the_phone(taken)).outcome == "accepted"
    clock.shift(timedelta(hours=3))
    # The later one is sent first: the first the server accepts wins.
    its_network.cut = other_network.cut = False
    assert [answer["outcome"] for answer in two.send()] == ["accepted"]
    [lost] = one.send()
    assert lost["outcome"] == "conflict"
    taken.refresh_from_db()
    perk = Perk.objects.get()
    assert (taken.state, perk.taken_count) == ("redeemed", 1)
    assert Scan.objects.filter(outcome="accepted").count() == 1
    [line] = conflicts(hotel)
    assert (line["first"]["desk"], line["lost"]["desk"]) == ("two", "one")
    assert line["first"]["scanned_at"] > line["lost"]["scanned_at"]
    assert line["lost"]["by"] == hotel.cashier.citizen.first_name
    assert Inquiry.objects.filter(enrolment_id=taken.citizen_id).count() == 1  # one merchant, one day, counted up


def test_one_till_takes_a_pass_once(hotel, till, clock):
    taken = discount(hotel)
    desk, network = till()
    assert desk.scan(on_the_phone(taken)).outcome == "accepted"
    clock.shift(timedelta(minutes=1))
    assert (desk.scan(on_the_phone(taken)).outcome, desk.unsent) == ("already_redeemed", 1)
    network.cut = False
    desk.send()
    clock.shift(timedelta(minutes=1))
    network.cut = True
    assert (desk.scan(on_the_phone(taken)).outcome, desk.unsent) == ("already_redeemed", 0)


def test_an_answer_that_is_lost_is_asked_for_again_and_is_the_same_scan(hotel, till):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    network.cut, network.swallow = False, True
    with pytest.raises(reference_client().Offline):
        desk.send()
    assert (desk.unsent, Scan.objects.count()) == (1, 1)
    network.swallow = False
    assert [answer["outcome"] for answer in desk.send()] == ["accepted"]
    assert (desk.unsent, Scan.objects.count()) == (0, 1)


def test_a_till_that_crashes_between_the_answer_and_its_note_doubles_nothing(hotel, till, tmp_path):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    before = (tmp_path / "desk.sqlite3").read_bytes()
    network.cut = False
    desk.send()
    # As if the power had gone before the queue was written: the file of before, in a new process.
    desk.kept.close()
    (tmp_path / "desk.sqlite3").write_bytes(before)
    again = reference_client().OfflineTill(SERVER, tmp_path / "desk.sqlite3", connection=network, clock=timezone.now)
    assert again.unsent == 1
    assert [answer["outcome"] for answer in again.send()] == ["accepted"]
    assert (again.unsent, Scan.objects.count()) == (0, 1)


def test_what_was_honoured_is_on_disk_before_the_till_says_so(hotel, till, tmp_path):
    """A process that is killed the moment it has said `accepted` has the scan in its file."""
    shown = on_the_phone(discount(hotel))
    desk, _ = till()
    desk.kept.close()
    folder = Path(reference_client().__file__).parent
    script = f"""
        import sys, os, signal
        from datetime import datetime
        sys.path.insert(0, {str(folder)!r})
        from offline_till import OfflineTill
        at = datetime.fromisoformat({timezone.now().isoformat()!r})
        till = OfflineTill({SERVER!r}, {str(tmp_path / "desk.sqlite3")!r}, clock=lambda: at)
        if till.scan({shown!r}).outcome == "accepted":
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    resumed = reference_client().OfflineTill(SERVER, tmp_path / "desk.sqlite3", clock=timezone.now)
    assert resumed.unsent == 1


def test_what_was_cancelled_meanwhile_is_not_charged(hotel, till, clock):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    clock.shift(timedelta(minutes=5))
    cancel_redemption(redemption=taken)
    network.cut = False
    [answer] = desk.send()
    taken.refresh_from_db()
    assert (answer["outcome"], taken.state, Perk.objects.get().taken_count) == ("cancelled", "cancelled", 0)


def test_after_three_days_it_is_too_late_and_said_so(hotel, till, clock):
    taken = discount(hotel, hold_minutes=43200)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    clock.shift(timedelta(hours=72, seconds=1))
    network.cut = False
    desk.open_shift(hotel.cashier.public_id, PIN)
    [answer] = desk.send()
    assert (answer["outcome"], Scan.objects.count(), desk.unsent) == ("refused", 0, 0)


def test_a_revoked_till_sends_nothing_and_keeps_its_queue(hotel, till):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    revoke_till(till=standing_tills(hotel).get(), by=hotel.cashier.citizen)
    network.cut = False
    with pytest.raises(reference_client().Refused, match="401 not_authenticated"):
        desk.send()
    assert (desk.unsent, Scan.objects.count()) == (1, 0)


def test_a_scan_of_a_shift_that_is_over_waits_for_the_next_and_is_still_theirs(hotel, till, clock):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    clock.shift(timedelta(hours=9))
    network.cut = False
    with pytest.raises(reference_client().Refused, match="401"):
        desk.send()
    other = MemberFactory(merchant=hotel)
    from perks.services.shifts import set_pin

    set_pin(member=other, pin="1590")
    desk.open_shift(other.public_id, "1590")
    desk.send()
    assert Scan.objects.get().scanned_by == hotel.cashier.citizen


@pytest.mark.parametrize("when", ["before", "after"])
def test_while_the_key_is_rotated_an_old_pass_holds_offline_and_online(hotel, till, settings, when):
    taken = discount(hotel)
    shown = on_the_phone(taken)
    old, new = settings.SERVER_KEY, "another server key of this deployment, long enough"
    if when == "before":
        desk, network = till()
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = new, old
    if when == "after":
        desk, network = till()
        assert len(desk._kept("keys")) == 2
    assert desk.scan(shown).outcome == "accepted"
    network.cut = False
    assert [answer["outcome"] for answer in desk.send()] == ["accepted"]


def test_a_pass_of_a_new_key_waits_until_the_till_has_learnt_it(hotel, till, settings):
    taken = discount(hotel)
    desk, network = till()
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = "another server key, long enough", settings.SERVER_KEY
    assert desk.scan(on_the_phone(taken)).outcome == "unknown_code"
    network.cut = False
    desk.refresh()
    network.cut = True
    assert desk.scan(on_the_phone(taken)).outcome == "accepted"


def test_h7_a_pass_of_a_key_that_is_gone_is_no_pass(hotel, till, settings):
    shown = on_the_phone(discount(hotel))
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = "another server key, long enough", ""
    desk, network = till()
    assert desk.scan(shown).outcome == "unknown_code"
    network.cut = False
    body = {"pass": shown, "nonce": "an-old-pass"}
    answer = network.request(
        "POST",
        f"{SERVER}/api/v1/merchant/scans",
        json=body,
        headers={"Authorization": f"Bearer {desk._shift()}"},
    )
    assert answer.json()["outcome"] == "unknown_code"


def test_the_keys_are_two_while_they_are_rotated_public_and_cached_for_an_hour(settings, db):
    def document():
        answer = Client().get("/.well-known/pass-keys.json")
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        return answer.json()["keys"]

    [before] = document()
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = "another server key, long enough", settings.SERVER_KEY
    new, old = document()
    assert old == before
    assert new["kid"] != old["kid"]
    for key in (new, old):
        assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
        assert re.fullmatch("[0-9a-f]{8}", key["kid"])


def test_a_lost_network_is_no_answer_and_an_uploaded_scan_can_be_undone(hotel, till):
    taken = discount(hotel)
    desk, network = till()
    desk.scan(on_the_phone(taken))
    with pytest.raises(reference_client().Offline):
        desk.send()
    network.cut = False
    desk.send()
    taken.refresh_from_db()
    assert reverse_redemption(redemption=taken, by=hotel.cashier.citizen, only_own_undo=True).state == "reserved"
