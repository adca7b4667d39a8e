"""What every signed-in page has in common: whose clock it shows, how a list is paged, and how a refusal is said."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import View
from rest_framework.request import Request

from citizen_app.api.pagination import page
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen


class Page(LoginRequiredMixin, View):
    """A page for a person who is signed in, in their own time zone."""

    template_name: str
    back = "welcome"
    """The address name a refused act returns to, with the refusal as a message."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        zone = getattr(request.user, "zone", None)
        try:
            with timezone.override(zone):
                response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        except DomainError as refusal:
            return self.refused(request, refusal)
        if request.user.is_authenticated:
            # Somebody else may use this browser next: nothing personal is kept by it or by anything in between.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        """Say a refusal where the person was; what is not theirs to see is not there."""
        if refusal.code == "not_enrolled":
            return redirect("scores:enrol")
        if refusal.kind is Kind.NOT_FOUND:
            raise Http404
        messages.error(request, said(refusal))
        return redirect(self.back_to(request))

    def back_to(self, request: HttpRequest) -> str:
        return self.back

    @property
    def citizen(self) -> Citizen:
        person = self.request.user
        assert isinstance(person, Citizen)  # noqa: S101  (LoginRequiredMixin has let them in)
        return person

    def show(self, **context: Any) -> HttpResponse:
        return render(self.request, self.template_name, context)


def said(refusal: DomainError) -> str:
    """A refusal as one message: what it is, and what would change it where that is known."""
    detail = refusal.detail if refusal.detail and refusal.detail != refusal.title else refusal.remedy
    # A remedy that names headers and paths is for who writes a program.
    return refusal.title if "`" in detail else f"{refusal.title} {detail}".strip()


def own_address(request: HttpRequest, address: str | None) -> str:
    """The address a page hands on to lead back to, where it is one of ours; else nothing."""
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return ""
    return str(address)


def to_confirm(*, then: str) -> HttpResponse:
    """Send the person to confirm who they are, and from there to one of our addresses."""
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}")


def paged(
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    order: Sequence[str] = ("-id",),
    shape: Callable[[list[Any]], list[dict[str, Any]]],
    limit: int = 25,
) -> dict[str, Any]:
    """One page of a list as the API pages it: `{"next", "previous", "results"}`, the query's other words kept."""
    query: dict[str, Any] = {"limit": limit}
    if cursor := request.GET.get("cursor"):
        query["cursor"] = cursor[:500]
    asked = Request(request, parser_context={"view": SimpleNamespace(query=query)})
    told: dict[str, Any] = page(asked, queryset, order=order, shape=shape).data
    return told
