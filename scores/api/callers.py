"""Who stands behind a request that was let in, as the services know them."""

from typing import cast

from rest_framework.request import Request

from citizen_app.api.authentication import Credential
from citizen_app.api.permissions import client_of
from citizen_app.models import Citizen
from scores.errors import UnknownSource
from scores.models import Source


def citizen_of(request: Request) -> Citizen:
    """The person behind an `IsCitizen` request."""
    return cast(Citizen, request.user)


def via_of(request: Request) -> str:
    """By which door a consent was given: a page (`web`) or the person's app."""
    credential = cast(Credential, request.auth)
    return "web" if credential.kind == "browser" else "app"


def source_of(request: Request) -> Source:
    """The source whose client is calling; a furnisher's client without one has nothing here."""
    source = Source.objects.select_related("furnisher").filter(application=client_of(request)).first()
    if source is None:
        raise UnknownSource
    return source
