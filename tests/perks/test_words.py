"""The words of the perk pages: every state and refusal has a word, a shape and a way on."""

import pytest

from citizen_app.web.drawings.icons import PATHS
from perks.web import held_words, words


def perk(answer: str, *reasons: dict[str, object], **told: object) -> dict[str, object]:
    return {"eligibility": {"answer": answer, "reasons": list(reasons)}} | told


def test_an_open_perk_is_open():
    assert words.perk_badge(perk("eligible")).is_open


def test_a_locked_perk_says_how_many_points_to_go():
    badge = words.perk_badge(perk("not_eligible", {"code": "below_threshold", "points_to_go": 23}))
    assert (badge.word, badge.is_open) == ("23 points to go", False)
    assert (
        words.perk_badge(perk("not_eligible", {"code": "below_threshold", "points_to_go": 1})).word == "1 point to go"
    )


def test_cannot_be_assessed_is_never_a_no():
    for code in ("thin_file", "not_enough_records"):
        badge = words.perk_badge(perk("not_assessable", {"code": code}))
        assert badge.word == "Cannot be assessed yet"
        assert "Nothing is held against you." in badge.way


@pytest.mark.parametrize(
    "code",
    [
        "not_enrolled",
        "enrolment_paused",
        "document_needed",
        "merchant_suspended",
        "ended",
        "paused",
        "not_open_yet",
        "thin_file",
        "not_enough_records",
        "below_threshold",
        "citizen_limit_reached",
        "period_limit_reached",
        "daily_limit_reached",
        "too_many_reservations",
        "budget_spent",
        "sold_out",
    ],
)
def test_every_refusal_says_what_would_change_it(code):
    assert words.REFUSALS[code].way.endswith(".")


def test_a_refusal_without_words_is_still_readable():
    assert words.perk_badge(perk("not_eligible", {"code": "moon_is_full"})).word == "Moon is full"
    assert words.perk_badge(perk("not_eligible")).word == "Not open to you"


@pytest.mark.parametrize(
    "code",
    [
        "accepted",
        "already_redeemed",
        "expired",
        "cancelled",
        "reversed",
        "stale_pass",
        "wrong_branch",
        "outside_hours",
        "unknown_code",
        "insufficient_balance",
        "conflict",
    ],
)
def test_every_outcome_of_a_scan_has_a_word_a_shape_and_what_to_do(code):
    outcome = words.OUTCOMES[code]
    assert outcome.word
    assert outcome.do.endswith(".")
    assert outcome.shape == {"accepted": "ok", "unknown_code": "bad"}.get(code, "warn")


def test_every_word_has_an_icon_that_exists():
    badges = [*words.REFUSALS.values(), *held_words.REDEMPTIONS.values(), *words.PERK_STATES.values()]
    badges += [*words.MERCHANT_STATES.values(), words.OPEN]
    used = {badge.icon for badge in badges} | {outcome.icon for outcome in words.OUTCOMES.values()}
    used |= set(words.EMBLEMS.values()) | {icon for _, icon in words.EMBLEM_WORDS}
    assert used <= set(PATHS)


def test_the_emblem_follows_kind_then_category_then_purpose():
    assert words.emblem_icon({"kind": "gift_card", "purpose": "travel"}) == "gift"
    assert words.emblem_icon({"kind": "priority", "purpose": "travel", "categories": ["Airport"]}) == "plane"
    assert words.emblem_icon({"kind": "priority", "purpose": "travel"}) == "bed"
    assert words.emblem_icon({}) == "door"


def test_hours_that_are_alike_share_a_line():
    days = [{"day": day, "from": "09:00", "to": "17:00"} for day in (1, 2, 3, 5)]
    lines = [
        line.replace("\u2060", "") for line in words.hours_text([*days, {"day": 5, "from": "18:00", "to": "20:00"}])
    ]
    assert lines == ["Monday to Wednesday, 09:00–17:00", "Friday, 09:00–17:00, 18:00–20:00"]
    week = [{"day": day, "from": "00:00", "to": "24:00"} for day in range(1, 8)]
    assert words.hours_text(week) == ["Every day, 00:00\u2060–\u206024:00"]
    assert words.hours_text([]) == []


def test_limits_that_are_not_set_are_not_told():
    assert words.limits_text({"per_citizen": 3, "per_citizen_day": None, "per_citizen_month": 2}) == [
        "3 in all",
        "2 a month",
    ]


def test_a_benefit_is_told_in_the_merchants_words_or_in_ours():
    assert words.benefit_text({"text": "Room at 13:00", "percent": 10}) == "Room at 13:00 (10 % off)"
    assert words.benefit_text({"text": "10 % off the room", "percent": 10}) == "10 % off the room"
    assert words.benefit_text({"percent": 10}) == "10 % off"
    assert words.benefit_text({"waived_percent": 50}) == "50 % of the deposit waived"
    assert words.benefit_text(None) == ""
