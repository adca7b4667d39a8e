"""How the stand-in says no: Stripe's error bodies."""

from typing import Any


class Refusal(Exception):
    """One error answer. Those about parameters are not kept under the idempotency key, all others are."""

    def __init__(self, status: int, kind: str, message: str, *, is_kept: bool = True, **facts: Any) -> None:
        super().__init__(message)
        self.status, self.is_kept = status, is_kept
        said = {"type": kind, "message": message, **facts}
        self.body = {"error": {name: value for name, value in said.items() if value is not None}}


def invalid(
    message: str, code: str | None = None, param: str | None = None, *, status: int = 400, **facts: Any
) -> Refusal:
    """The call cannot be done as it was asked."""
    return Refusal(status, "invalid_request_error", message, code=code, param=param, **facts)


def declined(message: str, code: str, decline_code: str | None, **facts: Any) -> Refusal:
    """The card's bank says no."""
    return Refusal(402, "card_error", message, code=code, decline_code=decline_code, **facts)
