"""Importing a file of records: once, whole, in chunks, and on from where it was broken off."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.models import AuditEvent, OutboxMessage
from citizen_app.outbox import run_due
from scores.errors import ImportedElsewhere
from scores.models import Entry, FileImport, Inquiry, Score
from scores.services import importing
from scores.services.importing import import_entries
from scores.services.ingestion import furnish_entries
from scores.services.verifying import wrong_scores
from tests.databases import copy_to
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, row
from tests.running import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    source = SourceFactory()
    for number in range(3):
        link(EnrolmentFactory().citizen, source, f"S-{number}")
    return source


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "entries.ndjson"

    def write(*lines):
        text = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        path.write_bytes(b"".join(line + b"\n" for line in text))
        return path

    return write


def rows(count, first=0):
    """Payments on time of three people in turn."""
    return [
        row(f"S-{number % 3}", number, occurred_on=f"2026-{1 + number % 10:02}-28")
        for number in range(first, first + count)
    ]


def run(source, path, *options):
    """The answer and the exit code."""
    out = StringIO()
    try:
        call_command("import_entries", source.code, str(path), *options, stdout=out)
    except CommandError as refusal:
        return json.loads(out.getvalue() or "null"), refusal.returncode
    return json.loads(out.getvalue()), 0


def recorded(source):
    return sorted(Entry.objects.filter(link__source=source).values_list("link__subject", "external_id", "value"))


def counts(answer):
    return answer["state"], answer["lines"], answer["accepted"], answer["duplicates"], answer["rejected_by_code"]


def broken_off(source, path, error, *, after):
    """Import until the position has moved so many times, and fail there."""
    moves = []

    def moved(bytes_done):
        moves.append(bytes_done)
        if len(moves) > after:  # the first is where it begins
            raise error

    return import_entries(source=source, file=path, moved=moved)


def test_a_file_is_recorded_as_the_same_rows_by_http_would_be(source, file):
    other = SourceFactory()
    for number in range(3):
        link(EnrolmentFactory().citizen, other, f"S-{number}")
    sent = [*rows(9), row("S-0", 0, value=3), row("S-1", 20, replaces="r1"), row("S-1", 21, value=121), *rows(1)]
    answer, code = run(source, file(*sent))
    by_http = furnish_entries(source=other, rows=sent)
    assert (answer["id"], code) == (source.code, 1)
    assert counts(answer) == ("finished", 13, 10, 1, {"bad_value": 1, "entry_contradicted": 1})
    assert (by_http.accepted, by_http.duplicates, len(by_http.rejected)) == (10, 1, 2)
    assert recorded(source) == recorded(other)
    assert Entry.objects.get(link__source=source, external_id="r1").status == "struck"


def test_everything_accepted_exits_with_0_and_a_second_import_changes_nothing(source, file):
    path = file(*rows(10))
    answer, code = run(source, path)
    assert (counts(answer), code) == (("finished", 10, 10, 0, {}), 0)
    stored, told = recorded(source), list(Inquiry.objects.values_list("count"))
    events = AuditEvent.objects.count()
    answer, code = run(source, path, "--no-progress")
    assert (counts(answer), code) == (("finished_before", 10, 10, 0, {}), 0)
    renamed = path.rename(path.with_name("the same under another name"))
    assert run(source, renamed)[0]["state"] == "finished_before"
    assert AuditEvent.objects.count() == events
    answer, code = run(source, renamed, "--again")
    assert (counts(answer), code) == (("finished", 10, 0, 10, {}), 0)
    assert (recorded(source), list(Inquiry.objects.values_list("count"))) == (stored, told)


def test_an_import_that_failed_between_chunks_goes_on_where_it_stopped(source, file):
    path = file(*rows(11))
    with pytest.raises(ZeroDivisionError):
        broken_off(source, path, ZeroDivisionError(), after=2)
    assert len(recorded(source)) == 8
    position = FileImport.objects.get()
    assert (position.lines_done, position.accepted_count, position.finished_at) == (8, 8, None)
    answer, code = run(source, path)
    assert (counts(answer), answer["began_at_line"], code) == (("finished", 11, 11, 0, {}), 9, 0)
    assert len(recorded(source)) == 11


def test_a_chunk_that_fails_leaves_nothing_and_the_position_before_it(source, file, monkeypatch):
    path = file(*rows(6))
    whole = importing.record_rows

    def fails_after_writing(*args, **options):
        whole(*args, **options)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(importing, "record_rows", fails_after_writing)
        with pytest.raises(ZeroDivisionError):
            import_entries(source=source, file=path)
    assert recorded(source) == []
    assert FileImport.objects.get().lines_done == 0
    assert not OutboxMessage.objects.filter(topic=importing.IMPORTED_TOPIC).exists()
    assert counts(run(source, path)[0]) == ("finished", 6, 6, 0, {})


def test_ctrl_c_says_where_it_was_and_the_next_run_goes_on(source, file, monkeypatch):
    path = file(*rows(7))
    done = broken_off(source, path, KeyboardInterrupt(), after=1)
    assert (done.was_interrupted, done.position.lines_done) == (True, 4)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "record_rows", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        answer, code = run(source, path)
    assert (counts(answer), code) == (("interrupted", 4, 4, 0, {}), 130)
    assert counts(run(source, path)[0]) == ("finished", 7, 7, 0, {})


def test_rejected_rows_are_counted_and_written_with_their_lines_and_nothing_of_what_was_sent(source, file, tmp_path):
    report = tmp_path / "rejects.ndjson"
    lines = [b"not json", b"", b'"' + b"x" * 200_000 + b'"', *rows(4), row("CANARY", 90, value=7), b'{"a": "\xff"}', {}]
    answer, code = run(source, file(*lines), "--rejects", str(report))
    assert counts(answer) == ("finished", 10, 4, 0, {"invalid": 1, "malformed_body": 3, "not_linked": 1})
    assert code == 1
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(one["line"], one["external_id"], one["code"], one.get("field")) for one in told] == [
        (1, None, "malformed_body", None),
        (3, None, "malformed_body", None),
        (8, "r90", "not_linked", "subject"),
        (9, None, "malformed_body", None),
        (10, None, "invalid", "external_id"),
    ]
    assert "CANARY" not in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    before = report.read_bytes()
    assert run(source, file(*lines), "--rejects", str(report))[1] == 1  # finished before: as it was
    assert report.read_bytes() == before


def test_the_report_of_an_import_taken_up_again_tells_each_line_once(source, file, tmp_path, monkeypatch):
    report, path = tmp_path / "rejects.ndjson", file(*[row("S-0", number, value=121) for number in range(10)])
    kept, seen = importing._Rejects.write, []

    def dies_after_writing(self, rejections):
        kept(self, rejections)
        seen.append(len(rejections))
        if len(seen) == 2:
            raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(importing._Rejects, "write", dies_after_writing)
        with pytest.raises(ZeroDivisionError):
            run(source, path, "--rejects", str(report))
    assert len(report.read_text().splitlines()) == 8  # four of them of a chunk that is not recorded
    answer, _ = run(source, path, "--rejects", str(report))
    assert (answer["rejected"], answer["began_at_line"]) == (10, 5)
    assert [json.loads(line)["line"] for line in report.read_text().splitlines()] == list(range(1, 11))


def test_a_chunk_mostly_about_strangers_ends_the_import_until_they_have_linked(source, file, monkeypatch):
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 100)
    late = EnrolmentFactory().citizen
    path = file(*rows(100), *rows(94, first=100), *[row("LATE", number) for number in range(6)])
    answer, code = run(source, path)
    assert (counts(answer), code) == (("unlinked_batch", 100, 100, 0, {}), 1)
    assert (answer["not_linked"], answer["limit"]) == (6, 5)
    assert len(recorded(source)) == 100
    link(late, source, "LATE")
    answer, code = run(source, path)
    assert (counts(answer), answer["began_at_line"], code) == (("finished", 200, 200, 0, {}), 101, 0)


def test_everybody_is_rescored_once_however_their_records_lie_in_the_file(source, file):
    run(source, file(*rows(24)))
    assert OutboxMessage.objects.get(topic=importing.IMPORTED_TOPIC).done_at is None
    assert not OutboxMessage.objects.filter(topic="score.rescore").exists()
    before = dict(Score.objects.values_list("pk", "revision"))
    run_due()
    assert dict(Score.objects.values_list("pk", "revision")) == {pk: revision + 1 for pk, revision in before.items()}
    assert set(Score.objects.values_list("state", flat=True)) == {"scored"}


def test_what_follows_a_promise_that_is_being_kept_gets_a_new_one(source, file):
    path = file(*rows(24))

    def moved(bytes_done):
        if FileImport.objects.get().lines_done == 12:
            waiting = OutboxMessage.objects.filter(topic=importing.IMPORTED_TOPIC, done_at=None)
            assert waiting.update(due_at="2026-01-01T00:00Z") == 1
            run_due()

    import_entries(source=source, file=path, moved=moved)
    first, second = OutboxMessage.objects.filter(topic=importing.IMPORTED_TOPIC).order_by("id")
    assert (first.done_at is None, second.done_at is None) == (False, True)
    assert len(list(wrong_scores())) == 3
    run_due()
    assert list(wrong_scores()) == []


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's planner needs no numbers here")
def test_a_large_import_tells_the_planner_that_the_table_has_grown(source, file):
    with CaptureQueriesContext(connection) as few:
        run(source, file(*rows(3)))
    with CaptureQueriesContext(connection) as many:
        run(source, file(*rows(5, first=3)))
    assert ["ANALYZE" in str(list(queries)) for queries in (few, many)] == [False, True]


def test_an_import_is_on_record_and_told_to_those_it_is_about(source, file):
    run(source, file(*rows(6)))
    begun = AuditEvent.objects.get(action="entries.import")
    position = FileImport.objects.get()
    assert (begun.actor, begun.object) == ("system", f"source:{source.code}")
    assert begun.facts == {"sha256": position.fingerprint, "from_line": 1}
    furnished = AuditEvent.objects.filter(action="entries.furnish").values_list("facts__accepted", flat=True)
    assert sorted(furnished) == [2, 4]
    assert Inquiry.objects.filter(asker_kind="furnisher", asker_name=source.furnisher.name).count() == 3


def test_two_imports_of_one_file_do_not_overtake_each_other(source, file):
    path = file(*rows(12))

    def moved(bytes_done):
        if bytes_done and not FileImport.objects.filter(finished_at__isnull=False).exists():
            import_entries(source=source, file=path)

    with pytest.raises(ImportedElsewhere):
        import_entries(source=source, file=path, moved=moved)
    assert len(recorded(source)) == 12
    assert FileImport.objects.get().accepted_count == 12


def test_a_bad_call_exits_with_2_and_changes_nothing(source, file, tmp_path):
    path = file(*rows(2))
    assert run(SourceFactory.build(code="nobody"), path) == (None, 2)
    assert run(source, tmp_path / "nothing") == (None, 2)
    assert run(source, tmp_path) == (None, 2)
    assert run(source, path, "--rejects", str(path)) == (None, 2)
    assert run(source, path, "--rejects", str(tmp_path / "no" / "folder")) == (None, 2)
    assert recorded(source) == []
    assert path.read_text().count("\n") == 2


def test_operators_may_import_on_a_real_deployment(source, file, settings):
    settings.PRODUCTION = True
    assert run(source, file(*rows(1)))[1] == 0


SET_UP = """
import django, sys
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_source", "bank", "--kinds", "credit.payment")
call_command("create_citizen", "ana@example.org", "--enrol")
call_command("link_subjects", "bank", sys.argv[1])
"""


def test_an_import_that_is_killed_goes_on_where_it_stopped(tmp_path):
    """A process of its own, on a database file of its own, ended by SIGKILL in the middle of its work."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "citizen_app.settings"}
    links, path = tmp_path / "links.ndjson", tmp_path / "entries.ndjson"
    links.write_text(json.dumps({"email": "ana@example.org", "subject": "S-0"}))
    count = 30_000
    with path.open("w") as lines:
        for number in range(count):
            lines.write(json.dumps(row("S-0", number)) + "\n")

    def python(*arguments):
        return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE)

    copy_to(tmp_path / "citizen.sqlite3")  # where there is one, `migrate` finds nothing to do
    assert python("-c", SET_UP, str(links)).wait(timeout=120) == 0

    def done():
        database = sqlite3.connect(f"file:{tmp_path / 'citizen.sqlite3'}?mode=ro", uri=True)
        position = database.execute("SELECT lines_done FROM scores_fileimport").fetchone()
        entries = database.execute("SELECT count(*) FROM scores_entry WHERE external_id LIKE 'r%'").fetchone()
        database.close()
        return (0 if position is None else position[0]), entries[0]

    importer = python("manage.py", "import_entries", "bank", str(path))
    while done()[0] == 0:
        assert importer.poll() is None
        time.sleep(0.02)
    os.kill(importer.pid, signal.SIGKILL)
    importer.communicate(timeout=60)
    lines_done, entries = done()
    assert 0 < lines_done < count
    assert entries == lines_done
    out, _ = (importer := python("manage.py", "import_entries", "bank", str(path))).communicate(timeout=120)
    answer = json.loads(out)
    assert (importer.returncode, answer["began_at_line"]) == (0, lines_done + 1)
    assert (answer["accepted"], answer["duplicates"]) == (count, 0)
    assert done() == (count, count)
