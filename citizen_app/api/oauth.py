"""Tokens for machines: the provider's endpoints with the limits and bounds it lacks."""

import base64
import binascii
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from oauth2_provider import views

from citizen_app.api.throttles import address_of, hit
from citizen_app.errors import Busy, RateLimited


class _Limited:
    """Counts tries per address and per client before a secret is compared: each comparison costs a password hash."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if any("\x00" in value for values in request.POST.lists() for value in (values[0], *values[1])):
            return JsonResponse({"error": "invalid_request"}, status=400)
        try:
            hit("token_address", address_of(request))
            if client_id := _client_id_of(request):
                hit("token_client", client_id, address_of(request))
        except RateLimited as refusal:
            wait = str(refusal.facts["retry_after"])
            return JsonResponse({"error": "slow_down"}, status=429, headers={"Retry-After": wait})
        except Busy:
            return JsonResponse({"error": "temporarily_unavailable"}, status=503, headers={"Retry-After": "1"})
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class TokenView(_Limited, views.TokenView):
    """`POST /o/token/`: an access token for a client's credentials."""


class RevokeTokenView(_Limited, views.RevokeTokenView):
    """`POST /o/revoke_token/`: end a token of the client that asks."""


def _client_id_of(request: HttpRequest) -> str:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(encoded, validate=True).decode().partition(":")[0][:100]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.POST.get("client_id", "")[:100]
