"""Retries that are safe: the same key gives the same answer, and the effect happens once.

The key's row is inserted in the work's own transaction. A duplicate that arrives meanwhile waits on the unique index
(PostgreSQL; on SQLite writers queue anyway) and then finds the first one's answer; work that is refused or fails takes
its row with it, so a retry is judged afresh. There is no lock to release and nothing to clean up after a crash.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import wraps
from typing import Any

import rfc8785
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from citizen_app.api.renderers import rendered
from citizen_app.db import planned_cursor
from citizen_app.errors import DomainError, Kind, NotFound
from citizen_app.models import Citizen, IdempotentRequest

HEADER = "Idempotency-Key"
SECRET_FIELDS = ("code", "pass", "seed", "qr", "outside_code", "client_secret")
ALREADY_SHOWN = "secret_already_shown"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Cache-Control", "ETag", "Location")
_EXACT = 2**53  # whole numbers up to here are exact in RFC 8785's arithmetic

Handler = Callable[..., Response]
Secrets = Callable[[Any, Request, dict[str, Any]], dict[str, Any]]


class KeyMissing(DomainError):
    code, kind, title = "idempotency_key_missing", Kind.INVALID, "This request needs an Idempotency-Key header."
    remedy = "Send a new random key with each new intention, and the same one with each retry of it."


class KeyInvalid(DomainError):
    code, kind, title = "idempotency_key_invalid", Kind.INVALID, "The Idempotency-Key is not usable."
    remedy = "Send 1 to 255 visible ASCII characters, such as a UUID."


class KeyReused(DomainError):
    code, kind = "idempotency_key_reused", Kind.UNPROCESSABLE
    title = "This Idempotency-Key was already used for a different request."
    remedy = "A new intention needs a new key; a retry must repeat the body and the query."


def idempotent(
    handler: Handler | None = None,
    *,
    secrets: Secrets | None = None,
    secret_fields: Iterable[str] = SECRET_FIELDS,
    needs_key: bool = True,
    first: Callable[..., None] | None = None,
    kept_last: bool = False,
    then: Callable[[Any, Request, Response], Response] | None = None,
) -> Any:
    """Make a view's method safe to retry, in one transaction with its work: `@idempotent` or `@idempotent(secrets=…)`.

    With `needs_key=False` a request without the header is done each time it arrives, as on any other address.
    Members named in `secret_fields` (of the answer itself, not of objects inside it) are never stored. On a replay
    `secrets(view, request, body)` derives them again; without it they are null beside `"secret_already_shown": true`.

    `first` may refuse before the transaction is opened. With `kept_last` the key's row is inserted whole, after the
    work, which must be all in the database: one statement for two, where work that meets a duplicate waits for rows of
    its own anyway. A duplicate whose work comes to nothing or meets the key is taken back and gets the first's answer.

    `then` goes on from the answer once the transaction is over, the first one's and each replay's: it may ask another
    service what was decided, and nothing it adds is stored.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
            answer = _answer(view, request, *args, **kwargs)
            return answer if then is None else then(view, request, answer)

        def _answer(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
            if not needs_key and HEADER not in request.headers:
                return handler(view, request, *args, **kwargs)
            wanted = _wanted(request)
            try:
                if first is not None:
                    first(view, request, *args, **kwargs)
                if kept_last:
                    with transaction.atomic():
                        response = handler(view, request, *args, **kwargs)
                        if not 200 <= response.status_code < 300:
                            transaction.set_rollback(True)
                        elif not _insert(wanted, response, frozenset(secret_fields)):
                            raise _Known
                    return response
            except (DomainError, APIException):
                # Judged before, or after, the first one with this key took effect: its answer is this one's too.
                if _is_known(wanted):
                    return _replay(wanted, view, request, secrets)
                raise
            except _Known:
                return _replay(wanted, view, request, secrets)
            with transaction.atomic():
                if not _insert(wanted):
                    return _replay(wanted, view, request, secrets)
                response = handler(view, request, *args, **kwargs)
                if 200 <= response.status_code < 300:
                    _keep(wanted, response, frozenset(secret_fields))
                else:
                    transaction.set_rollback(True)
            return response

        # The description names the header, and says whether it must be sent.
        wrapper.takes_key, wrapper.is_idempotent = True, needs_key  # type: ignore[attr-defined]
        return wrapper

    return decorate if handler is None else decorate(handler)


def once(*, citizen: Citizen, path: str, key: str, said: Any, work: Callable[[], str]) -> str:
    """Do the work of a page's form once, however often it arrives; `work` names what it made, and so do repeats.

    The key is a hidden field of the form, so that a double tap is one act. `work` runs in the key's transaction.
    """
    if not _KEY.fullmatch(key):
        raise KeyInvalid
    wanted = IdempotentRequest(
        caller=f"person:{citizen.pk}",
        method="POST",
        path=path,
        key=key,
        fingerprint=fingerprint_of(said, {}),
        created_at=timezone.now(),
    )
    with transaction.atomic():
        if _insert(wanted):
            made = work()
            kept = {"text": json.dumps(made), "secret": [], "headers": {}}
            IdempotentRequest.objects.filter(pk=wanted.pk).update(status=200, body=kept)
            return made
        return str(json.loads(_found(wanted).body["text"]))


def caller_of(request: Request) -> str:
    """Who is asking, by person or client and never by credential: a renewed token is the same caller.

    A person who acts for somebody (`request.acting_for`) is another caller for each of them: one merchant's answer is
    never replayed to the other.
    """
    if request.user is not None:
        acting_for = getattr(request, "acting_for", None)
        return f"person:{request.user.pk}@{acting_for}" if acting_for else f"person:{request.user.pk}"
    if request.auth.kind == "device":
        return str(request.auth.caller)
    return f"client:{request.auth.application.client_id}"


def fingerprint_of(body: Any, query: dict[str, list[str]]) -> str:
    """Return the hash of what was asked: RFC 8785, so order of members, spaces and forms of numbers don't matter."""
    return hashlib.sha256(rfc8785.dumps([_canonical(body), _canonical(query)])).hexdigest()


def _wanted(request: Request) -> IdempotentRequest:
    key = request.headers.get(HEADER)
    if key is None:
        raise KeyMissing
    if not _KEY.fullmatch(key):
        raise KeyInvalid
    if len(request.path) > 255:
        raise NotFound  # no object has so long a name
    return IdempotentRequest(
        caller=caller_of(request),
        method=request.method or "",
        path=request.path,
        key=key,
        fingerprint=fingerprint_of(request.data, dict(request.query_params.lists())),
        created_at=timezone.now(),
    )


class _Known(Exception):
    """The key's row is there: somebody's work with it is done, and this one's is taken back."""


def _is_known(wanted: IdempotentRequest) -> bool:
    return IdempotentRequest.objects.filter(
        caller=wanted.caller, method=wanted.method, path=wanted.path, key=wanted.key
    ).exists()


def _insert(
    wanted: IdempotentRequest, response: Response | None = None, secret_fields: frozenset[str] = frozenset()
) -> bool:
    """Insert the key's row; False when somebody's committed row is there. Waits for one that is not yet committed.

    One statement, because `get_or_create` would cost a read and a savepoint on the way of every redemption.
    """
    kept = "{}" if response is None else json.dumps(_kept(response, secret_fields))
    with planned_cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {IdempotentRequest._meta.db_table}"  # noqa: S608  (a table's name, not input)
            " (caller, method, path, key, fingerprint, status, body, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (caller, method, path, key) DO NOTHING RETURNING id",
            [
                wanted.caller,
                wanted.method,
                wanted.path,
                wanted.key,
                wanted.fingerprint,
                0 if response is None else response.status_code,
                kept,
                connection.ops.adapt_datetimefield_value(wanted.created_at),
            ],
        )
        row = cursor.fetchone()
    if row is not None:
        wanted.pk = row[0]
    return row is not None


def _keep(wanted: IdempotentRequest, response: Response, secret_fields: frozenset[str]) -> None:
    kept = _kept(response, secret_fields)
    IdempotentRequest.objects.filter(pk=wanted.pk).update(status=response.status_code, body=kept)


def _kept(response: Response, secret_fields: frozenset[str]) -> dict[str, Any]:
    body, secret = response.data, []
    if isinstance(body, dict):
        secret = [name for name in body if name in secret_fields]
        body = {name: None if name in secret else value for name, value in body.items()}
    return {
        # As text: a JSON column may put an object's members into an order of its own.
        "text": rendered(body).decode(),
        "secret": secret,
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
    }


def _replay(wanted: IdempotentRequest, view: APIView, request: Request, secrets: Secrets | None) -> Response:
    found = _found(wanted)
    body = json.loads(found.body["text"])
    if found.body["secret"]:
        body |= {ALREADY_SHOWN: True} if secrets is None else secrets(view, request, body)
    return Response(body, found.status, headers=found.body["headers"] | {"Idempotent-Replayed": "true"})


def _found(wanted: IdempotentRequest) -> IdempotentRequest:
    found = IdempotentRequest.objects.get(caller=wanted.caller, method=wanted.method, path=wanted.path, key=wanted.key)
    if found.fingerprint != wanted.fingerprint:
        raise KeyReused
    return found


def _canonical(value: Any) -> Any:
    """Numbers that RFC 8785 would round are written out behind a NUL, which no body may contain."""
    match value:
        case dict():
            return {name: _canonical(inner) for name, inner in value.items()}
        case list():
            return [_canonical(inner) for inner in value]
        case UploadedFile():
            # The same file is the same words; its name is not looked at, here as elsewhere.
            value.seek(0)
            digest = hashlib.sha256()
            for chunk in value.chunks():
                digest.update(chunk)
            value.seek(0)
            return f"\x00file:{digest.hexdigest()}"
        case Decimal():
            exact = value.normalize()
            return _canonical(int(exact)) if exact == exact.to_integral_value() else f"\x00{exact:f}"
        case int() if not isinstance(value, bool) and abs(value) >= _EXACT:
            return f"\x00{value}"
    return value
