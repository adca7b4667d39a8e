"""Who stands at a merchant's endpoints: the table of `perks.services.access`, as kinds of callers."""

from functools import cache
from typing import cast

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from citizen_app.api.authentication import Credential
from citizen_app.api.permissions import Caller
from citizen_app.errors import WrongCaller
from citizen_app.models import Citizen
from perks.models import Till, TillShift
from perks.services.access import NEEDS, SHIFT, TILL, Acting, acting_person, acting_server, acting_till

HEADER = "X-Merchant"


class ForMerchant(Caller):
    """Somebody of a merchant's team whose role includes `action`, or one of its servers with a scope for it."""

    action: str
    headers = {HEADER: "The id of the merchant you act for; needed by a person of several."}

    def has_permission(self, request: Request, view: APIView) -> bool:
        credential = cast(Credential | None, request.auth)
        if credential is None:
            raise NotAuthenticated
        acting = self._acting(request, credential)
        request.acting = acting  # type: ignore[attr-defined]
        request.acting_for = acting.merchant.public_id  # type: ignore[attr-defined]  # whose retries these are
        return True

    def _acting(self, request: Request, credential: Credential) -> Acting:
        merchant_id = request.headers.get(HEADER)
        if credential.kind == "device":
            return _at_till(credential, self.action, merchant_id)
        if credential.kind != "bearer":
            return acting_person(
                citizen=cast(Citizen, request.user),
                action=self.action,
                second_factor=credential.second_factor,
                merchant_id=merchant_id,
            )
        if request.user is not None or credential.application is None:
            raise WrongCaller  # an app that acts for a person is no server of a merchant
        acting = acting_server(
            application=credential.application, scopes=credential.scopes, action=self.action, merchant_id=merchant_id
        )
        if acting is None:
            raise WrongCaller
        return acting


def _at_till(credential: Credential, action: str, merchant_id: str | None) -> Acting:
    if not isinstance(credential.device, Till | TillShift):
        raise WrongCaller  # some other room's device
    till, shift = till_and_shift(credential)
    acting = acting_till(till=till, shift=shift, action=action, merchant_id=merchant_id)
    if acting is None:
        raise WrongCaller
    return acting


def till_and_shift(credential: Credential) -> tuple[Till, TillShift | None]:
    """The till behind a device's credential, and the shift where it is one's token."""
    if isinstance(credential.device, TillShift):
        return credential.device.till, credential.device
    return cast(Till, credential.device), None


class IsTill(Caller):
    """A paired till, alone or with somebody at work on it."""

    credentials = ("tillToken", "shiftToken")

    def admits(self, request: Request, credential: Credential) -> bool:
        return credential.kind == "device" and isinstance(credential.device, Till | TillShift)


_ON_TILLS = {None: (), SHIFT: ("shiftToken",), TILL: ("tillToken", "shiftToken")}


@cache
def Acts(action: str) -> type[ForMerchant]:
    """Return the kind of caller that may do `action` (a row of `NEEDS`) for a merchant."""
    scopes = tuple(sorted(NEEDS[action].scopes))
    servers = ("clientCredentials",) if scopes else ()
    credentials = ("sessionToken", "browserSession", *servers, *_ON_TILLS[NEEDS[action].till])
    name = f"Acts_{action.replace(' ', '_')}"
    return type(name, (ForMerchant,), {"action": action, "credentials": credentials, "scopes": scopes})


def acting_of(request: Request) -> Acting:
    """Who is at work behind an `Acts` request, and for which merchant."""
    return cast(Acting, request.acting)  # type: ignore[attr-defined]
