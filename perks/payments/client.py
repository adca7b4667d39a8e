"""The one client of Stripe in a process: the pinned API version, short waits, and what its errors mean to us.

Without `STRIPE_API_KEY` billing is off (`is_on`). Calls are written out where they are made,
`client().v1.refunds.create(params={...}, options=said(key=..., account=...))` inside `with errors():`, so that mypy
holds them to the SDK's types.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import stripe
from django.conf import settings
from stripe import RequestOptions

API_VERSION: Final = "2026-10-28.endive"  # what the pinned SDK speaks; `checks.py` compares
CONNECT_SECONDS, READ_SECONDS = 3.05, 10.0  # the SDK's own default is 80 s


class Transient(Exception):
    """Nothing is decided: the same call with the same key is tried again later."""


class KeptFailure(Transient):
    """Stripe failed at this and keeps that answer: the same key is told the same until it is forgotten."""


class Rejected(Exception):
    """Stripe said no; asking the same again is of no use. `code` is Stripe's (or its decline code)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_on() -> bool:
    """Whether a key is configured. Without one billing is off, and everything else works."""
    return bool(settings.STRIPE_API_KEY)


@functools.cache
def client() -> stripe.StripeClient:
    """This process's client. Its retries are few: it sleeps in the calling thread."""
    base = settings.STRIPE_API_BASE
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        stripe_version=API_VERSION,
        base_addresses={"api": base, "files": base, "connect": base, "meter_events": base} if base else {},
        max_network_retries=1,
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
    )


def said(*, key: str = "", account: str = "") -> RequestOptions:
    """The options of one call: its idempotency key, decided before, and the connected account it is made on."""
    options: RequestOptions = {}
    if key:
        options["idempotency_key"] = key
    if account:
        options["stripe_account"] = account
    return options


def noted(metadata: stripe.StripeObject | None, name: str) -> str:
    """What we wrote on an object of Stripe's under a name; "" where it is not ours."""
    return str(metadata[name]) if metadata is not None and name in metadata else ""


@contextmanager
def errors() -> Iterator[None]:
    """Turn the SDK's errors into the two that matter to callers: `Transient` and `Rejected`."""
    try:
        yield
    except stripe.CardError as error:
        decline = getattr(error.error, "decline_code", None)
        raise Rejected(decline or error.code or "card_error", error.user_message or str(error)) from error
    except stripe.IdempotencyError as error:
        if error.http_status == 409:  # somebody else is sending the same call at this moment
            raise Transient(type(error).__name__) from error
        # A bug of ours: one key, other parameters.
        raise Rejected("idempotency_mismatch", str(error)) from error
    except stripe.InvalidRequestError as error:
        raise Rejected(error.code or "invalid_request", error.user_message or str(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Transient("the key is refused: a deployment heals it") from error
    except stripe.APIError as error:
        is_kept = (error.headers or {}).get("Idempotent-Replayed") == "true"
        raise (KeptFailure if is_kept else Transient)(type(error).__name__) from error
    except stripe.StripeError as error:  # no connection, too many calls, Stripe's own failures
        raise Transient(type(error).__name__) from error
