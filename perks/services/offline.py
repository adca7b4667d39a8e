"""What a till may accept while it cannot ask us, per perk; and what becomes of a scan it should not have accepted.

`accept`: any genuine pass. `arrivals_only`: one whose reservation is on the branch's arrivals list. `refuse`: none.
A late upload is judged by it: what a till must not have accepted is recorded as a `conflict`, redeems nothing and
charges nobody; its merchant sees it among the conflicts, with the till and the time.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from citizen_app.errors import FieldError
from perks import hours
from perks.models import Perk, Redemption, Scan
from perks.services import ramp
from perks.services.desk import Desk, Verdict

ACCEPT, ARRIVALS_ONLY, REFUSE = "accept", "arrivals_only", "refuse"
POLICIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        Perk.Kind.DISCOUNT: (ACCEPT, REFUSE),
        Perk.Kind.PRIORITY: (ACCEPT, ARRIVALS_ONLY, REFUSE),
        Perk.Kind.GIFT_CARD: (REFUSE,),
        Perk.Kind.DEPOSIT_WAIVER: (ARRIVALS_ONLY, REFUSE),
        Perk.Kind.VISIBILITY_BOOST: (REFUSE,),
    }
)
"""What a perk of each kind may say, its default first: a balance is never guessed, a list needs a date."""
ONLINE_WITHIN: Final = timedelta(seconds=60)
"""A scan that arrives within a minute was not made offline: a till may always send `scanned_at`."""
LIST_SPAN: Final = timedelta(hours=48)
"""How much of a branch's arrivals a till may hold."""


def default_policy(kind: str) -> str:
    """What a perk of this kind says about offline tills unless its merchant says otherwise."""
    return POLICIES[Perk.Kind(kind)][0]


def check_policy(kind: str | None, policy: Any) -> Iterator[FieldError]:
    """Yield what is wrong with a perk's `offline`."""
    if kind is None or kind not in POLICIES or policy is None:
        return
    allowed = POLICIES[Perk.Kind(kind)]
    if policy not in allowed:
        yield FieldError("/offline", "invalid", f"For this kind: {' or '.join(allowed)}.")


def against_policy(redemption: Redemption, desk: Desk) -> Verdict | None:
    """Say so where a late scan is one its perk let no offline till accept; None where nothing is against it.

    What is closed or over is judged as ever: nothing was left to accept.
    """
    if desk.now - desk.at <= ONLINE_WITHIN or _is_over(redemption, desk):
        return None
    policy = ramp.offline_policy(redemption.perk, desk.at)
    if policy == ACCEPT or (policy == ARRIVALS_ONLY and _was_listed(redemption, desk)):
        return None
    why = "It was not on the arrivals list" if policy == ARRIVALS_ONLY else "It is accepted online only"
    return Verdict(Scan.Outcome.CONFLICT, f"{why}: nothing was redeemed, and nobody is charged.")


def _is_over(redemption: Redemption, desk: Desk) -> bool:
    open_states = {Redemption.State.RESERVED, Redemption.State.EXPIRED}
    if redemption.perk.kind == Perk.Kind.GIFT_CARD:
        open_states.add(Redemption.State.REDEEMED)  # a card is chargeable from the moment it is taken
    return redemption.state not in open_states or desk.at >= redemption.expires_at


def _was_listed(redemption: Redemption, desk: Desk) -> bool:
    """Whether the till can have held it on its list when it was shown: of its branch, for these days, taken before."""
    if redemption.date is None or redemption.branch is None or desk.branch is None:
        return False
    starts = hours.day_start(redemption.date, redemption.branch.zone)
    return (
        redemption.branch.pk == desk.branch.pk
        and redemption.taken_at <= desk.at
        and starts - LIST_SPAN <= desk.at < redemption.expires_at
    )
