"""What the OAuth provider accepts, narrower than its own default.

Signed id tokens are never an API credential, a person who was switched off opens nothing, and nothing happens
silently in a browser. An id token names a person by their pairwise subject and says nothing else of them. Suspended
clients fail in the provider itself (`OAuthApplication.is_usable`).
"""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request

from citizen_app.accounts.exchanging import hash_of
from citizen_app.accounts.redirects import is_registered
from citizen_app.accounts.subjects import subject_of


class HashedCodes(OAuth2Validator):
    """Codes are kept as hashes, like tokens: whoever reads the table in their minute has nothing to exchange."""

    def _create_authorization_code(self, request: Request, code: dict[str, str], expires: Any = None) -> Any:
        return super()._create_authorization_code(request, code | {"code": hash_of(code["code"])}, expires)

    def validate_code(self, client_id: str, code: str, *args: Any, **kwargs: Any) -> bool:
        return bool(super().validate_code(client_id, hash_of(code), *args, **kwargs))

    def confirm_redirect_uri(self, client_id: str, code: str, *args: Any, **kwargs: Any) -> bool:
        return bool(super().confirm_redirect_uri(client_id, hash_of(code), *args, **kwargs))

    def invalidate_authorization_code(self, client_id: str, code: str, *args: Any, **kwargs: Any) -> None:
        super().invalidate_authorization_code(client_id, hash_of(code), *args, **kwargs)

    def get_code_challenge(self, code: str, request: Request) -> str | None:
        challenge: str | None = super().get_code_challenge(hash_of(code), request)
        return challenge

    def get_code_challenge_method(self, code: str, request: Request) -> str | None:
        method: str | None = super().get_code_challenge_method(hash_of(code), request)
        return method

    def get_authorization_code_scopes(self, client_id: str, code: str, *args: Any, **kwargs: Any) -> list[str]:
        scopes: list[str] = super().get_authorization_code_scopes(client_id, hash_of(code), *args, **kwargs)
        return scopes

    def get_authorization_code_nonce(self, client_id: str, code: str, *args: Any, **kwargs: Any) -> str | None:
        nonce: str | None = super().get_authorization_code_nonce(client_id, hash_of(code), *args, **kwargs)
        return nonce


class Validator(HashedCodes):
    """The rules above as answers to the provider's questions."""

    oidc_claim_scope = {"sub": "openid"}

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

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return is_registered(redirect_uri, request.client)

    def get_claim_dict(self, request: Request) -> dict[str, Any]:
        return {"sub": subject_of(request.user, request.client)}

    def get_id_token_dictionary(self, token: Any, token_handler: Any, request: Request) -> tuple[dict[str, Any], Any]:
        claims, expires_at = super().get_id_token_dictionary(token, token_handler, request)
        # To the second it is the same for every app: two of them could tell by it whom they share.
        claims.pop("auth_time", None)
        return claims, expires_at

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
