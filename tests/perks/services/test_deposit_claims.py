"""A damage claim: once, in time, within its cap; contested in time; decided by somebody who is no party."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired, grant_role
from citizen_app.errors import FileNotAccepted, InvalidInput, WrongState
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from perks.errors import ClaimAboveCap, ClaimTooLate, ContestTooLate, OwnAgreement, OwnMerchant
from perks.models import DepositAgreement, DepositFile, Member, Redemption
from perks.services import deposits
from perks.services.deposit_claims import claim_damage, contest_claim, decide_claim, open_claim
from perks.services.deposit_files import erase_old_files
from perks.services.deposit_forgetting import forget_deposits_of_those_who_left
from perks.services.deposit_steps import settled_at, state_at
from perks.services.deposits import move_on_deposits
from perks.services.forgetting import forget_those_who_left
from perks.services.redemptions import expire_redemptions
from scores.models import Inquiry
from scores.services.enrolment import leave
from tests.factories.deposits import ITEMS, active, claimed, contested, money, offered, returned, somebody, waiver_perk
from tests.factories.disputes import photograph
from tests.factories.people import operator_with
from tests.factories.perks import MemberFactory, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def now_of(agreement):
    return DepositAgreement.objects.get(pk=agreement.pk)


def kept_names():
    storage = storages["private"]
    if not storage.exists(""):
        return set()
    return {f"{folder}/{file}" for folder in storage.listdir("")[0] for file in storage.listdir(folder)[1]}


def claim(agreement, items=ITEMS, **options):
    by = person_of(agreement.merchant, "manager")
    return claim_damage(agreement=agreement, by=by, items=items, **{"now": NOW + HOUR} | options)


def test_a_claim_is_its_items_with_photographs_drawn_anew():
    agreement = claim(returned(), [*ITEMS, {"text": "Mud", "amount": money(3_000)}], photographs=[photograph()])
    stored = now_of(agreement)
    assert (stored.state, stored.claimed_amount, stored.due_at) == ("claimed", 15_000, NOW + HOUR + timedelta(hours=72))
    assert stored.claim_items[1] == {"text": "Mud", "amount": 3_000}
    (file,) = stored.files.all()
    content = storages["private"].open(file.name).read()
    assert b"secret comment" not in content
    assert (file.by, file.content_type, file.size) == ("merchant", "image/jpeg", len(content))


def test_a_claim_at_the_cap_is_taken_and_a_unit_above_is_not():
    agreement = returned()
    before = kept_names()
    with pytest.raises(ClaimAboveCap) as refusal:
        claim(agreement, [{"text": "All", "amount": money(30_001)}], photographs=[photograph()])
    assert refusal.value.facts == {"cap": money(30_000), "claimed": money(30_001)}
    assert (now_of(agreement).state, now_of(agreement).claimed_amount) == ("returned", None)
    assert kept_names() == before
    assert claim(agreement, [{"text": "All", "amount": money(30_000)}]).claimed_amount == 30_000


def test_a_claim_is_made_in_72_hours():
    agreement = returned()
    due = agreement.due_at
    with pytest.raises(ClaimTooLate):
        claim(agreement, now=due)
    assert now_of(agreement).state == "returned"
    assert claim(agreement, now=due - MINUTE).state == "claimed"


@pytest.mark.parametrize("made", [offered, active, claimed, contested])
def test_a_claim_is_made_of_what_is_back_and_once(made):
    agreement = made()
    before = now_of(agreement)
    with pytest.raises(WrongState):
        claim(agreement)
    assert (now_of(agreement).state, now_of(agreement).claim_items) == (before.state, before.claim_items)


@pytest.mark.parametrize(
    ("items", "pointers"),
    [
        ([], ["/items"]),
        ([{"text": "x", "amount": money(1)}] * 21, ["/items"]),
        ([{"amount": money(1)}], ["/items/0/text"]),
        ([{"text": "x"}], ["/items/0/amount"]),
        ([{"text": "x", "amount": {"amount": 1, "currency": "USD"}}], ["/items/0/amount/currency"]),
        ([{"text": "x", "amount": money(0)}], ["/items/0/amount/amount"]),
        ([{"text": "x", "amount": money(-5)}, {"text": " ", "amount": money(5)}],
         ["/items/0/amount/amount", "/items/1/text"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_items_is_named_where_it_is(items, pointers):
    agreement = returned()
    with pytest.raises(InvalidInput) as refusal:
        claim(agreement, items)
    assert [one["pointer"] for one in refusal.value.facts["errors"]] == pointers
    assert now_of(agreement).state == "returned"


def test_a_photograph_that_is_none_takes_the_claim_with_it():
    agreement = returned()
    before = kept_names()
    with pytest.raises(FileNotAccepted):
        claim(agreement, photographs=[photograph(), SimpleUploadedFile("a.jpg", b"<svg/>")])
    assert now_of(agreement).state == "returned"
    assert kept_names() == before
    with pytest.raises(InvalidInput):
        claim(agreement, photographs=[photograph()] * 9)


def test_an_uncontested_claim_is_settled_after_72_hours():
    agreement = claimed()
    due = agreement.due_at
    assert (state_at(agreement, due), settled_at(agreement, due)) == ("settled", 12_000)
    assert move_on_deposits(now=due - MINUTE) == 0
    assert move_on_deposits(now=due) == 1
    stored = now_of(agreement)
    assert (stored.state, stored.settled_amount, stored.ended_at) == ("settled", 12_000, due)
    assert move_on_deposits(now=due + DAY) == 0


def test_a_contest_stops_the_clock_until_an_operator_decides():
    agreement = contested(evidence=[photograph(9)])
    assert (agreement.state, agreement.due_at) == ("contested", None)
    assert move_on_deposits(now=NOW + 90 * DAY) == 0
    operator = operator_with("disputes")
    decide_claim(agreement=agreement, by=operator, amount=4_000, reason="Half of it is old.", now=NOW + DAY)
    stored = now_of(agreement)
    assert (stored.state, stored.settled_amount, stored.claimed_amount) == ("settled", 4_000, 12_000)
    assert (stored.decided_by, stored.decision_reason) == (operator, "Half of it is old.")
    events = OutboxMessage.objects.filter(topic="webhook", payload__object__id=agreement.public_id).order_by("id")
    assert [event.payload["sequence"] for event in events] == list(range(1, stored.sequence + 1))
    assert [event.payload["type"] for event in events] == [
        f"deposit.{state}" for state in ("offered", "accepted", "active", "returned", "claimed", "contested", "settled")
    ]


@pytest.mark.parametrize("amount", [0, 12_000])
def test_a_decision_is_from_nothing_to_what_was_claimed(amount):
    agreement = contested()
    by = operator_with("disputes")
    assert decide_claim(agreement=agreement, by=by, amount=amount, reason="So.", now=NOW + DAY).settled_amount == amount
    with pytest.raises(WrongState):
        decide_claim(agreement=agreement, by=by, amount=0, reason="Again.", now=NOW + DAY)
    assert now_of(agreement).settled_amount == amount


@pytest.mark.parametrize(("amount", "reason"), [(12_001, "x"), (-1, "x"), (5, " ")])
def test_a_decision_outside_the_claim_or_without_a_reason_is_none(amount, reason):
    agreement = contested()
    with pytest.raises(InvalidInput):
        decide_claim(agreement=agreement, by=operator_with("disputes"), amount=amount, reason=reason, now=NOW + DAY)
    assert now_of(agreement).state == "contested"


def test_only_an_operator_who_is_no_party_decides_or_reads():
    agreement = contested()
    of_team, other_role = operator_with("disputes"), operator_with("merchants")
    once_of_team = operator_with("disputes")
    audit.record(by=once_of_team, action="member.join", on=agreement.merchant.public_id)
    MemberFactory(merchant=agreement.merchant, citizen=of_team, role=Member.Role.CASHIER)
    grant_role(citizen=agreement.citizen, role="disputes", by=None)
    for by, refusal in (
        (of_team, OwnMerchant),
        (once_of_team, OwnMerchant),
        (other_role, RoleRequired),
        (person_of(agreement.merchant), RoleRequired),
        (agreement.citizen, OwnAgreement),
    ):
        with pytest.raises(refusal):
            decide_claim(agreement=agreement, by=by, amount=0, reason="So.", now=NOW + DAY)
        with pytest.raises(refusal):
            open_claim(agreement=agreement, by=by, now=NOW)
    assert now_of(agreement).state == "contested"
    assert not Inquiry.objects.filter(what="file_opened").exists()


def test_a_citizen_reads_that_an_operator_opened_their_claim():
    agreement = contested()
    open_claim(agreement=agreement, by=operator_with("disputes"), now=NOW)
    assert agreement.public_id in Inquiry.objects.get(what="file_opened").about


def test_a_contest_is_made_in_72_hours_with_a_statement():
    agreement = claimed()
    due = agreement.due_at
    with pytest.raises(ContestTooLate):
        contest_claim(agreement=agreement, by=agreement.citizen, statement="No.", now=due)
    with pytest.raises(InvalidInput):
        contest_claim(agreement=agreement, by=agreement.citizen, statement=" ", now=NOW + HOUR)
    assert now_of(agreement).state == "claimed"
    contest_claim(agreement=agreement, by=agreement.citizen, statement="No.", now=due - MINUTE)
    with pytest.raises(WrongState):
        contest_claim(agreement=agreement, by=agreement.citizen, statement="Again.", now=due - MINUTE)
    assert now_of(agreement).contest_statement == "No."


def test_files_are_erased_90_days_after_the_end():
    agreement = contested(photographs=[photograph(1)], evidence=[photograph(2)])
    decide_claim(agreement=agreement, by=operator_with("disputes"), amount=0, reason="So.", now=NOW + DAY)
    names = {file.name for file in DepositFile.objects.all()}
    assert names <= kept_names()
    assert erase_old_files(now=NOW + 91 * DAY - MINUTE) == 0
    assert erase_old_files(now=NOW + 91 * DAY) == 2
    assert not DepositFile.objects.exists()
    run_due()
    assert not names & kept_names()


def test_leaving_takes_a_person_out_of_what_is_over_and_keeps_what_is_open_until_it_is():
    citizen, perk = somebody(), waiver_perk()
    over = contested(citizen, perk, photographs=[photograph(1)], evidence=[photograph(2)])
    decide_claim(agreement=over, by=operator_with("disputes"), amount=0, reason="So.", now=NOW + HOUR)
    out = active(citizen, perk)
    receipt = leave(citizen=citizen)
    assert len([one for one in receipt.kept if out.public_id in one.what]) == 1
    assert receipt.erased["deposits"] == 1
    over, out = now_of(over), now_of(out)
    assert (over.citizen, over.contest_statement, over.files.count()) == (None, "", 0)
    assert (out.citizen, out.state, out.forgets_citizen) == (citizen, "active", True)
    assert Redemption.objects.get(pk=out.redemption_id).citizen == citizen

    assert forget_deposits_of_those_who_left(now=NOW + DAY) == 0
    assert forget_those_who_left(now=NOW + DAY) == 0
    due = out.due_at
    move_on_deposits(now=due)
    assert forget_deposits_of_those_who_left(now=due) == 1
    assert forget_those_who_left(now=due) == 1
    out = now_of(out)
    assert (out.citizen, out.redemption.citizen, out.redemption.booking_reference) == (None, None, "")


def test_an_offer_of_somebody_who_left_is_honoured_and_then_forgotten():
    citizen = somebody()
    agreement = offered(citizen)
    leave(citizen=citizen)
    assert now_of(agreement).citizen == citizen
    over = agreement.redemption.expires_at
    expire_redemptions(now=over)
    assert forget_deposits_of_those_who_left(now=over) == 1
    assert now_of(agreement).citizen is None


def test_only_what_is_contested_is_decided():
    agreement = claimed()
    with pytest.raises(WrongState):
        decide_claim(agreement=agreement, by=operator_with("disputes"), amount=1, reason="So.", now=NOW + HOUR)
    stored = now_of(agreement)
    assert (stored.state, stored.settled_amount, stored.decision_reason, stored.due_at) == (
        "claimed", None, "", agreement.due_at,
    )  # fmt: skip


def meanwhile(monkeypatch, act):
    """Let somebody act between the clock's reading of what is due and its writing."""
    move_on = deposits._move_on

    def later(agreement, now):
        act()
        return move_on(agreement, now)

    monkeypatch.setattr(deposits, "_move_on", later)


def test_a_claim_contested_under_the_clock_s_hand_is_not_settled(monkeypatch):
    agreement = claimed()
    due = agreement.due_at
    meanwhile(
        monkeypatch,
        lambda: contest_claim(agreement=agreement, by=agreement.citizen, statement="No.", now=due - MINUTE),
    )
    assert move_on_deposits(now=due) == 0
    assert (now_of(agreement).state, now_of(agreement).settled_amount) == ("contested", None)


def test_what_comes_back_under_the_clock_s_hand_is_not_closed(monkeypatch):
    agreement = active(days=1)
    due, desk = agreement.due_at, person_of(agreement.merchant)
    meanwhile(monkeypatch, lambda: deposits.return_deposit(agreement=agreement, by=desk, now=due - MINUTE))
    assert move_on_deposits(now=due) == 0
    assert (now_of(agreement).state, now_of(agreement).ended_at) == ("returned", None)


def test_a_claim_is_in_the_currency_its_cap_was_accepted_in(settings):
    agreement = returned()
    settings.CURRENCY = "USD"  # the deployment has changed it since
    with pytest.raises(InvalidInput) as refusal:
        claim(agreement, [{"text": "x", "amount": {"amount": 1, "currency": "USD"}}])
    assert [one["pointer"] for one in refusal.value.facts["errors"]] == ["/items/0/amount/currency"]
    assert now_of(agreement).state == "returned"
    assert claim(agreement, [{"text": "x", "amount": {"amount": 1, "currency": "EUR"}}]).claimed_amount == 1
