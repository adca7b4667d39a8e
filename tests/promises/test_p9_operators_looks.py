"""P9 over every page of the back office: none names a citizen, and each look at one is told with role and reason."""

import re

import pytest
import time_machine

from citizen_app.models import Citizen
from scores.models import Enrolment, Inquiry
from tests.factories.people import browser_for
from tests.factories.scores import NOW
from tests.factories.world import make_world
from tests.test_access import PAGES, rows_of

pytestmark = pytest.mark.django_db

ADDRESSES = [row.path for row in rows_of(PAGES) if row.method == "GET" and row.path.startswith("operator")]


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def back_office():
    """Every page as somebody reads it who holds every role."""
    world = make_world()
    browser = browser_for(world.full_operator)

    def read():
        answers = {path: browser.get("/" + path.format(**world.ids)) for path in ADDRESSES}
        shown = {path: answer for path, answer in answers.items() if answer.status_code == 200}
        return {path: answer.content.decode(errors="replace") for path, answer in shown.items()}

    return read


def looks():
    asked = Inquiry.objects.filter(asker_kind="operator").order_by("id")
    return list(asked.values_list("enrolment_id", "about", "asker_name", "reason", "count"))


def test_p9_each_look_at_one_person_is_told_with_role_and_reason_and_folds_by_day(back_office):
    assert len(back_office()) > 15
    first = looks()
    told = {(re.sub(r" \(.+\)$", "", about), name) for _, about, name, _, _ in first}
    assert told == {
        ("Your file", "Citizen App, support"),
        ("Your dispute", "Citizen App, disputes"),
        ("The damage claim you contested", "Citizen App, disputes"),
        ("Proposed as a person trust begins with", "Citizen App, scoring"),
    }
    assert [row for row in first if not row[3]] == []
    back_office()
    again = looks()
    assert [row[:4] for row in again] == [row[:4] for row in first]
    grown = {re.sub(r" \(.+\)$", "", after[1]) for before, after in zip(first, again, strict=True) if before != after}
    assert grown == {"Your dispute", "The damage claim you contested"}


def test_p9_no_page_of_operators_names_a_citizen_before_it_is_asked_to(back_office):
    citizens = Citizen.objects.filter(pk__in=Enrolment.objects.values("pk"))
    for path, page in back_office().items():
        for citizen in citizens:
            named = re.search(rf"{re.escape(citizen.email)}|\b{re.escape(citizen.first_name)}\b", page)
            assert named is None, (path, citizen)
