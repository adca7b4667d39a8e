"""Every code an answer may carry, with its sentence and what would change it (served as `/docs/errors`).

The protocol's own codes are listed here; the rest are the `DomainError` subclasses of the project's packages.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from citizen_app.errors import DomainError, Kind

_PACKAGES = ("citizen_app", "scores", "perks")
_DOORS_AND_RULES = ("errors", "services", "api", "accounts", "models", "assessments")
_REMEDY_OF_KIND = {
    Kind.INVALID: "Correct the request and send it again.",
    Kind.UNAUTHENTICATED: "Prove who you are as the address asks, and send the request again.",
    Kind.FORBIDDEN: "Somebody else may do this, or you once what the sentence names has changed.",
    Kind.NOT_FOUND: "Check the address and the id.",
    Kind.CONFLICT: "Read the object again: its present state says what is possible.",
    Kind.PRECONDITION_FAILED: "Read the object again and send its new `ETag`.",
    Kind.TOO_LARGE: "Send it in smaller parts.",
    Kind.UNPROCESSABLE: "Correct the request and send it again.",
    Kind.PRECONDITION_REQUIRED: "Read the object and send its `ETag` in `If-Match`.",
    Kind.TOO_MANY: "Wait for `Retry-After` seconds.",
    Kind.BUSY: "Send the same request again after `Retry-After` seconds.",
}


@dataclass(frozen=True, slots=True)
class Code:
    """One line of the catalogue of errors."""

    code: str
    status: int
    title: str
    remedy: str


NOT_AUTHENTICATED = Code(
    "not_authenticated",
    401,
    "Sign in first: the credential is missing, unknown, expired or revoked.",
    "Get a new session token (or access token) and send it; finish the second factor and the e-mail check if asked.",
)
METHOD_NOT_ALLOWED = Code(
    "method_not_allowed", 405, "This address does not know that method.", "Use one of the methods `Allow` names."
)
NOT_ACCEPTABLE = Code(
    "not_acceptable", 406, "The answer cannot be given in the form you accept.", "Accept `application/json`."
)
UNSUPPORTED_MEDIA_TYPE = Code(
    "unsupported_media_type",
    415,
    "The body's media type is not one this address reads.",
    "Send `Content-Type: application/json` (or what the endpoint's description names).",
)
SERVER_ERROR = Code(
    "server_error",
    500,
    "Something went wrong on our side; it has been recorded.",
    "Nothing of the request was kept. Try again later, and quote `X-Request-ID` if it persists.",
)
PROTOCOL = (NOT_AUTHENTICATED, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE, SERVER_ERROR)


def refusals() -> Iterator[type[DomainError]]:
    """Every class of refusal that names a code of its own, in the project's own packages."""
    for package in _PACKAGES:
        for name in _DOORS_AND_RULES:
            _import_whole(f"{package}.{name}")
    waiting = [DomainError]
    while waiting:
        for refusal in waiting.pop().__subclasses__():
            waiting.append(refusal)
            if "code" in vars(refusal) and refusal.__module__.split(".")[0] in _PACKAGES:
                yield refusal


@lru_cache
def catalogue() -> tuple[Code, ...]:
    """All codes, sorted; one that is refused with two statuses (`not_enrolled`) is there with each."""
    found = {(code.code, code.status): code for code in PROTOCOL}
    for refusal in refusals():
        remedy = refusal.remedy or _REMEDY_OF_KIND[refusal.kind]
        code = Code(refusal.code, refusal.kind.value, refusal.title, remedy)
        found[code.code, code.status] = code
    return tuple(found[key] for key in sorted(found))


def _import_whole(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return  # this app has no such package
        raise
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        _import_whole(f"{name}.{found.name}")
