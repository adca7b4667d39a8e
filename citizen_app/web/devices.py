"""Where a person is signed in: ending one of their sessions from the page that lists them."""

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import NotFound
from citizen_app.web.pages import Page


class EndSession(Page):
    """Sign one device out; its next request is refused."""

    http_method_names = ["post"]
    back = "usersessions_list"

    def post(self, request: HttpRequest, session_id: int) -> HttpResponse:
        session = UserSession.objects.filter(user=self.citizen, pk=session_id).first()
        if session is None:
            raise NotFound
        if session.session_key == request.session.session_key:
            return redirect("account_logout")
        session.end()
        messages.success(request, "That device is signed out.")
        return redirect("usersessions_list")
