"""Who a request comes from: its session's row and its person's, by statements that every request needs."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from citizen_app.kept_statements import Given, KeptRows
from citizen_app.models import Citizen

_SESSION = KeptRows(
    lambda: Session.objects.filter(
        session_key=Given("session_key", CharField()), expire_date__gt=Given("now", DateTimeField())
    )
)
_CITIZEN = KeptRows(lambda: Citizen.objects.filter(pk=Given("citizen_id", Citizen._meta.pk)))


class SessionStore(cached_db.SessionStore):
    """Django's sessions in the database behind the cache (`SESSION_ENGINE` names this module)."""

    def _get_session_from_db(self) -> Session | None:
        for session in _SESSION.rows(session_key=self.session_key, now=timezone.now()):
            return session
        self._session_key = None
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End a session, and the notifying of its browser."""
        with transaction.atomic():
            # First held: a browser that is being added to it at this moment is there before its end looks for it.
            list(Session.objects.select_for_update().filter(pk=session_key or self.session_key))
            super().delete(session_key)


class Backend(AuthenticationBackend):
    """allauth's way of signing in, and the person behind a session."""

    def get_user(self, user_id: Any) -> Citizen | None:
        for citizen in _CITIZEN.rows(citizen_id=user_id):
            return citizen if self.user_can_authenticate(citizen) else None
        return None
