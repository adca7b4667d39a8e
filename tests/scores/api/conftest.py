"""A person with a score and their app; a source and its server."""

import pytest
import time_machine

from scores.services.linking import switch_source
from tests.factories.people import CitizenFactory, api_client_for
from tests.factories.scores import NOW, SourceFactory, furnisher_client, scored_citizen


@pytest.fixture(autouse=True)
def _at_noon():
    """Doors read the clock themselves; it goes on from the moment these tests live in."""
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def source(db):
    return SourceFactory(code="bank", name="Bank of Tests")


@pytest.fixture
def citizen(source):
    """Six payments on time: scored."""
    return scored_citizen(source)


@pytest.fixture
def app(citizen):
    """The scored citizen's app."""
    return api_client_for(citizen)


@pytest.fixture
def stranger(db):
    """The app of somebody who never enrolled."""
    return api_client_for(CitizenFactory())


@pytest.fixture
def server(source):
    """The source's server."""
    return furnisher_client(source)


@pytest.fixture
def switched_off(citizen, source):
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
