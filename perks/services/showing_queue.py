"""What waits for an operator: merchants that applied, perks in review, and changes of perks that are offered."""

from typing import Any

from django.db.models import Max, Prefetch, Q
from django.db.models.query import QuerySet

from citizen_app.models import AuditEvent, Citizen
from perks.models import Member, Merchant, Perk
from perks.services.showing_perks import instant

MOST_SHOWN = 50
_STANDING = (Perk.State.APPROVED, Perk.State.PUBLISHED, Perk.State.PAUSED)


def waiting_merchants() -> QuerySet[Merchant]:
    return Merchant.objects.filter(state=Merchant.State.PENDING)


def waiting_perks() -> QuerySet[Perk]:
    """Perks in review, and offered ones whose next version waits."""
    return Perk.objects.filter(Q(state=Perk.State.REVIEW) | Q(state__in=_STANDING, pending__isnull=False))


def waiting_count() -> int:
    """How many decisions wait."""
    return waiting_merchants().count() + waiting_perks().count()


def merchant_queue() -> list[dict[str, Any]]:
    """The merchants that applied, the longest waiting first, each with who applied."""
    owners = Member.objects.filter(role=Member.Role.OWNER).select_related("citizen").order_by("id")
    rows = waiting_merchants().prefetch_related(Prefetch("members", queryset=owners, to_attr="owners"))
    return [_merchant_row(merchant) for merchant in rows.order_by("applied_at", "pk")[:MOST_SHOWN]]


def perk_queue() -> list[dict[str, Any]]:
    """The perks and changes sent for review, the longest waiting first, each beside what is in force."""
    perks = list(waiting_perks().select_related("merchant", "pending", "in_force").order_by("pending__made_at", "pk"))
    perks = perks[:MOST_SHOWN]
    sent_at = _sent_at(perks)
    return [_perk_row(perk, sent_at.get(perk.public_id)) for perk in perks]


def _merchant_row(merchant: Merchant) -> dict[str, Any]:
    owners: list[Member] = merchant.owners  # type: ignore[attr-defined]  # (prefetched)
    applicant: Citizen | None = owners[0].citizen if owners else None
    return {
        "id": merchant.public_id,
        "name": merchant.name,
        "sector": merchant.sector,
        "country": merchant.country,
        "website": merchant.website or None,
        "applied_at": instant(merchant.applied_at),
        "applicant": {"email": applicant.email, "first_name": applicant.first_name} if applicant else None,
    }


def _perk_row(perk: Perk, sent_at: Any) -> dict[str, Any]:
    asked, before = perk.pending, perk.in_force
    assert asked is not None  # noqa: S101  (what waits has a version that waits)
    return {
        "id": perk.public_id,
        "revision": perk.revision,
        "kind": perk.kind,
        "purpose": perk.purpose,
        "title": asked.title,
        "description": asked.description,
        "terms": asked.terms,
        "fair_terms": asked.fair_terms,
        "tiers": asked.tiers,
        "version": asked.number,
        "merchant": {"id": perk.merchant.public_id, "name": perk.merchant.name, "state": perk.merchant.state},
        "submitted_at": instant(sent_at),
        "changed": before is not None,
        "before": {"terms": before.terms, "fair_terms": before.fair_terms, "tiers": before.tiers} if before else None,
    }


def _sent_at(perks: list[Perk]) -> dict[str, Any]:
    """When each was handed over, or last changed: it is on record."""
    handed = AuditEvent.objects.filter(
        object__in=[perk.public_id for perk in perks], action__in=["perk.submit", "perk.edit"]
    )
    return dict(handed.values_list("object").annotate(last=Max("at")).order_by())
