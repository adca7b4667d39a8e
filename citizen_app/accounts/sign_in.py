"""Opening a complete session without the pages: for set-up commands and tests, never reachable over the network."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.headless import app_settings as headless_settings
from allauth.headless.internal import sessionkit
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from citizen_app.models import Citizen

VOUCHED_FOR = {"type": "set-up command"}


def open_session(citizen: Citizen, *, second_factor: bool = True) -> SessionBase:
    """Sign the person in completely, second factor included, and return the stored session.

    Who has none is vouched for by whoever runs the command. `second_factor=False` is a session by password alone.
    """
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="127.0.0.1", HTTP_USER_AGENT="set-up command", SERVER_NAME="localhost")
    request.session = sessionkit.new_session()
    request.user = AnonymousUser()  # Django's `login` replaces a user that is there, and adds none
    with context.request_context(request):
        login(request, citizen, backend=settings.AUTHENTICATION_BACKENDS[0])
        record_authentication(request, citizen, method="password", email=citizen.email)
        factor = Authenticator.objects.filter(user=citizen).exclude(type=Authenticator.Type.RECOVERY_CODES).first()
        if second_factor:
            record_authentication(request, citizen, method="mfa", **(_record_of(factor) if factor else VOUCHED_FOR))
        request.session.save()
        UserSession.objects.create_from_request(request)
    return request.session


def session_token_for(citizen: Citizen, *, second_factor: bool = True) -> str:
    """Return an `X-Session-Token` of a new, complete session of this person."""
    request = HttpRequest()
    request.session = open_session(citizen, second_factor=second_factor)
    return str(headless_settings.TOKEN_STRATEGY.create_session_token(request))


def _record_of(factor: Authenticator) -> dict[str, Any]:
    return {"id": factor.pk, "type": factor.type}
