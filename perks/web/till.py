"""The till's own page: a shell that is the same for everybody and works without a network, and what it asks of us.

The device keeps its token and its shift's in cookies no script can read, sent below `/till` and nowhere else. The
shell itself holds no word about anybody, so a service worker may keep it.
"""

import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe
from django.views.generic import View
from rest_framework import serializers

from citizen_app.api.serializers import StrictSerializer, Text
from citizen_app.api.throttles import address_of, count_call, hit
from citizen_app.errors import DomainError, FieldError, InvalidInput
from citizen_app.exact_json import Unreadable, read_json
from perks.api.merchant.bodies import PairBody, ScanBody, ShiftBody
from perks.api.merchant.scans import branch_id_of_scan, scanned_by
from perks.models import Till, TillShift
from perks.money import decimals_of
from perks.services.access import Acting, acting_till
from perks.services.arrivals import arrival_lines, arrivals, desk_facts, span_of
from perks.services.redemptions import reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.shifts import end_shift, open_shift, shift_of
from perks.services.showing_merchants import scan_answer
from perks.services.showing_perks import instant
from perks.services.showing_tills import own_till, shift_line
from perks.services.tills import pair_till, till_of
from perks.web import words
from perks.web.merchant.forms import judged

_SECURE = "__Secure-" if settings.SESSION_COOKIE_SECURE else ""
TILL_COOKIE = f"{_SECURE}till"
SHIFT_COOKIE = f"{_SECURE}till-shift"
KEPT = timedelta(days=400)
"""How long a browser keeps the till's token; each visit begins it anew."""
LONGEST_BODY = 65_536
MOST_ARRIVALS = 2_000
FONTS = ("commissioner-flared-latin", "hanken-grotesk-latin", "spline-sans-mono-codes")
_LINKED = re.compile(r'(?:href|src)="([^"#?]+\.(?:css|js|svg|woff2))"')


@require_safe
def app(request: HttpRequest) -> HttpResponse:
    """The shell: the same bytes for everybody, whatever their cookies."""
    return HttpResponse(_shell(), headers={"Cache-Control": "no-cache"})


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: it keeps the shell and nothing else, and answers below `/till` only."""
    shell = _shell()
    # What the page needs to open without a network; nothing of it is about anybody.
    fonts = [static(f"fonts/{name}.woff2") for name in FONTS]
    kept = list(dict.fromkeys([reverse("till:app"), *_LINKED.findall(shell), *fonts]))
    script = render_to_string("till/worker.js", {"shell": mark_safe(json.dumps(kept))})  # noqa: S308  (our own paths)
    version = hashlib.sha256((script + shell).encode() + b"".join(map(_content, kept))).hexdigest()[:16]
    return HttpResponse(
        script.replace("VERSION", version),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": reverse("till:app")},
    )


def _content(address: str) -> bytes:
    """What is kept under an address whose name does not change with its content, as outside production."""
    if settings.PRODUCTION or not address.startswith(settings.STATIC_URL):
        return b""
    found = finders.find(address.removeprefix(settings.STATIC_URL))
    return Path(found).read_bytes() if isinstance(found, str) else b""


def _shell() -> str:
    said = {"theme": "auto", "page_language": "en", "page_direction": "ltr"}
    return render_to_string("till/app.html", said | {"outcomes": words.OUTCOMES | words.OFFLINE_OUTCOMES})


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """How the till looks when it is installed: an installed page keeps its store, and its unsent scans with it."""
    here = reverse("till:app")
    icon = {"src": static("img/mark.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}
    said = {"id": here, "start_url": here, "scope": here, "display": "standalone", "lang": "en", "dir": "ltr"}
    said |= {"name": "Citizen App till", "short_name": "Till", "theme_color": "#171015", "background_color": "#f6f1ee"}
    return JsonResponse(said | {"icons": [icon]}, content_type="application/manifest+json")


NOT_PAIRED = {
    "code": "not_authenticated",
    "title": "This device is not paired, or its access was taken away.",
    "detail": "A manager pairs it again on the console's page of tills.",
}


class TillView(View):
    """What the page asks: JSON in and out, by the device's cookies, with the token of our own pages."""

    needs_till = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.till, self.shift = self._who(request)
            if self.till is None and self.needs_till:
                response: HttpResponse = JsonResponse(NOT_PAIRED, status=401)
            else:
                response = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        except DomainError as refusal:
            said = {"code": refusal.code, "title": refusal.title, "detail": refusal.detail or refusal.remedy}
            response = JsonResponse(said | refusal.facts, status=refusal.kind.value)
            if "retry_after" in refusal.facts:
                response.headers["Retry-After"] = str(refusal.facts["retry_after"])
        response.headers["Cache-Control"] = "no-store"
        return response

    def _who(self, request: HttpRequest) -> tuple[Till | None, TillShift | None]:
        token, shift_token = request.COOKIES.get(TILL_COOKIE), request.COOKIES.get(SHIFT_COOKIE)
        till = till_of(token) if token else None
        shift = shift_of(shift_token) if till is not None and shift_token else None
        return till, shift if shift is not None and till is not None and shift.till_id == till.pk else None

    def acting(self, action: str) -> Acting:
        assert self.till is not None  # noqa: S101  (`needs_till`)
        acting = acting_till(till=self.till, shift=self.shift, action=action)
        assert acting is not None  # noqa: S101  (each action of this page is one a till may do)
        count_call("device", self.till.actor)
        return acting

    def said(self, body_class: type[serializers.Serializer]) -> dict[str, Any]:
        raw = self.request.body
        try:
            said = read_json(raw) if 0 < len(raw) <= LONGEST_BODY else None
        except Unreadable:
            said = None
        if not isinstance(said, dict):
            raise InvalidInput(FieldError("", "invalid", "Send an object."))
        return judged(body_class, said)


def _keep(response: HttpResponse, name: str, token: str, life: timedelta) -> None:
    response.set_cookie(
        name,
        token,
        max_age=life,
        path=reverse("till:app"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


class State(TillView):
    """Whether this device is a till, where it stands, who is at work; and the token its requests carry."""

    needs_till = False

    def get(self, request: HttpRequest) -> HttpResponse:
        currency = {"code": settings.CURRENCY, "decimals": decimals_of(settings.CURRENCY)}
        said = {"now": instant(timezone.now()), "csrf": get_token(request), "till": None, "currency": currency}
        if self.till is None:
            return JsonResponse(said)
        # The shift is this browser's own: somebody else's on the same token is none of it.
        own = own_till(self.till) | {"shift": shift_line(self.shift) if self.shift else None}
        response = JsonResponse(said | {"till": own})
        _keep(response, TILL_COOKIE, request.COOKIES[TILL_COOKIE], KEPT)
        return response


class Pair(TillView):
    """Become a till by the code a manager shows."""

    needs_till = False

    def post(self, request: HttpRequest) -> HttpResponse:
        hit("pairing", address_of(request))
        said = self.said(PairBody)
        made = pair_till(code=said["pairing_code"], name=said.get("name", ""))
        response = JsonResponse({"device_id": made.till.public_id}, status=201)
        _keep(response, TILL_COOKIE, made.token, KEPT)
        response.delete_cookie(SHIFT_COOKIE, path=reverse("till:app"), samesite="Strict")
        return response


class Shift(TillView):
    """Come to work with a PIN, or go."""

    def post(self, request: HttpRequest) -> HttpResponse:
        assert self.till is not None  # noqa: S101  (`needs_till`)
        said = self.said(ShiftBody)
        made = open_shift(till=self.till, member_id=said["member"], pin=said["pin"])
        response = JsonResponse(shift_line(made.shift), status=201)
        _keep(response, SHIFT_COOKIE, made.token, made.shift.expires_at - made.shift.opened_at)
        return response

    def delete(self, request: HttpRequest) -> HttpResponse:
        assert self.till is not None  # noqa: S101  (`needs_till`)
        end_shift(till=self.till)
        response = HttpResponse(status=204)
        response.delete_cookie(SHIFT_COOKIE, path=reverse("till:app"), samesite="Strict")
        return response


class UndoBody(StrictSerializer):
    """Which scan is taken back."""

    redemption = Text(max_length=40)


class Undo(TillView):
    """Take one's own scan back within its ten minutes."""

    def post(self, request: HttpRequest) -> HttpResponse:
        acting = self.acting("take back")
        redemption = acting.redemptions().named(self.said(UndoBody)["redemption"])
        reverse_redemption(redemption=redemption, by=acting.by, only_own_undo=True)
        return HttpResponse(status=204)


class Arrivals(TillView):
    """The till's list for today and tomorrow, whole."""

    def get(self, request: HttpRequest) -> HttpResponse:
        acting, now = self.acting("arrivals"), timezone.now()
        branch = acting.till.branch if acting.till is not None else None
        listed: list[dict[str, Any]] = []
        if branch is not None:
            found = arrivals(branch, span_of(None, None, zone=branch.zone, now=now), now=now).order_by("id")
            listed = arrival_lines(list(found[:MOST_ARRIVALS]), now=now)
        return JsonResponse({"results": listed, "now": instant(now)} | desk_facts(acting.merchant, branch, now=now))


class Scans(TillView):
    """A scan made now, or made while the network was gone."""

    def post(self, request: HttpRequest) -> HttpResponse:
        acting = self.acting("scan")
        said = self.said(ScanBody)
        scan, is_new = scan_code(
            merchant=acting.merchant,
            by=scanned_by(acting, said),
            till=acting.till,
            shown=Shown(
                code=said.get("code"),
                whole_pass=said.get("pass"),
                amount=said["amount"]["amount"] if "amount" in said else None,
            ),
            nonce=said["nonce"],
            branch_id=branch_id_of_scan(acting, said.get("branch")),
            scanned_at=said.get("scanned_at"),
        )
        return JsonResponse(scan_answer(scan), status=201 if is_new else 200)
