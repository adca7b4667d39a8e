"""What an app's library reads to find its way: the provider's own description (OpenID Connect Discovery, RFC 8414)."""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.generic import View

from citizen_app.accounts.scopes import OF_PEOPLE

AN_HOUR: Final = 3600


class Discovery(View):
    """`GET /o/.well-known/openid-configuration`: the same for everybody, whatever host they asked."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        response = JsonResponse(metadata())
        response["Access-Control-Allow-Origin"] = "*"
        response["Cache-Control"] = f"public, max-age={AN_HOUR}"
        return response


def metadata() -> dict[str, Any]:
    """The provider as it is, and nothing it cannot do."""
    issuer = settings.OIDC_ISSUER
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize/",
        "token_endpoint": f"{issuer}/token/",
        "revocation_endpoint": f"{issuer}/revoke_token/",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": sorted(OF_PEOPLE),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "jti"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
