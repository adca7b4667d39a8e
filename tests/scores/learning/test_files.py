"""What is read to learn from, and what is refused: groups and proxies above all."""

import pytest

from scores.forbidden_kinds import NEVER, PROTECTED, PROXIES, never_an_input
from scores.learning.files import (
    BadFile,
    ProtectedInput,
    Split,
    read_groups,
    read_outcomes,
    refuse_protected,
)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "file"
        path.write_text(text)
        return str(path)

    return write


def test_outcomes_are_read_from_csv_and_ndjson(file):
    assert read_outcomes(file("subject,outcome\na,1\nb,0\n")) == {"a": True, "b": False}
    assert read_outcomes(file('{"subject":"a","outcome":1}\n{"subject":"b","outcome":0}\n')) == {"a": True, "b": False}


@pytest.mark.parametrize("column", ["sex", "age", "Age", "birth_year", "credit_limit", "marital_status", "postcode"])
def test_outcomes_with_a_protected_column_are_refused(file, column):
    with pytest.raises(ProtectedInput, match=f"line 2: {column} can never be an input: "):
        read_outcomes(file(f"subject,outcome,{column}\na,1,x\n"))


@pytest.mark.parametrize(
    "line",
    [
        '{"subject":"a","kind":"credit.limit","occurred_on":"2026-10-31","value":5}',
        '{"subject":"a","kind":"credit.payment","occurred_on":"2026-10-31","value":0,"sex":"f"}',
        '{"subject":"a","kind":"identity.age","occurred_on":"2026-10-31","value":30}',
    ],
)
def test_entries_with_a_protected_kind_or_key_are_refused(file, line):
    good = '{"subject":"a","kind":"credit.payment","occurred_on":"2026-10-31","value":0}\n'
    refuse_protected(file(good))
    with pytest.raises(ProtectedInput, match=r"line 2: .* can never be an input: "):
        refuse_protected(file(good + line + "\n"))


@pytest.mark.parametrize(
    "text",
    [
        "subject,outcome,colour_of_car\na,1,x\n",
        "subject,outcome\na,2\n",
        "subject,outcome\na,\n",
        "subject,outcome\n,1\n",
        "subject,outcome\na,1\na,0\n",
        "subject,outcome\na,1,1\n",
        '{"subject":"a","outcome":true}\n',
        "{[}\n",
    ],
)
def test_other_outcomes_are_refused(file, text):
    with pytest.raises(BadFile):
        read_outcomes(file(text))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadFile, match="cannot be read"):
        read_outcomes(str(tmp_path / "none"))


def test_groups_are_read_by_attribute(file):
    groups = read_groups(file("subject,sex,age\na,female,under 25\nb,male,25 to 59\n"))
    assert groups == {"sex": {"a": "female", "b": "male"}, "age": {"a": "under 25", "b": "25 to 59"}}
    with pytest.raises(BadFile, match="at least one group"):
        read_groups(file("subject\na\n"))


def test_people_are_parted_by_the_number_they_end_in():
    split = Split("mod10<7")
    assert [split.is_to_fit(subject) for subject in ("6", "7", "card-00016", "p-29", "10")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    with pytest.raises(BadFile, match="does not end in a number"):
        split.is_to_fit("ana")


@pytest.mark.parametrize("rule", ["", "mod10", "mod10<10", "mod10<0", "mod0<1", "mod10>7", "sex=female"])
def test_other_splits_are_refused(rule):
    with pytest.raises(BadFile, match="no rule to split by"):
        Split(rule)


def test_every_protected_word_and_proxy_is_never_an_input():
    words = {word for named in (*NEVER.values(), *PROTECTED.values(), PROXIES) for word in named}
    assert {word for word in words if never_an_input(word) is None} == set()
    assert never_an_input("credit.paid") is None
