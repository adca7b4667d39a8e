"""Where Stripe tells us what happened: checked, kept once, answered. Nothing is asked of Stripe, nothing decided."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from perks.payments.events import Malformed, NotStripes, read_signed
from perks.services.stripe_events import receive_event

log = structlog.get_logger(__name__)

MOST_BYTES = 512_000


@csrf_exempt
@require_POST
def platform(request: HttpRequest) -> HttpResponse:
    """Events of the platform's own account: plans, invoices, meters."""
    return _take(request, settings.STRIPE_WEBHOOK_SECRETS, is_connected=False)


@csrf_exempt
@require_POST
def connected(request: HttpRequest) -> HttpResponse:
    """Events of merchants' accounts: deposits, refunds, disputes, and what Stripe still asks of the merchant."""
    return _take(request, settings.STRIPE_CONNECT_WEBHOOK_SECRETS, is_connected=True)


def _take(request: HttpRequest, secrets: Sequence[str], *, is_connected: bool) -> HttpResponse:
    if len(request.body) > MOST_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        said = read_signed(request.body, request.headers.get("Stripe-Signature", ""), secrets)
    except (NotStripes, Malformed) as refusal:
        log.warning("stripe.event_refused", why=type(refusal).__name__, connected=is_connected)
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    if said.livemode != settings.STRIPE_LIVEMODE:
        log.warning("stripe.other_mode", id=said.id)  # a test's event at the live address, or the other way round
        return HttpResponse()
    if bool(said.account) != is_connected:
        log.warning("stripe.event_at_the_wrong_door", id=said.id)
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    receive_event(event_id=said.id, event_type=said.type, object_id=said.object_id, account=said.account)
    return HttpResponse()
