"""Every state and every action, exactly as promised."""

import pytest

from perks.states import PERK, REDEMPTION

PERK_MOVES = {
    ("draft", "submit"): "review",
    ("review", "approve"): "approved",
    ("review", "refuse"): "draft",
    ("approved", "publish"): "published",
    ("published", "pause"): "paused",
    ("paused", "resume"): "published",
    ("draft", "end"): "ended",
    ("review", "end"): "ended",
    ("approved", "end"): "ended",
    ("published", "end"): "ended",
    ("paused", "end"): "ended",
}
REDEMPTION_MOVES = {
    ("reserved", "cancel"): "cancelled",
    ("reserved", "expire"): "expired",
    ("reserved", "redeem"): "redeemed",
    ("redeemed", "undo"): "reserved",
    ("redeemed", "reverse"): "reversed",
    ("redeemed", "lapse"): "expired",
}


@pytest.mark.parametrize(("lifecycle", "moves"), [(PERK, PERK_MOVES), (REDEMPTION, REDEMPTION_MOVES)])
def test_exactly_these_moves_are_allowed(lifecycle, moves):
    actions = {action for _, action in moves}
    assert set(lifecycle.moves) == actions
    possible = {
        (state, action): lifecycle.target(action)
        for state in lifecycle.states
        for action in actions
        if lifecycle.allowed(state, action)
    }
    assert possible == moves


@pytest.mark.parametrize("lifecycle", [PERK, REDEMPTION])
def test_every_state_but_the_first_is_reached_and_every_target_is_a_state(lifecycle):
    reached, waiting = set(), [lifecycle.states[0]]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += [lifecycle.target(action) for action in lifecycle.actions(state)]
    assert reached == set(lifecycle.states)


def test_what_is_over_stays_over():
    assert PERK.actions("ended") == ()
    assert [REDEMPTION.actions(state) for state in ("cancelled", "expired", "reversed")] == [(), (), ()]


def test_actions_name_what_can_be_done():
    assert PERK.actions("review") == ("approve", "refuse", "end")
    assert PERK.actions("published") == ("pause", "end")
    assert REDEMPTION.actions("reserved") == ("cancel", "expire", "redeem")
    assert REDEMPTION.actions("redeemed") == ("undo", "reverse", "lapse")


def test_a_guarded_update_reads_its_states_from_here():
    assert PERK.sources("end") == {"draft", "review", "approved", "published", "paused"}
    assert REDEMPTION.sources("redeem") == {"reserved"}


@pytest.mark.parametrize(("state", "action"), [("published", "vanish"), ("nowhere", "end"), ("", "")])
def test_unknown_words_are_never_allowed(state, action):
    assert not PERK.allowed(state, action)


def test_the_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        PERK.moves["vanish"] = PERK.moves["end"]
