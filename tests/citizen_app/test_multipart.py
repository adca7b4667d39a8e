"""A form says the same as a JSON body: single values, and lists however they are sent."""

import pytest
from django.http import QueryDict

from citizen_app.api.multipart import plain


def form(*fields):
    sent = QueryDict(mutable=True)
    for name, value in fields:
        sent.appendlist(name, value)
    return sent


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        (["a"], ["a"]),
        (["a", "b"], ["a", "b"]),
        (['["a", "b"]'], ["a", "b"]),
        (["[]"], []),
        (["[a"], ["[a"]),
        (['["a"', '"b"]'], ['["a"', '"b"]']),
        (['{"a": 1}'], ['{"a": 1}']),
        (['["a", NaN]'], ['["a", NaN]']),
        (['["\\ud800"]'], ['["\\ud800"]']),
    ],
)
def test_a_list_is_its_field_sent_often_or_once_in_json(sent, members):
    said = plain(form(*(("tags", value) for value in sent)), list_fields=frozenset({"tags"}))
    assert said == {"tags": members}


def test_what_is_no_list_is_never_read_as_json():
    assert plain(form(("statement", "[1]"))) == {"statement": "[1]"}
