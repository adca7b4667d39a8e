"""The pages of what a person is told of: the inbox, the choices, the browsers, and the link at the end of a mail."""

from collections.abc import Iterator
from datetime import time
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View

from citizen_app.accounts.consents import current_text
from citizen_app.errors import FieldError, InvalidInput, NotFound
from citizen_app.models import Citizen
from citizen_app.notifying.choices import CHOOSABLE, CONSENT, Channel, Choices, Quiet, change_choices, choices_of
from citizen_app.notifying.devices import devices_of, take_off_device
from citizen_app.notifying.events import GROUPS, Mail
from citizen_app.notifying.inbox import inbox_of, lines_of, mark_all_read, mark_read
from citizen_app.notifying.pushes import public_key
from citizen_app.notifying.unsubscribing import group_named, switch_mails_off
from citizen_app.web.pages import Page, paged
from citizen_app.web.panels import adds_to

SERVICES: Final = {
    "fcm.googleapis.com": "Chrome, Edge or similar",
    "updates.push.services.mozilla.com": "Firefox",
    "push.apple.com": "Safari",
    "notify.windows.com": "Edge on Windows",
}


class Inbox(Page):
    """Everything the person was told of, latest first."""

    template_name = "citizen/inbox.html"
    back = "inbox"

    def get(self, request: HttpRequest) -> HttpResponse:
        told = paged(request, inbox_of(citizen=self.citizen), order=("-created_at", "-id"), shape=lines_of)
        return self.show(notifications=told["results"], page=told)

    def post(self, request: HttpRequest) -> HttpResponse:
        mark_all_read(citizen=self.citizen)
        return redirect("inbox")


class OpenNotification(Page):
    """Mark one as read and lead to what it is about; a post, so that nobody reads by looking ahead."""

    back = "inbox"

    def post(self, request: HttpRequest, notification_id: str) -> HttpResponse:
        row = mark_read(citizen=self.citizen, notification_id=notification_id)
        return redirect(lines_of([row])[0]["path"])


class NotificationChoices(Page):
    """What reaches the person by which channel, when not, and on which browsers."""

    template_name = "citizen/notification_settings.html"
    back = "notification_settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        choices = choices_of([self.citizen.pk])[self.citizen.pk]
        return self.show(
            rows=list(_rows(choices)),
            quiet=choices.quiet,
            zone=self.citizen.zone,
            devices=[_device(device) for device in devices_of(citizen=self.citizen).order_by("-created_at")],
            push_key=public_key(),
            consent=current_text(CONSENT, language=self.citizen.language),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        ticked = {channel: request.POST.getlist(channel) for channel in Channel.values}
        change_choices(
            citizen=self.citizen, email=ticked["email"], push=ticked["push"], via="web", quiet=_quiet(request)
        )
        messages.success(request, "Your choices are kept.")
        return redirect("notification_settings")


class RemoveDevice(Page):
    """Take one browser off the list."""

    back = "notification_settings"

    def post(self, request: HttpRequest, device_id: str) -> HttpResponse:
        take_off_device(citizen=self.citizen, device=devices_of(citizen=self.citizen).named(device_id))
        messages.success(request, "That browser notifies you no more.")
        return redirect("notification_settings")


@method_decorator(csrf_exempt, name="dispatch")
class MailsOff(View):
    """The link at the end of a mail: looking changes nothing (mail programs look ahead), the button does.

    Who follows it need not be signed in, and a mail program may press the button itself (RFC 8058).
    """

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._shown(request, group=group_named(token))
        except NotFound:
            return self._shown(request, status=404)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._shown(request, group=switch_mails_off(token), done=True)
        except NotFound:
            return self._shown(request, status=404)

    def _shown(self, request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
        page = render(request, "citizen/mails_off.html", context, status=status)
        page.headers["Cache-Control"] = "no-store"
        page.headers["Referrer-Policy"] = "no-referrer"
        return page


@require_safe
def push_worker(request: HttpRequest) -> HttpResponse:
    """The service worker that shows what a push service brings; it keeps nothing and answers no request."""
    return HttpResponse(
        render_to_string("push-worker.js"),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": reverse("inbox")},
    )


@adds_to("consents")
def notifications_chosen(citizen: Citizen) -> dict[str, Any]:
    """What the consent centre says of the two channels."""
    on = choices_of([citizen.pk])[citizen.pk].on
    names = {Channel.EMAIL: "By e-mail", Channel.PUSH: "On your browsers"}
    return {
        "notifications": [
            {"name": name, "groups": [GROUPS[code].title for code in CHOOSABLE[channel] if code in on[channel]]}
            for channel, name in names.items()
        ]
    }


def _rows(choices: Choices) -> Iterator[dict[str, Any]]:
    for code, group in GROUPS.items():
        yield {
            "code": code,
            "title": group.title,
            "tells": group.tells,
            "always": group.mail == Mail.ALWAYS,
            "email": choices.wants(code, Channel.EMAIL),
            "has_push": group.has_push,
            "push": choices.wants(code, Channel.PUSH),
        }


def _quiet(request: HttpRequest) -> Quiet | None:
    if request.POST.get("is_quiet") != "true":
        return None
    try:
        begins, ends = (time.fromisoformat(request.POST.get(name, "")) for name in ("begins", "ends"))
    except ValueError as error:
        raise InvalidInput(FieldError("/quiet", "invalid", "Give both times, as 22:00 and 07:00.")) from error
    return Quiet(
        begins.replace(second=0, microsecond=0, tzinfo=None), ends.replace(second=0, microsecond=0, tzinfo=None)
    )


def _device(device: Any) -> dict[str, Any]:
    named = next((name for host, name in SERVICES.items() if device.service.endswith(host)), device.service)
    return {"id": device.public_id, "name": named, "since": device.created_at, "last_ok_at": device.last_ok_at}
