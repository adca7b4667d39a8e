"""The link at the end of a mail: it switches the mails of one group off, and nothing else."""

from uuid import UUID

from citizen_app.errors import NotFound
from citizen_app.models import Citizen
from citizen_app.notifying.choices import switch_off
from citizen_app.notifying.events import GROUPS, Group
from citizen_app.notifying.mails import OFF_PURPOSE
from citizen_app.public_ids import uuid_of
from citizen_app.sealing import CannotUnseal, unseal


def group_named(token: str) -> Group:
    """Which group a link is about; `NotFound` for one that was not made here."""
    return _read(token)[1]


def switch_mails_off(token: str) -> Group:
    """Send whom the link was sent to no more mails of its group. Safe twice; an account that is gone has none."""
    key, group = _read(token)
    citizen = Citizen.objects.filter(uuid=key).first()
    if citizen is not None:
        switch_off(citizen=citizen, group=group.code)
    return group


def _read(token: str) -> tuple[UUID, Group]:
    try:
        public_id, code = unseal(OFF_PURPOSE, token).split()
        key, group = uuid_of(Citizen.prefix, public_id), GROUPS[code]
    except (CannotUnseal, ValueError, KeyError) as error:
        raise NotFound from error
    if key is None:
        raise NotFound
    return key, group
