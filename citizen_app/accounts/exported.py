"""What an export tells of the account itself, and of what the libraries keep beside it."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from citizen_app.accounts.consents import text_of
from citizen_app.accounts.exporting import KEYED, OURS, SECRET, exports, is_not_exported
from citizen_app.models import (
    AuditEvent,
    Citizen,
    Connection,
    ConsentEvent,
    DataExport,
    IdempotentRequest,
    Notification,
    NotificationSetting,
    PairwiseSubject,
    Phone,
    PushDevice,
    QuietTime,
)
from citizen_app.models import OperatorRole as Role


def _acts(citizen: Citizen) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(Q(actor=f"person:{citizen.pk}") | Q(object=citizen.public_id))


def _who_acted(event: AuditEvent, citizen: Citizen) -> dict[str, Any]:
    if event.actor == f"person:{citizen.pk}":
        return {"actor": "you"}
    return {"actor": "somebody else" if event.actor.startswith("person:") else event.actor}


def _made_before(citizen: Citizen) -> QuerySet[DataExport]:
    """A copy cannot tell how large it will be itself."""
    return DataExport.objects.filter(citizen=citizen, state=DataExport.State.READY)


def _text_agreed_to(event: ConsentEvent, citizen: Citizen) -> dict[str, Any]:
    text = text_of(event)
    return {"text": None if text is None else text.text}


exports(
    "account",
    Citizen,
    "pk",
    left_out={"password": SECRET},
    adds=lambda row, _: {"id": row.public_id},
    tells="your account: address, names, language, time zone",
)
exports("email_addresses", EmailAddress, "user", tells="your e-mail addresses, and which are confirmed")
exports("phones", Phone, "citizen", tells="your phone number")
exports(
    "second_factors_and_passkeys",
    Authenticator,
    "user",
    left_out={"data": SECRET},
    tells="that you have an authenticator app, recovery codes or passkeys; never their secrets",
)
exports(
    "sessions",
    UserSession,
    "user",
    left_out={"session_key": SECRET, "data": OURS},
    tells="where and on what you are signed in",
)
exports("roles_as_operator", Role, "citizen", tells="your roles as an operator of the product")
exports(
    "consents",
    ConsentEvent,
    "citizen",
    adds=_text_agreed_to,
    tells="what you agreed to, refused and took back, with the text and what you ticked",
)
exports(
    "connections",
    Connection,
    "citizen",
    left_out={"spent_code": SECRET},
    adds=lambda one, _: {"app": one.application.name},
    tells="the apps you let in, with what scopes, and when that ended",
)
exports("notifications", Notification, "citizen", tells="what you were told of, and whether you read it")
exports("notification_settings", NotificationSetting, "citizen", tells="what you want to hear of by which channel")
exports("quiet_times", QuietTime, "citizen", tells="when you are not to be disturbed, by your own clock")
exports(
    "push_devices",
    PushDevice,
    "citizen",
    left_out={"address_hash": KEYED, "sealed": SECRET, "session_id": SECRET},
    tells="the browsers that notify you",
)
exports("pairwise_subjects", PairwiseSubject, "citizen", tells="the name each app knows you by")
exports(
    "exports",
    DataExport,
    _made_before,
    left_out={"name": SECRET},
    tells="the copies of your data that were made before this one",
)
exports(
    "acts",
    AuditEvent,
    _acts,
    left_out={"actor": "told as you, somebody else or the client", "number": OURS, "hash": OURS},
    adds=_who_acted,
    tells="what you did, and what was done to your account, as the record of acts has it",
)
exports(
    "requests_answered",
    IdempotentRequest,
    lambda citizen: IdempotentRequest.objects.filter(caller=f"person:{citizen.pk}"),
    left_out={"key": SECRET, "fingerprint": OURS, "body": "the answer you were given; its rows stand here themselves"},
    tells="requests of your programs whose answers are kept for a retry",
)
exports("edits_in_the_admin", LogEntry, "user", tells="your edits in the operators' administration")
_TOKEN = {"token": SECRET, "token_checksum": SECRET}
exports(
    "access_tokens",
    get_access_token_model(),
    "user",
    left_out=_TOKEN,
    tells="what apps may call with for you now; never the tokens themselves",
)
exports(
    "refresh_tokens",
    get_refresh_token_model(),
    "user",
    left_out={**_TOKEN, "token_family": OURS},
    tells="what apps may renew their access with; never the tokens themselves",
)

is_not_exported("account.EmailConfirmation", "A confirmation on its way holds nothing but its secret.")
is_not_exported("citizen_app.Citizen_groups", "Nobody has any: what people may do are roles as an operator and seats.")
is_not_exported("citizen_app.Citizen_user_permissions", "Nobody has any: what people may do are roles and seats.")
is_not_exported("citizen_app.OAuthApplication", "A client belongs to a merchant, an app or a source, never a person.")
is_not_exported("oauth2_provider.Grant", "A code on its way lives a minute and is nothing but a secret.")
is_not_exported("oauth2_provider.IDToken", "It repeats what its access token says, for five minutes.")
is_not_exported("oauth2_provider.DeviceGrant", "Signing in by device code is not offered: there is no row.")
is_not_exported("sessions.Session", "A session is a secret; where and on what you are signed in stands in sessions.")
is_not_exported("citizen_app.OutboxMessage", "Effects on their way name rows by number, for 30 days at most.")
