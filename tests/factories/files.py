"""Operators who open people's files."""

from typing import Any

from citizen_app.models import Citizen
from scores.models import FileOpening
from scores.services.files import open_file_of
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory

WHY = {"role": "support", "reason": "asked", "note": "You wrote that a code fails."}


def somebody(**fields: Any) -> Citizen:
    """Somebody enrolled, whose file may be opened."""
    return EnrolmentFactory(citizen=CitizenFactory(verified=True, **fields)).citizen


def open_one(citizen: Citizen, by: Citizen, **changes: Any) -> FileOpening | None:
    """Open somebody's file by their address, unless the test says otherwise."""
    return open_file_of(**{"person": citizen.email, "by": by, "now": NOW} | WHY | changes)
