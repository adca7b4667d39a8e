"""A perk from its draft to its end, its versions, and the probing rule."""

from datetime import UTC, datetime, timedelta

import pytest

from citizen_app.accounts.operators import RoleRequired
from citizen_app.errors import InvalidInput, WrongState
from citizen_app.models import AuditEvent, OutboxMessage
from perks import errors
from perks.models import Perk, PerkVersion, ThresholdUse
from perks.services import catalogue
from perks.services.redemptions import cancel_redemption, take_perk
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import (
    BranchFactory,
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    scored_tier,
)
from tests.perks.services.lives import BODY, NOW, approved, draft, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def owner(merchant):
    return person_of(merchant)


@pytest.fixture
def operator():
    return operator_with("merchants")


def pointers(refused) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in refused.value.facts["errors"]]


def test_a_perk_goes_from_draft_to_end(merchant, owner, operator):
    perk = draft(merchant, owner)
    assert (perk.state, perk.purpose, perk.in_force) == ("draft", "travel", None)
    perk = catalogue.submit_perk(perk=perk, by=owner)
    assert perk.state == "review"
    perk = catalogue.approve_perk(perk=perk, by=operator, now=NOW)
    assert (perk.state, perk.in_force.number, perk.pending, perk.easiest_min_score) == ("approved", 1, None, 600)
    assert (perk.in_force.approved_by, perk.in_force.approved_at) == (operator, NOW)
    perk = catalogue.publish_perk(perk=perk, by=owner, now=NOW)
    assert (perk.state, perk.published_at) == ("published", NOW)
    perk = catalogue.pause_perk(perk=perk, by=owner)
    perk = catalogue.resume_perk(perk=perk, by=owner)
    perk = catalogue.end_perk(perk=perk, by=owner, now=NOW)
    assert (perk.state, perk.ended_at) == ("ended", NOW)
    told = [row.payload["type"] for row in OutboxMessage.objects.filter(topic="webhook").order_by("id")]
    assert told == ["perk.published", "perk.paused", "perk.published"]
    assert [row.payload["sequence"] for row in OutboxMessage.objects.filter(topic="webhook").order_by("id")] == [
        1,
        2,
        3,
    ]
    acts = AuditEvent.objects.filter(object=perk.public_id).order_by("id").values_list("action", flat=True)
    assert [act.removeprefix("perk.") for act in acts] == [
        "draft",
        "submit",
        "approve",
        "publish",
        "pause",
        "resume",
        "end",
    ]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_an_action_its_state_forbids_changes_nothing(merchant, owner, action):
    perk = draft(merchant, owner)
    with pytest.raises(WrongState):
        getattr(catalogue, f"{action}_perk")(perk=perk, by=owner)
    perk.refresh_from_db()
    assert (perk.state, perk.revision) == ("draft", 1)


def test_nothing_is_published_before_its_approval(merchant, owner):
    perk = draft(merchant, owner)
    with pytest.raises(errors.NotApproved):
        catalogue.publish_perk(perk=perk, by=owner)
    perk = catalogue.submit_perk(perk=perk, by=owner)
    with pytest.raises(errors.NotApproved):
        catalogue.publish_perk(perk=perk, by=owner)
    assert not ThresholdUse.objects.exists()


def test_an_operator_who_belongs_to_the_team_decides_nothing(merchant, owner, operator):
    perk = catalogue.submit_perk(perk=draft(merchant, owner), by=owner)
    MemberFactory(merchant=merchant, citizen=operator)
    with pytest.raises(errors.OwnMerchant):
        catalogue.approve_perk(perk=perk, by=operator)
    for stranger in (owner, CitizenFactory(), operator_with("disputes")):
        with pytest.raises(RoleRequired):
            catalogue.approve_perk(perk=perk, by=stranger)
    perk.refresh_from_db()
    assert perk.state == "review"


def test_a_refusal_returns_it_to_its_draft_with_the_reason(merchant, owner, operator):
    perk = catalogue.submit_perk(perk=draft(merchant, owner), by=owner)
    perk = catalogue.refuse_perk(perk=perk, by=operator, reason="Of what is it 10 %?")
    assert (perk.state, perk.refusal) == ("draft", "Of what is it 10 %?")
    perk = catalogue.submit_perk(perk=perk, by=owner)
    assert (perk.state, perk.refusal) == ("review", "")


def test_without_fair_terms_nothing_is_offered(merchant, owner, operator):
    perk = draft(merchant, owner, fair_terms=" ")
    with pytest.raises(errors.FairTermsMissing):
        catalogue.submit_perk(perk=perk, by=owner)
    ready = approved(merchant, owner, operator)
    PerkVersion.objects.filter(pk=ready.in_force_id).update(fair_terms="")
    with pytest.raises(errors.FairTermsMissing):
        catalogue.publish_perk(perk=ready, by=owner)
    ready.refresh_from_db()
    assert ready.state == "approved"


def test_priority_needs_a_place(merchant, owner):
    perk = draft(merchant, owner, kind="priority")
    with pytest.raises(InvalidInput):
        catalogue.submit_perk(perk=perk, by=owner)
    BranchFactory(merchant=merchant)
    assert catalogue.submit_perk(perk=perk, by=owner).state == "review"


@pytest.mark.parametrize("state", ["pending", "suspended", "closed"])
def test_only_an_active_merchant_publishes(merchant, owner, operator, state):
    perk = approved(merchant, owner, operator)
    merchant.state = state
    merchant.save()
    with pytest.raises(errors.MerchantNotActive):
        catalogue.publish_perk(perk=perk, by=owner)
    perk.refresh_from_db()
    assert perk.state == "approved"


def test_a_perk_whose_validity_is_over_is_not_published_and_is_filed_as_ended(merchant, owner, operator):
    perk = published(merchant, owner, operator, valid_until="2026-11-23")
    midnight = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert catalogue.end_lapsed_perks(now=midnight - timedelta(seconds=1)) == 0
    assert catalogue.end_lapsed_perks(now=midnight) == 1
    assert catalogue.end_lapsed_perks(now=midnight) == 0
    perk.refresh_from_db()
    assert perk.state == "ended"
    assert ThresholdUse.objects.get().used_until == midnight
    late = approved(merchant, owner, operator, valid_until="2026-11-22")
    with pytest.raises(WrongState):
        catalogue.publish_perk(perk=late, by=owner, now=NOW)


# The body


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"title": ""}, ("/title", "required")),
        ({"tiers": []}, ("/tiers", "out_of_range")),
        ({"tiers": [scored_tier(605)]}, ("/tiers/0/min_score", "invalid")),
        ({"tiers": [scored_tier(600), scored_tier(630)]}, ("/tiers/1/min_score", "out_of_range")),
        ({"tiers": [open_tier(), open_tier()]}, ("/tiers/1/min_score", "invalid")),
        ({"tiers": [{"min_score": 600, "benefit": {}}]}, ("/tiers/0/benefit/text", "required")),
        ({"hours": [{"day": 8, "from": "09:00", "to": "17:00"}]}, ("/hours/0/day", "out_of_range")),
        ({"valid_from": "2026-02-30"}, ("/valid_from", "invalid")),
        ({"valid_from": "2026-12-02", "valid_until": "2026-12-01"}, ("/valid_until", "out_of_range")),
        ({"branches": ["br_00000000000000000000000000"]}, ("/branches/0", "invalid")),
        ({"budget": {"amount": 100, "currency": "EUR"}}, ("/budget", "invalid")),
        ({"deposit": {}}, ("/deposit", "invalid")),
    ],
)
def test_a_mistake_is_named_by_its_pointer_and_nothing_is_kept(merchant, owner, changes, wrong):
    with pytest.raises(InvalidInput) as refused:
        draft(merchant, owner, **changes)
    assert pointers(refused) == [wrong]
    assert not Perk.objects.exists()
    assert not PerkVersion.objects.exists()


def test_a_strangers_branch_is_none_of_ours(merchant, owner):
    with pytest.raises(InvalidInput):
        draft(merchant, owner, branches=[BranchFactory().public_id])


def test_what_is_left_out_takes_the_defaults(merchant, owner):
    perk = draft(merchant, owner)
    assert (perk.limit_per_citizen, perk.hold_minutes, perk.stock, perk.zone) == (1, 1440, None, "Europe/Lisbon")
    assert (perk.release_on_cancel, perk.release_on_expiry, perk.release_on_reversal) == ("all", "all", "nothing")


@pytest.mark.parametrize("zone", ["Europe/London", "America/Sao_Paulo", "Australia/Lord_Howe"])
@pytest.mark.parametrize("window", ["2026-03-29", "2026-10-25T01:30", "2026-04-05T01:45"])
def test_saving_never_moves_a_date(merchant, owner, zone, window):
    """Lesson 9."""
    perk = draft(merchant, owner, zone=zone, valid_from=window, valid_until=None)
    before = perk.valid_from_at
    for _ in range(3):
        perk = catalogue.edit_perk(perk=perk, by=owner, body={"title": "Again"})
    assert (perk.valid_from, perk.valid_from_at) == (window, before)


def test_a_draft_is_edited_in_place(merchant, owner):
    perk = draft(merchant, owner, categories=["hotel", "breakfast"])
    perk = catalogue.edit_perk(
        perk=perk,
        by=owner,
        body={"kind": "priority", "categories": ["breakfast", "lounge"], "limits": {"per_citizen_day": 2}},
    )
    assert (perk.kind, perk.revision, perk.versions.count()) == ("priority", 2, 1)
    assert sorted(perk.categories.values_list("code", flat=True)) == ["breakfast", "lounge"]
    assert (perk.limit_per_citizen, perk.limit_per_citizen_day) == (1, 2)


@pytest.mark.parametrize("state", ["review", "ended"])
def test_what_is_being_read_or_over_is_not_edited(merchant, owner, state):
    perk = PerkFactory(merchant=merchant, state=state)
    with pytest.raises(WrongState):
        catalogue.edit_perk(perk=perk, by=owner, body={"title": "Other"})
    assert PerkVersion.objects.get().title == "Late check-out"


# Versions


def test_what_binds_the_citizen_waits_for_an_operator(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    before = perk.in_force
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"fair_terms": "Ask, for 20 euros."}, now=NOW)
    assert (perk.in_force, perk.pending.number, perk.pending.fair_terms) == (before, 2, "Ask, for 20 euros.")
    redemption = take_perk(citizen=citizen_with(600), perk=perk)
    assert redemption.version == before
    perk = catalogue.approve_perk(perk=perk, by=operator, now=NOW)
    assert (perk.in_force.number, perk.pending, perk.state) == (2, None, "published")
    redemption.refresh_from_db()
    assert redemption.version.fair_terms == BODY["fair_terms"]


def test_other_fields_change_at_once(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    before = perk.in_force_id
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"stock": 7, "title": "Later check-out"})
    assert (perk.stock, perk.pending, perk.in_force.title, perk.in_force.number) == (7, None, "Later check-out", 2)
    assert perk.in_force.approved_by == operator
    assert PerkVersion.objects.get(pk=before).title == "Late check-out"


def test_a_refused_change_leaves_what_is_in_force(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"terms": "Until noon."}, now=NOW)
    perk = catalogue.refuse_perk(perk=perk, by=operator, reason="That is shorter than what you advertise.")
    assert (perk.state, perk.pending, perk.in_force.terms) == ("published", None, "Until 14:00.")
    assert perk.refusal == "That is shorter than what you advertise."
    with pytest.raises(WrongState):
        catalogue.approve_perk(perk=perk, by=operator)


def test_a_change_taken_back_waits_for_nobody(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    catalogue.edit_perk(perk=perk, by=owner, body={"terms": "Until noon."}, now=NOW)
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"terms": "Until 14:00."}, now=NOW)
    assert perk.pending is None


def test_a_limit_per_day_counts_what_stands_of_the_day_it_came_on(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    cancel_redemption(redemption=take_perk(citizen=citizen_with(600), perk=perk, now=NOW), now=NOW)
    take_perk(citizen=citizen_with(600), perk=perk, now=NOW - timedelta(days=1))
    catalogue.edit_perk(perk=perk, by=owner, body={"limits": {"per_day": 1}}, now=NOW)
    assert perk.days.get().taken_count == 0
    take_perk(citizen=citizen_with(600), perk=perk, now=NOW)
    with pytest.raises(errors.DailyLimitReached):
        take_perk(citizen=citizen_with(600), perk=perk, now=NOW)
    assert perk.days.get().taken_count == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"fair_terms": ""}, "/fair_terms"), ({"kind": "priority"}, "/kind"), ({"stock": 0}, "/stock")],
)
def test_a_published_perk_keeps_its_kind_fair_terms_and_what_was_taken(merchant, owner, operator, changes, pointer):
    perk = published(merchant, owner, operator, stock=3)
    take_perk(citizen=citizen_with(600), perk=perk)
    with pytest.raises(InvalidInput) as refused:
        catalogue.edit_perk(perk=perk, by=owner, body=changes)
    assert [pointer for pointer, _ in pointers(refused)] == [pointer]
    perk.refresh_from_db()
    assert (perk.kind, perk.stock, perk.pending) == ("discount", 3, None)
