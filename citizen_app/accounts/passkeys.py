"""Passkeys: for one fixed site, and from its own pages and apps only.

allauth takes the site's id from the Host header, knows no apps, and lets what a stranger sends break its reading;
some functions of its passkey module are replaced for that (`install`), and nothing else of it.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import AuthenticationResponse, PublicKeyCredentialRpEntity, RegistrationResponse

from citizen_app.models import Citizen

SITE_NAME = "Citizen App"
CHALLENGE_LIFE = 15 * 60  # seconds
LARGEST_CREDENTIAL = 16 * 1024  # characters of JSON; real ones have one or two thousand
allauth_begin_registration, allauth_begin_authentication = auth.begin_registration, auth.begin_authentication
allauth_extract_user = auth.extract_user_from_response
_ON_THIS_MACHINE = re.compile(r"http://localhost(:\d{1,5})?")
_ANDROID_APP = re.compile(r"([A-Za-z][\w.]*):((?:[0-9A-F]{2}:){31}[0-9A-F]{2})")


@dataclass(frozen=True, slots=True)
class AndroidApp:
    """Our app in a shop for Android: its package, and the fingerprint of the certificate it is signed with."""

    package: str
    fingerprint: str  # SHA-256 as `keytool` prints it: 32 pairs of hexadecimal digits with colons

    @property
    def origin(self) -> str:
        """What the app's phone states as the origin of a passkey."""
        digest = bytes.fromhex(self.fingerprint.replace(":", ""))
        return "android:apk-key-hash:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def android_apps() -> list[AndroidApp]:
    """The apps of `PASSKEY_ANDROID_APPS`; one that is written wrongly stops the start (`citizen_app.checks`)."""
    apps = []
    for text in settings.PASSKEY_ANDROID_APPS:
        named = _ANDROID_APP.fullmatch(text.strip())
        if named is None:
            raise ImproperlyConfigured(f"PASSKEY_ANDROID_APPS: not package:SHA-256 fingerprint: {text!r}")
        apps.append(AndroidApp(*named.groups()))
    return apps


def is_our_origin(origin: str) -> bool:
    """Whether a passkey made or shown at this origin may count: a listed site or app, and no other.

    iOS states the site's own origin. Where this is not production, so may any port of this very machine.
    """
    if origin in settings.PASSKEY_ORIGINS or origin in {app.origin for app in android_apps()}:
        return True
    return not settings.PRODUCTION and _ON_THIS_MACHINE.fullmatch(origin) is not None


def site() -> dict[str, str]:
    """The site every passkey belongs to, whatever host a request names."""
    return {"id": settings.PASSKEY_RP_ID, "name": SITE_NAME}


def install() -> None:
    """Put our reading in the place of allauth's; called once, when the project starts."""
    auth.get_server = _server
    auth.parse_registration_response = _registration
    auth.parse_authentication_response = _authentication
    auth.begin_registration = _begin_registration
    auth.begin_authentication = _begin_authentication
    auth.extract_user_from_response = _refusing(allauth_extract_user, AttributeError)


def end_sessions_of_lost_factors(request: HttpRequest, citizen: Citizen) -> int:
    """End what factors opened that the person has taken off (a lost phone's passkey), and return how many sessions.

    The session that does it stays, but what the factor proved in it counts no more.
    """
    living = set(Authenticator.objects.filter(user=citizen).values_list("pk", flat=True))
    _forget_factors(request.session, but=living)
    ended = 0
    for row in UserSession.objects.filter(user=citizen).exclude(session_key=request.session.session_key or ""):
        if not _factors_shown_in(row._session_store(row.session_key)) <= living:
            row.end()
            ended += 1
    return ended


def _factors_shown_in(session: SessionBase) -> set[int]:
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    return {record["id"] for record in records if record.get("method") == "mfa" and "id" in record}


def _forget_factors(session: SessionBase, *, but: set[int]) -> None:
    if _factors_shown_in(session) <= but:
        return
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        record
        for record in session[AUTHENTICATION_METHODS_SESSION_KEY]
        if record.get("id") is None or record["id"] in but
    ]


def _begin_registration(user: Citizen, passwordless: bool = True) -> Any:
    # Whatever was asked for: a key that looks at who holds it, and that signs in by itself.
    return allauth_begin_registration(user, True)


def _begin_authentication(user: Citizen | None = None) -> Any:
    options = allauth_begin_authentication(user)
    if user is None and not context.request.user.is_authenticated:
        # Whoever asks for a challenge gets a session for it: a short one, until somebody signs in with it.
        context.request.session.set_expiry(CHALLENGE_LIFE)
    return options


def _server() -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(**site()), verify_origin=is_our_origin)


def _refusing(read: Callable[[Any], Any], *errors: type[Exception]) -> Callable[[Any], Any]:
    """What somebody sends in place of a credential is refused as a wrong code is, however it is malformed."""

    @wraps(read)
    def reading(response: Any) -> Any:
        try:
            return read(response)
        except ValidationError:
            raise
        except errors as error:
            raise get_adapter().validation_error("incorrect_code") from error

    return reading


def _read_registration(response: Any) -> RegistrationResponse:
    _refuse_large(response)
    read = RegistrationResponse.from_dict(response)
    _refuse_framed(read.response.client_data.cross_origin)
    made = read.response.attestation_object.auth_data.credential_data
    if made is None or made.public_key.get(3) not in CoseKey.supported_algorithms():
        raise ValueError("no key we can check")
    if read.raw_id != made.credential_id:
        raise ValueError("two ids of one key")
    return read


def _read_authentication(response: Any) -> AuthenticationResponse:
    _refuse_large(response)
    read = AuthenticationResponse.from_dict(response)
    _refuse_framed(read.response.client_data.cross_origin)
    return read


def _refuse_large(response: object) -> None:
    if len(json.dumps(response)) > LARGEST_CREDENTIAL:
        raise ValueError("too large")


def _refuse_framed(cross_origin: object) -> None:
    # Our pages stand in nobody's frame: a ceremony in one is a trick.
    if cross_origin:
        raise ValueError("in a frame of another site")


# The reader of CBOR and of keys is not ours, and what it reads is a stranger's: whatever it raises is a refusal.
_registration = _refusing(_read_registration, Exception)
_authentication = _refusing(_read_authentication, Exception)
