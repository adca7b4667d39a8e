"""Operators: who is one, for what, and that only a session opened with a second factor counts."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from citizen_app import audit
from citizen_app.accounts.events import second_factor_is_on
from citizen_app.api.authentication import has_second_factor
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen, OperatorRole

View = Callable[..., HttpResponseBase]


class RoleRequired(DomainError):
    code, kind, title = "role_required", Kind.FORBIDDEN, "Your role does not include this."
    remedy = "Somebody whose role includes it can do it, or give you the role."


class SecondFactorRequired(DomainError):
    code, kind, title = "mfa_required", Kind.FORBIDDEN, "This needs a session opened with a second factor."
    remedy = "Add a passkey or an authenticator app if you have none, and confirm this session with it."


@transaction.atomic
def grant_role(*, citizen: Citizen, role: str, by: Citizen | None) -> OperatorRole:
    """Make somebody an operator for one kind of work; again is no change. `by` None is a set-up command."""
    if role not in OperatorRole.Role.values:
        raise ValueError(f"There is no role {role!r}: choose from {', '.join(OperatorRole.Role.values)}.")
    granted, is_new = OperatorRole.objects.get_or_create(citizen=citizen, role=role)
    if not citizen.is_staff:
        citizen.is_staff = True
        citizen.save(update_fields=["is_staff"])
    if is_new:
        audit.record(by=by, action="operator.grant", on=citizen.public_id, role=role)
    return granted


@transaction.atomic
def withdraw_role(*, citizen: Citizen, role: str, by: Citizen | None) -> None:
    """Take one kind of work from an operator; without any left they are no operator."""
    withdrawn, _ = OperatorRole.objects.filter(citizen=citizen, role=role).delete()
    if not OperatorRole.objects.filter(citizen=citizen).exists() and citizen.is_staff and not citizen.is_superuser:
        citizen.is_staff = False
        citizen.save(update_fields=["is_staff"])
    if withdrawn:
        audit.record(by=by, action="operator.withdraw", on=citizen.public_id, role=role)


def is_operator(citizen: Citizen, role: str | None = None) -> bool:
    """Whether the person is an operator at all, or for this kind of work."""
    roles = OperatorRole.objects.filter(citizen=citizen, citizen__is_active=True)
    return (roles if role is None else roles.filter(role=role)).exists()


def role_among(citizen: Citizen, *roles: str) -> str:
    """The first of these roles that the operator holds, as which they act; "" where they hold none."""
    granted = OperatorRole.objects.filter(citizen=citizen, role__in=roles, citizen__is_active=True)
    held = set(granted.values_list("role", flat=True))
    return next((role for role in roles if role in held), "")


def require_operator(request: HttpRequest | Request, role: str | None = None) -> Citizen:
    """Return the operator who asks, or refuse: 401 for nobody, 403 `role_required`, 403 `mfa_required`.

    For API views (after their authentication) and for pages; pages mostly want `operator_page`.
    """
    citizen = request.user
    if not isinstance(citizen, Citizen):
        raise NotAuthenticated
    if not is_operator(citizen, role):
        raise RoleRequired
    if not _second_factor_shown(request, citizen):
        raise SecondFactorRequired
    return citizen


def operator_page(role: str | None = None) -> Callable[[View], View]:
    """Guard a page: strangers are asked to sign in, operators to show their second factor; others are refused."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            try:
                require_operator(request, role)
            except SecondFactorRequired:
                return HttpResponseRedirect(second_factor_url(request.user, then=request.get_full_path()))
            return view(request, *args, **kwargs)

        return guarded

    return guard


def second_factor_url(citizen: Citizen, *, then: str) -> str:
    """Where a signed-in person shows their second factor, or sets one up; afterwards they come back to `then`."""
    has = set(Authenticator.objects.filter(user=citizen).values_list("type", flat=True))
    if Authenticator.Type.TOTP in has:
        page = "mfa_reauthenticate"
    elif Authenticator.Type.WEBAUTHN in has:
        page = "mfa_reauthenticate_webauthn"
    else:
        page = "mfa_activate_totp"
    return f"{resolve_url(page)}?{urlencode({'next': then})}"


def second_factor_lead_in(citizen: Citizen) -> str:
    """What to say on the way there: what they are asked for, and in which order."""
    if second_factor_is_on(citizen):
        return "This page asks for your second factor, once in a session."
    first = "First we ask for your password, then you" if citizen.has_usable_password() else "You"
    return f"This page needs a second factor, and you have none yet. {first} set one up, and then you come back here."


def _second_factor_shown(request: HttpRequest | Request, citizen: Citizen) -> bool:
    if isinstance(request, Request):
        # An API request: what its credential proved, not what a cookie beside it might.
        return bool(getattr(request.auth, "second_factor", False))
    return has_second_factor(citizen, request.session)
