"""`/admin/`: the operators' site, behind allauth's sign-in and a second factor shown in this very session."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme

from citizen_app.accounts.operators import second_factor_url
from citizen_app.api.authentication import has_second_factor

OUR_APPS = {"citizen_app", "scores", "perks"}


class OperatorSite(admin.AdminSite):
    """Django's admin with our door and without other packages' tables (tokens, sessions, groups)."""

    site_header = "Citizen App operators"
    site_title = "Operators"
    index_title = "Back office"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        # Packages register their own classes here as they are discovered; an operator has no business with those.
        if admin_class is not None and admin_class.__module__.split(".")[0] in OUR_APPS:
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and has_second_factor(request.user, request.session)  # type: ignore[arg-type]

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Never a form of its own: whoever comes here is signed in staff (the decorator), so a factor is missing."""
        then = request.GET.get(REDIRECT_FIELD_NAME, "")
        if not url_has_allowed_host_and_scheme(then, allowed_hosts={request.get_host()}):
            then = reverse(f"{self.name}:index")
        if self.has_permission(request):
            return HttpResponseRedirect(then)
        return HttpResponseRedirect(second_factor_url(request.user, then=then))  # type: ignore[arg-type]

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The account's own page, which asks for the old password again and sends a notice."""
        return HttpResponseRedirect(resolve_url("account_change_password"))


class OperatorModelAdmin(admin.ModelAdmin):
    """Read-only for operators unless a subclass says which role may do what; nothing is deleted."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
