"""P7: a dispute gives the benefit of the doubt: it never costs, silence strikes, a human decides, another hears."""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from citizen_app.outbox import run_due, run_sweeps
from tests.factories.people import browser_for, operator_with
from tests.factories.scores import SourceFactory
from tests.promises.doors import code_of, enrolled, furnish, linked, record

pytestmark = pytest.mark.django_db
WORDS = {"ground": "wrong_value", "statement": "I paid in time."}


@pytest.fixture
def life():
    """A citizen with five payments on time and one four months late, their app, the bank's server, and the late one."""
    person, app = enrolled(first_name="Ana")
    server = linked(app, SourceFactory(code="bank"), "ana-7")
    furnish(server, *[record("ana-7", f"p{n}", on=f"2026-0{n}-15") for n in range(4, 9)])
    furnish(server, record("ana-7", "late", on="2026-10-15", value=4))
    late = next(one for one in app.whole("/me/entries") if one["value"] == 4)
    return person, app, server, late


def value(app):
    return app.get("/me/score").json()["value"]


def purposes(app):
    return {code: one["value"] for code, one in app.get("/me/score").json()["purposes"].items()}


def dispute(app, *entries, **more):
    answer = app.post("/me/disputes", {"entries": [one["id"] for one in entries], **WORDS, **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


def state(app, told):
    return app.get(f"/me/disputes/{told['id']}").json()["state"]


def decide(operator, told, decision, read_as):
    form = {"decision": decision, "reason": "The statement of the account.", "state": read_as}
    return browser_for(operator).post(f"/operator/disputes/{told['id']}/decide", form, follow=True)


def later(**by):
    return time_machine.travel(timezone.now() + timedelta(**by))


def test_p7_what_costs_stops_costing_and_what_helps_goes_on_helping(life):
    _, app, _, late = life
    before, each = value(app), purposes(app)
    dispute(app, late)
    assert value(app) > before
    assert app.get(f"/me/entries/{late['id']}").json()["status"] == "disputed"
    helping = [one for one in app.whole("/me/entries") if one["value"] == 0][:2]
    with_one = value(app)
    dispute(app, *helping)
    assert value(app) == with_one
    assert all(now is None or now >= each[code] for code, now in purposes(app).items())


def test_p7_withdrawing_leaves_exactly_what_was_before(life):
    _, app, _, late = life
    before = app.get("/me/score").json()
    told = dispute(app, late)
    assert app.post(f"/me/disputes/{told['id']}/withdraw").json()["state"] == "withdrawn"
    after = app.get("/me/score").json()
    assert {name: after[name] for name in after if name != "change"} == {
        name: before[name] for name in before if name != "change"
    }


def test_p7_silence_of_30_days_strikes_the_record(life):
    _, app, _, late = life
    told = dispute(app, late)
    assert told["due_on"] == "2026-12-23"
    with later(days=30):
        run_sweeps()
        assert state(app, told) == "received"
    with later(days=31):
        run_sweeps()
        assert state(app, told) == "lapsed_unanswered"
        assert app.get(f"/me/entries/{late['id']}").json()["status"] == "struck"
        assert [one["what"] for one in app.get(f"/me/disputes/{told['id']}").json()["timeline"]].count("reminded") == 1


def test_p7_the_furnisher_is_told_at_once_and_answers(life):
    _, app, server, late = life
    told = dispute(app, late)
    (asked,) = server.whole("/sources/disputes")
    assert (asked["id"], asked["subject"], asked["external_ids"]) == (told["id"], "ana-7", ["late"])
    with_doubt = value(app)
    server.post(f"/sources/disputes/{told['id']}/answer", {"position": "confirm"})
    assert (state(app, told), value(app)) == ("in_review", with_doubt)  # the doubt lasts until a human decides


def test_p7_a_correction_takes_the_record_s_place(life):
    _, app, server, late = life
    told = dispute(app, late)
    right = {"position": "correct", "entry": {"occurred_on": "2026-10-15", "value": 0}}
    assert server.post(f"/sources/disputes/{told['id']}/answer", right).json()["state"] == "upheld"
    entries = {one["status"]: one for one in app.whole("/me/entries") if one["occurred_on"] == "2026-10-15"}
    assert (entries["struck"]["value"], entries["active"]["value"]) == (4, 0)
    assert entries["active"]["lapses_on"] <= entries["struck"]["lapses_on"]


def test_p7_a_human_decides_and_another_hears_the_appeal(life):
    _, app, server, late = life
    before = value(app)
    told = dispute(app, late)
    server.post(f"/sources/disputes/{told['id']}/answer", {"position": "confirm"})
    first, second = operator_with("disputes"), operator_with("disputes")
    decide(first, told, "reject", "in_review")
    assert (state(app, told), value(app)) == ("rejected", before)
    assert app.post(f"/me/disputes/{told['id']}/appeal", {"statement": "Look again."}).status_code == 200
    page = decide(first, told, "reject", "appealed")
    assert "This takes another operator than the first." in html.unescape(page.content.decode())
    assert state(app, told) == "appealed"
    decide(second, told, "uphold", "appealed")
    assert state(app, told) == "upheld_on_appeal"
    assert app.get(f"/me/entries/{late['id']}").json()["status"] == "struck"
    assert value(app) > before
    assert code_of(app.post(f"/me/disputes/{told['id']}/appeal")) == "wrong_state"


def test_p7_the_doubt_is_given_once_for_a_record_and_a_ground(life):
    _, app, _, late = life
    before = value(app)
    told = dispute(app, late)
    app.post(f"/me/disputes/{told['id']}/withdraw")
    again = app.post("/me/disputes", {"entries": [late["id"]], **WORDS})
    assert (again.status_code, code_of(again)) == (409, "evidence_needed")
    assert value(app) == before


def test_p7_the_doubt_is_given_in_three_open_disputes_at_most(life):
    _, app, _, late = life
    helping = [one for one in app.whole("/me/entries") if one["value"] == 0][:3]
    assert [dispute(app, one)["benefit_of_the_doubt"] for one in helping] == [True] * 3
    before = value(app)
    assert dispute(app, late)["benefit_of_the_doubt"] is False
    assert value(app) == before


def test_p7_every_step_is_mailed_and_kept_on_the_timeline(life, mailoutbox):
    person, app, server, late = life
    told = dispute(app, late)
    server.post(f"/sources/disputes/{told['id']}/answer", {"position": "withdraw", "statement": "Sorry."})
    run_due()
    subjects = [one.subject for one in mailoutbox if one.to == [person.email]]
    assert subjects == ["We have your dispute", "Your dispute is decided for you"]
    steps = app.get(f"/me/disputes/{told['id']}").json()["timeline"]
    assert [one["what"] for one in steps] == ["opened", "asked", "answered", "upheld"]
    assert all(re.fullmatch(r"2026-11-23T12:.*Z", one["at"]) for one in steps)


def test_p7_p4_the_furnisher_and_the_operator_learn_no_score(life):
    _, app, server, late = life
    told = dispute(app, late)
    number = str(value(app))
    assert number not in server.get("/sources/disputes").content.decode()
    operator = operator_with("disputes")
    page = browser_for(operator).get(f"/operator/disputes/{told['id']}").content.decode()
    shown = re.sub(r"<[^>]+>", " ", page)
    assert number not in re.findall(r"\b\d{3}\b", shown)
    assert app.whole("/me/inquiries")[0]["what"] == "file_opened"
