"""Who may enter. Closed by default, and every view names exactly one kind of caller."""

from functools import cache
from typing import TYPE_CHECKING, cast

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from citizen_app.api.authentication import Credential
from citizen_app.errors import WrongCaller
from citizen_app.models import OAuthApplication

if TYPE_CHECKING:  # REST framework loads this module while it loads its views
    from rest_framework.views import APIView


OAUTH_SCHEMES = frozenset({"clientCredentials", "authorizationCode"})  # whose tokens carry scopes


class Caller(BasePermission):
    """One kind of caller: 401 for nobody known, 403 `wrong_caller` for anybody else. Subclasses say whom it admits."""

    credentials: tuple[str, ...] = ()  # the security schemes of the description (`citizen_app.api.schema`)
    scopes: tuple[str, ...] = ()  # of which a server's token needs one

    @classmethod
    def security(cls) -> list[dict[str, list[str]]]:
        """What to call with, for the description: each way in with the scope it needs."""
        ways: list[dict[str, list[str]]] = []
        for name in cls.credentials:
            ways += [{name: [scope]} for scope in cls.scopes] if name in OAUTH_SCHEMES else [{name: []}]
        return ways

    def admits(self, request: Request, credential: Credential) -> bool:
        raise NotImplementedError

    def has_permission(self, request: Request, view: "APIView") -> bool:
        credential = cast(Credential | None, request.auth)
        if credential is None:
            raise NotAuthenticated
        if not self.admits(request, credential):
            raise WrongCaller
        return True


class Nobody(Caller):
    """The default: a view that forgets to say who may enter admits nobody."""

    def admits(self, request: Request, credential: Credential) -> bool:
        return False


class Anyone(Caller):
    """A public endpoint. A credential that is sent must still be a good one."""

    @classmethod
    def security(cls) -> list[dict[str, list[str]]]:
        return [{}]

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True


class IsCitizen(Caller):
    """A person, by their app's session token or in a browser; an app acting for them is another kind of caller."""

    credentials = ("sessionToken", "browserSession")

    def admits(self, request: Request, credential: Credential) -> bool:
        return credential.kind in ("session_token", "browser")


class Machine(Caller):
    """A server, by client credentials that carry one of `scopes`. No person stands behind its token."""

    credentials = ("clientCredentials",)

    def admits(self, request: Request, credential: Credential) -> bool:
        return (
            credential.kind == "bearer"
            and request.user is None
            and any(scope in credential.scopes for scope in self.scopes)
        )


@cache
def MachineWith(scope: str) -> type[Machine]:
    """Return the kind of caller that is a server whose token carries `scope`."""
    return type(f"MachineWith_{scope.replace(':', '_')}", (Machine,), {"scopes": (scope,)})


class Connected(Caller):
    """An app that somebody connected, with one of `scopes`: `request.user` is the person. No server's token is one."""

    credentials = ("authorizationCode",)

    def admits(self, request: Request, credential: Credential) -> bool:
        return (
            credential.kind == "bearer"
            and request.user is not None
            and credential.application is not None
            and credential.application.is_app
            and any(scope in credential.scopes for scope in self.scopes)
        )


@cache
def ConnectedWith(scope: str) -> type[Connected]:
    """Return the kind of caller that is an app acting for the person who connected it with `scope`."""
    return type(f"ConnectedWith_{scope.replace(':', '_')}", (Connected,), {"scopes": (scope,)})


def client_of(request: Request) -> OAuthApplication:
    """Return the client behind a `MachineWith` or `ConnectedWith` request."""
    return cast(OAuthApplication, cast(Credential, request.auth).application)
