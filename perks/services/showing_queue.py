"""What waits for an operator: merchants and apps, perks in review and their changes, and pictures of live perks."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Max, Prefetch, Q
from django.db.models.query import QuerySet

from citizen_app.models import AuditEvent, Citizen, OAuthApplication
from perks import standing, states
from perks.likeness import KnownNames, warnings_of
from perks.models import Branch, Enterprise, Member, Merchant, MerchantClient, Perk, PerkImage, Register, RegistryNumber
from perks.services.images import image_line
from perks.services.perk_body import body_of
from perks.services.showing_merchants import client_line
from perks.services.showing_perks import branch_line, instant

MOST_SHOWN = 50
_OF_A_VERSION = ("title", "description", "language", "tiers", "terms", "fair_terms", "translations", "deposit")
_STANDING = (Perk.State.APPROVED, Perk.State.PUBLISHED, Perk.State.PAUSED)


def waiting_merchants() -> QuerySet[Merchant]:
    return Merchant.objects.filter(state=Merchant.State.PENDING)


def waiting_perks() -> QuerySet[Perk]:
    """Perks in review, and offered ones whose next version waits."""
    return Perk.objects.filter(Q(state=Perk.State.REVIEW) | Q(state__in=_STANDING, pending__isnull=False))


def waiting_images() -> QuerySet[PerkImage]:
    """Pictures of perks on offer that no operator has looked at, but for those seen with a change that waits."""
    return PerkImage.objects.filter(looked_at=None, perk__state__in=states.ON_OFFER, perk__pending=None)


def waiting_apps() -> QuerySet[MerchantClient]:
    """Apps that nobody can connect before an operator has looked at them."""
    return MerchantClient.objects.filter(application__review=OAuthApplication.Review.PENDING)


def waiting_count() -> int:
    """How many decisions wait."""
    return waiting_merchants().count() + waiting_perks().count() + waiting_images().count() + waiting_apps().count()


def merchant_queue() -> list[dict[str, Any]]:
    """The merchants that applied, the longest waiting first, each with who applied, where, and what is odd about it."""
    owners = Member.objects.filter(role=Member.Role.OWNER).select_related("citizen").order_by("id")
    rows = waiting_merchants().prefetch_related(
        Prefetch("members", queryset=owners, to_attr="owners"),
        Prefetch("branches", queryset=Branch.objects.filter(closed_at=None).order_by("pk"), to_attr="open_branches"),
        Prefetch("registry_numbers", queryset=RegistryNumber.objects.order_by("pk")),
    )
    waiting = list(rows.order_by("applied_at", "pk")[:MOST_SHOWN])
    if not waiting:
        return []
    let_in = Merchant.objects.filter(state__in=[Merchant.State.ACTIVE, Merchant.State.SUSPENDED])
    known = KnownNames(let_in.values_list("name", flat=True))
    registers = _Registers([stated for merchant in waiting for stated in merchant.registry_numbers.all()])
    return [_merchant_row(merchant, known, registers) for merchant in waiting]


def perk_queue() -> list[dict[str, Any]]:
    """The perks and changes sent for review, the longest waiting first, each beside what is in force."""
    waiting = waiting_perks().select_related("merchant", "pending", "in_force").order_by("pending__made_at", "pk")
    perks = list(waiting.prefetch_related("categories", "branches", "images")[:MOST_SHOWN])
    sent_at = _sent_at(perks)
    return [_perk_row(perk, sent_at.get(perk.public_id)) for perk in perks]


def numbers_of(merchant: Merchant) -> list[dict[str, Any]]:
    """The registry numbers a merchant has stated, whose registers they are, and whom each register knows by them."""
    stated = list(merchant.registry_numbers.order_by("pk"))
    registers = _Registers(stated)
    return [registers.line(one, merchant.name) for one in stated]


class _Registers:
    """What is known under the numbers that merchants stated: two queries for any number of them."""

    def __init__(self, stated: Sequence[RegistryNumber]) -> None:
        self._authorities = dict(Register.objects.values_list("code", "authority"))
        known = Enterprise.objects.filter(
            register__code__in={one.register for one in stated}, number__in={one.number for one in stated}
        )
        self._enterprises = {(one.register.code, one.number): one for one in known.select_related("register")}

    def line(self, stated: RegistryNumber, name: str) -> dict[str, Any]:
        """One number of a merchant called `name`; `reads_alike` is whether the register's name does. None: no entry."""
        enterprise = self._enterprises.get((stated.register, stated.number))
        return {
            "id": stated.public_id,
            "number": stated.number,
            "authority": self._authorities.get(stated.register) or "register of companies",
            "confirmed": stated.confirmed_at is not None,
            "is_register_here": stated.register in self._authorities,
            "enterprise": enterprise
            and {
                "id": enterprise.public_id,
                "name": enterprise.name,
                "address": ", ".join(filter(None, (enterprise.address, enterprise.city))),
                "standing": standing.combine([enterprise.summary]),
                "reads_alike": bool(KnownNames([enterprise.name]).like(name)),
            },
        }


def app_queue() -> list[dict[str, Any]]:
    """The apps that wait, the longest waiting first, each with its merchant and where its answers would go."""
    apps = waiting_apps().select_related("merchant", "application").order_by("made_at", "pk")[:MOST_SHOWN]
    return [client_line(app) | {"merchant": {"name": app.merchant.name, "state": app.merchant.state}} for app in apps]


def image_queue() -> list[dict[str, Any]]:
    """The pictures added to perks on offer, the longest waiting first: they show already, and can be taken down."""
    images = waiting_images().select_related("perk__merchant", "perk__in_force").order_by("added_at", "pk")
    return [
        image_line(image)
        | {
            "alone": [image_line(image)],
            "perk": {"id": image.perk.public_id, "title": image.perk.version_in_force.title},
            "merchant": {"name": image.perk.merchant.name},
            "added_at": instant(image.added_at),
        }
        for image in images[:MOST_SHOWN]
    ]


def _merchant_row(merchant: Merchant, known: KnownNames, registers: _Registers) -> dict[str, Any]:
    owners: list[Member] = merchant.owners  # type: ignore[attr-defined]  # (prefetched)
    applicant: Citizen | None = owners[0].citizen if owners else None
    return {
        "id": merchant.public_id,
        "name": merchant.name,
        "sector": merchant.sector,
        "country": merchant.country,
        "website": merchant.website or None,
        "contact_person": merchant.contact_person or None,
        "numbers": [registers.line(stated, merchant.name) for stated in merchant.registry_numbers.all()],
        "branches": [branch_line(branch) for branch in merchant.open_branches],  # type: ignore[attr-defined]
        "warnings": [{"why": one.why, "name": one.name} for one in warnings_of(merchant.name, known)],
        "applied_at": instant(merchant.applied_at),
        "applicant": {"email": applicant.email, "first_name": applicant.first_name} if applicant else None,
    }


def _perk_row(perk: Perk, sent_at: Any) -> dict[str, Any]:
    asked, before = perk.pending, perk.in_force
    assert asked is not None  # noqa: S101  (what waits has a version that waits)
    return {
        "id": perk.public_id,
        "revision": perk.revision,
        "purpose": perk.purpose,
        # The whole of it, as it would stand: what binds, and where, when and how many.
        **body_of(perk, asked),
        "branches": [branch.name for branch in perk.branches.all()],
        "images": [
            image_line(image) | {"is_new": image.looked_at is None}
            for image in sorted(perk.images.all(), key=lambda image: image.position)
        ],
        "version": asked.number,
        "merchant": {"id": perk.merchant.public_id, "name": perk.merchant.name, "state": perk.merchant.state},
        "submitted_at": instant(sent_at),
        "changed": before is not None,
        "before": {name: getattr(before, name) for name in _OF_A_VERSION} if before else None,
        "changes": [name for name in _OF_A_VERSION if getattr(before, name) != getattr(asked, name)] if before else [],
    }


def _sent_at(perks: list[Perk]) -> dict[str, Any]:
    """When each was handed over, or last changed: it is on record."""
    handed = AuditEvent.objects.filter(
        object__in=[perk.public_id for perk in perks], action__in=["perk.submit", "perk.edit"]
    )
    return dict(handed.values_list("object").annotate(last=Max("at")).order_by())
