"""The words of the score pages."""

import pytest

from scores.web.words import about_text, change_title, consent_text, named, verdict


def score(**told: object) -> dict[str, object]:
    return {"state": "scored", "value": 636, "band": "good", "change": None} | told


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "Good."),
        ({"change": {"value": 0}}, "Good, and steady."),
        ({"change": {"value": 8}}, "Good, and a little better than before."),
        ({"change": {"value": 10}}, "Good, and better than before."),
        ({"change": {"value": -9}}, "Good, and a little lower than before."),
        ({"change": {"value": -44}, "band": "starting"}, "Starting, and lower than before."),
        ({"state": "thin_file", "value": None, "band": None}, "No score yet, and nothing held against you."),
        ({"state": "paused", "value": None, "band": None}, "No score yet, and nothing held against you."),
    ],
)
def test_home_opens_with_one_true_sentence(told, sentence):
    assert verdict(score(**told)) == sentence


def line(kind: str, text: str, points: str) -> dict[str, str]:
    return {"kind": kind, "text": text, "points": points}


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (
            {"previous": None, "value": 600, "cause": "enrolled", "lines": [line("base", "Base", "550")]},
            "Your first score",
        ),
        (
            {
                "previous": 600,
                "value": 604,
                "cause": "entries",
                "lines": [line("entry_added", "Paid", "1.0"), line("entry_added", "Late", "-3.0")],
            },
            "Late and 1 more",
        ),
        (
            {"previous": 600, "value": 596, "cause": "month", "lines": [line("faded", "Payments", "-4.0")]},
            "A new month: older records faded",
        ),
        (
            {"previous": 600, "value": 601, "cause": "entries", "lines": [line("rounding", "Rounding", "1.0")]},
            "Records arrived or changed",
        ),
        ({"previous": 600, "value": None, "cause": "source", "lines": []}, "You switched a source"),
        ({"previous": None, "value": None, "cause": "enrolled", "lines": []}, "You enrolled"),
    ],
)
def test_a_change_is_called_by_its_largest_line(told, title):
    assert change_title(told) == title


def test_a_code_without_words_is_still_readable():
    assert named("not_seen_yet") == "Not seen yet"


def test_who_asked_is_told_in_words_and_not_by_programs_names():
    assert about_text("Late check-out (red_01m85s2y0tfwy8typdaetpnqtw)") == "Late check-out"
    assert about_text("Room (sea view)") == "Room (sea view)"
    assert consent_text("source:demo-bank") == "You linked this source."
    assert consent_text("scoring") == "You agreed to be scored."
    assert consent_text("You showed your code or pass at the desk.") == "You showed your code or pass at the desk."
