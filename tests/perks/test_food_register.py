"""Reading an authority's files: what a row becomes, and that a wrong one is named."""

from datetime import date

import pytest

from perks.food_register import BadRows, read_files

BUSINESSES = "business_id,name,address,city,postal_code,latitude,longitude\n"
INSPECTIONS = "business_id,date,score,type\n"
VIOLATIONS = "business_id,date,description\n"


@pytest.fixture
def files(tmp_path):
    """Write files, the header first; return their paths."""

    def write(businesses="19,Cafe,1 Street,Town,94109,,\n", inspections=None, violations=None):
        paths = []
        for name, header, rows in (
            ("food_businesses.csv", BUSINESSES, businesses),
            ("food_inspections.csv", INSPECTIONS, inspections),
            ("food_violations.csv", VIOLATIONS, violations),
        ):
            if rows is not None:
                path = tmp_path / name
                path.write_bytes(rows if isinstance(rows, bytes) else (header + rows).encode())
                paths.append(path)
        return paths

    return write


def test_an_inspection_keeps_its_place_in_the_file_among_those_of_its_day(files):
    seen = "19,2018-01-01,91,routine\n19,2018-01-01,60,routine\n19,2017-01-01,80,routine\n"
    read = read_files(files(inspections=seen))
    placed = [(row.on.year, row.order, row.mark) for row in read.inspections]
    assert placed == [
        (2018, 1, 91),
        (2018, 2, 60),
        (2017, 1, 80),
    ]
    assert len({row.external_id for row in read.inspections}) == 3
    assert read.newest == date(2018, 1, 1)


def test_a_violation_is_a_penalty_and_a_corrected_one_a_penalty_with_its_remedy(files):
    said = "19,2018-01-01,Unclean floors\n19,2018-01-01,Vermin  [ date violation corrected: 2/3/2018 ]\n"
    read = read_files(files(violations=said, inspections="19,2018-03-01,91,routine\n"))
    open_one, corrected = read.violations
    assert (open_one.kind, open_one.gravity, open_one.is_remedied) == ("penalty", "minor", False)
    assert (corrected.kind, corrected.gravity, corrected.remedied_on) == ("penalty_remedied", "minor", date(2018, 2, 3))
    assert corrected.text == "Vermin"


@pytest.mark.parametrize("day", ["12:15:17 PM", "1/1/2017", "6/26/2027", "2/30/2018", ""])
def test_a_day_of_correction_that_cannot_be_one_is_left_out_and_the_remedy_stays(files, day):
    read = read_files(files(violations=f"19,2018-01-01,Vermin [ date violation corrected: {day} ]\n"))
    (row,) = read.violations
    assert (row.kind, row.is_remedied, row.remedied_on, row.text) == ("penalty_remedied", True, None, "Vermin")


def test_a_violation_keeps_its_id_when_it_is_corrected_later_and_twins_have_their_own(files):
    (before,) = read_files(files(violations="19,2018-01-01,Vermin\n")).violations
    said = "19,2018-01-01,Vermin [ date violation corrected: 1/2/2018 ]\n19,2018-01-01,Vermin\n"
    after, twin = read_files(files(violations=said)).violations
    assert before.external_id == after.external_id != twin.external_id


WRONG = {
    "a mark in words": ({"inspections": "19,2018-01-01,good,routine\n"}, "food_inspections.csv line 2: score 'good'"),
    "a mark above 100": (
        {"inspections": "19,2018-01-01,101,routine\n"},
        "score '101' is no whole number",
    ),
    "a mark below 0": ({"inspections": "19,2018-01-01,-1,routine\n"}, "score '-1'"),
    "digits of another script": ({"inspections": "19,2018-01-01,٩٠,routine\n"}, "score '٩٠'"),
    "a day that is none": ({"inspections": "19,2018-02-30,90,routine\n"}, "date '2018-02-30' is no day"),
    "a day in another order": (
        {"violations": "19,01/02/2018,Vermin\n"},
        "line 2: date '01/02/2018'",
    ),
    "a year beyond": ({"inspections": "19,9999-01-01,90,routine\n"}, "outside the calendar"),
    "a cell too many": ({"inspections": "19,2018-01-01,90,routine,x\n"}, "it has 5 cells, not 4"),
    "a cell missing": ({"inspections": "19,2018-01-01,90\n"}, "it has 3 cells, not 4"),
    "an empty line": ({"inspections": "\n19,2018-01-01,90,routine\n"}, "line 2: it has 0 cells"),
    "no such business": ({"inspections": "20,2018-01-01,90,routine\n"}, "line 2: there is no business '20'"),
    "no words": ({"violations": "19,2018-01-01,\n"}, "the description is missing"),
    "only a correction": ({"violations": "19,2018-01-01,[ date violation corrected: 1/2/2018 ]\n"}, "is missing"),
    "a control character": ({"violations": "19,2018-01-01,Ver\x07min\n"}, "a control character"),
    "a business twice": ({"businesses": "19,Cafe,,,,,\n19,Cafe,,,,,\n"}, "line 3: business '19' stands there twice"),
    "a business without a name": ({"businesses": "19,,,,,,\n"}, "the name is missing"),
    "other columns": ({"businesses": b"id,name\n1,x\n"}, "food_businesses.csv line 1: its columns are none of"),
    "nothing at all": ({"businesses": b""}, "line 1: its columns"),
    "another encoding": ({"businesses": BUSINESSES.encode() + b"19,Caf\xe9,,,,,\n"}, "it is not UTF-8"),
    "an open quote": ({"violations": '19,2018-01-01,"Vermin\n'}, "it is not CSV"),
}


@pytest.mark.parametrize(("said", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_row_is_named_by_file_and_line(files, said, sentence):
    with pytest.raises(BadRows) as wrong:
        read_files(files(**said))
    assert sentence in str(wrong.value)


def test_every_wrong_row_is_counted_and_the_first_are_named(files):
    with pytest.raises(BadRows) as wrong:
        read_files(files(inspections="19,2018-01-01,x,routine\n" * 25))
    assert len(wrong.value.mistakes) == 25
    assert str(wrong.value).endswith("… and 5 more.")
    assert "line 2:" in str(wrong.value)


def test_a_row_over_several_lines_is_named_by_its_first(files):
    with pytest.raises(BadRows, match=r"line 3: date 'never'"):
        read_files(files(violations='19,2018-01-01,Vermin\n19,never,"Vermin"\n'))


def test_a_business_of_an_earlier_file_is_known(files):
    paths = files(businesses=None, inspections="7,2018-01-01,90,routine\n")
    assert len(read_files(paths, known={"7"}.__contains__).inspections) == 1
