"""Merchants and the register of enterprises: which numbers a merchant has stated, and the standing that follows."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from citizen_app import audit
from citizen_app.db import violated
from citizen_app.models import Citizen
from perks import standing
from perks.errors import RegistryNumberTaken, StandingSuspended, UnknownRegister
from perks.models import Enterprise, Merchant, Register, RegistryNumber
from perks.services.telling import tell_standing


@transaction.atomic
def state_number(
    *, merchant: Merchant, number: str, register: str = "", by: Citizen | None, now: datetime | None = None
) -> RegistryNumber:
    """Say under which number a register knows a merchant; it links them once an operator has confirmed it."""
    if register and not Register.objects.filter(code=register).exists():
        raise UnknownRegister
    stated, is_new = RegistryNumber.objects.get_or_create(
        merchant=merchant, register=register, number=number, defaults={"stated_at": now or timezone.now()}
    )
    if is_new:
        audit.record(by=by, action="merchant.registry_number", on=merchant.public_id, register=register, number=number)
    return stated


@transaction.atomic
def confirm_numbers(*, merchant: Merchant, by: Citizen | None, now: datetime | None = None) -> None:
    """Take a merchant's stated numbers as true, and its standing from what authorities recorded under them.

    Raises `RegistryNumberTaken` where another merchant's is confirmed under the same number.
    """
    now = now or timezone.now()
    for stated in RegistryNumber.objects.filter(merchant=merchant, confirmed_at=None).order_by("pk"):
        try:
            with transaction.atomic():
                RegistryNumber.objects.filter(pk=stated.pk).update(confirmed_at=now, confirmed_by=by)
        except IntegrityError as error:
            if violated(error) != "registry_number_of_one_merchant":
                raise
            raise RegistryNumberTaken(f"{stated.number} is another merchant's.", number=stated.number) from error
        audit.record(by=by, action="merchant.number_confirmed", on=merchant.public_id, number=stated.number)
    refresh_standing(merchant, now=now)


@transaction.atomic
def state_and_confirm(
    *, merchant: Merchant, number: str, register: str, by: Citizen, now: datetime | None = None
) -> None:
    """Link a merchant to a registered enterprise in an operator's name."""
    state_number(merchant=merchant, number=number, register=register, by=by, now=now)
    confirm_numbers(merchant=merchant, by=by, now=now)


@transaction.atomic
def remove_number(*, stated: RegistryNumber, by: Citizen, now: datetime | None = None) -> None:
    """Take a wrong number from a merchant; the standing it lent goes with it."""
    stated.delete()
    audit.record(by=by, action="merchant.number_removed", on=stated.merchant.public_id, number=stated.number)
    refresh_standing(stated.merchant, now=now or timezone.now())


def release_numbers(merchant: Merchant) -> None:
    """A closed merchant's numbers are free for whoever runs the enterprise next."""
    RegistryNumber.objects.filter(merchant=merchant).update(confirmed_at=None, confirmed_by=None)


def enterprises_of(merchant: Merchant) -> list[Enterprise]:
    """The registered enterprises a merchant runs, as operators have confirmed."""
    stated = RegistryNumber.objects.filter(merchant=merchant, confirmed_at__isnull=False).exclude(register="")
    keys = set(stated.values_list("register", "number"))
    if not keys:
        return []
    found = Enterprise.objects.filter(
        register__code__in={register for register, _ in keys}, number__in={number for _, number in keys}
    )
    rows = found.select_related("register").order_by("name", "pk")
    return [one for one in rows if (one.register.code, one.number) in keys]


def refresh_standing(merchant: Merchant, *, now: datetime) -> bool:
    """Bring a merchant's standing in line with its enterprises'; True, and told, when it has changed."""
    held = Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    summary = standing.combine([one.summary for one in enterprises_of(held)])
    before = {**standing.NOTHING_KNOWN, **held.standing}
    if summary == before:
        return False
    held.standing, held.standing_state, held.sequence = summary, summary["state"], held.sequence + 1
    Merchant.objects.filter(pk=held.pk).update(
        standing=summary, standing_state=summary["state"], sequence=F("sequence") + 1
    )
    merchant.standing, merchant.standing_state, merchant.sequence = summary, summary["state"], held.sequence
    if {name: summary[name] for name in ("state", "badge")} != {name: before[name] for name in ("state", "badge")}:
        audit.record(by=None, action="merchant.standing", on=held.public_id, state=summary["state"])
        tell_standing(held, now=now)
    return True


def require_good_standing(merchant: Merchant) -> None:
    """Refuse to offer anything while an authority's grave penalty is not remedied."""
    if merchant.standing_state == standing.SUSPENDED:
        raise StandingSuspended


def merchants_of(enterprises: list[Any]) -> list[Merchant]:
    """The merchants that run any of these enterprises (fetched with their register)."""
    keys = {(one.register.code, one.number) for one in enterprises}
    stated = RegistryNumber.objects.filter(confirmed_at__isnull=False).exclude(register="").select_related("merchant")
    return list({one.merchant_id: one.merchant for one in stated if (one.register, one.number) in keys}.values())
