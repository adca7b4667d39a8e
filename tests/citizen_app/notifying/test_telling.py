"""The inbox and what follows from it: once for each cause, by the channels that were ticked, in their time."""

from datetime import UTC, datetime, time, timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction

from citizen_app.models import ConsentEvent, Notification, NotificationSetting, OutboxMessage, PushDevice, QuietTime
from citizen_app.notifying import notify, notify_each
from citizen_app.notifying.choices import CHOOSABLE, Channel, Quiet, change_choices, choices_of
from citizen_app.notifying.digests import tell_months
from citizen_app.notifying.events import GROUPS, Mail, known_events
from citizen_app.notifying.inbox import mark_all_read, mark_read, unread_count
from citizen_app.notifying.mails import MOST_A_DAY
from citizen_app.outbox import run_due, run_sweeps
from scores.services.enrolment import leave, pause_enrolment
from scores.services.notices import ASKED, SCORE_CHANGED
from tests.factories.notifications import Browser, told, wants_everything
from tests.factories.people import CitizenFactory
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
WHY = {"why": "A record was added.", "perks": ""}


@pytest.fixture
def ana():
    return EnrolmentFactory(citizen__zone="Europe/Lisbon").citizen


def tell(citizen, cause, event=SCORE_CHANGED, facts=WHY):
    with transaction.atomic():
        notify(citizen, event, facts=facts, cause=cause)


def run(now=NOON):
    with time_machine.travel(now, tick=False):
        run_due()


def test_one_cause_tells_once(ana):
    with time_machine.travel(NOON, tick=False):
        wants_everything(ana)
        for _ in range(3):
            tell(ana, "score:1")
        tell(ana, "score:2")
    run(NOON + timedelta(minutes=6))
    assert told(ana) == [SCORE_CHANGED, SCORE_CHANGED]
    (sent,) = mail.outbox  # both in one
    assert sent.subject == "Your score: 2 things happened"
    with pytest.raises(IntegrityError, match="notification"), transaction.atomic():
        Notification.objects.create(citizen=ana, event=ASKED, cause="score:1", created_at=NOON)


def test_nothing_is_sent_that_was_not_ticked_but_mails_about_what_runs(ana):
    assert choices_of([ana.pk])[ana.pk].on == {
        "email": {"disputes", "deposits", "gift_cards", "account"},
        "push": frozenset(),
    }
    Browser().let_notify(ana)
    with time_machine.travel(NOON, tick=False):
        tell(ana, "score:1")
    run(NOON + timedelta(minutes=6))
    assert mail.outbox == []
    assert not OutboxMessage.objects.filter(topic="notification.push").exists()
    assert told(ana) == [SCORE_CHANGED]


def test_each_channel_is_a_consent_with_its_ticks_and_its_own_end(ana):
    def acts(channel):
        of_channel = ConsentEvent.objects.filter(citizen=ana, purpose=f"notifications:{channel}").order_by("pk")
        return list(of_channel.values_list("act", "scopes", "via"))

    change_choices(citizen=ana, email=["score", "gift_cards"], push=[], via="web")
    change_choices(citizen=ana, email=["score", "gift_cards"], via="web")
    change_choices(citizen=ana, email=["asked", "score"], push=["perks"], via="app")
    change_choices(citizen=ana, email=[], via="web")
    assert acts("email") == [
        ("given", "score", "web"),
        ("given", "asked score", "app"),
        ("withdrawn", "asked score", "web"),
    ]
    assert acts("push") == [("given", "perks", "app")]
    assert choices_of([ana.pk])[ana.pk].on == {"email": {"disputes", "deposits"}, "push": {"perks"}}


def test_what_is_ticked_off_while_it_waits_is_not_mailed(ana):
    with time_machine.travel(NOON, tick=False):
        wants_everything(ana)
        tell(ana, "score:1")
        run_due()
        change_choices(citizen=ana, email=[], push=[], via="web")
    run(NOON + timedelta(minutes=6))
    assert mail.outbox == []
    assert Notification.objects.get().mail_due_at is None


def test_mails_wait_for_the_end_of_the_quiet_time_and_those_about_disputes_do_not(ana):
    night = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 23:30 there, and the clock goes back at two
    with time_machine.travel(night, tick=False):
        wants_everything(ana)
        change_choices(citizen=ana, via="web", quiet=Quiet(time(22), time(7)))
        Browser().let_notify(ana)
        tell(ana, "score:1")
        tell(ana, "dispute:1", "dispute.answered", {"source": "Bank", "dispute": "dsp_x"})
        Notification.objects.filter(event="dispute.answered").update(about="dsp_x")
    run(night)
    assert [one.subject for one in mail.outbox] == ["The source answered your dispute"]
    due = set(OutboxMessage.objects.filter(topic="notification.push").values_list("due_at", flat=True))
    assert due == {datetime(2026, 10, 25, 7, tzinfo=UTC)}
    assert Notification.objects.get(event=SCORE_CHANGED).mail_due_at == datetime(2026, 10, 25, 7, tzinfo=UTC)
    NotificationSetting.objects.filter(channel="push").update(is_on=False)
    run(datetime(2026, 10, 25, 7, tzinfo=UTC))
    assert [one.subject for one in mail.outbox][1:] == ["Your score changed"]


def test_no_more_mails_a_day_than_that_and_the_rest_comes_in_one(ana):
    with time_machine.travel(NOON, tick=False):
        change_choices(citizen=ana, email=["score"], via="web")
    for number in range(MOST_A_DAY + 3):
        at = NOON + timedelta(minutes=10 * number)
        with time_machine.travel(at, tick=False):
            tell(ana, f"score:{number}")
        run(at + timedelta(minutes=6))
    assert len(mail.outbox) == MOST_A_DAY
    run(NOON + timedelta(days=1, minutes=7))
    assert len(mail.outbox) == MOST_A_DAY + 1
    assert mail.outbox[-1].subject == "Your score: 3 things happened"


def test_who_is_paused_hears_only_of_what_goes_on_and_who_left_nothing(ana):
    code = {"merchant": "Hotel", "perk": "Late check-out", "until": "tonight"}
    pause_enrolment(citizen=ana)
    tell(ana, "score:1")
    tell(ana, "used:1", "code.used", code)
    assert told(ana) == ["code.used"]
    Browser().let_notify(ana)
    wants_everything(ana)
    change_choices(citizen=ana, via="web", quiet=Quiet(time(22), time(7)))
    receipt = leave(citizen=ana)
    assert receipt.erased | {"notifications": 1, "push_devices": 1, "quiet_times": 1} == receipt.erased
    tell(ana, "score:2")
    tell(ana, "used:2", "code.used", code)
    for model in (Notification, NotificationSetting, QuietTime, PushDevice):
        assert not model.objects.filter(citizen=ana).exists()
    assert choices_of([ana.pk])[ana.pk].on["push"] == frozenset()
    run(NOON + timedelta(days=1))
    assert [one.subject for one in mail.outbox if "code" in one.subject.lower()] == []


def test_many_people_are_told_by_as_many_statements_as_few(django_assert_num_queries):
    few, many = ([CitizenFactory().pk for _ in range(count)] for count in (3, 30))
    for number, people in enumerate((few, many)):
        with django_assert_num_queries(4), transaction.atomic():
            notify_each(people, "export.ready", cause=f"export:{number}")
    assert Notification.objects.count() == 33
    with django_assert_num_queries(4), transaction.atomic():
        notify_each(many, "export.ready", cause="export:1")
    assert Notification.objects.count() == 33


def test_a_telling_is_part_of_its_cause(ana):
    with transaction.atomic():
        tell(ana, "score:1")
        transaction.set_rollback(True)
    assert (Notification.objects.count(), OutboxMessage.objects.filter(topic="notification").count()) == (0, 0)


def test_reading_is_counted_and_kept(ana):
    tell(ana, "score:1")
    tell(ana, "score:2")
    assert unread_count(ana) == 2
    first = mark_read(citizen=ana, notification_id=Notification.objects.earliest("pk").public_id, now=NOON)
    assert mark_read(citizen=ana, notification_id=first.public_id).read_at == NOON
    assert (unread_count(ana), mark_all_read(citizen=ana), unread_count(ana)) == (1, 1, 0)


def test_a_name_with_a_line_break_begins_no_header(ana):
    with time_machine.travel(NOON, tick=False):
        tell(ana, "x", "connection.lapsed", {"app": "Amora\r\nBcc: all@example.org"})
    run()
    (sent,) = mail.outbox
    assert sent.subject == "Amora Bcc: all@example.org is no longer connected"
    assert "\n" not in sent.subject


def test_a_month_is_told_once_to_who_asked_in_the_morning_where_they_live(ana):
    quiet_one = EnrolmentFactory().citizen
    with time_machine.travel(NOON, tick=False):
        change_choices(citizen=ana, email=["digest"], via="web")
    assert tell_months(datetime(2026, 12, 1, 7, 59, tzinfo=UTC)) == 0
    assert tell_months(datetime(2026, 12, 6, 12, tzinfo=UTC)) == 0
    assert run_sweeps(datetime(2026, 12, 1, 8, tzinfo=UTC))["notifications.digests"] == 1
    assert tell_months(datetime(2026, 12, 2, 8, tzinfo=UTC)) == 0
    run(datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert [one.subject for one in mail.outbox] == ["Your November"]
    assert tell_months(datetime(2027, 1, 1, 8, tzinfo=UTC)) == 1
    assert told(quiet_one) == []


def test_every_event_has_a_group_and_the_groups_say_what_can_be_chosen():
    assert {event.group for event in known_events()} == set(GROUPS)
    assert set(GROUPS) - set(CHOOSABLE[Channel.EMAIL]) == {
        code for code, group in GROUPS.items() if group.mail == Mail.ALWAYS
    }
    assert max(len(" ".join(groups)) for groups in CHOOSABLE.values()) <= 200


def test_what_somebody_was_told_goes_after_a_year(ana):
    with time_machine.travel(NOON, tick=False):
        tell(ana, "score:1")
    year = datetime(2027, 11, 29, 12, tzinfo=UTC)
    for at, kept in ((year - timedelta(days=1), 1), (year + timedelta(days=1), 0)):
        with time_machine.travel(at, tick=False):
            call_command("prune", stdout=StringIO())
        assert Notification.objects.filter(citizen=ana).count() == kept
