"""What people want to hear by which channel: unticked until they tick it, on record as a consent for each channel."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, Literal

from django.db import transaction
from django.utils import timezone

from citizen_app.accounts import consents
from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, ConsentEvent, Notification, NotificationSetting, PushDevice, QuietTime
from citizen_app.notifying.events import GROUPS, Mail

Channel = NotificationSetting.Channel
CONSENT: Final = "notifications"
CHOOSABLE: Final = {
    Channel.EMAIL: tuple(code for code, group in GROUPS.items() if group.mail != Mail.ALWAYS),
    Channel.PUSH: tuple(code for code, group in GROUPS.items() if group.has_push),
}
"""The groups that can be switched on and off, by channel."""
ALWAYS: Final = tuple(code for code, group in GROUPS.items() if group.mail == Mail.ALWAYS)


@dataclass(frozen=True, slots=True)
class Quiet:
    """From when until when nobody is to be disturbed, by their own clock."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Choices:
    """What one person wants: the groups that are on, by channel, and when it is quiet."""

    on: dict[str, frozenset[str]]
    quiet: Quiet | None

    def wants(self, group: str, channel: str) -> bool:
        return group in self.on[channel]


def choices_of(citizen_ids: Collection[int]) -> dict[int, Choices]:
    """What each of these people wants: two statements for any number."""
    said: dict[int, dict[tuple[str, str], bool]] = {citizen_id: {} for citizen_id in citizen_ids}
    rows = NotificationSetting.objects.filter(citizen__in=citizen_ids)
    for citizen_id, group, channel, is_on in rows.values_list("citizen_id", "group", "channel", "is_on"):
        said[citizen_id][group, channel] = is_on
    quiet = {
        citizen_id: Quiet(begins, ends)
        for citizen_id, begins, ends in QuietTime.objects.filter(citizen__in=citizen_ids).values_list(
            "citizen_id", "begins", "ends"
        )
    }
    return {
        citizen_id: Choices({one: frozenset(_on(ticks, one)) for one in Channel.values}, quiet.get(citizen_id))
        for citizen_id, ticks in said.items()
    }


def _on(ticks: dict[tuple[str, str], bool], channel: str) -> Iterator[str]:
    by_mail = channel == Channel.EMAIL
    for code, group in GROUPS.items():
        is_always = by_mail and group.mail == Mail.ALWAYS
        if is_always or ticks.get((code, channel), by_mail and group.mail == Mail.SERVICE):
            yield code


@transaction.atomic
def change_choices(
    *,
    citizen: Citizen,
    email: Collection[str] | None = None,
    push: Collection[str] | None = None,
    via: str,
    quiet: Quiet | Literal["as it is"] | None = "as it is",
    now: datetime | None = None,
) -> Choices:
    """Keep which groups are on by which channel, and when it is `quiet` (None: never); what is left out stays.

    Whatever needs to be asked for is a consent, on record with its ticks when they change, and taken back with the
    last of them. Raises `InvalidInput` for a group that cannot be chosen.
    """
    now = now or timezone.now()
    wanted = {Channel.EMAIL: email, Channel.PUSH: push}
    _check(wanted)
    # Held, so that two changes at once leave the consent that goes with the ticks.
    Citizen.objects.select_for_update(no_key=True).get(pk=citizen.pk)
    before = choices_of([citizen.pk])[citizen.pk]
    for channel, groups in wanted.items():
        if groups is not None:
            _keep(citizen, channel, frozenset(groups))
            _record(citizen, channel, _asked(channel, before.on[channel]), _asked(channel, groups), via=via, now=now)
    if quiet != "as it is":
        _keep_quiet(citizen, quiet)
    return choices_of([citizen.pk])[citizen.pk]


def switch_off(*, citizen: Citizen, group: str, now: datetime | None = None) -> None:
    """Send somebody no more mails of a group: the link in the mail itself. Again is no change."""
    choices = choices_of([citizen.pk])[citizen.pk]
    if choices.wants(group, Channel.EMAIL):
        kept = [code for code in CHOOSABLE[Channel.EMAIL] if choices.wants(code, Channel.EMAIL) and code != group]
        change_choices(citizen=citizen, email=kept, via="mail", now=now)


def _check(wanted: dict[Any, Collection[str] | None]) -> None:
    wrong = [
        FieldError(f"/{channel}/{place}", "invalid", f"Choose of: {', '.join(CHOOSABLE[channel])}.")
        for channel, groups in wanted.items()
        for place, group in enumerate(groups or ())
        if group not in CHOOSABLE[channel]
    ]
    if wrong:
        raise InvalidInput(*wrong)


def _keep(citizen: Citizen, channel: Channel, groups: frozenset[str]) -> None:
    NotificationSetting.objects.bulk_create(
        [
            NotificationSetting(citizen=citizen, group=code, channel=channel, is_on=code in groups)
            for code in CHOOSABLE[channel]
        ],
        update_conflicts=True,
        unique_fields=["citizen", "group", "channel"],
        update_fields=["is_on"],
    )


def _asked(channel: str, groups: Collection[str]) -> set[str]:
    """Those of the groups that need to be asked for: mails about what somebody has running here do not."""
    return {code for code in groups if channel == Channel.PUSH or GROUPS[code].mail == Mail.ASKED}


def _record(citizen: Citizen, channel: str, before: set[str], after: set[str], *, via: str, now: datetime) -> None:
    purpose = f"{CONSENT}:{channel}"
    if after == before:
        return
    if not after:
        consents.withdraw_consent(citizen=citizen, purpose=purpose, via=via, now=now)
        return
    consents.record_consent(
        citizen=citizen,
        act=ConsentEvent.Act.GIVEN,
        purpose=purpose,
        text=consents.current_text(CONSENT, language=citizen.language),
        via=via,
        now=now,
        scopes=after,
    )


def _keep_quiet(citizen: Citizen, quiet: Quiet | None) -> None:
    if quiet is None:
        QuietTime.objects.filter(citizen=citizen).delete()
    elif quiet.begins == quiet.ends:
        raise InvalidInput(FieldError("/quiet/ends", "invalid", "The quiet time ends at another time than it begins."))
    else:
        QuietTime.objects.update_or_create(citizen=citizen, defaults={"begins": quiet.begins, "ends": quiet.ends})


@erases
def erase_notifications(*, citizen: Citizen, now: datetime) -> Erasure:
    """Who leaves is told nothing more: what they were told of, what they wanted and their browsers go."""
    tables: dict[str, Any] = {
        "notifications": Notification,
        "notification_settings": NotificationSetting,
        "quiet_times": QuietTime,
        "push_devices": PushDevice,
    }
    return Erasure({name: model.objects.filter(citizen=citizen).delete()[0] for name, model in tables.items()})
