"""`publish_scorecard`: from a file, in two operators' names, and never in one's."""

import pytest
from django.core.management import CommandError, call_command

from scores.models import Scorecard, ScorecardDraft, ShadowRun
from scores.services import publication
from scores.services.publishing import SCORECARDS
from tests.factories.people import CitizenFactory, operator_with

pytestmark = pytest.mark.django_db
NEXT = (SCORECARDS / "2026-11.yaml").read_text().replace('"2026-11"', '"2027-01"', 1).replace("base: 550", "base: 551")


@pytest.fixture
def file(tmp_path):
    written = tmp_path / "next.yaml"
    written.write_text(NEXT)
    return written


@pytest.fixture
def operators(db):
    return operator_with("scoring", email="ines@example.org"), operator_with("scoring", email="duarte@example.org")


def publish(file, by="ines@example.org", second="duarte@example.org", note="Everybody starts a point higher."):
    call_command("publish_scorecard", str(file), by=by, second=second, note=note)


def test_two_operators_publish_what_was_tried_out(file, operators, capsys):
    publish(file)
    row = Scorecard.objects.get(is_current=True)
    assert (row.version, row.note) == ("2027-01", "Everybody starts a point higher.")
    draft = ScorecardDraft.objects.get()
    assert (draft.submitted_by, draft.decided_by, draft.published) == (*operators, row)
    assert ShadowRun.objects.get().state == "done"
    assert "2027-01 is in force." in capsys.readouterr().out


@pytest.mark.parametrize("second", ["ines@example.org", "INES@example.org"])
def test_one_person_is_not_two_operators(file, operators, second):
    with pytest.raises(CommandError, match="self_approval"):
        publish(file, second=second)
    assert not ScorecardDraft.objects.exists()
    assert Scorecard.objects.count() == 1


def test_both_are_operators_for_scorecards(file, operators):
    CitizenFactory(email="ana@example.org")
    operator_with("support", email="otto@example.org")
    for email in ("ana@example.org", "otto@example.org", "nobody@example.org"):
        for names in ({"by": email}, {"second": email}):
            with pytest.raises(CommandError, match="no operator for scorecards"):
                publish(file, **names)
    assert not ScorecardDraft.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [", "This is not YAML"),
        (NEXT.replace('"2027-01"', '"2026-11"'), "This version is published"),
        (NEXT.replace("base: 551", "base: x"), "base: There must be a plain decimal number"),
    ],
)
def test_a_faulty_file_is_refused_with_every_fault(file, operators, text, said):
    file.write_text(text)
    with pytest.raises(CommandError, match=said):
        publish(file)
    assert not ScorecardDraft.objects.exists()


def test_a_file_that_is_not_there_and_a_note_of_nothing_are_refused(file, operators, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        publish(tmp_path / "missing.yaml")
    with pytest.raises(CommandError, match="wrong_state"):
        publish(file, note="  ")
    assert Scorecard.objects.count() == 1


def test_a_shut_gate_stops_the_command_and_keeps_the_draft(file, operators, monkeypatch):
    monkeypatch.setattr(publication, "latest_run", lambda draft: _shut(ShadowRun.objects.get()))
    with pytest.raises(CommandError, match="nobody can override it"):
        publish(file)
    assert Scorecard.objects.get(is_current=True).version == "2026-11"
    assert ScorecardDraft.objects.get().state == "draft"


def _shut(run):
    run.result["fairness"]["passed"] = False
    return run
