"""What operators see of the project's own tables: who is an operator, and which machine clients there are.

People, consents, tokens and everything about scores are not here.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from citizen_app.accounts.clients import suspend_client
from citizen_app.accounts.operators import grant_role, is_operator, withdraw_role
from citizen_app.admin_site import OperatorModelAdmin
from citizen_app.models import OAuthApplication, OperatorRole


@admin.register(OperatorRole)
class OperatorRoleAdmin(OperatorModelAdmin):
    """Who may do what. Any operator sees it; only a superuser gives or takes a role, never their own."""

    list_display = ["email", "role"]
    list_filter = ["role"]
    list_select_related = ["citizen"]
    search_fields = ["citizen__email"]
    raw_id_fields = ["citizen"]
    ordering = ["citizen__email", "role"]

    @admin.display(ordering="citizen__email", description="operator")
    def email(self, granted: OperatorRole) -> str:
        return granted.citizen.email

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: OperatorRole | None = None) -> bool:
        return bool(request.user.is_superuser) and (obj is None or obj.citizen_id != request.user.pk)

    def save_model(self, request: HttpRequest, obj: OperatorRole, form: Any, change: bool) -> None:
        granted = grant_role(citizen=obj.citizen, role=obj.role, by=request.user)  # type: ignore[arg-type]
        obj.pk = granted.pk

    def delete_model(self, request: HttpRequest, obj: OperatorRole) -> None:
        withdraw_role(citizen=obj.citizen, role=obj.role, by=request.user)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OperatorRole]) -> None:
        for granted in queryset:
            if self.has_delete_permission(request, granted):
                self.delete_model(request, granted)


@admin.register(OAuthApplication)
class MachineClientAdmin(OperatorModelAdmin):
    """Machine clients; `merchants` operators switch a misused one off. Secrets are not shown (only hashes exist)."""

    list_display = ["name", "owner_kind", "owner", "scopes", "suspended", "created"]
    list_filter = ["owner_kind", "suspended"]
    search_fields = ["name", "owner", "client_id"]
    fields = ["name", "client_id", "owner_kind", "owner", "scopes", "suspended", "created"]
    readonly_fields = ["name", "client_id", "owner_kind", "owner", "scopes", "suspended", "created"]
    actions = ["suspend", "resume"]

    @admin.display(description="scopes")
    def scopes(self, application: OAuthApplication) -> str:
        return " ".join(application.allowed_scopes)

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        return is_operator(request.user, OperatorRole.Role.MERCHANTS)  # type: ignore[arg-type]

    @admin.action(description="Switch off: tokens and secret stop working", permissions=["suspend"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[OAuthApplication]) -> None:
        self._switch(request, queryset, suspended=True)

    @admin.action(description="Switch on again", permissions=["suspend"])
    def resume(self, request: HttpRequest, queryset: QuerySet[OAuthApplication]) -> None:
        self._switch(request, queryset, suspended=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[OAuthApplication], *, suspended: bool) -> None:
        for application in queryset:
            suspend_client(application=application, suspended=suspended, by=request.user)  # type: ignore[arg-type]
