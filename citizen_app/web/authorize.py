"""The page an app sends a person to: what it asks, with whom it would be shared, until when, and a yes or a no."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from citizen_app.accounts import consents
from citizen_app.accounts.authorising import Asked, AuthorizationInvalid, allow, deny, read_request
from citizen_app.accounts.connections import CONSENT, LAPSES_AFTER, require_may_connect
from citizen_app.accounts.freshness import confirmed_at, is_recent
from citizen_app.accounts.showing_connections import scope_lines
from citizen_app.errors import DomainError
from citizen_app.models import Connection
from citizen_app.web.pages import Page, said, to_confirm


class Authorize(Page):
    """Ask the person. What the app asked for stands in the address, so that a page left open is judged anew."""

    template_name = "citizen/authorize.html"
    http_method_names = ["get", "post"]
    asked: Asked

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Before anybody signs in: an app that asks for what it may not have is told without troubling a person.
        try:
            twice = [name for name, values in request.GET.lists() if len(values) > 1]
            if twice:
                raise AuthorizationInvalid("A parameter is there twice.", error="invalid_request", redirect=None)
            self.asked = read_request(request.GET.dict())
        except AuthorizationInvalid as refusal:
            if refusal.facts["redirect"] is not None:
                return self.sent_to(request, refusal.facts["redirect"], name="the app")
            return render(request, "citizen/authorize_invalid.html", {"detail": refusal.detail}, status=400)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        if not is_recent(confirmed_at(self.citizen, request.session)):
            return self.confirmed_first()
        return self.shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("answer") != "allow":
            where = deny(asked=self.asked, citizen=self.citizen, via="web")
            return self.sent_to(request, where, name=self.asked.application.name)
        if not is_recent(confirmed_at(self.citizen, request.session)):
            return self.confirmed_first()
        scopes = set(request.POST.getlist("scopes"))
        if not scopes & set(self.asked.scopes):
            return self.shown(problem="Tick what you want to share, or say no.")
        try:
            where = allow(asked=self.asked, citizen=self.citizen, scopes=scopes, via="web")
        except DomainError as refusal:
            return self.shown(problem=said(refusal))
        return self.sent_to(request, where, name=self.asked.application.name)

    def handle_no_permission(self) -> HttpResponse:  # type: ignore[override]
        return redirect_to_login(self.request.get_full_path())

    def confirmed_first(self) -> HttpResponse:
        return to_confirm(then=self.request.get_full_path())

    def shown(self, problem: str = "") -> HttpResponse:
        application = self.asked.application
        return self.show(
            app=application,
            host=self.asked.parameters["redirect_uri"].split("/")[2],
            scopes=scope_lines(self.asked.scopes),
            is_connected=Connection.objects.running().filter(citizen=self.citizen, application=application).exists(),
            lapses_after=LAPSES_AFTER.days,
            consent=consents.current_text(CONSENT, language=self.citizen.language),
            obstacle=self.obstacle(),
            here=self.request.get_full_path(),
            problem={"title": "Nothing was shared.", "detail": problem} if problem else None,
        )

    def obstacle(self) -> dict[str, str] | None:
        """What stands in the way of connecting any app, so that nobody ticks in vain: its code and a sentence."""
        try:
            with transaction.atomic():
                require_may_connect(citizen=self.citizen, application=self.asked.application)
        except DomainError as refusal:
            return {"code": refusal.code, "text": said(refusal)}
        return None

    def sent_to(self, request: HttpRequest, where: str, *, name: str) -> HttpResponse:
        """Send the person to the app: after a form by a page, because a browser stops a form that ends elsewhere.

        Our own policy says that forms go nowhere but here (`form-action`), and browsers follow redirects to see.
        """
        if request.method != "POST":
            response: HttpResponse = redirect(where)
        else:
            response = render(request, "citizen/authorize_done.html", {"where": where, "name": name})
        response["Cache-Control"] = "no-store"
        return response
