"""The person's own page of the apps they let in, and ending one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.accounts.connections import disconnect
from citizen_app.accounts.showing_connections import connection_lines
from citizen_app.models import Connection
from citizen_app.web.pages import Page, paged


class Connections(Page):
    """Every app that is or was connected, the running ones first by when they began."""

    template_name = "citizen/connections.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        mine = Connection.objects.filter(citizen=self.citizen).select_related("application")
        told: dict[str, Any] = paged(request, mine, order=("-connected_at", "-id"), shape=connection_lines)
        return self.show(connections=told["results"], page=told)


class EndConnection(Page):
    """Ask once, then end it: from the next request on the app reads nothing."""

    template_name = "citizen/connection_end.html"
    back = "my_apps"

    def get(self, request: HttpRequest, connection_id: str) -> HttpResponse:
        return self.show(connection=connection_lines([self._named(connection_id)])[0])

    def post(self, request: HttpRequest, connection_id: str) -> HttpResponse:
        connection = self._named(connection_id)
        disconnect(
            citizen=self.citizen,
            application=connection.application,
            via="web",
        )
        messages.success(request, f"{connection.application.name} is disconnected. It reads nothing more.")
        return redirect("my_apps")

    def _named(self, connection_id: str) -> Connection:
        mine = Connection.objects.running().filter(citizen=self.citizen).select_related("application")
        found: Connection = mine.named(connection_id)
        return found
