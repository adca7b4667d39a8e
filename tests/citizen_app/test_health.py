"""Alive depends on nothing; ready needs the database and every migration."""

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from citizen_app.web import health


def test_alive_needs_no_database(client):
    answer = client.get("/healthz/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert "no-store" in answer.headers["Cache-Control"]
    assert not answer.cookies


@pytest.mark.django_db
def test_ready_when_the_database_has_every_migration(client):
    answer = client.get("/healthz/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": True, "migrations": True}}
    assert not answer.cookies


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client):
    last = MigrationRecorder.Migration.objects.filter(app="perks").order_by("-id").first()
    MigrationRecorder.Migration.objects.filter(pk=last.pk).delete()
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "checks": {"database": True, "migrations": False}}


def test_not_ready_without_a_database_and_says_no_more(client, monkeypatch):
    class Gone:
        def cursor(self):
            raise OperationalError("could not connect to secret-host")

        def close_if_unusable_or_obsolete(self):
            pass

    monkeypatch.setattr(health, "connections", {"default": Gone()})
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "checks": {"database": False, "migrations": False}}


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_health_is_only_read(client, path):
    assert client.post(path).status_code == 405
