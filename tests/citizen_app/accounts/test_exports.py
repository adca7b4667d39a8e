"""Somebody's data, whole, for them alone, and for seven days."""

import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import time_machine
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts import exports as service
from citizen_app.accounts.exporting import tables
from citizen_app.accounts.exports import ask_for_export, make_export
from citizen_app.accounts.freshness import RECENT
from citizen_app.errors import RateLimited
from citizen_app.models import AuditEvent, DataExport, OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db
V1 = "/api/v1/me/exports"


def body_of(answer):
    return b"".join(answer.streaming_content)


def unzipped(content):
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name != "README.txt"
        }


def downloaded(citizen):
    app = api_client_for(citizen)
    asked = app.post(V1, {})
    assert asked.status_code == 202
    run_due()
    return body_of(app.get(f"{V1}/{asked.json()['id']}/download"))


def exported(citizen):
    return unzipped(downloaded(citizen))


def kept_files(settings):
    return [path for path in (Path(settings.VAR_DIR) / "kept").rglob("*") if path.is_file()]


def test_an_export_is_promised_made_and_fetched(settings):
    ana = CitizenFactory(first_name="Ana")
    app = api_client_for(ana)
    answer = app.post(V1, {})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (202, "no-store")
    asked = answer.json()
    assert (asked["state"], asked["download"], asked["size"]) == ("making", None, None)
    assert asked["progress"] == {"done": 0, "total": len(tables())}
    assert app.get(f"{V1}/{asked['id']}/download").json()["code"] == "wrong_state"
    run_due()
    answer = app.get(f"{V1}/{asked['id']}")
    ready = answer.json()
    assert (ready["state"], answer.headers["Cache-Control"]) == ("ready", "no-store")
    assert ready["progress"] == {"done": len(tables()), "total": len(tables())}
    file = app.get(ready["download"])
    assert (file.status_code, file.headers["Content-Type"]) == (200, "application/zip")
    assert file.headers["Cache-Control"] == "no-store"
    content = body_of(file)
    assert len(content) == ready["size"] == int(file.headers["Content-Length"])
    told = unzipped(content)
    assert set(told) == {table.name for table in tables()} | {"about"}
    assert told["account"][0]["first_name"] == "Ana"
    assert told["about"]["rows"]["account"] == 1
    (path,) = kept_files(settings)
    assert (path.stat().st_mode & 0o777, path.suffix) == (0o600, ".zip")
    acts = AuditEvent.objects.filter(object=asked["id"]).order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["export.ask", "export.download"]


LATER = ("acts", "exports", "notifications")
"""Tables with a row about the copy itself, which it cannot tell."""


def test_every_row_of_a_life_is_told_and_nobody_else_s():
    world = make_world()
    citizen = world.citizen
    told = exported(citizen)
    for table in tables():
        assert len(told[table.name]) == table.rows(citizen).count() or table.name in LATER, table.name
    for name in ("entries", "score", "score_changes", "links", "redemptions", "disputes", "vouches", "gift_cards"):
        assert told[name], name
    text = json.dumps(told)
    for other in {world.newcomer, *(p for p in type(citizen).objects.exclude(pk=citizen.pk))}:
        assert other.email not in text
        assert other.public_id not in text
    for secret in ("password", "code_hash", "token_hash", "pbkdf2", "argon2", "person_key"):
        assert f'"{secret}":' not in json.dumps([told[name] for name in told if name != "about"])
    vouch = told["vouches"][0]
    assert set(vouch) == {"id", "given_at", "counts_from", "direction", "first_name", "ended_at"}


def test_the_archive_explains_itself_and_its_files_are_of_today():
    ana, moment = CitizenFactory(), datetime(2026, 11, 25, 9, 12, 30, tzinfo=UTC)
    with time_machine.travel(moment, tick=False):
        content = downloaded(ana)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        files = {one.filename for one in archive.infolist()}
        assert {one.date_time for one in archive.infolist()} == {(2026, 11, 25, 9, 12, 30)}
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        readme = archive.read("README.txt").decode()
    assert readme.startswith("Your data, as of 2026-11-25 09:12 UTC.")
    told = dict(re.findall(r"^(\w+\.json) +(\S.+)$", readme, re.M))
    assert set(told) == files - {"README.txt"}
    assert "ten-thousandths" in told["entries.json"]
    for unit in ("1,000,000 are one point", "minor units", "Times are in UTC"):
        assert unit in readme


def test_a_copy_tells_of_those_before_it_and_not_of_itself():
    ana = CitizenFactory()
    assert exported(ana)["exports"] == []
    (first,) = exported(ana)["exports"]
    assert (first["state"], first["size"] > 0, first["done_count"]) == ("ready", True, len(tables()))


def test_a_stranger_s_export_is_a_missing_one():
    ana, bo = CitizenFactory(), CitizenFactory()
    asked = ask_for_export(citizen=ana)
    make_export(export_id=asked.public_id)
    app = api_client_for(bo)
    for path in ("", "/download"):
        foreign, missing = app.get(f"{V1}/{asked.public_id}{path}"), app.get(f"{V1}/exp_0000000000000{path}")
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert foreign.json()["code"] == missing.json()["code"] == "not_found"
    assert not AuditEvent.objects.filter(action="export.download").exists()


def test_a_session_that_was_left_open_neither_asks_nor_downloads():
    ana = CitizenFactory()
    app, browser = api_client_for(ana), browser_for(ana)
    asked = ask_for_export(citizen=ana)
    make_export(export_id=asked.public_id)
    with time_machine.travel(timezone.now() + timedelta(seconds=RECENT + 1)):
        for answer in (app.post(V1, {}), app.get(f"{V1}/{asked.public_id}/download")):
            assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
        assert app.get(f"{V1}/{asked.public_id}").status_code == 200
        for answer in (browser.post(reverse("data")), browser.get(reverse("data_file", args=[asked.public_id]))):
            assert answer.url == "/accounts/reauthenticate/?next=%2Fme%2Fdata%3Fagain%3D1"
    assert DataExport.objects.count() == 1
    assert not AuditEvent.objects.filter(action="export.download").exists()


def test_whoever_had_to_confirm_first_is_told_that_nothing_was_made_yet_and_which_copy_is_which():
    ana, said = (
        CitizenFactory(verified=True, password=True),
        "Nothing was made or downloaded yet: press Make a copy or Download again.",
    )
    browser, page = browser_for(ana), reverse("data")
    moment = datetime(2026, 11, 25, 9, 12, tzinfo=UTC)
    make_export(export_id=ask_for_export(citizen=ana, now=moment).public_id)
    DataExport.objects.update(ready_at=moment, expires_at=timezone.now() + timedelta(days=3))
    with time_machine.travel(timezone.now() + timedelta(seconds=RECENT + 1)):
        asked = browser.post(page)
        assert said not in browser.get(f"{page}?again=1").content.decode()  # nobody has confirmed yet
        back = browser.post(asked.url, {"password": PASSWORD, "next": "/me/data?again=1"})
        assert back.url == "/me/data?again=1"
        shown = browser.get(back.url).content.decode()
        assert said in shown
        assert "Copy of Wednesday 25 November, 09:12" in shown
        assert DataExport.objects.count() == 1
        assert browser.post(page).url == page
        assert DataExport.objects.count() == 2
        assert said not in browser.get(f"{page}?again=1").content.decode()  # one is being made
        assert said not in browser.get(page).content.decode()


def test_asking_while_one_is_being_made_is_that_one():
    ana = CitizenFactory()
    first = ask_for_export(citizen=ana)
    assert ask_for_export(citizen=ana) == first
    assert OutboxMessage.objects.filter(topic=service.TOPIC).count() == 1
    with pytest.raises(IntegrityError):
        DataExport.objects.create(citizen=ana, expires_at=timezone.now())


def test_five_a_day_are_made():
    ana, now = CitizenFactory(), timezone.now()
    for hour in range(5):
        asked = ask_for_export(citizen=ana, now=now + timedelta(hours=hour))
        make_export(export_id=asked.public_id)
    with pytest.raises(RateLimited) as refusal:
        ask_for_export(citizen=ana, now=now + timedelta(hours=5))
    assert refusal.value.facts == {"retry_after": 19 * 3600}
    assert DataExport.objects.count() == 5
    ask_for_export(citizen=ana, now=now + timedelta(hours=25))


def test_an_export_goes_after_seven_days_with_its_file(settings):
    ana = CitizenFactory()
    asked = ask_for_export(citizen=ana)
    make_export(export_id=asked.public_id)
    asked.refresh_from_db()
    app = api_client_for(ana)
    with time_machine.travel(asked.ready_at + timedelta(days=7, seconds=-1)):
        assert run_sweeps()["exports.expire"] == 0
    with time_machine.travel(asked.ready_at + timedelta(days=7)):
        assert app.get(f"{V1}/{asked.public_id}").status_code == 404  # before the sweep, too
        assert run_sweeps()["exports.expire"] == 1
        run_due()
    assert not DataExport.objects.exists()
    assert kept_files(settings) == []


def test_making_it_twice_is_once_and_a_worker_that_died_leaves_no_file(settings, monkeypatch):
    ana = CitizenFactory()
    asked = ask_for_export(citizen=ana)

    def dies(*args):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(service, "keep_archive", dies)
        with pytest.raises(OSError):
            make_export(export_id=asked.public_id)
    assert kept_files(settings) == []
    make_export(export_id=asked.public_id)
    make_export(export_id=asked.public_id)
    assert len(kept_files(settings)) == 1


def test_what_a_leaver_asked_for_comes_to_nothing(settings, monkeypatch):
    ana = CitizenFactory()
    asked = ask_for_export(citizen=ana)
    real = service.keep_archive

    def leaves_meanwhile(file):
        DataExport.objects.all().delete()
        return real(file)

    monkeypatch.setattr(service, "keep_archive", leaves_meanwhile)
    make_export(export_id=asked.public_id)
    assert kept_files(settings) == []
    assert not DataExport.objects.exists()


def test_a_file_without_a_row_goes_after_a_day(settings):
    ana = CitizenFactory()
    asked = ask_for_export(citizen=ana)
    make_export(export_id=asked.public_id)
    (path,) = kept_files(settings)
    stray = path.parent.parent / "00" / ("0" * 32 + ".zip")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left over")
    assert run_sweeps()["kept_files.left_over"] == 0
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert run_sweeps()["kept_files.left_over"] == 1
    assert kept_files(settings) == [path]


def test_the_page_shows_how_far_it_is_and_hands_it_over():
    ana = CitizenFactory()
    browser = browser_for(ana)
    assert "None yet." in browser.get(reverse("data")).content.decode()
    assert browser.post(reverse("data")).url == reverse("data")
    page = browser.get(reverse("data"))
    assert page.headers["Refresh"] == "3"
    assert "<progress" in page.content.decode()
    assert "Make a copy" not in page.content.decode()
    run_due()
    page = browser.get(reverse("data"))
    assert "Refresh" not in page.headers
    export = DataExport.objects.get()
    file = browser.get(reverse("data_file", args=[export.public_id]))
    assert unzipped(body_of(file))["account"][0]["email"] == ana.email
    assert browser_for(CitizenFactory()).get(reverse("data_file", args=[export.public_id])).status_code == 404
