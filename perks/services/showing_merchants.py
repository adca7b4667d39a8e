"""What a merchant's people and servers read. No member of it says anything of a score (P4)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from citizen_app.models import Citizen
from perks.models import Branch, Invitation, Member, Merchant, MerchantClient, Perk, Redemption, Scan
from perks.services.images import image_lines
from perks.services.kinds import rules_of
from perks.services.perk_body import body_of
from perks.services.redemptions import UNDO_TIME, state_at
from perks.services.scans import NAMING, Outcome, told
from perks.services.showing_perks import branch_line, instant, remaining
from perks.services.showing_standing import whole_standing_of


def merchant_page(merchant: Merchant) -> dict[str, Any]:
    """A merchant as everybody may know it, with its open branches."""
    branches = Branch.objects.filter(merchant=merchant, closed_at=None).order_by("pk")
    return {
        "id": merchant.public_id,
        "name": merchant.name,
        "sector": merchant.sector,
        "country": merchant.country,
        "website": merchant.website or None,
        "state": merchant.state,
        "since": instant(merchant.approved_at),
        "standing": whole_standing_of(merchant),
        "branches": [branch_line(branch) for branch in branches],
    }


def perk_lines(perks: Sequence[Perk]) -> list[dict[str, Any]]:
    """A merchant's perks with their counts: one statement more for any number of them.

    Fetched with `in_force` and `pending` in their rows, `categories` and `branches` beside them.
    """
    counted = _counts(perks)
    return [_perk_line(perk, counted[perk.pk]) for perk in perks]


def perk_line(perk: Perk) -> dict[str, Any]:
    """One of a merchant's perks."""
    return perk_lines([perk])[0]


def with_what_lines_show(perks: Any) -> Any:
    return perks.select_related("in_force", "pending", "merchant", "code_list").prefetch_related(
        "categories", "branches"
    )


def _perk_line(perk: Perk, counted: Counter[str]) -> dict[str, Any]:
    version = perk.version_read
    pending = perk.pending
    return body_of(perk, version) | {
        "id": perk.public_id,
        "state": perk.state,
        "purpose": perk.purpose,
        "images": image_lines(perk),
        "version": version.number,
        "pending_version": pending.number if pending and perk.in_force else None,
        "pending": {
            "terms": pending.terms,
            "fair_terms": pending.fair_terms,
            "tiers": pending.tiers,
            "language": pending.language,
            "translations": pending.translations,
            "deposit": pending.deposit,
        }
        if pending and perk.in_force
        else None,
        "refusal": perk.refusal or None,
        "held": perk.hold_reason or None,
        "counts": {
            "reserved": counted[Redemption.State.RESERVED],
            "redeemed": counted[Redemption.State.REDEEMED],
            "remaining": remaining(perk),
        },
        "published_at": instant(perk.published_at),
    }


def _counts(perks: Sequence[Perk]) -> dict[UUID, Counter[str]]:
    counted: dict[UUID, Counter[str]] = {perk.pk: Counter() for perk in perks}
    rows = Redemption.objects.filter(
        perk__in=perks, state__in=[Redemption.State.RESERVED, Redemption.State.REDEEMED]
    ).values_list("perk_id", "state")
    for perk_id, state, number in rows.annotate(number=Count("pk")).order_by():
        counted[perk_id][state] = number
    return counted


def redemption_rows(redemptions: Sequence[Redemption], *, now: datetime) -> list[dict[str, Any]]:
    """A merchant's redemptions: a first name appears once a scan of theirs was accepted."""
    scanned = set(
        Scan.objects.filter(redemption__in=redemptions, outcome=Outcome.ACCEPTED).values_list(
            "redemption_id", flat=True
        )
    )
    return [_redemption_row(redemption, redemption.pk in scanned, now) for redemption in redemptions]


def redemption_detail(redemption: Redemption, *, now: datetime) -> dict[str, Any]:
    """One redemption with its scans, newest first, and until when the last one can be undone."""
    scans = list(
        redemption.scans.select_related("redemption__version", "redemption__perk", "redemption__citizen").order_by(
            "-id"
        )
    )
    standing = next((one for one in scans if one.outcome == Outcome.ACCEPTED and one.undone_at is None), None)
    undo_until = standing.received_at + UNDO_TIME if standing else None
    return redemption_rows([redemption], now=now)[0] | {
        "terms": redemption.version.terms,
        "scans": [scan_row(scan) for scan in scans],
        "undo_until": instant(undo_until) if undo_until and now < undo_until else None,
        "gift_card": None,
        **rules_of(redemption.perk.kind).for_team(redemption, now=now),
    }


def with_what_rows_show(redemptions: Any) -> Any:
    return redemptions.select_related("version", "perk", "branch", "citizen", "gift_card")


def _redemption_row(redemption: Redemption, was_scanned: bool, now: datetime) -> dict[str, Any]:
    used = redemption.state in (Redemption.State.REDEEMED, Redemption.State.REVERSED)
    branch = redemption.branch
    return {
        "id": redemption.public_id,
        "perk": redemption.perk.public_id,
        "title": redemption.version.title,
        "version": redemption.version.number,
        "benefit": redemption.offered_benefit,
        "state": state_at(redemption, now),
        "first_name": redemption.citizen.first_name if redemption.citizen and was_scanned else None,
        "branch": {"id": branch.public_id, "name": branch.name} if branch else None,
        "date": redemption.date.isoformat() if redemption.date else None,
        "booking_reference": redemption.booking_reference or None,
        "reserved_at": instant(redemption.taken_at),
        "expires_at": instant(redemption.expires_at),
        "redeemed_at": instant(redemption.closed_at) if used else None,
        "reason": redemption.reversal_reason or None,
    }


def scan_answer(scan: Scan) -> dict[str, Any]:
    """What the desk is told after a scan. Another merchant's code is answered like one that does not exist."""
    stranger = scan.outcome == Outcome.WRONG_MERCHANT
    return {
        "id": scan.public_id,
        "outcome": Outcome.UNKNOWN_CODE if stranger else scan.outcome,
        "typed": scan.typed,
        "redemption": told(scan),
        "gift_card": None,
        "deposit": None,
        "detail": scan.detail.get("text") or None,
        **(rules_of(scan.redemption.perk.kind).for_desk(scan) if scan.redemption else {}),
    }


def scan_row(scan: Scan) -> dict[str, Any]:
    """A scan in a list: what was told, when and how."""
    redemption = scan.redemption
    named = redemption is not None and scan.outcome in NAMING and redemption.citizen is not None
    return {
        "id": scan.public_id,
        "at": instant(scan.scanned_at),
        "outcome": Outcome.UNKNOWN_CODE if scan.outcome == Outcome.WRONG_MERCHANT else scan.outcome,
        "typed": scan.typed,
        "undone_at": instant(scan.undone_at),
        "redemption": {
            "id": redemption.public_id,
            "title": redemption.version.title,
            "first_name": redemption.citizen.first_name if named and redemption.citizen else None,
        }
        if redemption is not None
        else None,
    }


def member_lines(team: Iterable[Member | Invitation], reader: Citizen) -> list[dict[str, Any]]:
    """A team: who belongs to it, and who has been invited."""
    return [invitation_line(one) if isinstance(one, Invitation) else _member_line(one, reader) for one in team]


def _member_line(member: Member, reader: Citizen) -> dict[str, Any]:
    return {
        "id": member.public_id,
        "email": member.citizen.email,
        "first_name": member.citizen.first_name or None,
        "role": member.role,
        "state": "active",
        "is_you": member.citizen_id == reader.pk,
        "since": instant(member.since),
        "expires_at": None,
    }


def invitation_line(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.public_id,
        "email": invitation.email,
        "first_name": None,
        "role": invitation.role,
        "state": "invited",
        "is_you": False,
        "since": instant(invitation.made_at),
        "expires_at": instant(invitation.expires_at),
    }


def client_line(client: MerchantClient) -> dict[str, Any]:
    """One of a merchant's clients, without its secret."""
    application = client.application
    return {
        "id": client.public_id,
        "name": client.name,
        "client_id": application.client_id,
        "kind": "app" if application.is_app else "server",
        "state": "suspended" if application.suspended else application.review,
        "refusal": application.refusal or None,
        "scopes": application.allowed_scopes,
        "redirect_uris": application.redirect_uris.split(),
        "privacy_url": application.privacy_url or None,
        "terms_url": application.terms_url or None,
        "created_at": instant(client.made_at),
    }
