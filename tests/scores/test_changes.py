"""History lines: what each says for each event, and that they sum to the difference through a whole life."""

import json
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings

from scores.changes import CAUSES, LINE_KINDS, Line, compare
from scores.explaining import Explanation
from scores.scorecard import load_scorecard
from scores.scoring import month, score
from tests.budgets import AT_EDGES

from .random_lives import Choices, day_of, scorecard_of, some_bytes, some_day, some_entry
from .test_scoring import CARD, entry, payment

TODAY = date(2026, 11, 23)
NEXT_MONTH = date(2026, 12, 1)
card = load_scorecard(CARD)


def told(before, after, cause, *, card=card, was=TODAY, now=TODAY):
    """The lines, as `(kind, micro, entry_id)`, from one lot of entries to another; their sum is checked on the way."""
    old, new = score(card, before, was), score(card, after, now)
    lines = compare(old.explanation, new.explanation, cause)
    assert sum(line.micro for line in lines) == (new.value - old.value) * 1_000_000
    return [(line.kind, line.micro, line.entry_id) for line in lines]


DOCUMENT = entry(1, "identity.document", "2026-01-01")
BASIS = [DOCUMENT, entry(2, "fulfilment.booking", "2026-11-01")]  # 579.125


def test_the_first_value_is_told_from_the_base_on():
    explanation = score(card, [*BASIS, payment(3, "2026-10-31", 1)], TODAY).explanation
    lines = compare(None, explanation, "enrolled")
    assert [(line.kind, line.micro, line.entry_id) for line in lines] == [
        ("base", 550_000_000, None),
        ("entry_added", -12_000 * 958 - 5_000_000, 3),
        ("entry_added", 4_125_000, 2),
        ("entry_added", 25_000_000, 1),
        ("rounding", 371_000, None),
    ]
    assert sum(line.micro for line in lines) == 563_000_000
    thin = score(card, BASIS[:1], TODAY).explanation
    assert compare(thin, explanation, "entries") == lines
    assert compare(explanation, thin, "entries") == []
    assert compare(None, thin, "enrolled") == []


def test_an_entry_is_added():
    new = payment(3, "2026-11-01", 0)
    # Read by two rules, told once. 579.125 rounds down by as much as 603.125 would, but the range ends at 600.
    assert told(BASIS, [*BASIS, new], "entries") == [
        ("entry_added", 24_000_000, 3),
        ("range_clamped", -3_125_000, None),
        ("rounding", 125_000, None),
    ]


def test_a_newer_record_takes_the_latest_ones_place():
    old, new = payment(3, "2026-10-31", 2), payment(4, "2026-11-01", 1)
    # Its own -12 and, as the latest, -5 in the place of -30.
    assert told([DOCUMENT, old], [DOCUMENT, old, new], "entries") == [("entry_added", -12_000_000 + 25_000_000, 4)]


def test_the_latest_record_is_struck_and_the_one_before_counts_again():
    old, new = payment(3, "2026-10-31", 0), payment(4, "2026-11-01", 2)
    struck = new._replace(status="struck")
    # From 524.332 to 598.832: its -24.5 is gone and, as the latest, 20 is back in the place of -30.
    assert told([DOCUMENT, old, new], [DOCUMENT, old, struck], "dispute") == [
        ("entry_struck", 24_500_000 + 50_000_000, 4),
        ("rounding", 500_000, None),
    ]


def test_a_record_is_replaced_by_a_right_one():
    wrong, right = payment(3, "2026-11-01", 3), payment(4, "2026-11-01", 0)
    assert told([DOCUMENT, wrong], [DOCUMENT, wrong._replace(status="struck"), right], "entries") == [
        ("entry_added", 24_000_000, 4),
        ("entry_struck", 66_000_000, 3),
        ("capped", -6_000_000, None),
    ]


def test_an_entry_fades_and_lapses():
    entries = [DOCUMENT, payment(3, "2026-10-01", 1)]
    # In December it weighs 916 thousandths and not 958: from 558.504 to 559.008, both of which are 559.
    assert told(entries, entries, "month", now=NEXT_MONTH) == [
        ("faded", 12_000 * 42, None),
        ("rounding", -504_000, None),
    ]
    # In January 875, and its third month is past the life of the rule on the latest payment: 564.5.
    assert told(entries, entries, "month", now=date(2027, 1, 1)) == [
        ("entry_lapsed", 5_000_000, 3),
        ("faded", 12_000 * 83, None),
        ("rounding", 4_000, None),
    ]


def test_an_entry_is_disputed_and_comes_back():
    late = payment(3, "2026-11-01", 1)
    disputed = late._replace(status="disputed")
    assert told([*BASIS, late], [*BASIS, disputed], "dispute") == [("entry_disputed", 17_000_000, 3)]
    assert told([*BASIS, disputed], [*BASIS, late], "dispute") == [("entry_restored", -17_000_000, 3)]
    assert told([*BASIS, late], [*BASIS, late._replace(status="struck")], "dispute") == [
        ("entry_struck", 17_000_000, 3)
    ]


def test_a_source_is_switched_off_and_on():
    payments = [payment(number, "2026-11-01", 1, source="bank") for number in (3, 4)]
    off = [one._replace(is_on=False) for one in payments]
    [line] = told([*BASIS, *payments], [*BASIS, *off], "source")
    assert line == ("source_switched", 29_000_000, None)
    [line] = told([*BASIS, *off], [*BASIS, *payments], "source")
    assert line == ("source_switched", -29_000_000, None)
    [line] = told([*BASIS, *payments], BASIS, "source")
    assert line == ("source_switched", 29_000_000, None)


def test_limits_are_told_apart_from_what_they_hold():
    bookings = [entry(number, "fulfilment.booking", "2026-11-01") for number in (2, 3)]
    third = entry(4, "fulfilment.booking", "2026-11-01")
    assert told(bookings, [*bookings, third], "entries") == [
        ("entry_added", 4_125_000, 4),
        ("capped", -2_375_000, None),
        ("rounding", 250_000, None),
    ]


def test_a_new_scorecard_is_told_factor_by_factor():
    text = CARD.replace("by-hand", "next").replace("base: 550", "base: 540").replace("points: 25}", "points: 20.5}")
    newer = load_scorecard(text)
    before, after = score(card, BASIS, TODAY), score(newer, BASIS, TODAY)
    lines = compare(before.explanation, after.explanation, "scorecard")
    assert [(line.kind, line.about, line.micro) for line in lines] == [
        ("scorecard_replaced", "", -10_000_000),
        ("scorecard_replaced", "identity", -4_500_000),
        ("rounding", "", 500_000),
    ]
    assert (before.value, after.value) == (579, 565)


def test_an_older_disputed_record_takes_over_when_the_active_one_after_it_is_struck():
    first = payment(3, "2026-09-01", 0, status="disputed")
    between = payment(4, "2026-10-01", 1)
    latest = payment(5, "2026-11-01", 0, status="disputed")
    card = load_scorecard(CARD.replace("up_to: 0, points: 20}", "up_to: -1, points: 20}, {up_to: 0, points: 5}"))
    better = first._replace(value=-10_000)
    before = [DOCUMENT, better, between, latest]
    after = [DOCUMENT, better, between._replace(status="struck"), latest]
    lines = compare(score(card, before, TODAY).explanation, score(card, after, TODAY).explanation, "dispute")
    # Its own -12 fading points, and 20 in the place of 5 as the latest payment.
    assert (lines[0].kind, lines[0].entry_id, lines[0].micro) == ("entry_struck", 4, 12_000 * 958 + 15_000_000)


def test_an_erased_entry_is_a_record_that_has_lapsed():
    late = payment(3, "2026-11-01", 1)
    before = score(card, [*BASIS, late], TODAY).explanation.forgetting({3})
    after = score(card, BASIS, TODAY).explanation
    [line] = compare(before, after, "month")
    assert line == Line("entry_lapsed", 17_000_000, "credit.payment", None)
    assert line.text == "a record that has lapsed"
    named = Line("entry_added", -17_000_000, "credit.payment", 3)
    assert named.forgetting({4}) is named
    assert named.forgetting({3}).text == "a record that has lapsed"
    assert named.forgetting({3}).points == "-17.000000"


def test_several_erased_entries_are_told_together():
    late = [payment(3, "2026-11-01", 1), payment(4, "2026-11-01", 1)]
    before = score(card, [*BASIS, *late], TODAY).explanation.forgetting({3, 4})
    assert compare(before, score(card, BASIS, TODAY).explanation, "month") == [
        Line("entry_lapsed", 29_000_000, "credit.payment", None)
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (Line("base", 1), "Where everybody starts"),
        (Line("entry_added", 1, "credit.payment", 1), "Credit payment: a new record"),
        (Line("entry_lapsed", 1, "credit.payment", 1), "Credit payment: a record lapsed"),
        (Line("entry_struck", 1, "conduct.fare", 1), "Public transport fare: a record was struck out"),
        (
            Line("entry_disputed", 1, "conduct.fare", 1),
            "Public transport fare: a record is disputed, and counts only if it helps",
        ),
        (Line("entry_restored", 1, "conduct.fare", 1), "Public transport fare: a record counts again"),
        (Line("faded", 1, "credit.payment"), "Credit payment: records grew older and count less"),
        (Line("source_switched", 1, "credit.payment", detail="off"), "Credit payment: a source was switched off"),
        (Line("capped", 1, "credit.payment", detail="rule"), "Credit payment: what its limit allows"),
        (Line("capped", 1, "conduct", detail="factor"), "Conduct: what its limit allows"),
        (Line("scorecard_replaced", 1, "conduct"), "Conduct: a new scorecard"),
        (Line("scorecard_replaced", 1), "Where everybody starts: a new scorecard"),
        (Line("range_clamped", 1), "What the score's range allows"),
        (Line("rounding", 1), "Rounding to whole points"),
    ],
)
def test_every_line_has_a_text(line, text):
    assert line.text == text
    assert Line.from_document(json.loads(json.dumps(line.to_document()))) == line


# -- A life ---------------------------------------------------------------------------------------------------------

EVENTS = ("add",) * 3 + ("dispute", "decide", "retract") * 2 + ("month", "switch", "card", "erase")
CAUSE = {
    "add": "entries",
    "retract": "entries",
    "month": "month",
    "erase": "month",
    "switch": "source",
    "card": "scorecard",
    "dispute": "dispute",
    "decide": "dispute",
}
STEPS = 20
CHOICES = 2 * 130 + (STEPS + 1) * 40
assert set(CAUSE.values()) | {"enrolled"} == set(CAUSES)


class Life:
    """One citizen: what was recorded, what is switched on, the scorecard in force, and the history kept."""

    def __init__(self, drawn):
        self.choices = Choices(drawn)
        first, second = scorecard_of(self.choices, "first"), scorecard_of(self.choices, "second")
        self.cards = [first, second]
        self.day = some_day(self.choices)
        self.entries = {}
        self.number = 0
        self.off = set()
        self.rows = []
        self.seen = Counter()

    def live(self):
        self.add()
        self.settle("enrolled")
        for _ in range(STEPS):
            event = self.choices.one(EVENTS)
            getattr(self, event)()
            self.settle(CAUSE[event])

    def settle(self, cause):
        """Score afresh and write a row if the answer moved, as the product does."""
        entries = [one._replace(is_on=one.source not in self.off) for one in self.entries.values()]
        scoring = score(self.cards[0], entries, self.day)
        last = self.rows[-1] if self.rows else None
        if last and (last["state"], last["value"]) == (scoring.state, scoring.value):
            self.seen["no row"] += 1
            return
        before = Explanation.from_document(last["explanation"]) if last else None
        lines = compare(before, scoring.explanation, cause)
        previous = last["value"] if last else None
        if scoring.value is None:
            assert lines == []
        else:
            assert sum(line.micro for line in lines) == (scoring.value - (previous or 0)) * 1_000_000
            assert (lines[0].kind == "base") == (previous is None)
        for line in lines:
            assert line.micro != 0
            assert line.text
            assert line.entry_id is None or line.entry_id <= self.number
        self.seen.update({line.kind for line in lines})
        self.rows.append(
            {
                "state": scoring.state,
                "value": scoring.value,
                "previous": previous,
                "explanation": json.loads(json.dumps(scoring.explanation.to_document())),
            }
        )

    def add(self):
        for _ in range(self.choices.one((2, 3, 4))):
            self.number += 1
            self.entries[self.number] = some_entry(self.cards[0], self.choices, self.number, self.day)

    def month(self):
        self.day = day_of(month(self.day) + self.choices.one((1, 1, 2)), 1)

    def switch(self):
        self.off ^= {self.choices.one((1, 2, "platform"))}

    def card(self):
        self.cards.reverse()

    def _set(self, status, number):
        self.entries[number] = self.entries[number]._replace(status=status)

    def _of(self, *statuses):
        return [number for number, one in self.entries.items() if one.status in statuses]

    def dispute(self):
        for number in self._of("active")[-3:]:
            self._set("disputed", number)

    def decide(self):
        for number in self._of("disputed"):
            self._set("active", number)

    def retract(self):
        ids = self._of("active", "disputed")
        if ids:
            self._set("struck", self.choices.one(ids))

    def erase(self):
        """Erase what has lapsed, its name in the history too."""
        gone = {number for number, one in self.entries.items() if one.lapses_on <= self.day}
        for number in gone:
            del self.entries[number]
        for row in self.rows:
            row["explanation"] = Explanation.from_document(row["explanation"]).forgetting(gone).to_document()


def test_through_a_life_the_lines_sum_to_every_difference(least_examples):
    seen = Counter()

    @settings(max_examples=AT_EDGES // 2)
    @given(some_bytes(CHOICES))
    def check(drawn):
        life = Life(drawn)
        life.live()
        # Σ differences + first = current, from the last time there was no value on.
        values = [row["value"] for row in life.rows]
        current = 0
        for row in life.rows:
            current = 0 if row["value"] is None else current + row["value"] - (row["previous"] or 0)
        assert current == (values[-1] or 0)
        assert [row["previous"] for row in life.rows] == [None, *values[:-1]]
        seen.update(+life.seen)

    check()
    assert {kind: seen[kind] for kind in (*LINE_KINDS, "no row") if seen[kind] < least_examples} == {}
