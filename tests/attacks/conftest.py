"""One town for all tests of a file: what they send is refused, or undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings

from tests.factories.world import World, make_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the town keeps its files."""
    return tmp_path_factory.mktemp("town")


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: pytest.FixtureDef, folder: Path) -> Iterator[World]:
    """Build the town around the transactions of the file's tests, and undo it after the last one."""
    from scores.models import Scorecard
    from scores.services.publishing import load_reference_data

    with django_db_blocker.unblock(), transaction.atomic():
        if not Scorecard.objects.exists():
            load_reference_data()
        with override_settings(VAR_DIR=folder):
            made = make_world()
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def world(town: World, folder: Path, settings: object) -> World:
    """The town, and no limit on how often it is called: thousands of requests in seconds are the point here.

    Records are dated in 2026; the clock goes on from a noon in November.
    """
    settings.RATE_LIMITS = False  # type: ignore[attr-defined]
    settings.VAR_DIR = folder  # type: ignore[attr-defined]
    return town
