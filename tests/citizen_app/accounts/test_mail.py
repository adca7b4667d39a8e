"""Mail on its way: promised with its cause, unreadable in the database, gone from it once sent."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.mail import deliver_mail, queue_mail
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from citizen_app.sealing import CannotUnseal, seal, unseal

pytestmark = pytest.mark.django_db


def letter():
    message = EmailMultiAlternatives("Your code", "BCDF-GHJK", "us@example.org", ["ana@example.org"])
    message.attach_alternative("<p>BCDF-GHJK</p>", "text/html")
    return message


def test_nothing_readable_waits_and_nothing_is_left():
    queue_mail(letter())
    waiting = str(OutboxMessage.objects.values().get())
    assert "ana@" not in waiting
    assert "BCDF" not in waiting
    assert mail.outbox == []
    assert run_due() == 1
    sent = mail.outbox[0]
    assert (sent.subject, sent.body, sent.to, sent.from_email) == (
        "Your code",
        "BCDF-GHJK",
        ["ana@example.org"],
        "us@example.org",
    )
    assert sent.alternatives[0].content == "<p>BCDF-GHJK</p>"
    row = OutboxMessage.objects.get()
    assert row.payload == {"row": row.pk}
    assert row.done_at is not None


def test_a_mail_of_undone_work_is_never_sent():
    with transaction.atomic():
        queue_mail(letter())
        transaction.set_rollback(True)
    assert run_due() == 0
    assert mail.outbox == []


def test_a_mail_server_that_fails_is_asked_again(settings):
    queue_mail(letter())
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "tests.citizen_app.accounts.test_mail.Broken"
    assert run_due() == 0
    row = OutboxMessage.objects.get()
    assert row.done_at is None
    assert "sealed" in row.payload
    assert "example.org" not in row.last_error
    settings.EMAIL_BACKEND = working
    assert run_due(now=timezone.now() + timedelta(minutes=1)) == 1
    assert len(mail.outbox) == 1


def test_an_emptied_row_sends_nothing_again():
    queue_mail(letter())
    run_due()
    deliver_mail(**OutboxMessage.objects.get().payload)
    assert len(mail.outbox) == 1


def test_a_mail_older_than_a_day_is_dropped(time_machine):
    time_machine.move_to(timezone.now())
    queue_mail(letter())
    time_machine.shift(timedelta(days=1, minutes=1))
    assert run_due() == 1
    assert mail.outbox == []


def test_the_embedded_default_writes_each_mail_to_a_file(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    queue_mail(letter())
    run_due()
    (written,) = (tmp_path / "mail").iterdir()
    assert "BCDF-GHJK" in written.read_text()


def test_a_seal_holds_for_its_purpose_and_through_one_change_of_key(settings):
    sealed = seal("a", "secret")
    assert unseal("a", sealed) == "secret"
    assert seal("a", "secret") != sealed
    with pytest.raises(CannotUnseal):
        unseal("b", sealed)
    with pytest.raises(CannotUnseal):
        unseal("a", sealed[:-2] + "xx")
    settings.SERVER_KEY_PREVIOUS, settings.SERVER_KEY = settings.SERVER_KEY, "another"
    assert unseal("a", sealed) == "secret"
    settings.SERVER_KEY_PREVIOUS = ""
    with pytest.raises(CannotUnseal):
        unseal("a", sealed)


class Broken:
    """A mail server that refuses the connection."""

    def __init__(self, **options):
        pass

    def send_messages(self, messages):
        raise ConnectionRefusedError("ana@example.org")
