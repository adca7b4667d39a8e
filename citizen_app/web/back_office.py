"""Every page of the back office: for operators whose role includes it, in a session with a second factor."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from citizen_app.accounts.operators import (
    RoleRequired,
    SecondFactorRequired,
    require_operator,
    second_factor_lead_in,
    second_factor_url,
)
from citizen_app.models import Citizen, OperatorRole
from citizen_app.web.pages import Page
from citizen_app.web.panels import parts_of


class BackOfficePage(Page):
    """A page for operators who hold one of `roles`; the rooms add what waits for them (`back_office`)."""

    roles: ClassVar[frozenset[str]]
    held: frozenset[str] = frozenset()
    """The roles of the operator who is reading."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, Citizen):
            held = OperatorRole.objects.filter(citizen=request.user).values_list("role", flat=True)
            self.held = frozenset(held)
            if not self.held & self.roles:
                raise PermissionDenied
            try:
                require_operator(request)
            except RoleRequired as refusal:  # somebody whose account was closed
                raise PermissionDenied from refusal
            except SecondFactorRequired:
                messages.warning(request, second_factor_lead_in(request.user))
                return HttpResponseRedirect(second_factor_url(request.user, then=request.get_full_path()))
        return super().dispatch(request, *args, **kwargs)

    def show(self, **context: Any) -> HttpResponse:
        return super().show(**parts_of("back_office", self.citizen), roles=sorted(self.held), **context)
