"""P10, the canary: after somebody has left, or closed their account, their marks stand where the receipt says, only."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone

from citizen_app.audit_chain import chain_what_waits, first_breach
from citizen_app.models import AuditEvent, Citizen
from citizen_app.outbox import run_due, run_sweeps
from citizen_app.pruning import prune_all
from perks.models import DepositAgreement, DepositFile, Redemption
from perks.services.redemptions import cancel_redemption
from scores.models import Dispute, Evidence, Link
from tests.factories.people import api_client_for, browser_for
from tests.factories.scores import furnisher_client, row
from tests.factories.world import make_world
from tests.promises.traces import cached_that_say, files_that_say, tables_that_point_to, tables_that_say

pytestmark = pytest.mark.django_db
MARK, SUBJECT, STRANGER = "xyzzy", "xyzzy-7", "plugh-9"
# What leaving the score keeps, and where the receipt says so.
ACCOUNT = {"citizen_app.Citizen", "account.EmailAddress"}
TOLD_TO_SOURCES = {"scores.EndedLink"}
STILL_OPEN = {"perks.Redemption", "perks.DepositAgreement"}


@pytest.fixture
def life(caplog):
    """A whole life with a mark on everything the person said, is called, or is known by."""
    caplog.set_level(logging.DEBUG)
    world = make_world()
    ana = world.citizen
    Citizen.objects.filter(pk=ana.pk).update(email=f"{MARK}@example.org", first_name=f"Ana {MARK}")
    EmailAddress.objects.filter(user=ana).update(email=f"{MARK}@example.org")
    Link.objects.filter(enrolment_id=ana.pk, source=world.source).update(subject=SUBJECT)
    Dispute.objects.filter(enrolment_id=ana.pk).update(statement=f"It was not me: {MARK}.")
    Redemption.objects.filter(citizen=ana).update(booking_reference=f"BR-{MARK}")
    ana.refresh_from_db()
    app = api_client_for(ana)
    # Answers about them, kept for retries and in the session; their data on its way; a batch of their bank's.
    app.post(f"/api/v1/me/redemptions/{world.reserved.public_id}/cancel", {}, HTTP_IDEMPOTENCY_KEY=f"key-{MARK}")
    app.post("/api/v1/me/exports", {})
    browser_for(ana).get("/me")
    entry = row(SUBJECT, 90, occurred_on=str(timezone.now().date() - timedelta(days=40)))
    stranger = row(STRANGER, 91, occurred_on=str(timezone.now().date() - timedelta(days=40)))
    answer = furnisher_client(world.source).post("/api/v1/sources/entries", {"entries": [entry, stranger]})
    assert answer.json()["accepted"] == 1
    run_due()
    return world, ana, app


def own_files(ana):
    names = [*Evidence.objects.filter(dispute__enrolment_id=ana.pk).values_list("name", flat=True)]
    names += DepositFile.objects.filter(agreement__citizen=ana).values_list("name", flat=True)
    names += ana.exports.values_list("name", flat=True)
    return names


def test_a_mark_is_found_where_it_stands(life):
    """The control: without leaving, the canary sings."""
    _, ana, _ = life
    assert tables_that_say(MARK) >= ACCOUNT | {"scores.Link", "scores.Dispute", "perks.Redemption"}
    assert "citizen_app.IdempotentRequest" in tables_that_say(f"key-{MARK}")
    assert len(tables_that_point_to(ana.pk)) > 15
    assert len(own_files(ana)) > 3


def test_p2_a_subject_nobody_has_linked_leaves_no_mark(life, caplog):
    assert tables_that_say(STRANGER) == set()
    assert files_that_say(STRANGER) == []
    assert cached_that_say(STRANGER) == []
    assert STRANGER not in caplog.text


def test_p10_who_leaves_is_found_only_where_the_receipt_says(life, settings, caplog):
    _, ana, app = life
    files = own_files(ana)
    open_files = set(
        DepositFile.objects.filter(agreement__in=DepositAgreement.objects.filter(citizen=ana).open()).values_list(
            "name", flat=True
        )
    )
    caplog.clear()
    receipt = app.delete("/api/v1/me/enrolment").json()
    run_due()
    assert tables_that_say(MARK, SUBJECT) <= ACCOUNT | TOLD_TO_SOURCES | STILL_OPEN
    kept = " ".join(one["what"] for one in receipt["kept"])
    for said in ("has ended, under that source's own id", "the reservation red_", "the deposit agreement dep_"):
        assert said in kept
    assert all(one["until"] for one in receipt["kept"] if "has ended, under" in one["what"])
    there = [name for name in files if (Path(settings.VAR_DIR) / "kept" / name).exists()]
    assert set(there) == open_files
    assert receipt["erased"]["exports"] == 2
    # The history of requests: only their own app's session knows the address, and no log does.
    assert MARK not in caplog.text
    assert SUBJECT not in caplog.text
    assert files_that_say(MARK, SUBJECT) == []
    assert cached_that_say(SUBJECT) == []


def closed_life(ana, app):
    """End what stands in the way, and close."""
    for redemption in Redemption.objects.filter(citizen=ana, state=Redemption.State.RESERVED):
        cancel_redemption(redemption=redemption)
    DepositAgreement.objects.filter(citizen=ana).open().update(
        state="settled", ended_at=timezone.now(), settled_amount=1, due_at=None
    )
    return app.delete("/api/v1/me")


def test_p10_closing_waits_for_what_others_count_on(life):
    _, ana, app = life
    before = tables_that_point_to(ana.pk)
    answer = app.delete("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (409, "account_in_use")
    assert any("deposit agreement" in reason for reason in answer.json()["reasons"])
    assert tables_that_point_to(ana.pk) == before
    assert app.get("/api/v1/me").status_code == 200


def test_p10_a_closed_account_is_found_nowhere(life, settings, caplog):
    _, ana, app = life
    files = own_files(ana)
    other_session = api_client_for(ana)
    mail.outbox.clear()
    caplog.clear()
    answer = closed_life(ana, app)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    receipt = answer.json()
    assert receipt["erased"]["account"] == 1
    assert receipt["erased"]["entries"] > 3
    for client in (app, other_session):
        assert client.get("/api/v1/me").status_code == 401
    run_due()
    (farewell,) = [message for message in mail.outbox if "closed" in message.subject]
    assert farewell.to == [ana.email]
    assert "This is the last message" in farewell.body
    assert tables_that_point_to(ana.pk) == set()
    assert tables_that_say(MARK) == {"scores.EndedLink"}  # the source's own id, for thirty days
    assert tables_that_say(ana.public_id) == {"citizen_app.AuditEvent"}
    assert [name for name in files if (Path(settings.VAR_DIR) / "kept" / name).exists()] == []
    assert files_that_say(MARK, ana.public_id) == []
    assert cached_that_say(MARK) == []
    assert MARK not in caplog.text
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        run_sweeps()
        run_due()
        prune_all(timezone.now())
    assert tables_that_say(MARK) == set()
    # And the record of acts, which names nobody any more, is whole.
    assert AuditEvent.objects.filter(actor=f"person:{ana.pk}", action="account.close").count() == 1
    chain_what_waits(timezone.now())
    assert first_breach() is None
