"""One right request for every endpoint and method: what tests of access and of bad input start from.

Paths and texts in braces are things of the world (`tests.factories.world.World.ids`).
"""

import json
from typing import Any, NamedTuple

from django.http import HttpResponseBase
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.factories.disputes import photograph
from tests.factories.signatures import both
from tests.factories.webhooks import RECEIVER
from tests.factories.world import World

BRANCH = {"name": "At the sea", "zone": "Europe/Lisbon", "address": "Rua 1", "iata": "LIS"}
PERK = {
    "kind": "discount",
    "title": "A drink",
    "description": "At the bar.",
    "terms": "One a day.",
    "fair_terms": "Ask at the desk.",
    "categories": ["food"],
    "branches": ["{branch}"],
    "tiers": [{"min_score": None, "benefit": {"text": "A drink"}}],
    "zone": "Europe/Lisbon",
    "visible_from": "2026-11-01",
    "valid_from": "2026-11-01T09:00",
    "valid_until": "2030-11-01",
    "hours": [{"day": 1, "from": "09:00", "to": "17:00"}],
    "stock": 10,
    "limits": {"per_citizen": 1, "per_day": 5},
    "hold_minutes": 60,
    "release": {"on_cancel": "all", "on_expiry": "stock", "on_reversal": "nothing"},
    "offline": "accept",
}
ROW = {"external_id": "x1", "subject": "ana-7", "kind": "credit.payment", "occurred_on": "2026-10-31", "value": 0}


class Right(NamedTuple):
    """A request that succeeds when `caller` sends it."""

    method: str
    path: str
    caller: str
    body: dict[str, Any] | None = None
    picture: str | None = None
    """The field of a picture that comes along: the request is a form then."""
    signed: bool = False
    """Whether it must be signed everywhere: by the bank's key and by the one it registers."""

    @property
    def headers(self) -> dict[str, str]:
        """An idempotency key for every POST (who needs none ignores it), any version for an organisation's PATCH."""
        if self.method == "PATCH" and self.path.startswith(("merchant/", "sources/")):
            return {"If-Match": "*"}
        return {"Idempotency-Key": "a-new-key"} if self.method == "POST" else {}


RIGHT = (
    Right("GET", "me", "citizen"),
    Right("PATCH", "me", "citizen", {"first_name": "Ana", "language": "en", "zone": "Europe/Lisbon"}),
    Right("GET", "me/connections", "citizen"),
    Right("DELETE", "me/connections/{connection}", "citizen"),
    Right("GET", "oauth/authorize?{asked}", "citizen"),
    Right("POST", "oauth/authorize?{asked}", "citizen", {"allow": True, "scopes": ["boost:read"]}),
    Right("DELETE", "me", "newcomer"),
    Right("POST", "me/exports", "citizen", {}),
    Right("GET", "me/exports/{export}", "citizen"),
    Right("GET", "me/exports/{export}/download", "citizen"),
    Right("GET", "me/notifications", "citizen"),
    Right("POST", "me/notifications/read-all", "citizen", {}),
    Right("POST", "me/notifications/{notification}/read", "citizen", {}),
    Right("GET", "me/notification-settings", "citizen"),
    Right(
        "PUT",
        "me/notification-settings",
        "citizen",
        {"email": ["score"], "push": ["score", "perks"], "quiet": {"begins": "22:00", "ends": "07:00"}},
    ),
    Right("GET", "me/devices", "citizen"),
    Right(
        "POST",
        "me/devices",
        "citizen",
        {
            "kind": "web_push",
            "endpoint": "{new_endpoint}",
            "keys": {"p256dh": "{new_p256dh}", "auth": "{new_auth}"},
        },
    ),
    Right("DELETE", "me/devices/{push_device}", "citizen"),
    Right("DELETE", "me/phone", "citizen"),
    Right("GET", "consent-texts/current", "nobody"),
    Right("GET", "me/enrolment", "citizen"),
    Right("POST", "me/enrolment", "newcomer", {"consent_version": "2026-11", "adult": True, "language": "en"}),
    Right("DELETE", "me/enrolment", "citizen"),
    Right("POST", "me/enrolment/pause", "citizen", {}),
    Right("POST", "me/enrolment/resume", "citizen", {}),
    Right("GET", "me/score", "citizen"),
    Right("GET", "me/score/history", "citizen"),
    Right("GET", "me/score/explanation", "citizen"),
    Right(
        "POST",
        "me/score/what-if",
        "citizen",
        {
            "add": [{"kind": "credit.payment", "occurred_on": "2026-10-31", "value": 0, "count": 2}],
            "without": ["{entry}"],
        },
    ),
    Right("GET", "me/entries", "citizen"),
    Right("GET", "me/entries/{entry}", "citizen"),
    Right("GET", "me/sources", "citizen"),
    Right("PUT", "me/sources/{source}", "citizen", {"on": False}),
    Right("DELETE", "me/sources/{source}", "citizen"),
    Right("POST", "me/sources/{source}/link", "citizen", {}),
    Right("GET", "me/inquiries", "citizen"),
    Right("GET", "me/consents", "citizen"),
    Right("GET", "me/consents/{consent}", "citizen"),
    Right("GET", "me/disputes", "citizen"),
    Right(
        "POST",
        "me/disputes",
        "citizen",
        {"entries": ["{entry}"], "ground": "wrong_value", "statement": "I paid it.", "share_evidence": False},
    ),
    Right("GET", "me/disputes/{dispute}", "citizen"),
    Right("POST", "me/disputes/{dispute}/withdraw", "citizen", {}),
    Right("POST", "me/disputes/{rejected}/appeal", "citizen", {"statement": "Look again."}),
    Right("POST", "me/vouch-requests", "citizen", {}),
    Right("GET", "me/vouches", "citizen"),
    Right("DELETE", "me/vouches/{vouch}", "citizen"),
    Right("POST", "vouch-requests/{vouch_token}/give", "citizen", {}),
    Right("GET", "furnishers", "nobody"),
    Right("GET", "furnishers/{furnisher}", "nobody"),
    Right("GET", "sources/links", "bank"),
    Right("POST", "sources/links", "bank", {"link_code": "{link_code}", "subject": "new-9"}),
    Right("POST", "sources/entries", "bank", {"entries": [ROW]}),
    Right("DELETE", "sources/entries/{external}?subject=ana-7", "bank"),
    Right("GET", "sources/keys", "bank"),
    Right("POST", "sources/keys", "bank", {"public_key": "{new_key}", "name": "2027"}, signed=True),
    Right("DELETE", "sources/keys/{source_key}", "bank"),
    Right("GET", "sources/webhook-endpoints", "bank"),
    Right("POST", "sources/webhook-endpoints", "bank", {"url": RECEIVER, "events": []}),
    Right("GET", "sources/webhook-endpoints/{source_endpoint}", "bank"),
    Right("PATCH", "sources/webhook-endpoints/{source_endpoint}", "bank", {"events": [], "state": "on"}),
    Right("DELETE", "sources/webhook-endpoints/{source_endpoint}", "bank"),
    Right("GET", "sources/webhook-endpoints/{source_endpoint}/deliveries", "bank"),
    Right("POST", "sources/webhook-endpoints/{source_endpoint}/rotate-secret", "bank"),
    Right("POST", "sources/webhook-endpoints/{source_endpoint}/replay", "bank", {}),
    Right("POST", "sources/webhook-endpoints/{source_endpoint}/test", "bank"),
    Right("POST", "sources/deliveries/{source_delivery}/redeliver", "bank"),
    Right("GET", "webhook-events", "nobody"),
    Right("GET", "sources/disputes", "bank"),
    Right(
        "POST",
        "sources/disputes/{dispute}/answer",
        "bank",
        {"position": "correct", "statement": "Sorry.", "entry": {"occurred_on": "2026-11-02", "value": 0}},
    ),
    Right("GET", "sources/disputes/{dispute}/evidence/{evidence}", "bank"),
    Right("GET", "perks", "citizen"),
    Right("GET", "perks/{perk_published}", "citizen"),
    Right("GET", "perks/{perk_published}/path", "citizen"),
    Right("POST", "perks/{perk_published}/reports", "citizen", {"ground": "other", "statement": "They refused."}),
    Right("GET", "me/reports", "citizen"),
    Right("GET", "me/badge", "citizen"),
    Right("GET", "me/badge.png", "citizen"),
    Right("POST", "perks/{perk_free}/redemptions", "citizen", {}),
    Right("GET", "me/redemptions", "citizen"),
    Right("GET", "me/redemptions/{reserved}", "citizen"),
    Right("POST", "me/redemptions/{reserved}/cancel", "citizen", {}),
    Right("GET", "me/redemptions/{reserved}/qr.svg", "citizen"),
    Right("GET", "me/redemptions/{reserved}/qr.png", "citizen"),
    Right("GET", "me/deposits", "citizen"),
    Right("GET", "me/deposits/{deposit_claimed}", "citizen"),
    Right("POST", "me/deposits/{deposit_offered}/accept", "citizen", {}),
    Right("POST", "me/deposits/{deposit_offered}/hold", "citizen", {}),
    Right("POST", "me/deposits/{deposit_claimed}/contest", "citizen", {"statement": "It was there before."}),
    Right("GET", "me/deposits/{deposit_claimed}/files/{deposit_file}", "citizen"),
    Right("GET", "me/make-goods", "citizen"),
    Right("GET", "me/gift-cards", "citizen"),
    Right("GET", "me/gift-cards/{card}", "citizen"),
    Right("POST", "me/make-goods/{make_good}/take", "citizen", {}),
    Right("GET", "boost", "app"),
    Right("POST", "boosts/lookup", "app_server", {"subjects": ["{subject}"]}),
    Right("GET", "sandbox", "sandbox"),
    Right("POST", "sandbox/reset", "sandbox", {}),
    Right("PUT", "sandbox/clock", "sandbox", {"now": "2027-01-01T00:00:00Z"}),
    Right("PUT", "sandbox/citizens/{test_case}/connection", "sandbox"),
    Right("DELETE", "sandbox/citizens/{test_case}/connection", "sandbox"),
    Right("GET", "sandbox/boost", "test_citizen"),
    Right("POST", "sandbox/boosts/lookup", "sandbox", {"subjects": ["{subject}"]}),
    Right(
        "POST",
        "merchants",
        "newcomer",
        {
            "name": "Kiosk",
            "sector": "shop",
            "country": "PT",
            "website": "https://kiosk.example.org/",
            "contact_person": "Rosa Lima",
            "registry_number": "PT-501442600",
        },
    ),
    Right("GET", "merchants/{merchant}", "nobody"),
    Right("GET", "merchant/perks", "manager"),
    Right("POST", "merchant/perks", "manager", PERK),
    Right("GET", "merchant/perks/{perk_published}", "manager"),
    Right("PATCH", "merchant/perks/{perk_published}", "manager", {**PERK, "branches": []}),
    Right("POST", "merchant/perks/{perk_draft}/submit", "manager", {}),
    Right("POST", "merchant/perks/{perk_approved}/publish", "manager", {}),
    Right("POST", "merchant/perks/{perk_published}/pause", "manager", {}),
    Right("POST", "merchant/perks/{perk_paused}/resume", "manager", {}),
    Right("POST", "merchant/perks/{perk_published}/end", "manager", {}),
    Right("GET", "merchant/perks/{perk_published}/images", "manager"),
    Right("POST", "merchant/perks/{perk_published}/images", "manager", {"alt": "The bar."}, picture="file"),
    Right("PATCH", "merchant/perks/{perk_published}/images/{image}", "manager", {"alt": "The bar.", "position": 1}),
    Right("DELETE", "merchant/perks/{perk_published}/images/{image}", "manager"),
    Right("POST", "merchant/scans", "cashier", {"code": "{typed}", "nonce": "nonce-of-row", "branch": "{branch}"}),
    Right("GET", "merchant/redemptions", "cashier"),
    Right("GET", "merchant/redemptions/{used}", "cashier"),
    Right("POST", "merchant/redemptions/{used}/reverse", "cashier", {"reason": "A mistake."}),
    Right("GET", "merchant/code-lists", "manager"),
    Right("POST", "merchant/code-lists", "manager", {"name": "Shop", "generate": {"count": 3, "prefix": "SPA-"}}),
    Right("GET", "merchant/code-lists/{code_list}", "manager"),
    Right("DELETE", "merchant/code-lists/{code_list}", "manager"),
    Right("GET", "merchant/code-lists/{code_list}/codes.csv", "manager"),
    Right("GET", "merchant/reports", "manager"),
    Right("GET", "merchant/reports.csv", "manager"),
    Right("GET", "merchant/reach?purpose=travel&min_score=600", "manager"),
    Right(
        "POST",
        "merchant/gift-cards/{card}/refund",
        "manager",
        {"amount": {"amount": 100, "currency": "EUR"}, "charge": "{charge}"},
    ),
    Right("GET", "merchant/gift-cards/liability", "manager"),
    Right("GET", "merchant/deposits", "cashier"),
    Right("GET", "merchant/deposits/{deposit_returned}", "cashier"),
    Right("POST", "merchant/deposits/{deposit_accepted}/pick-up", "cashier", {"branch": "{branch}"}),
    Right("POST", "merchant/deposits/{deposit_active}/return", "cashier", {}),
    Right(
        "POST",
        "merchant/deposits/{deposit_returned}/claim",
        "manager",
        {"items": [{"text": "A scratch", "amount": {"amount": 100, "currency": "EUR"}}]},
    ),
    Right(
        "POST",
        "merchant/deposits/{deposit_returned}/refund",
        "manager",
        {"amount": {"amount": 100, "currency": "EUR"}, "reason": "It was smaller."},
    ),
    Right("GET", "merchant/deposits/{deposit_claimed}/files/{deposit_file}", "manager"),
    Right("GET", "merchant/members", "owner"),
    Right("POST", "merchant/members", "owner", {"email": "new@example.org", "role": "cashier"}),
    Right("DELETE", "merchant/members/{member}", "owner"),
    Right("POST", "invitations/{token}/accept", "newcomer", {}),
    Right("GET", "merchant/branches", "manager"),
    Right("POST", "merchant/branches", "manager", {**BRANCH, "position": {"latitude": 38.7, "longitude": -9.1}}),
    Right("GET", "merchant/branches/{branch}", "manager"),
    Right("PATCH", "merchant/branches/{branch}", "manager", BRANCH),
    Right("DELETE", "merchant/branches/{branch}", "manager"),
    Right("GET", "merchant/webhook-endpoints", "manager"),
    Right("POST", "merchant/webhook-endpoints", "manager", {"url": RECEIVER, "events": []}),
    Right("GET", "merchant/webhook-endpoints/{endpoint}", "manager"),
    Right("PATCH", "merchant/webhook-endpoints/{endpoint}", "manager", {"events": [], "state": "on"}),
    Right("DELETE", "merchant/webhook-endpoints/{endpoint}", "manager"),
    Right("GET", "merchant/webhook-endpoints/{endpoint}/deliveries", "manager"),
    Right("POST", "merchant/webhook-endpoints/{endpoint}/rotate-secret", "manager"),
    Right("POST", "merchant/webhook-endpoints/{endpoint}/replay", "manager", {}),
    Right("POST", "merchant/webhook-endpoints/{endpoint}/test", "manager"),
    Right("POST", "merchant/deliveries/{delivery}/redeliver", "manager"),
    Right("GET", "merchant/clients", "owner"),
    Right("POST", "merchant/clients", "owner", {"name": "Till", "scopes": ["merchant:scan"]}),
    Right("DELETE", "merchant/clients/{server}", "owner"),
    Right("GET", "merchant/billing", "owner"),
    Right("POST", "merchant/billing/checkout", "owner", {}),
    Right("POST", "merchant/billing/portal", "owner", {}),
    Right("POST", "merchant/billing/onboarding", "owner", {}),
    Right("GET", "merchant/billing/usage", "owner"),
    Right("GET", "merchant/billing/usage.csv", "owner"),
    Right("GET", "merchant/arrivals", "cashier"),
    Right("GET", "merchant/devices", "manager"),
    Right("POST", "merchant/devices", "manager", {"name": "Desk 3", "branch": "{branch}", "shift_minutes": 60}),
    Right("DELETE", "merchant/devices/{till}", "manager"),
    Right("PUT", "merchant/pin", "cashier", {"pin": "1590"}),
    Right("POST", "devices/pair", "nobody", {"pairing_code": "{pairing_code}", "name": "The tablet"}),
    Right("GET", "devices/self", "till"),
    Right("POST", "devices/shift", "till", {"member": "{cashier}", "pin": "2580"}),
    Right("DELETE", "devices/shift", "till"),
)


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The value with the names in braces replaced by what they stand for."""
    match value:
        case str():
            for name, text in ids.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case dict():
            return {name: filled(inner, ids) for name, inner in value.items()}
        case list():
            return [filled(inner, ids) for inner in value]
    return value


def form_of(picture: str, body: dict[str, Any]) -> tuple[bytes, str]:
    """A body as a form with a picture, and its media type."""
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    return encode_multipart(BOUNDARY, fields | {picture: photograph()}), MULTIPART_CONTENT


def send(world: World, right: Right, *, caller: str | None = None, **changes: Any) -> HttpResponseBase:
    """Send a right request, or one with other `body` (a value, or raw bytes), `path`, `headers` or `content_type`."""
    body = changes.get("body", right.body)
    content_type = changes.get("content_type", "application/json")
    if right.picture and isinstance(body, dict) and "content_type" not in changes:
        body, content_type = form_of(right.picture, filled(body, world.ids))
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(filled(body, world.ids)).encode()
    method, path = changes.get("method", right.method), f"/api/v1/{filled(changes.get('path', right.path), world.ids)}"
    signatures = {}
    if right.signed:
        by_old = world.signer.headers(method, path, raw, label="old")
        signatures = both(by_old, world.new_signer.headers(method, path, raw, label="new"))
    return world.client(caller or right.caller).generic(
        method, path, raw, content_type=content_type, headers=right.headers | signatures | changes.get("headers", {})
    )
