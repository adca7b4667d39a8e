"""Where clients get and give back their access tokens, which live ten minutes; counted per caller.

Answers are those of OAuth 2.0 (RFC 6749 section 5, RFC 7009), not problems: clients' libraries read them.
"""

import base64
import binascii
import json
from typing import Any
from urllib.parse import unquote_plus

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.views import RevokeTokenView, TokenView

from citizen_app.accounts import exchanging
from citizen_app.api.problems import is_passing
from citizen_app.api.throttles import address_of, hit
from citizen_app.errors import Busy, RateLimited

MACHINES = "client_credentials"
GRANTS = (MACHINES, exchanging.CODE, exchanging.REFRESH)
SECRET_OF = {exchanging.CODE: "code", exchanging.REFRESH: "refresh_token"}
FORM = "application/x-www-form-urlencoded"


class _OAuthAddress:
    """What both addresses share: POST of a form, limits before any secret is checked, no answer kept by a cache."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = self.refusal(request) if request.method == "POST" else None
        response = refusal or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        if response.status_code == 401:
            # The provider names the Bearer scheme; a client that failed did so with its secret.
            response["WWW-Authenticate"] = 'Basic realm="token", charset="UTF-8"'
        response["Content-Type"] = "application/json"
        response["Cache-Control"] = "no-store"
        response["Pragma"] = "no-cache"
        return response

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        try:
            hit("token_address", address_of(request))
            if request.content_type != FORM:
                return _error(400, "invalid_request", f"Send the parameters as {FORM}.")
            if request.GET:
                return _error(400, "invalid_request", "Nothing may stand in the query: addresses end up in logs.")
            for name, values in request.POST.lists():
                if len(values) > 1:
                    return _error(400, "invalid_request", "Send each parameter once.")
                if "\x00" in name + values[0]:
                    return _error(400, "invalid_request", "NUL is in no parameter.")
            # With the address, so that a stranger who knows a client's id cannot use up its tries.
            hit("token_client", client_id_of(request), address_of(request))
        except RateLimited as limit:
            response = _error(429, "temporarily_unavailable", "Too many requests. Wait, then try again.")
            response["Retry-After"] = str(limit.facts["retry_after"])
            return response
        except Busy:
            return _busy()
        return None


@method_decorator(
    [csrf_exempt, sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token")], name="dispatch"
)
class Token(_OAuthAddress, TokenView):
    """`POST /o/token/`: a server's id and secret, an app's code or its refresh token, for access of ten minutes."""

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        refused = super().refusal(request)
        if refused is None and request.POST.get("grant_type", MACHINES) not in GRANTS:
            return _error(400, "unsupported_grant_type", f"Offered are {', '.join(GRANTS)}.")
        return refused

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        grant_type = request.POST.get("grant_type", MACHINES)
        secret = request.POST.get(SECRET_OF.get(grant_type, ""), "")
        if not secret:
            return self.authorization_flow_token_response(request)
        try:
            with transaction.atomic():
                exchange = exchanging.hold(grant_type=grant_type, secret=secret)
                response = self.authorization_flow_token_response(request)
                if response.status_code == 200:
                    exchanging.exchanged(exchange)
                elif grant_type == exchanging.CODE:
                    # Whatever the provider had written before it refused. (A refused refresh token ends its family.)
                    transaction.set_rollback(True)
            if response.status_code == 400 and json.loads(response.content).get("error") == "invalid_grant":
                exchanging.was_refused(exchange, client_id=client_id_of(request))
        except OperationalError as error:
            if not is_passing(error):
                raise
            return _busy()
        return response


@method_decorator([csrf_exempt, sensitive_post_parameters("client_secret", "token")], name="dispatch")
class RevokeToken(_OAuthAddress, RevokeTokenView):
    """`POST /o/revoke_token/`: end a token before its time; 200 whether or not it was one (RFC 7009)."""


def client_id_of(request: HttpRequest) -> str:
    """The client id the request claims, from the Basic header or the form; empty when it claims none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return unquote_plus(base64.b64decode(encoded, validate=True).decode().partition(":")[0])[:100]
        except (binascii.Error, ValueError):
            return ""
    return request.POST.get("client_id", "")[:100]


def _busy() -> HttpResponse:
    response = _error(503, "temporarily_unavailable", "Try again in a moment.")
    response["Retry-After"] = "1"
    return response


def _error(status: int, error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)
