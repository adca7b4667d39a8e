"""What every test stands on: a database file of its own, cheap password hashes, empty caches, the reference data."""

import pytest
from django.core.cache import cache
from django.db import connection, connections

from citizen_app.api.throttles import forget_counts

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory):
    """SQLite tests run on a file, as the product does: races between threads need one."""
    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        # A test database need not survive a power cut.
        database["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_by_deleting():
    """After a committed test PostgreSQL truncates every table, which takes seconds; its few rows go in milliseconds.

    All foreign keys are deferred to the commit, so that the order of the tables does not matter.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:

        def delete_all(ops, style, tables, **options):
            return [f"DELETE FROM {ops.quote_name(table)}" for table in tables]

        patch.setattr(type(connection.ops), "sql_flush", delete_all)
        yield


@pytest.fixture(autouse=True)
def _a_house_of_its_own(settings, tmp_path):
    """Give each test its own folder and mailbox; of the product's settings nothing else differs."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.VAR_DIR = tmp_path
    settings.OUTBOX_RELAY_THREAD = False
    # Each test client builds the middleware anew, and listing the static files is most of that.
    settings.WHITENOISE_USE_FINDERS = False
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
