"""P6: every point is explained, and the points add up: through a whole life, read by API as its citizen reads it."""

import random
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from citizen_app.outbox import run_due
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.scores import NOW, SourceFactory
from tests.promises.doors import App, enrolled, furnish, linked, record

pytestmark = pytest.mark.django_db

POINT = 1_000_000
KINDS = {
    "credit.payment": range(-2, 6),
    "credit.utilisation": ["0", "0.04", "0.2999", "0.5001", "0.95", "1.2"],
    "fulfilment.booking": range(3),
    "fulfilment.rental": [0, 0, 2, 9],
    "conduct.fare": range(2),
    "conduct.volunteering": ["1", "6.5", "30"],
    "conduct.tax": [0, 15, 200],
    "identity.phone": [1],
    "vouch.received": ["0", "0.04", "0.2", "0.9"],
}


def micro(points: str) -> int:
    whole, _, decimals = points.partition(".")
    assert len(decimals) == 6, points
    return int(whole + decimals)


def assert_every_point_adds_up(app: App) -> tuple[int | None, int]:
    """Hold what the citizen reads against itself, to the last micro-point; return the value and the rows of history."""
    score, told = app.get("/me/score").json(), app.get("/me/score/explanation").json()
    assert told["value"] == score["value"]
    for factor in told["factors"]:
        for rule in factor["rules"]:
            entries = sum(micro(line["points"]) for line in rule["entries"])
            assert entries + micro(rule["capped"]) == micro(rule["points"]), rule["code"]
            assert all(line["points"] == "0.000000" for line in rule["entries"] if not line["counts"])
        rules = sum(micro(rule["points"]) for rule in factor["rules"])
        assert rules + micro(factor["capped"]) == micro(factor["points"]), factor["code"]
    assert {one["code"]: one["points"] for one in score["factors"]} == {
        one["code"]: one["points"] for one in told["factors"]
    }
    total = micro(told["base"]) + sum(micro(one["points"]) for one in told["factors"]) + micro(told["range_clamped"])
    if told["value"] is not None:
        assert total + micro(told["rounding"]) == told["value"] * POINT
        assert abs(micro(told["rounding"])) <= POINT // 2

    # What each entry earns, by the list of entries and by the explanation, is the same.
    earned: dict[str, int] = {}
    for rule in (rule for factor in told["factors"] for rule in factor["rules"]):
        for line in rule["entries"]:
            if line["counts"]:
                earned[line["id"]] = earned.get(line["id"], 0) + micro(line["points"])
    listed = {one["id"]: micro(one["points"]) for one in app.whole("/me/entries")}
    assert {name: points for name, points in listed.items() if points} == {
        name: points for name, points in earned.items() if points
    }

    rows = app.whole("/me/score/history")[::-1]
    assert_the_history_tells_the_value(rows, score["value"])
    if rows[-1]["difference"] is not None:
        assert score["change"]["value"] == rows[-1]["difference"]
    return score["value"], len(rows)


def assert_the_history_tells_the_value(rows: list[dict[str, Any]], value: int | None) -> None:
    """Each row's lines sum to it, each row follows the one before, and first + all differences = now."""
    running = None
    for row in rows:
        lines = sum(micro(line["points"]) for line in row["lines"])
        assert row["previous"] == running
        if row["value"] is None:
            assert (row["difference"], row["lines"]) == (None, [])
            running = None
        elif row["previous"] is None:
            assert row["difference"] is None
            assert row["lines"][0]["kind"] == "base"
            assert lines == row["value"] * POINT
            running = row["value"]
        else:
            assert lines == row["difference"] * POINT
            running += row["difference"]
        assert row["value"] == running
        assert all(line["points"] != "0.000000" for line in row["lines"])
    assert running == value
    for before, after in pairwise(rows):
        assert before["at"] <= after["at"]
        assert (before["state"], before["value"]) != (after["state"], after["value"])


class Life:
    """One citizen's years, lived through the API: sources, batches, months, switches, retractions, corrections."""

    def __init__(self, seed: int) -> None:
        self.luck, self.at, self.count = random.Random(seed), NOW, 0
        self.sources = [SourceFactory(code=code, kinds=list(KINDS)) for code in ("bank", "city", "hotel")]
        self.servers: dict[str, App] = {}
        self.on: dict[str, bool] = {"platform": False}
        self.standing: list[tuple[str, str]] = []
        self.subject_of: dict[str, str] = {}
        _, self.app = enrolled()

    def step(self) -> str:
        often = [self.batch, self.batch, self.batch, self.month, self.switch, self.switch]
        return self.luck.choice([*often, self.link, self.retract, self.correct, self.unlink, self.what_if])()

    def link(self) -> str:
        free = [source for source in self.sources if source.code not in self.servers]
        if not free:
            return self.batch()
        source = self.luck.choice(free)
        self.subject_of[source.code] = f"{source.code}-ana-{self.count}"
        self.servers[source.code] = linked(self.app, source, self.subject_of[source.code])
        self.on[source.code] = True
        return f"link {source.code}"

    def batch(self) -> str:
        if not self.servers:
            return self.link()
        code = self.luck.choice(list(self.servers))
        rows = [self.row(code) for _ in range(self.luck.randint(2, 6))]
        told = furnish(self.servers[code], *rows)
        assert told["accepted"] == len(rows), told
        self.standing += [(code, one["external_id"]) for one in rows]
        return f"{len(rows)} rows of {code}"

    def row(self, code: str, **fields: Any) -> dict[str, Any]:
        self.count += 1
        kind = self.luck.choice(list(KINDS))
        day = date(self.at.year, self.at.month, self.at.day) - timedelta(days=self.luck.randint(0, 600))
        value = self.luck.choice(list(KINDS[kind]))
        return record(self.subject_of[code], f"r{self.count}", kind, day.isoformat(), value=value, **fields)

    def month(self) -> str:
        self.at += timedelta(days=self.luck.choice([28, 31, 31, 62, 200]))
        return f"it is {self.at:%Y-%m}"

    def switch(self) -> str:
        code = self.luck.choice(list(self.on))
        self.on[code] = not self.on[code]
        assert self.app.put(f"/me/sources/{code}", {"on": self.on[code]}).status_code == 200
        return f"{code} {'on' if self.on[code] else 'off'}"

    def retract(self) -> str:
        if not self.standing:
            return self.batch()
        code, name = self.standing.pop(self.luck.randrange(len(self.standing)))
        path = f"/sources/entries/{name}?subject={self.subject_of[code]}"
        assert self.servers[code].delete(path).status_code == 204
        run_due()
        return f"retract {name}"

    def correct(self) -> str:
        if not self.standing:
            return self.batch()
        code, name = self.standing.pop(self.luck.randrange(len(self.standing)))
        row = self.row(code, replaces=name)
        told = furnish(self.servers[code], row)
        if told["accepted"]:
            self.standing.append((code, row["external_id"]))
        else:  # what it replaces has lapsed
            assert {one["code"] for one in told["rejected"]} <= {"too_old", "invalid"}
        return f"replace {name}"

    def unlink(self) -> str:
        if len(self.servers) < 2 or self.luck.random() < 0.6:
            return self.batch()
        code = self.luck.choice(list(self.servers))
        assert self.app.delete(f"/me/sources/{code}").status_code == 204
        del self.servers[code], self.on[code]
        self.standing = [(of, name) for of, name in self.standing if of != code]
        return f"unlink {code}"

    def what_if(self) -> str:
        """Imagining every record away that there is, or nothing at all, is exact too."""
        names = [one["id"] for one in self.app.whole("/me/entries")][:100]
        same = self.app.post("/me/score/what-if", {}).json()
        assert same["value"] == self.app.get("/me/score").json()["value"]
        assert same["difference"] in (0, None)
        self.app.post("/me/score/what-if", {"without": names})
        return "what if"


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_p6_through_a_life_every_point_adds_up_whatever_happens(seed):
    """Lesson 21."""
    with time_machine.travel(NOW) as clock:
        life = Life(seed)
        rows = values = 0
        for number in range(22):
            said = life.step()
            life.at = max(life.at, datetime.now(tz=NOW.tzinfo))
            clock.move_to(life.at)
            try:
                value, rows = assert_every_point_adds_up(life.app)
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}, step {number} ({said}): {broken}") from broken
            values += value is not None
        assert rows >= 7
        assert values >= 7
        # The stored scores are what their records make, now and at every moment.
        assert [*wrong_scores(), *wrong_changes(), *wrong_explanations()] == []


def test_p6_what_a_limit_took_off_has_a_line_of_its_own():
    _, app = enrolled()
    server = linked(app, SourceFactory(code="all", kinds=[*KINDS, "conduct.traffic"]), "ana-7")
    # Payments earn 120 points and keep 75; bookings 36 and of one source 24; conduct loses 105, of which 60, then none.
    payments = [record("ana-7", f"p{n}", on=f"{2026 - n // 10}-{n % 10 + 1:02}-15") for n in range(20)]
    bookings = [record("ana-7", f"b{n}", "fulfilment.booking", f"2026-{n + 1:02}-15") for n in range(9)]
    traffic = [record("ana-7", f"t{n}", "conduct.traffic", "2026-11-01", value=3) for n in range(3)]
    furnish(server, *payments, *bookings, *traffic)
    told = {factor["code"]: factor for factor in app.get("/me/score/explanation").json()["factors"]}
    rules = {rule["code"]: rule for factor in told.values() for rule in factor["rules"]}
    assert rules["payments_on_time"]["capped"] == "-45.000000"
    assert rules["bookings_kept"]["capped"] == "-12.000000"
    assert rules["traffic"]["capped"] == "45.000000"
    assert (told["conduct"]["capped"], told["conduct"]["points"]) == ("60.000000", "0.000000")
    assert_every_point_adds_up(app)


def test_p6_each_line_of_the_history_names_what_it_is_about():
    _, app = enrolled()
    server = linked(app, SourceFactory(code="bank"), "ana-7")
    furnish(server, *[record("ana-7", f"p{n}", on=f"2026-0{n}-15") for n in range(1, 5)])
    names = {one["id"] for one in app.whole("/me/entries") if one["source"] == "bank"}
    newest = app.whole("/me/score/history")[0]
    assert {line["entry_id"] for line in newest["lines"] if line["kind"] == "entry_added"} <= names
    assert newest["lines"][0]["kind"] == "base"
    assert all(line["text"].strip() for line in newest["lines"])


def test_p6_an_answer_that_did_not_change_writes_no_history():
    _, app = enrolled()
    server = linked(app, SourceFactory(code="bank"), "ana-7")
    furnish(server, *[record("ana-7", f"p{n}", on=f"2026-{n:02}-15") for n in range(1, 11)])
    furnish(server, *[record("ana-7", f"q{n}", on=f"2025-{n:02}-15") for n in range(1, 11)])
    rows = app.whole("/me/score/history")
    before = app.get("/me/score").json()["value"]
    furnish(server, record("ana-7", "capped", on="2026-10-20"))  # payments on time earn 75 points at most
    assert app.get("/me/score").json()["value"] == before
    assert app.whole("/me/score/history") == rows
    assert_every_point_adds_up(app)


def test_p6_points_are_decimal_text_with_six_places_and_never_a_rounded_number():
    _, app = enrolled()
    server = linked(app, SourceFactory(code="bank"), "ana-7")
    furnish(server, *[record("ana-7", f"p{n}", on=f"2026-0{n}-15", value=n % 3) for n in range(1, 9)])
    answer = app.get("/me/score/explanation")

    def walk(value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            for inner_name, inner in value.items():
                walk(inner, inner_name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, name)
        elif name in {"points", "capped", "rounding", "range_clamped", "base", "lost"}:
            assert isinstance(value, str)
            micro(value)
        else:
            assert not isinstance(value, float), name

    walk(answer.json())
    walk(app.get("/me/score").json()["reasons"])
    assert_every_point_adds_up(app)
