"""However often somebody asks at the same moment, one copy is made; and whoever leaves meanwhile leaves no file."""

from pathlib import Path

import pytest

from citizen_app.accounts.closing import close_account
from citizen_app.accounts.exports import ask_for_export, make_export
from citizen_app.models import Citizen, DataExport, OutboxMessage
from citizen_app.outbox import run_due
from tests.factories.people import CitizenFactory
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound", "crowd")]


def test_six_who_ask_at_once_are_given_one():
    ana = CitizenFactory()
    asked = at_once(*[lambda: ask_for_export(citizen=ana).pk] * 6)
    assert len(set(asked)) == 1
    assert DataExport.objects.count() == 1
    assert OutboxMessage.objects.filter(topic="export.make").count() == 1


def test_closing_beside_the_making_leaves_neither_row_nor_file(settings):
    for _ in range(5):
        ana = CitizenFactory(verified=True)
        asked = ask_for_export(citizen=ana)
        at_once(lambda one=asked: make_export(export_id=one.public_id), lambda who=ana: close_account(citizen=who))
        run_due()
        assert not Citizen.objects.filter(pk=ana.pk).exists()
        assert not DataExport.objects.exists()
        assert [path for path in (Path(settings.VAR_DIR) / "kept").rglob("*") if path.is_file()] == []
