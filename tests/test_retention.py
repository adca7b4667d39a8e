"""One test per row of the retention table in docs/privacy.md: a day before all is there, a day after it is not."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as product
from django.core.management import call_command
from django.utils import timezone

from citizen_app import audit, pruning
from citizen_app.accounts.exports import ask_for_export, make_export
from citizen_app.audit_chain import chain_batch, first_breach
from citizen_app.models import (
    AuditEvent,
    DataExport,
    IdempotentRequest,
    InboxMessage,
    Notification,
    OutboxMessage,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from citizen_app.outbox import run_due, run_sweeps
from citizen_app.pruning import TOPIC
from perks.models import (
    BoostGrant,
    DepositAgreement,
    GiftCard,
    GiftCardPosting,
    Invitation,
    Outcome,
    Redemption,
    RefusedAttempt,
    Report,
    Scan,
    StripeCall,
    StripeReading,
    TillShift,
)
from scores.models import Entry, Evidence, Inquiry, ScoreChange
from scores.services.rescoring import rescore
from tests.factories.deposits import claimed
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.gift_cards import charge, taken_card
from tests.factories.people import CitizenFactory
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.factories.reports import happened
from tests.factories.scores import NOW, scored_citizen
from tests.factories.webhooks import EndpointFactory, delivery_to

pytestmark = pytest.mark.django_db
TWO_YEARS = datetime(NOW.year + 2, NOW.month, NOW.day, NOW.hour, NOW.minute, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[1]


def prune(at=None):
    out = StringIO()
    with time_machine.travel(at or timezone.now(), tick=False):
        call_command("prune", stdout=out)
    return json.loads(out.getvalue())


def test_every_row_of_the_table_has_a_test_here():
    """Whoever adds a row to the document adds a test whose docstring is the row's first cell."""
    document = (ROOT / "docs" / "privacy.md").read_text()
    section = document.partition("## How long")[2].partition("**Pseudonymous acts.**")[0]
    rows = [row for row in re.findall(r"^\| ([^|`]+) \| [^|]+ \| [^|]+ \|$", section, re.M) if row != "What"]
    assert len(rows) == 18
    tested = {test.__doc__ for name, test in globals().items() if name.startswith("test_kept_")}
    assert set(rows) == tested


def test_kept_entries_until_they_lapsed_and_thirty_days_more():
    """entries"""
    with time_machine.travel(NOW):
        citizen = scored_citizen()
    first = Entry.objects.order_by("lapses_on").first()
    gone_on = datetime.combine(first.lapses_on, datetime.min.time(), tzinfo=UTC) + timedelta(days=30, hours=12)
    before = Entry.objects.filter(enrolment_id=citizen.pk).count()
    prune(gone_on - timedelta(days=1))
    assert Entry.objects.filter(pk=first.pk).exists()
    assert prune(gone_on)["entries"] >= 1
    assert not Entry.objects.filter(lapses_on__lte=first.lapses_on).exists()
    assert Entry.objects.count() < before


def test_kept_history_whole_for_two_years_and_then_monthly():
    """history of the score"""
    with time_machine.travel(NOW, tick=False):
        citizen = scored_citizen()
    changes = ScoreChange.objects.filter(enrolment_id=citizen.pk)
    last = changes.latest("pk")
    for day in range(3):
        ScoreChange.objects.create(
            enrolment_id=citizen.pk, at=NOW + timedelta(days=day), state=last.state, value=last.value,
            previous=last.value, difference=0, cause=last.cause, scorecard_version=last.scorecard_version, lines=[],
        )  # fmt: skip
    whole = changes.count()
    in_time = datetime(NOW.year + 2, NOW.month, 28, 12, tzinfo=UTC)
    prune(in_time)
    assert changes.filter(at__lte=NOW + timedelta(days=3)).count() == whole
    prune(in_time + timedelta(days=31))
    assert changes.filter(at__lte=NOW + timedelta(days=3)).count() < whole


def test_kept_inquiries_for_two_years_after_the_last():
    """inquiries"""
    citizen = scored_citizen()
    Inquiry.objects.all().delete()
    one = {"asker_kind": "merchant", "asker_id": "mer_x", "asker_name": "X", "what": "scan", "consent": "z", "count": 2}
    for number, last in enumerate((NOW, NOW + timedelta(days=2))):
        Inquiry.objects.create(enrolment_id=citizen.pk, at=NOW, last_at=last, fold=f"{number}", about="y", **one)
    assert prune(TWO_YEARS)["inquiries"] == 0
    assert prune(TWO_YEARS + timedelta(days=1))["inquiries"] == 1
    assert Inquiry.objects.get().last_at == NOW + timedelta(days=2)


def test_kept_scans_and_redemptions_for_two_years_with_their_people():
    """scans and redemptions"""
    ana = CitizenFactory()
    perk = PerkFactory()
    open_card = taken_card(now=NOW, months=120)
    happened(perk, [ana], NOW - timedelta(hours=1), booking_reference="BR-1")
    gone = perk.redemptions.get()
    cashier = person_of(perk.merchant, "cashier")
    scan = Scan.objects.create(
        merchant=perk.merchant, redemption=gone, nonce="nonce-0001", fingerprint="f", outcome="accepted", typed=True,
        scanned_at=NOW, received_at=NOW, scanned_by=cashier,
    )  # fmt: skip
    prune(TWO_YEARS - timedelta(days=1))
    assert (Redemption.objects.get(pk=gone.pk).citizen, Scan.objects.get().scanned_by) == (ana, cashier)
    pruned = prune(TWO_YEARS + timedelta(days=1))
    assert (pruned["redemptions"], pruned["scans"]) == (1, 1)
    gone.refresh_from_db()
    scan.refresh_from_db()
    assert (gone.citizen, gone.booking_reference, scan.scanned_by, scan.redemption) == (None, "", None, gone)
    assert Redemption.objects.get(gift_card=open_card).citizen is not None  # there is money on it
    assert prune(TWO_YEARS + timedelta(days=1))["redemptions"] == 0


def test_kept_ledgers_for_ten_years_without_people(monkeypatch):
    """ledgers of gift cards"""
    # The database goes by its own clock, to which today's acts are no six years old.
    monkeypatch.delitem(pruning._rules, "acts")
    card = taken_card(2500, now=NOW, months=24)
    charge(card, 1000, now=NOW)
    ends = card.expires_at + timedelta(minutes=1)
    with time_machine.travel(ends, tick=False):
        run_sweeps()
    assert GiftCard.objects.get().state == GiftCard.State.EXPIRED
    prune(ends)
    assert GiftCard.objects.get().citizen is not None
    prune(ends + timedelta(days=2 * 365 + 2))
    assert GiftCard.objects.get().citizen is None
    assert Redemption.objects.get().citizen is None
    prune(ends + timedelta(days=10 * 365))
    postings = list(GiftCardPosting.objects.order_by("number").values_list("kind", "amount"))
    assert postings == [("issue", 2500), ("charge", 1000), ("expire", 1500)]


def test_kept_agreements_and_reports_for_two_years_with_their_people():
    """deposit agreements, reports of perks"""
    with time_machine.travel(NOW):
        agreement = claimed()
    DepositAgreement.objects.filter(pk=agreement.pk).update(
        state="settled",
        ended_at=NOW,
        contested_at=NOW,
        contest_statement="It was there.",
        settled_amount=1,
        due_at=None,
    )
    case = PerkFactory().report_cases.create(merchant=MerchantFactory(), opened_at=NOW)
    Report.objects.create(case=case, citizen=CitizenFactory(), ground="misleading", statement="room 12", made_at=NOW)
    pruned = prune(TWO_YEARS - timedelta(days=1))
    assert (pruned["deposits"], pruned["reports"]) == (0, 0)
    prune(TWO_YEARS + timedelta(days=1))
    agreement.refresh_from_db()
    report = Report.objects.get()
    assert (agreement.citizen, agreement.contest_statement, agreement.claim_items) == (None, "", [])
    assert (report.citizen, report.statement, report.ground) == (None, "", "misleading")


def test_kept_refusals_and_the_like_for_two_years():
    """refusals, make-goods, boosts that ended, outcomes, shifts at a till"""
    ana, perk = CitizenFactory(), PerkFactory()
    RefusedAttempt.objects.create(citizen=ana, version=perk.in_force, at=NOW, reasons=[])
    happened(perk, [ana, ana], NOW - timedelta(hours=1))
    one, two = perk.redemptions.order_by("pk")
    Outcome.objects.create(
        redemption=one,
        citizen=ana,
        merchant=perk.merchant,
        kind="fulfilment.booking",
        week="2026-W45",
        recorded_at=NOW,
    )
    BoostGrant.objects.create(
        redemption=two, merchant=perk.merchant, citizen=ana, boost="1.20", granted_at=NOW, term_ends_at=NOW,
        judged_again_at=NOW, ended_at=NOW, ended_because="left",
    )  # fmt: skip
    till = perk.merchant.tills.create(name="Till", token_hash="h", shift_minutes=60, paired_at=NOW, last_seen_at=NOW)
    member = person_of(perk.merchant, "cashier").memberships.get()
    TillShift.objects.create(till=till, member=member, role="cashier", token_hash="t", opened_at=NOW, expires_at=NOW)
    names = ("refusals", "make_goods", "boosts", "outcomes", "shifts")
    pruned = prune(TWO_YEARS)
    assert {name: pruned[name] for name in names} == dict.fromkeys(names, 0)
    pruned = prune(TWO_YEARS + timedelta(days=1))
    assert {name: pruned[name] for name in names} == dict.fromkeys(names, 1) | {"make_goods": 0}


def test_kept_evidence_for_ninety_days_after_the_decision(settings):
    """evidence and photographs"""
    with time_machine.travel(NOW):
        citizen, entry = citizen_in_arrears()
        dispute = rejected(dispute_of(citizen, entry, evidence=photograph()))
    dispute.refresh_from_db()
    ended = dispute.ended_at or dispute.decided_at
    type(dispute).objects.filter(pk=dispute.pk).update(ended_at=ended)
    files = Path(settings.VAR_DIR) / "kept"
    prune(ended + timedelta(days=89))
    assert Evidence.objects.count() == 1
    assert prune(ended + timedelta(days=90))["evidence"] == 1
    run_due(now=ended + timedelta(days=91))
    assert not Evidence.objects.exists()
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_kept_answers_for_thirty_days():
    """kept answers (idempotency)"""
    IdempotentRequest.objects.create(
        caller="c", method="POST", path="/x", key="k", fingerprint="f", status=201, created_at=NOW
    )
    assert prune(NOW + timedelta(days=30))["idempotent_requests"] == 0
    assert prune(NOW + timedelta(days=31))["idempotent_requests"] == 1


def test_kept_effects_for_thirty_days_after_they_were_done():
    """the outbox, with the bodies of deliveries and mails"""
    done = OutboxMessage.objects.create(topic="x", created_at=NOW, due_at=NOW, done_at=NOW)
    heard = InboxMessage.objects.create(
        source="stripe", message_id="evt_1", topic="x", received_at=NOW, due_at=NOW, done_at=NOW
    )
    waits = OutboxMessage.objects.create(topic="x", created_at=NOW, due_at=NOW)
    prune(NOW + timedelta(days=30))
    assert OutboxMessage.objects.filter(pk=done.pk).exists()
    assert InboxMessage.objects.filter(pk=heard.pk).exists()
    prune(NOW + timedelta(days=31))
    assert not OutboxMessage.objects.filter(pk=done.pk).exists()
    assert not InboxMessage.objects.filter(pk=heard.pk).exists()
    assert OutboxMessage.objects.filter(pk=waits.pk).exists()


def test_kept_notifications_for_twelve_months():
    """notifications"""
    citizen = CitizenFactory()
    for cause in ("old", "young"):
        Notification.objects.create(
            citizen=citizen,
            event="code.used",
            cause=cause,
            created_at=NOW if cause == "old" else NOW + timedelta(days=2),
        )
    year = NOW.replace(year=NOW.year + 1)
    prune(year - timedelta(days=1))
    assert Notification.objects.count() == 2
    prune(year + timedelta(days=1))
    assert list(Notification.objects.values_list("cause", flat=True)) == ["young"]


def test_kept_calls_to_stripe_for_thirty_days():
    """what was asked of Stripe and read there (ids and amounts)"""
    StripeCall.objects.create(key="k", operation="ring", state=StripeCall.State.DONE, closed_at=NOW)
    StripeReading.objects.create(object_id="pi_1", taken_at=NOW)
    prune(NOW + timedelta(days=30))
    assert (StripeCall.objects.count(), StripeReading.objects.count()) == (1, 1)
    prune(NOW + timedelta(days=31))
    assert (StripeCall.objects.count(), StripeReading.objects.count()) == (0, 0)


def test_kept_webhooks_for_thirty_days():
    """bodies of webhooks and their attempts"""
    now = timezone.now()
    endpoint = EndpointFactory()
    delivery = delivery_to(endpoint)
    WebhookAttempt.objects.create(
        delivery=delivery, endpoint=endpoint, at=now, is_success=False, status=500, milliseconds=9, answer="no"
    )
    prune(now + timedelta(days=29))
    assert WebhookAttempt.objects.exists()
    assert prune(now + timedelta(days=31))["webhook_events"] == 1
    assert not WebhookEvent.objects.exists()
    assert not WebhookDelivery.objects.exists()
    assert not WebhookAttempt.objects.exists()


def test_kept_logs_for_thirty_days(tmp_path):
    """logs, mails written to files, names of requests"""
    mails = tmp_path / "mail"
    mails.mkdir()
    for name in ("old.log", "new.log"):
        (mails / name).write_text("To: ana@example.org")
    now = timezone.now()
    old = (now - timedelta(days=31)).timestamp()
    os.utime(mails / "old.log", (old, old))
    AuditEvent.objects.create(actor="system", action="x", object="y", at=now - timedelta(days=31), request_id="r-1")
    AuditEvent.objects.create(actor="system", action="x", object="y", at=now - timedelta(days=29), request_id="r-2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "EMAIL_FILE_PATH", str(mails), raising=False)
        pruned = prune(now)
    assert (pruned["mail_files"], pruned["request_names"]) == (1, 1)
    assert [file.name for file in mails.iterdir()] == ["new.log"]
    assert list(AuditEvent.objects.order_by("pk").values_list("request_id", flat=True)) == ["", "r-2"]


def test_kept_sessions_while_they_open_something():
    """sessions and where one is signed in, access tokens"""
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.models import Session

    from tests.citizen_app.rooms import a_client, bearer_of, token_of

    token_of(CitizenFactory())
    bearer_of(a_client(), seconds=600)
    now = timezone.now()
    names = ("sessions", "session_records", "access_tokens")
    pruned = prune(now)
    assert [pruned[name] for name in names] == [0, 0, 0]
    pruned = prune(now + product_life())
    assert [pruned[name] for name in names] == [1, 1, 1]
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


def product_life():
    return timedelta(seconds=product.SESSION_COOKIE_AGE + 60)


def test_kept_invitations_for_thirty_days():
    """invitations to a team"""
    Invitation.objects.create(
        merchant=MerchantFactory(), email="bo@example.org", role="cashier", token_hash="h", made_at=NOW, expires_at=NOW
    )
    assert prune(NOW + timedelta(days=30))["invitations"] == 0
    assert prune(NOW + timedelta(days=31))["invitations"] == 1


def test_kept_acts_for_six_years():
    """the record of acts"""
    now = timezone.now()
    for days in (365 * 6 + 4, 365 * 6 - 4):
        AuditEvent.objects.create(actor="person:7", action="x", object="y", at=now - timedelta(days=days))
    chain_batch()
    assert prune(now)["acts"] == 1
    assert AuditEvent.objects.get().number == 2
    assert first_breach() is None
    audit.record(by=None, action="x", on="z")
    assert prune(now)["acts"] == 0


def test_kept_exports_for_seven_days(settings):
    """exports"""
    asked = ask_for_export(citizen=CitizenFactory())
    make_export(export_id=asked.public_id)
    asked.refresh_from_db()
    assert prune(asked.expires_at - timedelta(seconds=1))["exports"] == 0
    assert prune(asked.expires_at)["exports"] == 1
    run_due(now=asked.expires_at + timedelta(minutes=1))
    assert not DataExport.objects.exists()
    assert [path for path in (Path(settings.VAR_DIR) / "kept").rglob("*") if path.is_file()] == []


# -- And it runs by itself --------------------------------------------------------------------------------------------


def test_pruning_is_promised_for_every_day_without_anybody_s_asking():
    now = timezone.now()
    IdempotentRequest.objects.create(
        caller="c", method="POST", path="/x", key="k", fingerprint="f", status=201, created_at=now - timedelta(days=31)
    )
    assert run_sweeps(now)["prune.scheduled"] == 1
    assert run_sweeps(now)["prune.scheduled"] == 0
    run_due(now=now)
    assert IdempotentRequest.objects.exists()
    run_due(now=now + timedelta(days=1))
    assert not IdempotentRequest.objects.exists()
    assert run_sweeps(now + timedelta(days=1))["prune.scheduled"] == 1
    assert OutboxMessage.objects.filter(topic=TOPIC, done_at=None).count() == 1


def test_a_rule_that_fails_keeps_no_other_from_running(monkeypatch):
    def fails(now):
        raise OSError

    rule = pruning._rules["sessions"]
    monkeypatch.setitem(pruning._rules, "sessions", pruning.Rule(rule.name, rule.overdue, fails))
    Invitation.objects.create(
        merchant=MerchantFactory(), email="bo@example.org", role="cashier", token_hash="h", made_at=NOW, expires_at=NOW
    )
    with pytest.raises(ExceptionGroup):
        prune(NOW + timedelta(days=31))
    assert not Invitation.objects.exists()


def test_somebody_scored_again_keeps_what_is_young():
    citizen = citizen_with(700)
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    before = ScoreChange.objects.count()
    assert set(prune(NOW).values()) == {0}
    assert ScoreChange.objects.count() == before
