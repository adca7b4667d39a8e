"""A merchant's numbers: whole weeks, to the nearest five, none about fewer than ten people, never about people."""

import csv
import io
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.csv_cells import csv_lines
from citizen_app.db import violated
from citizen_app.errors import InvalidInput
from perks.eligibility import REFUSAL_ORDER
from perks.models import PerkDay, RefusedAttempt, ReportBlock, ReportBook, ReportRemainder
from perks.services.report_weeks import KIND_OF_REFUSAL, tell_merchant, tell_weeks
from perks.services.reports import report, report_rows
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from scores.services.enrolment import leave
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, person_of, reservation
from tests.factories.reports import happened, people, refused
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db

LISBON = ZoneInfo("Europe/Lisbon")
MONDAY = date(2026, 11, 9)
NOON = datetime(2026, 11, 11, 12, 0, tzinfo=LISBON)
"""A Wednesday of the week before last, seen from NOW (Monday 23 November)."""


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def perk(merchant):
    return PerkFactory(merchant=merchant, stock=None)


def told(merchant, **options):
    return report(merchant=merchant, **{"now": NOW} | options)


def row_of(answer, perk):
    return next(row for row in answer["rows"] if row["perk"]["id"] == perk.public_id)


def test_what_happened_is_told_to_the_nearest_five(merchant, perk):
    happened(perk, people(13), NOON)
    happened(perk, people(11), NOON, "cancelled")
    happened(perk, people(17), NOON, "expired")
    happened(perk, people(10), NOON, "reversed")
    row = row_of(told(merchant), perk)
    assert row["taken"] == 50  # 51
    assert row["redeemed"] == 25  # 13, and 10 that were taken back later
    assert (row["cancelled"], row["expired"], row["reversed"]) == (10, 15, 10)
    assert row["refused"] == {"full": None, "closed": None, "limit": None}


def test_nine_people_are_not_told_in_a_row_or_in_the_total_and_the_answer_says_why(merchant, perk):
    other = PerkFactory(merchant=merchant)
    happened(perk, people(9), NOON)
    happened(other, people(20), NOON)
    answer = told(merchant)
    assert row_of(answer, perk)["taken"] is None
    assert row_of(answer, other)["taken"] == answer["total"]["taken"] == 20
    assert "fewer than ten people" in answer["suppressed"]


def test_ten_takings_of_one_person_are_one_person(merchant, perk):
    happened(perk, people(1) * 10, NOON)
    assert told(merchant)["total"]["taken"] is None


@pytest.mark.parametrize(("others", "expected"), [(8, None), (9, 20)])
def test_all_who_have_left_are_one_person_because_nothing_says_how_many_they_were(merchant, perk, others, expected):
    happened(perk, [None] * 12, NOON)
    happened(perk, people(others), NOON)
    assert told(merchant)["total"]["taken"] == expected


@pytest.mark.parametrize(("others", "expected"), [(4, None), (5, 15)])
def test_in_small_branches_together_too(merchant, perk, others, expected):
    for count in (others, 4):
        branch = BranchFactory(merchant=merchant)
        happened(perk, [None] * 3, NOON, branch=branch)
        happened(perk, people(count), NOON, branch=branch)
    assert row_of(told(merchant), perk)["taken"] == expected


def test_a_week_is_told_a_quarter_of_an_hour_after_it_so_that_no_scan_of_it_is_undone_any_more(merchant, perk):
    happened(perk, people(10), NOON)
    over = datetime(2026, 11, 16, 0, 15, tzinfo=LISBON)
    with pytest.raises(InvalidInput):
        told(merchant, first=MONDAY, now=over - timedelta(seconds=1))
    assert told(merchant, first=MONDAY, now=over)["total"]["taken"] == 10


@pytest.mark.parametrize(("code", "kind"), KIND_OF_REFUSAL.items())
def test_refusals_by_the_offer_are_told(merchant, perk, code, kind):
    refused(perk, people(12), NOON, code)
    expected = dict.fromkeys(("full", "closed", "limit")) | {kind.removeprefix("refused_"): 10}
    assert row_of(told(merchant), perk)["refused"] == expected


@pytest.mark.parametrize("code", sorted(set(REFUSAL_ORDER) - set(KIND_OF_REFUSAL)))
def test_refusals_for_what_a_person_is_or_has_are_never_told(merchant, perk, code):
    assert code in {
        "below_threshold",
        "thin_file",
        "not_enough_records",
        "not_enrolled",
        "enrolment_paused",
        "document_needed",
    }
    refused(perk, people(30), NOON, code)
    refused(perk, people(30), NOON, "sold_out", code)
    answer = told(merchant)
    assert answer["total"]["refused"] == {"full": None, "closed": None, "limit": None}
    assert code not in str(answer)


def test_a_week_is_a_local_week_of_the_merchant_and_told_once_it_is_over(merchant):
    BranchFactory(merchant=merchant, zone="Pacific/Kiritimati")
    perk = PerkFactory(merchant=merchant)
    zone = ZoneInfo("Pacific/Kiritimati")
    happened(perk, people(10), datetime(2026, 11, 15, 22, 0, tzinfo=zone))  # a Sunday night there
    happened(perk, people(15), datetime(2026, 11, 16, 0, 0, tzinfo=zone))
    happened(perk, people(20), datetime(2026, 11, 23, 0, 0, tzinfo=zone))  # this week
    answer = told(merchant, by="week", first=date(2026, 11, 9))
    assert answer["zone"] == "Pacific/Kiritimati"
    assert [(row["week"]["from"], row["taken"]) for row in answer["rows"]] == [(MONDAY, 10), (date(2026, 11, 16), 15)]
    assert (answer["from"], answer["to"], answer["total"]["taken"]) == (MONDAY, date(2026, 11, 22), 25)


def test_only_whole_weeks_between_two_days_count(merchant, perk):
    happened(perk, people(10), NOON)
    for first, last in ((date(2026, 11, 9), date(2026, 11, 15)), (date(2026, 11, 3), date(2026, 11, 21))):
        answer = told(merchant, first=first, last=last)
        assert (answer["from"], answer["to"], answer["total"]["taken"]) == (MONDAY, date(2026, 11, 15), 10)
    for first, last in ((date(2026, 11, 10), date(2026, 11, 20)), (date(2026, 11, 20), date(2026, 11, 10))):
        with pytest.raises(InvalidInput):
            told(merchant, first=first, last=last)
    with pytest.raises(InvalidInput):
        told(merchant, first=date(2020, 1, 1), last=date(2026, 11, 15))


def test_a_longer_time_gives_away_no_week_inside_it(merchant, perk):
    """Of 6, 6 and 6 people in three weeks the first two are told together, and the third with none."""
    for number in range(3):
        happened(perk, people(6), NOON - timedelta(weeks=2 - number))
    first = MONDAY - timedelta(weeks=2)

    def taken(start, weeks):
        begins = first + timedelta(weeks=start)
        last = begins + timedelta(weeks=weeks, days=-1)
        return told(merchant, first=begins, last=last)["total"]["taken"]

    assert [taken(0, 1), taken(1, 1), taken(2, 1)] == [None, None, None]
    assert [taken(0, 2), taken(1, 2), taken(0, 3)] == [10, None, 10]
    by_week = told(merchant, by="week", first=first)
    assert [row["taken"] for row in by_week["rows"]] == [None] * 4
    assert by_week["total"]["taken"] == 10


def test_by_branch_is_where_it_was_used(merchant):
    here, there = (BranchFactory(merchant=merchant, name=name) for name in ("Here", "There"))
    perk = PerkFactory(merchant=merchant, kind="priority")
    happened(perk, people(10), NOON, branch=here)
    happened(perk, people(4), NOON, branch=there)
    happened(perk, people(15), NOON)
    answer = told(merchant, by="branch")
    assert [(row["branch"] and row["branch"]["name"], row["taken"]) for row in answer["rows"]] == [
        ("Here", 10),
        ("There", None),
        (None, 15),
    ]
    assert answer["total"]["taken"] == 25


def test_a_discount_is_told_at_the_branch_that_scanned_it(merchant, perk):
    here, _ = (BranchFactory(merchant=merchant, name=name) for name in ("Here", "There"))
    till = person_of(merchant, "cashier")
    for number in range(10):
        code = secrets_of(reservation(perk=perk, now=NOW - timedelta(weeks=1))).code
        scan_code(
            merchant=merchant,
            by=till,
            shown=Shown(code=code),
            nonce=f"nonce-{number}",
            branch=here,
            now=NOW - timedelta(weeks=1),
        )
    answer = told(merchant, by="branch", first=date(2026, 11, 16))
    assert [(row["taken"], row["redeemed"]) for row in answer["rows"]] == [(None, 10), (None, None), (10, None)]


def test_each_limit_is_shown_with_its_own_counter_lessons_8(merchant):
    perk = PerkFactory(
        merchant=merchant,
        stock=40,
        taken_count=12,
        budget_amount=5000,
        budget_currency="EUR",
        budget_spent=1500,
        limit_per_day=9,
        limit_per_citizen=2,
    )
    PerkDay.objects.create(perk=perk, day=NOW.date(), taken_count=3)
    limits = row_of(told(merchant), perk)["limits"]
    assert limits["stock"] == {"limit": 40, "used": 12, "left": 28}
    assert limits["budget"]["left"] == {"amount": 3500, "currency": "EUR"}
    assert limits["per_day"] == {"limit": 9, "used": 3, "left": 6}
    assert (limits["per_citizen"], limits["per_citizen_day"], limits["codes"]) == (2, None, None)


def test_what_ran_out_is_expired_filed_or_not_and_what_was_used_is_not_lessons_8(merchant, perk):
    happened(perk, people(10), NOON, "reserved", expires_at=NOON + timedelta(hours=1))
    happened(perk, people(10), NOON, "expired")
    happened(perk, people(30), NOON, "redeemed", expires_at=NOON + timedelta(hours=1))
    row = row_of(told(merchant), perk)
    assert (row["expired"], row["redeemed"], row["taken"]) == (20, 30, 50)


def test_nobody_else_s_numbers_are_in_it(merchant, perk):
    happened(PerkFactory(), people(20), NOON)
    assert told(merchant)["total"]["taken"] is None
    assert [row["perk"]["id"] for row in told(merchant)["rows"]] == [perk.public_id]


def test_a_week_told_for_good_is_what_was_read_before_and_never_changes(merchant, perk):
    persons = [citizen_with() for _ in range(12)]
    happened(perk, persons, NOON)
    refused(perk, persons, NOON, "sold_out")
    happened(perk, people(7), NOON, "cancelled")
    before = told(merchant)
    assert not ReportBlock.objects.exists()
    assert tell_weeks(now=NOW) == 1
    assert told(merchant) == before
    assert ReportBook.objects.get().told_before == date(2026, 11, 23)
    for person in persons[:8]:
        leave(citizen=person)
    assert RefusedAttempt.objects.count() == 4
    assert told(merchant) == before
    assert tell_weeks(now=NOW) == 0
    assert told(merchant) == before


def test_what_waits_is_told_with_a_later_week_by_the_sweep_as_by_reading(merchant, perk):
    happened(perk, people(6), NOON)
    tell_weeks(now=NOW - timedelta(days=6))
    assert (ReportBlock.objects.count(), ReportRemainder.objects.count()) == (0, 2)
    happened(perk, people(6), NOON + timedelta(weeks=1))
    read = told(merchant, first=MONDAY)
    assert (read["total"]["taken"], read["total"]["redeemed"]) == (10, 10)
    assert tell_weeks(now=NOW) == 1
    assert told(merchant, first=MONDAY) == read
    assert ReportRemainder.objects.count() == 0
    assert set(ReportBlock.objects.values_list("first_week", "last_week")) == {(MONDAY, date(2026, 11, 16))}


def test_two_sweeps_tell_a_week_once(merchant, perk):
    happened(perk, people(12), NOON)
    assert [tell_merchant(merchant=merchant, now=NOW) for _ in range(2)] == [True, False]
    assert ReportBlock.objects.filter(measure="taken").count() == 1


def test_the_database_keeps_no_block_of_nine_people(merchant, perk):
    facts = {"merchant": merchant, "measure": "taken", "grain": "perk", "perk": perk}
    weeks = {"first_week": MONDAY, "last_week": MONDAY}
    with pytest.raises(IntegrityError) as broken, transaction.atomic():
        ReportBlock.objects.create(**facts, **weeks, count=20, people_count=9)
    assert violated(broken.value) == "report_block_is_of_ten_people"
    with pytest.raises(IntegrityError) as broken, transaction.atomic():
        ReportBlock.objects.create(**facts | {"perk": None}, **weeks, count=20, people_count=10)
    assert violated(broken.value) == "report_block_grain_is_true"


@pytest.mark.parametrize("by", ["perk", "branch", "week"])
def test_a_report_costs_the_same_number_of_statements_whatever_there_is(merchant, by):
    costs = []
    for number in (1, 12):
        for _ in range(number):
            happened(PerkFactory(merchant=merchant, limit_per_day=5), people(10), NOON)
            BranchFactory(merchant=merchant)
        ReportBook.objects.all().delete()
        ReportBlock.objects.all().delete()
        tell_weeks(now=NOW)
        with CaptureQueriesContext(connection) as asked:
            told(merchant, by=by)
        costs.append(len(asked))
    assert costs[0] == costs[1] <= 6


@pytest.mark.parametrize("by", ["perk", "branch", "week"])
def test_the_file_says_the_same_numbers(merchant, by):
    branch = BranchFactory(merchant=merchant, name="=HYPERLINK(A1)")
    perk = PerkFactory(merchant=merchant, title="=1+1", stock=40, taken_count=12)
    happened(perk, people(13), NOON, branch=branch)
    answer = told(merchant, by=by, first=MONDAY)
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(report_rows(answer))), newline="")))
    assert len(rows) == len(answer["rows"]) + 1
    for row, said in zip(rows, [*answer["rows"], answer["total"]], strict=True):
        assert row["taken"] == ("" if said["taken"] is None else str(said["taken"]))
        assert row["refused_full"] == ""
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    if by == "perk":
        assert (rows[0]["name"], rows[0]["stock_left"]) == ("'=1+1", "28")
