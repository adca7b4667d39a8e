"""Guessing codes at a running server, in small: `python -m benchmarks.guessing` does it a hundred thousand times."""

import statistics

import pytest
from django.db import connection

from benchmarks.guessing import compare, guess, meanwhile, noise, town

SOONEST = 1.0  # seconds


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_nobody_learns_from_wrong_codes_and_nobody_else_is_kept_out():
    """Lesson 15: a wrong code is answered like any other, and while somebody guesses, guests are served."""
    with town(4, 12) as (server, told):
        with meanwhile(server, told, 0.1) as heard:
            answers = guess(server, told["guessing"], told["attacked"]["branch"], 300)
        assert answers.counted() == {201: 20, 429: 280}  # five at each of four tills
        assert answers.shapes == {201: 1, 429: 1}
        for one in heard.values():
            assert {said for _, said in one.said} <= {"accepted", "already_redeemed"}
            assert statistics.median(one.waits) < SOONEST


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_a_stranger_s_code_is_answered_like_nobody_s_also_in_time():
    """Lesson 15: whether a code is another merchant's is told by no byte and, within noise, by no clock."""
    with town(1, 12, RATE_LIMITS="false") as (server, told):
        nobody, stranger, share = compare(server, told, 100)
    assert list(nobody.said) == list(stranger.said)
    assert len(nobody.said) == 1
    assert abs(share - 0.5) < 2 * noise(100)
