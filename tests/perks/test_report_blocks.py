"""No set of answers lets a number about fewer than ten people be got out by subtraction."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from perks.report_blocks import LEAST_PEOPLE, Cell, rounded, told_of_week

MONDAY = date(2026, 9, 7)
WEEKS = [MONDAY + timedelta(weeks=number) for number in range(4)]
PERKS, BRANCHES = ("p", "q"), ("a", "b", None)
ATOMS = list(product(PERKS, BRANCHES, WEEKS))


def cell(since=MONDAY, people=10, count=None, first=0):
    return Cell(since, count or people, set(range(first, first + people)))


def test_ten_people_are_told_and_nine_are_not():
    blocks, waits = told_of_week(MONDAY, {("p", None): cell(people=10), ("q", None): cell(people=9)})
    assert [(block.perk, block.count, block.people_count) for block in blocks] == [("p", 10, 10)]
    assert waits == {("q", None): MONDAY}


def test_one_person_ten_times_is_one_person():
    blocks, waits = told_of_week(MONDAY, {("p", None): Cell(MONDAY, 10, {1})})
    assert (blocks, waits) == ([], {("p", None): MONDAY})


def test_small_branches_are_told_with_their_perk_and_small_perks_together():
    cells = {
        ("p", "a"): cell(people=12),
        ("p", "b"): cell(people=5),
        ("p", None): cell(people=5, first=50),
        ("q", "a"): cell(people=5),
        ("r", "a"): cell(people=6, first=90),
    }
    blocks, waits = told_of_week(MONDAY, cells)
    assert [(one.grain, one.perk, one.branch, one.count) for one in blocks] == [
        ("branch", "p", "a", 12),
        ("perk", "p", None, 10),
        ("merchant", None, None, 11),
    ]
    assert waits == {}


def test_the_same_few_people_at_two_branches_are_few():
    blocks, waits = told_of_week(MONDAY, {("p", "a"): cell(people=9), ("p", "b"): cell(people=9)})
    assert (blocks, len(waits)) == ([], 2)


def test_what_waited_is_told_with_a_later_week():
    later = MONDAY + timedelta(weeks=2)
    (block,), waits = told_of_week(later, {("p", None): cell(people=14)})
    assert (block.first_week, block.last_week, block.count, waits) == (MONDAY, later, 14, {})


def test_numbers_are_rounded_to_five():
    assert [rounded(number) for number in (10, 12, 13, 17, 18, 22, 23)] == [10, 10, 15, 15, 20, 20, 25]


def told(events):
    """Tell four weeks of events {(perk, branch, week): people}; return the blocks with the cells they are made of."""
    waiting, blocks = {}, []
    for week in WEEKS:
        cells = {}
        for perk, branch in product(PERKS, BRANCHES):
            since = waiting.get((perk, branch), week)
            inside = [one for one in WEEKS if since <= one <= week]
            people = [person for one in inside for person in events.get((perk, branch, one), ())]
            if people:
                cells[perk, branch] = Cell(since, len(people), set(people))
        new, still = told_of_week(week, cells)
        for block in new:
            covered = {
                (perk, branch, one)
                for (perk, branch), cell in cells.items()
                for one in WEEKS
                if cell.since <= one <= week
                and (perk, branch) not in still
                and block.perk in (perk, None)
                and (block.grain != "branch" or block.branch == branch)
            }
            if block.grain != "branch":
                covered -= {atom for earlier in new if earlier is not block for atom in of(earlier, cells)}
            blocks.append((block, {atom for atom in covered if atom in events}))
        waiting = still
    return blocks


def of(block, cells):
    """The cells of a finer block of the same week."""
    return {
        (perk, branch, week)
        for (perk, branch), cell in cells.items()
        for week in WEEKS
        if cell.since <= week <= block.last_week
        and block.perk == perk
        and (block.grain == "perk" or block.branch == branch)
    }


def answers(blocks):
    """Every number there is to ask for, as the set of cells it sums: by perk, branch and week, and totals, of all
    ranges."""
    for first, last in ((a, b) for a in WEEKS for b in WEEKS if a <= b):
        inside = [(block, atoms) for block, atoms in blocks if block.first_week >= first and block.last_week <= last]
        groups = {"total": inside}
        for perk in PERKS:
            groups[perk] = [one for one in inside if one[0].perk == perk]
        for branch in BRANCHES:
            groups["at", branch] = [one for one in inside if one[0].grain == "branch" and one[0].branch == branch]
        for week in WEEKS:
            groups[week] = [one for one in inside if one[0].first_week == one[0].last_week == week]
        for some in groups.values():
            if some:
                yield set().union(*(atoms for _, atoms in some))


def secrets(events):
    """Every cell set somebody could want to know that is about one to nine people."""
    for perks in ([one] for one in PERKS):
        for branches in [[one] for one in BRANCHES] + [list(BRANCHES)]:
            for first, last in ((a, b) for a in WEEKS for b in WEEKS if a <= b):
                yield {atom for atom in ATOMS if atom[0] in perks and atom[1] in branches and first <= atom[2] <= last}
    for branch in BRANCHES:
        yield {atom for atom in ATOMS if atom[1] == branch}
    for week in WEEKS:
        yield {atom for atom in ATOMS if atom[2] == week}


def reachable(known, wanted, atoms):
    """Whether a sum over cells is some combination of the known sums (exact ones: rounding only hides more)."""
    rows = [[Fraction(atom in one) for atom in atoms] for one in known]
    target = [Fraction(atom in wanted) for atom in atoms]
    for column in range(len(atoms)):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows = [_without(row, pivot, column) for row in rows]
        target = _without(target, pivot, column)
    return not any(target)


def _without(row, pivot, column):
    share = row[column] / pivot[column]
    return [one - share * other for one, other in zip(row, pivot, strict=True)]


def recovered(known, events):
    """The small sums that the answers give away to somebody who knows which cells are empty."""
    atoms = [atom for atom in ATOMS if atom in events]
    found = []
    for wanted in secrets(events):
        people = {person for atom in wanted & set(events) for person in events[atom]}
        if 0 < len(people) < LEAST_PEOPLE and reachable(known, wanted, atoms):
            found.append(wanted)
    return found


populations = st.dictionaries(
    st.sampled_from(ATOMS),
    st.lists(st.integers(0, 40), min_size=1, max_size=18),
    min_size=1,
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(populations)
def test_no_small_number_comes_out_of_any_answers_by_subtraction(events):
    blocks = told(events)
    seen = [atom for _, atoms in blocks for atom in atoms]
    assert len(seen) == len(set(seen))  # blocks do not overlap
    for block, atoms in blocks:
        people = {person for atom in atoms for person in events[atom]}
        assert block.people_count == len(people) >= LEAST_PEOPLE
        assert block.count == sum(len(events[atom]) for atom in atoms)
    assert recovered(list(answers(blocks)), events) == []


def naive_answers(events):
    """The negative control: each number told or not on its own, by whether it is of ten people."""
    for first, last in ((a, b) for a in WEEKS for b in WEEKS if a <= b):
        inside = {atom for atom in events if first <= atom[2] <= last}
        for some in (inside, *({atom for atom in inside if atom[0] == perk} for perk in PERKS)):
            if len({person for atom in some for person in events[atom]}) >= LEAST_PEOPLE:
                yield some


def test_hiding_small_numbers_alone_would_give_them_away():
    events = {
        ("p", None, WEEKS[0]): list(range(20)),
        ("q", None, WEEKS[0]): list(range(50, 53)),
        ("p", None, WEEKS[1]): list(range(4)),
    }
    assert len(recovered(list(naive_answers(events)), events)) > 1
    assert recovered(list(answers(told(events))), events) == []
