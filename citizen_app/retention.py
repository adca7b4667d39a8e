"""How long this room keeps what (docs/privacy.md): answers, effects, sessions, tokens, mails, acts."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from oauth2_provider.models import clear_expired, get_access_token_model

from citizen_app import outbox
from citizen_app.accounts.exports import expire_exports
from citizen_app.audit_chain import outlived, prune_acts
from citizen_app.models import AuditEvent, DataExport, IdempotentRequest, InboxMessage, OutboxMessage
from citizen_app.pruning import deletes, prunes, update_some

KEPT: Final = timedelta(days=30)
LOGS_KEPT: Final = timedelta(days=30)


def _session_records(now: datetime) -> QuerySet[Any]:
    # Where and on what somebody was signed in is kept no longer than the session itself.
    living = Session.objects.filter(expire_date__gte=now)
    return UserSession.objects.exclude(session_key__in=living.values("session_key"))


def _request_names(now: datetime) -> QuerySet[Any]:
    return AuditEvent.objects.filter(at__lt=now - LOGS_KEPT).exclude(request_id="")


def _tokens(now: datetime) -> QuerySet[Any]:
    return get_access_token_model().objects.filter(Q(refresh_token__isnull=True), expires__lt=now)


deletes("idempotent_requests", lambda now: IdempotentRequest.objects.filter(created_at__lt=now - KEPT))
deletes("outbox_messages", lambda now: OutboxMessage.objects.filter(done_at__lt=now - outbox.KEPT))
deletes("inbox_messages", lambda now: InboxMessage.objects.filter(done_at__lt=now - outbox.KEPT))
deletes("sessions", lambda now: Session.objects.filter(expire_date__lt=now))
deletes("session_records", _session_records)


@prunes("access_tokens", overdue=_tokens)
def clear_tokens(now: datetime) -> int:
    """Delete tokens, codes and grants that no longer open anything; the provider's own clearing."""
    tokens = get_access_token_model().objects
    before = tokens.count()
    clear_expired()
    return before - tokens.count()


@prunes("exports", overdue=lambda now: DataExport.objects.filter(expires_at__lte=now))
def erase_exports(now: datetime) -> int:
    """Erase what people took along, seven days after it was made."""
    return expire_exports(now)


@prunes("acts", overdue=outlived)
def forget_acts(now: datetime) -> int:
    """Let acts go at the beginning of their chain after six years."""
    return prune_acts(now)


@prunes("request_names", overdue=_request_names)
def forget_request_names(now: datetime) -> int:
    """Empty what leads from an act to logs that are gone."""
    return update_some(_request_names(now), request_id="")


class _Mails:
    """The mails the embedded default writes to files instead of sending: they are logs."""

    def __init__(self, now: datetime) -> None:
        folder = Path(getattr(settings, "EMAIL_FILE_PATH", None) or Path(settings.VAR_DIR) / "mail")
        oldest = (now - LOGS_KEPT).timestamp()
        files = folder.iterdir() if folder.is_dir() else ()
        self.files = [file for file in files if file.is_file() and file.stat().st_mtime < oldest]

    def count(self) -> int:
        return len(self.files)


@prunes("mail_files", overdue=_Mails)  # type: ignore[arg-type]  # (counted like rows)
def forget_mails(now: datetime) -> int:
    """Delete mails that were written to files, with the logs of their time."""
    mails = _Mails(now)
    for file in mails.files:
        file.unlink(missing_ok=True)
    return mails.count()
