"""Who may do what for a merchant: one table, for people by their role and for servers by their scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from citizen_app.accounts.operators import RoleRequired, SecondFactorRequired
from citizen_app.audit import actor_of
from citizen_app.errors import NotFound, WrongCaller
from citizen_app.models import Citizen, OAuthApplication
from perks.errors import WhichMerchant
from perks.models import DepositAgreement, Member, Merchant, MerchantClient, Redemption, Till, TillShift

CASHIER, MANAGER, OWNER = Member.Role.CASHIER, Member.Role.MANAGER, Member.Role.OWNER
SCAN, PERKS = "merchant:scan", "merchant:perks"
TILL, SHIFT = "till", "shift"
_RANK: Final = {CASHIER: 0, MANAGER: 1, OWNER: 2}


class NoTeam(WrongCaller):
    title = "You act for no merchant."
    remedy = "Apply with `POST /api/v1/merchants`, or accept an invitation to a team."


class NobodyAtTheTill(WrongCaller):
    title = "Nobody is at work on this till."
    remedy = "Open a shift with a member's PIN (`POST /api/v1/devices/shift`) and send its token."


@dataclass(frozen=True, slots=True)
class Need:
    """The least role a person needs, and the scopes of which a server needs one (none: no server may).

    `till` is what a till needs: its own token, somebody's shift on it, or None where no till may at all. `factor`: an
    owner does it only in a session that showed a second factor, because what an owner's password opens is the
    merchant: who belongs to it, what calls for it, its money, and what it offers in public.
    """

    role: str
    scopes: frozenset[str] = frozenset()
    till: str | None = None
    factor: bool = False


NEEDS: Final[Mapping[str, Need]] = MappingProxyType(
    {
        "scan": Need(CASHIER, frozenset({SCAN}), till=SHIFT),
        "read redemptions": Need(CASHIER, frozenset({SCAN, PERKS}), till=SHIFT),
        "take back": Need(CASHIER, frozenset({SCAN}), till=SHIFT),
        "arrivals": Need(CASHIER, frozenset({SCAN}), till=TILL),
        "own pin": Need(CASHIER),
        "tills": Need(MANAGER, factor=True),
        "conflicts": Need(MANAGER),
        "refund": Need(MANAGER, frozenset({SCAN}), factor=True),
        "gift cards": Need(MANAGER, frozenset({PERKS})),
        "pick up and return": Need(CASHIER, frozenset({SCAN}), till=SHIFT),
        "read deposits": Need(CASHIER, frozenset({SCAN, PERKS}), till=SHIFT),
        "claim": Need(MANAGER),
        "refund deposits": Need(MANAGER, factor=True),
        "perks": Need(MANAGER, frozenset({PERKS})),
        "publish": Need(MANAGER, frozenset({PERKS}), factor=True),
        "code lists": Need(MANAGER, frozenset({PERKS})),
        "reports": Need(MANAGER, frozenset({PERKS})),
        "branches": Need(MANAGER),
        "webhooks": Need(MANAGER, factor=True),
        "team": Need(OWNER, factor=True),
        "clients": Need(OWNER, factor=True),
        "read billing": Need(OWNER),
        "billing": Need(OWNER, factor=True),
    }
)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody or something at work for one merchant."""

    merchant: Merchant
    by: Citizen | OAuthApplication
    role: str | None = None
    scopes: frozenset[str] = frozenset()
    till: Till | None = None
    shift: TillShift | None = None

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
        # A person's are theirs at whatever till.
        theirs = {"scanned_by": self.by} if isinstance(self.by, Citizen) else {"till": actor_of(self.by)}
        return own.filter(pk__in=self.merchant.scans.filter(**theirs).values("redemption_id"))

    def deposits(self) -> Any:
        """The merchant's deposit agreements that these eyes may see: at the desk what waits there, else all.

        A cashier hands over and takes back what others have handed over; what was never accepted is nobody's business.
        """
        own = DepositAgreement.objects.filter(merchant=self.merchant).exclude(accepted_at=None)
        if not self.sees_only_own_scans:
            return own
        return own.filter(state__in=DepositAgreement.AT_THE_DESK)


def acting_person(*, citizen: Citizen, action: str, second_factor: bool, merchant_id: str | None = None) -> Acting:
    """Return the person at work for the merchant they name, or for their only one.

    `second_factor` says whether their session showed one. Raises `NotFound` for a merchant they don't act for,
    `WhichMerchant`, `NoTeam`, `RoleRequired` where their role does not include the action (`NEEDS`), and
    `SecondFactorRequired` for an owner who has shown none where one is needed.
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
    if seat.role == OWNER and NEEDS[action].factor and not second_factor:
        raise SecondFactorRequired
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


def acting_till(*, till: Till, shift: TillShift | None, action: str, merchant_id: str | None = None) -> Acting | None:
    """Return the till at work, with the person whose shift it is; None where no till may, or not without a person.

    Whoever it is, on a till they are a cashier. Raises `NobodyAtTheTill` where a shift is needed.
    """
    need = NEEDS[action].till
    if need is None:
        return None
    if shift is None and need == SHIFT:
        raise NobodyAtTheTill
    if merchant_id is not None and till.merchant.public_id != merchant_id:
        raise NotFound
    # Nobody stands at a till alone; it only reads.
    by = cast(Citizen, shift.member.citizen if shift is not None else None)
    return Acting(till.merchant, by, role=CASHIER, till=till, shift=shift)


def may(role: str, action: str) -> bool:
    """Whether a role includes an action, for pages that show only what can be done."""
    return _RANK[Member.Role(role)] >= _RANK[Member.Role(NEEDS[action].role)]
