"""Where handed-in files are kept: random names, for the server alone, erased once what named them is gone."""

import stat
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from citizen_app.errors import NotFound
from citizen_app.kept_files import erase_kept, erase_now, keep_file, names_kept_before, open_kept
from citizen_app.outbox import run_due
from citizen_app.uploads import CleanFile

PDF = CleanFile(b"%PDF-1.4 a letter %%EOF", "application/pdf", "pdf")


def content_of(name):
    with open_kept(name) as file:
        return file.read()


def test_a_kept_file_is_found_by_its_random_name_alone(tmp_path):
    first, second = keep_file(PDF), keep_file(PDF)
    assert first != second
    assert content_of(first) == content_of(second) == PDF.content
    assert (tmp_path / "kept" / first).read_bytes() == PDF.content


def test_only_the_server_reads_it_and_it_has_no_address(tmp_path):
    path = tmp_path / "kept" / keep_file(PDF)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    with pytest.raises(ValueError):
        storages["private"].url("any")


@pytest.mark.parametrize("name", ["", "../secret_key", "/etc/passwd", "ab/../../secret_key", f"ab/{'a' * 32}.pdf"])
def test_what_was_never_kept_is_not_found(name, tmp_path):
    (tmp_path / "secret_key").write_text("secret")
    with pytest.raises(NotFound):
        open_kept(name)
    erase_now(name=name)
    assert (tmp_path / "secret_key").read_text() == "secret"


@pytest.mark.django_db
def test_a_file_goes_once_the_transaction_that_erases_it_has_committed():
    name, other = keep_file(PDF), keep_file(PDF)
    with transaction.atomic():
        erase_kept(name)
        transaction.set_rollback(True)
    run_due()
    assert content_of(name) == PDF.content
    with transaction.atomic():
        erase_kept(name)
        erase_kept(name)
    run_due()
    with pytest.raises(NotFound):
        open_kept(name)
    assert content_of(other) == PDF.content


def test_files_that_no_row_names_can_be_found():
    now = timezone.now()
    assert list(names_kept_before(now)) == []
    name = keep_file(PDF)
    assert list(names_kept_before(now - timedelta(hours=1))) == []
    assert list(names_kept_before(timezone.now() + timedelta(seconds=5))) == [name]
