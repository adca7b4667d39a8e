"""How lately somebody showed who they are: a phone left on a table must not give its owner's data away (threat 8)."""

import time
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen


class ReauthenticationRequired(DomainError):
    """Carries `within_seconds`: how recent it must be."""

    code, kind, title = "reauthentication_required", Kind.FORBIDDEN, "Confirm that it is you, then do it again."
    remedy = "Confirm with `POST /_allauth/app/v1/auth/reauthenticate` (or sign in) and repeat within five minutes."


RECENT: Final = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
"""Seconds for which having shown it counts."""


def proofs_in(citizen: Citizen, session: SessionBase) -> list[dict[str, Any]]:
    """What this session has seen of who the person is: each password, passkey, code and second factor."""
    asked = HttpRequest()
    asked.session = session
    return list(get_authentication_records(asked, citizen))


def confirmed_at(citizen: Citizen, session: SessionBase) -> float:
    """When this session last saw a password, passkey, code or second factor (seconds since 1970)."""
    return latest_of(proofs_in(citizen, session))


def latest_of(proofs: list[dict[str, Any]]) -> float:
    """When the last of these was seen; 0 where there is none."""
    return max((float(one.get("at", 0)) for one in proofs), default=0.0)


def is_recent(moment: float) -> bool:
    """Whether somebody showed who they are within the last five minutes."""
    return time.time() - moment <= RECENT


def require_recent(moment: float) -> None:
    """Refuse unless somebody did."""
    if not is_recent(moment):
        raise ReauthenticationRequired(within_seconds=RECENT)
