"""What the log says: a refusal in a line, a failure with its traceback."""

import logging
import sys

import pytest

from citizen_app.logs import without_traces_of_refusals


@pytest.mark.parametrize(
    ("name", "level", "keeps"),
    [
        ("django.request", logging.WARNING, False),
        ("django.request", logging.ERROR, True),
        ("citizen_app.outbox", logging.WARNING, True),
    ],
)
def test_only_a_refused_page_is_told_without_a_traceback(name, level, keeps):
    try:
        raise PermissionError
    except PermissionError:
        record = logging.LogRecord(name, level, __file__, 1, "said", (), sys.exc_info())
    assert without_traces_of_refusals(record)
    assert (record.exc_info is not None) is keeps
