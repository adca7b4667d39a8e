"""What the OAuth provider accepts, narrower than its own default.

Signed id tokens are never an API credential, a person who was switched off opens nothing, and nothing happens
silently in a browser. Suspended clients fail in the provider itself (`OAuthApplication.is_usable`).
"""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request


class Validator(OAuth2Validator):
    """The rules above as answers to the provider's questions."""

    def validate_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        return bool(super().validate_bearer_token(token, scopes, request)) and _is_active(request)

    def validate_refresh_token(
        self, refresh_token: str, client: object, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return bool(valid) and _is_active(request)

    def validate_code(
        self, client_id: str, code: str, client: object, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return bool(super().validate_code(client_id, code, client, request, *args, **kwargs)) and _is_active(request)

    def validate_jwt_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        return False

    def validate_id_token(self, token: str, scopes: list[str], request: Request) -> bool:
        return False

    def validate_silent_login(self, request: Request) -> bool:
        return False

    def validate_silent_authorization(self, request: Request) -> bool:
        return False


def _is_active(request: Request) -> bool:
    """A machine's token has no person behind it; a person's must be one who may still sign in."""
    person = getattr(request, "user", None)
    return person is None or bool(person.is_active)
