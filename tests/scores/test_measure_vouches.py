"""The measurement of vouches, on ratings small enough to follow."""

import csv
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from scores.management.commands import measure_vouches
from scores.management.commands.measure_vouches import (
    Moved,
    counts_of,
    is_accepted,
    percentile,
    ring_for,
    trust_of,
    vouches_of,
)

# Twenty seeds 1..20, each rating two hundred of the town; 100 and 101 are fraudsters whom two strangers rate.
RATINGS = [(seed, 1000 + 200 * seed + n, 1) for seed in range(1, 21) for n in range(200)]
RATINGS += [(30, 100, 2), (31, 101, 5), (32, 100, -10), (1, 100, 10), (100, 33, 1)]
LABELS = dict.fromkeys(range(1, 21), "trusted") | {100: "fraudulent", 101: "fraudulent", 500: "fraudulent"}


def files(folder, ratings=RATINGS, labels=LABELS):
    with (folder / "ratings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("rater", "rated", "rating", "rated_at_unix"), *((*row, 1) for row in ratings)])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("user", "label"), *labels.items()])
    return str(folder / "ratings.csv"), str(folder / "labels.csv")


def test_a_positive_rating_is_a_vouch_unless_it_made_the_labels():
    graph = vouches_of(RATINGS, LABELS)
    assert graph[1] == set(range(1200, 1400))  # not 100, whom a trusted user rated: so the labels were made
    assert 32 not in graph  # a rating below zero is no vouch
    assert graph[30] == {100}
    assert trust_of(graph, [1]) == dict.fromkeys(range(1200, 1400), 50)
    assert trust_of(graph, [30]) == {33: 1111, 100: 3333}


def test_a_percentile_is_the_share_with_less_and_half_of_those_with_as_much():
    values = {1: 5, 2: 5, 3: 9}
    assert percentile(values, 1, {1, 2, 3, 4}) == 50.0  # one less, itself and another as much
    assert percentile(values, 3, {1, 2, 3, 4}) == 87.5
    assert percentile({}, 1, {1, 2}) == 50.0


def test_the_ring_vouches_for_each_other_and_for_the_one():
    graph, new = ring_for({1: {2}}, 2)
    assert len(new) == 30
    assert graph[1] == {2}
    assert all(graph[member] == (new - {member}) | {2} for member in new)
    assert counts_of(graph)[2] == 31
    assert trust_of(graph, [1]) == {2: 3333}


def test_it_prints_where_the_rule_and_raw_counts_put_them(tmp_path):
    out = StringIO()
    call_command("measure_vouches", *files(tmp_path), stdout=out)
    told = out.getvalue()
    assert told.startswith("4,026 people, 4,003 vouches, 20 seeds.")  # 500 rates nobody and is rated by nobody
    assert "2 fraudsters among the 4,025 people who vouch" in told
    rows = [line.split()[-4:] for line in told.splitlines() if line.startswith(("trust", "vouches"))]
    assert [float(row[2]) < 1 for row in rows] == [True, False, True, False]
    assert float(rows[1][1]) > 99  # counted, the ring puts them on top


def test_a_captured_rule_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_vouches, "trust_of", lambda graph, seeds: counts_of(graph))
    with pytest.raises(CommandError, match="captured"):
        call_command("measure_vouches", *files(tmp_path), stdout=StringIO())


@pytest.mark.parametrize(
    ("moved", "accepted"),
    [
        ([Moved(6.7, 6.9)], True),
        ([Moved(14.2, 15)], False),
        ([Moved(6, 7)], False),
        ([Moved(6, 6), Moved(6, 6), Moved(6, 11.1)], False),
        ([Moved(6, 6), Moved(6, 6), Moved(6, 11)], True),
    ],
)
def test_what_is_accepted(moved, accepted):
    assert is_accepted(moved) == accepted


def test_files_that_are_none_stop_it(tmp_path):
    ratings, labels = files(tmp_path)
    for wrong in (("nowhere.csv", labels), (labels, labels), (ratings, ratings)):
        with pytest.raises(CommandError) as refusal:
            call_command("measure_vouches", *wrong, stdout=StringIO())
        assert refusal.value.returncode == 2
    with pytest.raises(CommandError, match="There must be 20 users labelled trusted"):
        call_command("measure_vouches", *files(tmp_path, labels={1: "trusted"}), stdout=StringIO())
