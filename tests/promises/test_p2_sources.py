"""P2: a source counts only while its citizen has it switched on."""

import logging
import tempfile
from pathlib import Path

import pytest
from django.apps import apps
from django.core.cache import caches
from django.db import connection

from citizen_app.models import ConsentEvent
from citizen_app.outbox import run_due, run_sweeps
from scores.models import Entry, Link, SignedBatch
from tests.attacks.stored import changed, everything
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, row
from tests.factories.signatures import SigningServer, bytes_of
from tests.promises.doors import App, code_of, enrolled, furnish, linked, record

pytestmark = pytest.mark.django_db

PAYMENTS = [f"2026-0{month}-15" for month in range(3, 9)]


@pytest.fixture
def bank(db):
    return SourceFactory(code="bank")


def scored(bank, subject="ana-7"):
    _, app = enrolled()
    server = linked(app, bank, subject)
    furnish(server, *[record(subject, f"e{n}", on=day) for n, day in enumerate(PAYMENTS)])
    assert app.get("/me/score").json()["state"] == "scored"
    return app, server


def everywhere(text: str) -> list[str]:
    """The tables in which this text stands anywhere."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            if any(text in repr(row) for row in cursor.fetchall()):
                found.append(model._meta.db_table)
    return found


def test_p2_of_an_entry_about_somebody_who_did_not_link_nothing_is_kept_anywhere(bank, caplog):
    scored(bank)
    before = everything()
    caplog.set_level(logging.DEBUG)
    answer = App(bank).post("/sources/entries", {"entries": [record("stranger-4711", "s-4711")]})
    (refusal,) = answer.json()["rejected"]
    assert refusal["code"] == "not_linked"
    # Only its own id of the entry comes back to the furnisher; the subject is in no answer, no table and no log.
    assert "stranger-4711" not in answer.content.decode() + repr(dict(answer.headers))
    said = [record for record in caplog.records if record.name != "django.db.backends"]
    assert "stranger-4711" not in " ".join(record.getMessage() for record in said)
    assert everywhere("stranger-4711") == []
    assert everywhere("s-4711") == []
    assert changed(before) == []


MARKS = ("CANARY-subject", "CANARY-external", "7654321")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("beside", [0, 1], ids=["nobody else's", "beside one that is taken"])
def test_p2_a_signed_batch_leaves_no_mark_of_a_stranger_in_any_table_file_log_or_cache(
    settings, caplog, capfd, tmp_path, form, beside
):
    """The evidence that is kept of a batch is its signature and digests: of a row that is not taken, nothing."""
    settings.SOURCE_SIGNATURES = "required"
    temporary = set(Path(tempfile.gettempdir()).iterdir())
    bank = SourceFactory(code="bank")
    link(EnrolmentFactory().citizen, bank, subject="ana-7")
    server = SigningServer(bank)
    strange = row(MARKS[0], external_id=MARKS[1], value=0) | {"kind": "credit.utilisation", "value": 0.7654321}
    rows = [row("ana-7", 1, external_id="TAKEN")] * beside + [strange | {"value": "0.7654"}, strange]
    caplog.set_level(logging.DEBUG)
    lines = b"".join(bytes_of(each) + b"\n" for each in rows)
    body = lines if "ndjson" in form else bytes_of({"entries": rows})
    answers = [server.send("POST", "entries", body, content_type=form) for _ in range(2)]
    refused = server.send(
        "POST", "entries", body + b" ", content_type=form, headers=server.signer.headers("POST", "/", body)
    )
    retraction = server.send("DELETE", f"entries/{MARKS[1]}", subject=MARKS[0])
    assert [one.status_code for one in (*answers, refused, retraction)] == [200, 200, 401, 404]
    assert [one.json()["accepted"] for one in answers] == [beside, 0]
    assert {one["code"] for one in answers[0].json()["rejected"]} == {"not_linked", "bad_value"}
    run_due()
    run_sweeps()
    assert SignedBatch.objects.count() == beside

    database = Path(str(connection.settings_dict["NAME"]))
    files = [one for one in (*settings.VAR_DIR.rglob("*"), *tmp_path.rglob("*")) if one.is_file()]
    files += [one for one in set(Path(tempfile.gettempdir()).iterdir()) - temporary if one.is_file()]
    if connection.vendor == "sqlite":  # the very file, and what is still to be folded into it
        files += [one for one in database.parent.iterdir() if one.name.startswith(database.name)]
        assert any(b"ana-7" in one.read_bytes() for one in files)
    kept = b"".join(one.read_bytes() for one in files) + repr(caches["default"].__dict__).encode()
    said = caplog.text + repr([one.__dict__ for one in caplog.records]) + "".join(capfd.readouterr())
    for mark in MARKS:
        assert everywhere(mark) == []
        assert mark.encode() not in kept
        assert mark not in said
    assert ("scores_entry" in everywhere("TAKEN")) == bool(beside)  # the search does find what is kept


def test_p2_only_a_code_the_citizen_made_links_a_source(bank):
    _, app = enrolled()
    server = App(bank)
    for code in ("AAAAAAAA", "00000000"):
        assert code_of(server.post("/sources/links", {"link_code": code, "subject": "ana-7"})) == "unknown_link_code"
    made = app.post("/me/sources/bank/link").json()["link_code"]
    other = App(SourceFactory(code="bureau"))
    assert code_of(other.post("/sources/links", {"link_code": made, "subject": "ana-7"})) == "unknown_link_code"
    assert server.post("/sources/links", {"link_code": made, "subject": "ana-7"}).status_code == 201
    assert code_of(server.post("/sources/links", {"link_code": made, "subject": "rui-8"})) == "unknown_link_code"
    given = ConsentEvent.objects.get(purpose="source:bank")
    assert (given.act, given.via) == ("given", "furnisher:bank")


def test_p2_switching_a_source_off_takes_its_entries_out_in_the_same_answer_and_on_brings_them_back(bank):
    app, _ = scored(bank)
    before = app.get("/me/score").json()
    assert app.put("/me/sources/bank", {"on": False}).json()["state"] == "off"
    off = app.get("/me/score").json()
    assert (off["state"], off["value"]) == ("thin_file", None)
    why_not = {
        line["why_not"]
        for factor in app.get("/me/score/explanation").json()["factors"]
        for rule in factor["rules"]
        for line in rule["entries"]
    }
    assert why_not == {"switched_off"}
    assert app.put("/me/sources/bank", {"on": True}).json()["state"] == "on"
    assert app.get("/me/score").json()["value"] == before["value"]
    acts = list(ConsentEvent.objects.filter(purpose="source:bank").order_by("id").values_list("act", flat=True))
    assert acts == ["given", "withdrawn", "given"]


def test_p2_what_arrives_while_it_is_off_is_kept_and_does_not_count(bank):
    app, server = scored(bank)
    app.put("/me/sources/bank", {"on": False})
    assert furnish(server, record("ana-7", "while-off", on="2026-09-15"))["accepted"] == 1
    assert app.get("/me/score").json()["value"] is None
    app.put("/me/sources/bank", {"on": True})
    earning = {one["id"]: one["points"] for one in app.whole("/me/entries")}
    assert len(earning) == len(PAYMENTS) + 1 + 1  # the verified address too
    assert sum(points != "0.000000" for points in earning.values()) == len(PAYMENTS) + 1


def test_p2_the_preview_changes_nothing(bank):
    app, _ = scored(bank)
    before = everything()
    told = app.put("/me/sources/bank?preview=1", {"on": False}).json()
    assert told["after"] is None
    assert told["before"] == app.get("/me/score").json()["value"]
    assert changed(before) == []


def test_p2_the_platform_itself_counts_only_when_it_is_switched_on():
    _, app = enrolled()
    points = {one["code"]: one["points"] for one in app.get("/me/score").json()["factors"]}
    assert points["identity"] == "0.000000"
    assert Link.objects.get().is_on is False
    app.put("/me/sources/platform", {"on": True})
    points = {one["code"]: one["points"] for one in app.get("/me/score").json()["factors"]}
    assert points["identity"] == "5.000000"


def test_p2_ending_a_link_erases_its_entries_at_once_and_the_next_ones_are_not_linked(bank):
    app, server = scored(bank)
    names = [one["id"] for one in app.whole("/me/entries") if one["source"] == "bank"]
    assert len(names) == len(PAYMENTS)
    assert app.delete("/me/sources/bank").status_code == 204
    assert app.get("/me/score").json()["value"] is None
    assert not Entry.objects.filter(link__source=bank).exists()
    assert [app.get(f"/me/entries/{name}").status_code for name in names] == [404] * len(names)
    # The history still adds up, and names none of them.
    told = str(app.whole("/me/score/history"))
    assert not [name for name in names if name in told]
    assert [one["code"] for one in furnish(server, record("ana-7", "late"))["rejected"]] == ["not_linked"]
    assert server.whole("/sources/links")[0]["state"] == "ended"


def test_p2_each_source_is_switched_for_itself(bank):
    app, _ = scored(bank)
    bureau = SourceFactory(code="bureau")
    server = linked(app, bureau, "A-1")
    furnish(server, *[record("A-1", f"b{n}", on=day) for n, day in enumerate(PAYMENTS[:4])])
    both = app.get("/me/score").json()["value"]
    app.put("/me/sources/bank", {"on": False})
    alone = app.get("/me/score").json()["value"]
    assert alone is not None
    assert alone < both
    earning = {one["source"] for one in app.whole("/me/entries") if one["points"] != "0.000000"}
    assert earning == {"bureau"}


def test_p2_a_source_may_send_only_its_own_kinds(bank):
    app, server = scored(bank)
    before = app.get("/me/score").json()["value"]
    told = furnish(server, record("ana-7", "x1", kind="conduct.traffic", value=3))
    assert [one["code"] for one in told["rejected"]] == ["kind_not_allowed"]
    assert app.get("/me/score").json()["value"] == before
