"""The public keys with which a till verifies passes without asking us."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from perks.passes import public_keys_document
from perks.services.showing import public_keys


@require_safe
def pass_keys(request: HttpRequest) -> JsonResponse:
    """Answer the JWK set: the key in use and, while rotating, the one before it."""
    return JsonResponse(public_keys_document(*public_keys()), headers={"Cache-Control": "public, max-age=3600"})
