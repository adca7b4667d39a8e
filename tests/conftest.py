"""What every test stands on: a database file of its own, cheap password hashes, empty caches, the reference data."""

from contextlib import ExitStack

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import override_settings
from jsonschema import Draft202012Validator, FormatChecker

from citizen_app import audit_guards
from citizen_app.api.throttles import forget_counts
from perks import gift_card_guards, hold_guards
from tests import budgets  # noqa: F401  (for all property tests)
from tests.databases import asks_a_database, quick_set_up
from tests.stripe_standin import deliver, standin, standin_over_http  # noqa: F401  (for every test that asks)

LEFT_TO_SQLITE = pytest.StashKey[int]()
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory):
    """SQLite tests run on a file, as the product does: races between threads need one."""
    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        # A test database need not survive a power cut.
        database["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"


@pytest.fixture(scope="session")
def _set_up(django_db_modify_db_settings):
    """What is open until the test database is there, and whether that begins with a kept copy."""
    with ExitStack() as stack:
        begins_with_a_copy = stack.enter_context(quick_set_up())
        yield stack, begins_with_a_copy


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb, _set_up):
    """A copy is a database that is there already."""
    return django_db_keepdb or _set_up[1]


@pytest.fixture(scope="session")
def django_db_setup(_set_up, django_db_setup):
    """Make the test database, and keep what the migrations made for the next run."""
    _set_up[0].close()


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_by_deleting():
    """After a committed test PostgreSQL truncates every table, which takes seconds; its few rows go in milliseconds.

    All foreign keys are deferred to the commit, so that the order of the tables does not matter. What may never be
    deleted (a ledger) is guarded by triggers, which stand aside for this alone.
    """
    operations = type(connection.ops)
    flush = operations.sql_flush
    if connection.vendor == "postgresql":
        aside, back = ["SET LOCAL session_replication_role = replica"], ["SET LOCAL session_replication_role = origin"]

        def delete_all(ops, style, tables, **options):
            return [*aside, *(f"DELETE FROM {ops.quote_name(table)}" for table in tables), *back]
    else:
        guards = (gift_card_guards, hold_guards, audit_guards)
        aside = [statement for each in guards for statement in each.statements_to_remove("sqlite")]
        back = [statement for each in guards for statement in each.statements_to_install("sqlite")]

        def delete_all(ops, style, tables, **options):
            return [*aside, *flush(ops, style, tables, **options), *back]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", delete_all)
        yield


@pytest.fixture(autouse=True, scope="session")
def _cheaper_than_the_product():
    """Passwords are hashed quickly, mails stay in memory, and nothing is sent behind a test's back."""
    from django.conf import settings

    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS],
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        OUTBOX_RELAY_THREAD=False,
        # Each test client builds the middleware anew, and listing the static files is most of that.
        WHITENOISE_USE_FINDERS=False,
    ):
        yield


@pytest.fixture(autouse=True, scope="session")
def _every_event_fits_the_catalogue():
    """Whatever a test makes the product tell by webhook is what the catalogue says of its type."""
    from citizen_app.webhooks import catalogue, events

    fits = {
        each.type: Draft202012Validator(each.schema(), format_checker=FormatChecker()).validate
        for each in catalogue.EVENTS.values()
    }
    promise = events.promise

    def held_to_the_catalogue(topic, **said):
        fits[said["type"]](said)
        return promise(topic, **said)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "promise", held_to_the_catalogue)
        yield


@pytest.fixture(autouse=True)
def _a_house_of_its_own(settings, tmp_path):
    """Give each test its own folder and mailbox; of the product's settings nothing else differs."""
    settings.VAR_DIR = tmp_path
    cache.clear()
    forget_counts()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _reference_data(request):
    """Publish the scorecard and the texts again where a committed test's flush has taken them away."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None and not DATABASE_FIXTURES & set(request.fixturenames):
        return
    committed = (marker is not None and marker.kwargs.get("transaction")) or (
        {"transactional_db", "live_server"} & set(request.fixturenames)
    )
    request.getfixturevalue("transactional_db" if committed else "db")

    from scores.models import Scorecard
    from scores.services.publishing import load_reference_data

    if not Scorecard.objects.exists():
        load_reference_data()


@pytest.fixture
def postgresql():
    """Skip, saying why, where the database is not PostgreSQL."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: run make test-postgresql")


# -- What needs no second database ------------------------------------------------------------------------------------
def pytest_addoption(parser):
    parser.addoption("--pure-too", action="store_true", help="on PostgreSQL, also the tests that never ask a database")


def pytest_collection_modifyitems(config, items):
    """Leave to the lane on SQLite what would do the very same on PostgreSQL: it asks no database.

    Somebody who names a file or a test gets all of it.
    """
    whole = config.option.file_or_dir in ([], ["tests"], ["tests/"])
    if connection.vendor == "sqlite" or config.option.pure_too or not whole:
        return
    kept = [item for item in items if asks_a_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not asks_a_database(item)])
    left_out = len(items) - len(kept)
    items[:] = kept
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_to_sqlite"] = left_out
    else:
        config.stash[LEFT_TO_SQLITE] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """A worker (pytest-xdist) has ended: it knows how many it left out, each worker the same."""
    node.config.stash[LEFT_TO_SQLITE] = getattr(node, "workeroutput", {}).get("left_to_sqlite", 0)


def pytest_terminal_summary(terminalreporter, config):
    if left_out := config.stash.get(LEFT_TO_SQLITE, 0):
        terminalreporter.write_line(f"{left_out} tests ask no database and are left to the run on SQLite (--pure-too).")
