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
from perks.services.access import NEEDS, Acting, acting_person, acting_server

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
        if credential.kind != "bearer":
            return acting_person(citizen=cast(Citizen, request.user), action=self.action, merchant_id=merchant_id)
        if request.user is not None or credential.application is None:
            raise WrongCaller  # an app that acts for a person is no server of a merchant
        acting = acting_server(
            application=credential.application, scopes=credential.scopes, action=self.action, merchant_id=merchant_id
        )
        if acting is None:
            raise WrongCaller
        return acting


@cache
def Acts(action: str) -> type[ForMerchant]:
    """Return the kind of caller that may do `action` (a row of `NEEDS`) for a merchant."""
    scopes = tuple(sorted(NEEDS[action].scopes))
    credentials = ("sessionToken", "browserSession", *(("clientCredentials",) if scopes else ()))
    name = f"Acts_{action.replace(' ', '_')}"
    return type(name, (ForMerchant,), {"action": action, "credentials": credentials, "scopes": scopes})


def acting_of(request: Request) -> Acting:
    """Who is at work behind an `Acts` request, and for which merchant."""
    return cast(Acting, request.acting)  # type: ignore[attr-defined]
