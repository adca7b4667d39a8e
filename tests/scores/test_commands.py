"""The set-up commands and those that check, as an operator types them."""

import json
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command

from citizen_app.models import OAuthApplication
from scores.management.commands import link_subjects
from scores.models import Furnisher, Link, Score, Source
from tests.factories.people import CitizenFactory
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, scored_citizen

pytestmark = pytest.mark.django_db


def run(*command):
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_create_source_prints_a_client_that_can_send(client):
    answer = json.loads(run("create_source", "bank", "--kinds", "credit.payment,credit.utilisation", "--name", "Bank"))
    assert (answer["id"], answer["name"], answer["kinds"]) == ("bank", "Bank", ["credit.payment", "credit.utilisation"])
    token = client.post(
        "/o/token/",
        urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": answer["client_id"],
                "client_secret": answer["client_secret"],
                "scope": "source:write",
            }
        ),
        content_type="application/x-www-form-urlencoded",
    ).json()["access_token"]
    links = client.get("/api/v1/sources/links", headers={"Authorization": f"Bearer {token}"})
    assert links.json()["results"] == []


def test_create_source_takes_any_kinds_and_says_what_the_furnisher_is():
    mixed = json.loads(run("create_source", "mixed", "--kinds", "credit.payment,conduct.fare,identity.email"))
    assert mixed["furnishes_as"] == ["bank", "transit", "platform"]
    said = json.loads(run("create_source", "works", "--kinds", "conduct.volunteering", "--as", "city"))
    assert said["furnishes_as"] == ["city"]
    with pytest.raises(CommandError, match="kind_not_furnished"):
        run("create_source", "tax", "--kinds", "conduct.tax", "--as", "city,transit")
    assert not Source.objects.filter(code="tax").exists()


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("Bank!", "credit.payment"),
        ("bank", "credit.payment,speech.opinion"),
        ("bank", ""),
        ("platform", "vouch.received"),
    ],
)
def test_create_source_refuses_what_cannot_be_and_makes_nothing(code, kinds):
    counts = [model.objects.count() for model in (Source, Furnisher, OAuthApplication)]
    with pytest.raises(CommandError):
        run("create_source", code, "--kinds", kinds)
    assert counts == [model.objects.count() for model in (Source, Furnisher, OAuthApplication)]


def test_link_subjects_links_line_by_line_and_may_be_repeated(tmp_path):
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    path = tmp_path / "links.ndjson"
    path.write_text(json.dumps({"email": citizen.email.upper(), "subject": "S-1"}) + "\n\n")
    assert json.loads(run("link_subjects", source.code, str(path))) == {
        "id": source.code,
        "linked": 1,
        "already": 0,
        "failed": [],
        "failed_count": 0,
    }
    assert json.loads(run("link_subjects", source.code, str(path)))["already"] == 1
    assert Link.objects.get(source=source).is_on


def test_link_subjects_reports_each_line_that_fails_and_links_the_others(tmp_path):
    source = SourceFactory()
    holder, other, outside = EnrolmentFactory().citizen, EnrolmentFactory().citizen, CitizenFactory()
    link(holder, source, "S-1")
    lines = [
        "not json",
        json.dumps({"email": "nobody@example.org", "subject": "S-2"}),
        json.dumps({"email": outside.email, "subject": "S-3"}),
        json.dumps({"email": other.email, "subject": "S-1"}),
        json.dumps({"email": other.email, "subject": "no spaces"}),
        json.dumps({"email": other.email, "subject": "S-4", "score": 900}),
        json.dumps({"email": other.email, "subject": "S-5"}),
    ]
    path = tmp_path / "links.ndjson"
    path.write_text("\n".join(lines))
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("link_subjects", source.code, str(path), stdout=out)
    assert refusal.value.returncode == 1
    answer = json.loads(out.getvalue())
    assert [(one["line"], one["code"]) for one in answer["failed"]] == [
        (1, "invalid"),
        (2, "not_found"),
        (3, "not_enrolled"),
        (4, "subject_taken"),
        (5, "invalid"),
        (6, "invalid"),
    ]
    assert answer["linked"] == 1
    assert set(Link.objects.filter(source=source).values_list("subject", flat=True)) == {"S-1", "S-5"}


def test_the_set_up_commands_are_refused_in_production(settings, tmp_path):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="PRODUCTION"):
        run("create_source", "bank", "--kinds", "credit.payment")
    with pytest.raises(CommandError, match="PRODUCTION"):
        run("link_subjects", "platform", str(tmp_path / "x"))
    assert Source.objects.count() == 1


def test_link_subjects_needs_a_source_and_a_file(tmp_path):
    with pytest.raises(CommandError, match="no source"):
        run("link_subjects", "nobody", str(tmp_path / "x"))
    with pytest.raises(CommandError, match="cannot be read"):
        run("link_subjects", "platform", str(tmp_path / "x"))


def test_verify_scores_names_internal_ids_only():
    citizen = scored_citizen()
    assert "All 1 stored scores" in run("verify_scores")
    Score.objects.filter(pk=citizen.pk).update(value=700)
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("verify_scores", stdout=out)
    assert refusal.value.returncode == 1
    assert out.getvalue() == f"score {citizen.pk}\n"
    assert "1 citizens were scored again" in run("rescore_citizens", "--citizen", citizen.public_id)
    assert "All 1 stored scores" in run("verify_scores")


def test_rescore_citizens_can_only_say_how_many():
    citizen = scored_citizen()
    revision = Score.objects.get(pk=citizen.pk).revision
    assert "1 citizens would" in run("rescore_citizens", "--dry-run")
    assert Score.objects.get(pk=citizen.pk).revision == revision
    assert "1 citizens were" in run("rescore_citizens")
    with pytest.raises(CommandError, match="Nobody"):
        run("rescore_citizens", "--citizen", "cit_nobody")


def test_load_reference_may_be_repeated():
    assert "2026-11 is in force" in run("load_reference")
    assert Source.objects.filter(code="platform").count() == 1


def test_link_subjects_goes_through_a_long_file_some_lines_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(link_subjects, "LINES_AT_ONCE", 4)
    monkeypatch.setattr(link_subjects, "FAILURES_TOLD", 3)
    source, people = SourceFactory(), [EnrolmentFactory().citizen for _ in range(9)]
    lines = [json.dumps({"email": one.email, "subject": f"S-{number}"}) for number, one in enumerate(people)]
    broken = ['{"email": "' + "x" * 70_000 + '"}', '{"email": "\\ud800", "subject": "S"}', "[]", "", "{}", "x"]
    path = tmp_path / "links.ndjson"
    path.write_text("\n".join([*lines[:5], *broken, *lines[5:]]))
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("link_subjects", source.code, str(path), "--no-progress", stdout=out)
    assert refusal.value.returncode == 1
    answer = json.loads(out.getvalue())
    assert (answer["linked"], answer["already"], answer["failed_count"]) == (9, 0, 5)
    assert [(one["line"], one["code"]) for one in answer["failed"]] == [(6, "invalid"), (7, "invalid"), (8, "invalid")]
    assert Link.objects.filter(source=source).count() == 9
