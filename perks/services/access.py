"""Who may do what for a merchant: one table, for people by their role and for servers by their scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from citizen_app.accounts.operators import RoleRequired
from citizen_app.audit import actor_of
from citizen_app.errors import NotFound, WrongCaller
from citizen_app.models import Citizen, OAuthApplication
from perks.errors import WhichMerchant
from perks.models import Member, Merchant, MerchantClient, Redemption

CASHIER, MANAGER, OWNER = Member.Role.CASHIER, Member.Role.MANAGER, Member.Role.OWNER
SCAN, PERKS = "merchant:scan", "merchant:perks"
_RANK: Final = {CASHIER: 0, MANAGER: 1, OWNER: 2}


class NoTeam(WrongCaller):
    title = "You act for no merchant."
    remedy = "Apply with `POST /api/v1/merchants`, or accept an invitation to a team."


@dataclass(frozen=True, slots=True)
class Need:
    """The least role a person needs, and the scopes of which a server needs one (none: no server may)."""

    role: str
    scopes: frozenset[str] = frozenset()


NEEDS: Final[Mapping[str, Need]] = MappingProxyType(
    {
        "scan": Need(CASHIER, frozenset({SCAN})),
        "read redemptions": Need(CASHIER, frozenset({SCAN, PERKS})),
        "take back": Need(CASHIER, frozenset({SCAN})),
        "perks": Need(MANAGER, frozenset({PERKS})),
        "branches": Need(MANAGER),
        "team": Need(OWNER),
        "clients": Need(OWNER),
    }
)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody or something at work for one merchant."""

    merchant: Merchant
    by: Citizen | OAuthApplication
    role: str | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def person(self) -> Citizen:
        """The person at work; only where no server may be (`Need.scopes` is empty)."""
        if not isinstance(self.by, Citizen):
            raise NotFound
        return self.by

    @property
    def sees_only_own_scans(self) -> bool:
        """Cashiers, and servers that only scan, see the redemptions they scanned themselves."""
        return self.role == CASHIER if self.role else PERKS not in self.scopes

    @property
    def only_undoes_own(self) -> bool:
        """Cashiers take back their own scans within the ten minutes; managers, and servers that scan, reverse too."""
        return self.role == CASHIER

    def redemptions(self) -> Any:
        """The merchant's redemptions that these eyes may see."""
        own = Redemption.objects.filter(merchant=self.merchant)
        if not self.sees_only_own_scans:
            return own
        return own.filter(pk__in=self.merchant.scans.filter(till=actor_of(self.by)).values("redemption_id"))


def acting_person(*, citizen: Citizen, action: str, merchant_id: str | None = None) -> Acting:
    """Return the person at work for the merchant they name, or for their only one.

    Raises `NotFound` for a merchant they don't act for, `WhichMerchant`, `NoTeam`, and `RoleRequired` where their role
    does not include the action (`NEEDS`).
    """
    seats = list(Member.objects.filter(citizen=citizen).select_related("merchant").order_by("merchant_id"))
    if merchant_id is not None:
        seats = [seat for seat in seats if seat.merchant.public_id == merchant_id]
        if not seats:
            raise NotFound
    if not seats:
        raise NoTeam
    if len(seats) > 1:
        raise WhichMerchant(merchants=[{"id": one.merchant.public_id, "name": one.merchant.name} for one in seats])
    seat = seats[0]
    if not may(seat.role, action):
        raise RoleRequired(f"This needs the role {NEEDS[action].role} or a higher one; yours is {seat.role}.")
    return Acting(seat.merchant, citizen, role=seat.role)


def acting_server(
    *, application: OAuthApplication, scopes: frozenset[str], action: str, merchant_id: str | None = None
) -> Acting | None:
    """Return the server at work for its merchant; None where it is none of a merchant's, or lacks the scope."""
    if not scopes & NEEDS[action].scopes:
        return None
    client = MerchantClient.objects.select_related("merchant").filter(application=application).first()
    if client is None:
        return None
    if merchant_id is not None and client.merchant.public_id != merchant_id:
        raise NotFound
    return Acting(client.merchant, application, scopes=scopes)


def may(role: str, action: str) -> bool:
    """Whether a role includes an action, for pages that show only what can be done."""
    return _RANK[Member.Role(role)] >= _RANK[Member.Role(NEEDS[action].role)]
