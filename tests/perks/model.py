"""What taking and showing perks means, in memory and one step after the other: what the real thing is held against.

Written from the words of the product (states, limits, release policies, the ten minutes of an undo), with no database
and no guard: whoever is alone needs none. `tests/races/legal_orders.py` asks it whether an order of calls explains what
was answered; `tests/perks/api/test_any_order.py` follows it step by step.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

UNDO_TIME = timedelta(minutes=10)
MOST_OPEN, MOST_OPEN_AT_ONE_MERCHANT = 5, 2


@dataclass
class Offer:
    """A perk as its merchant made it, and what is counted of it."""

    stock: int | None = None
    budget: int | None = None
    cost: int = 0
    per_citizen: int | None = 1
    per_citizen_day: int | None = None
    per_day: int | None = None
    hold: timedelta = timedelta(days=1)
    on_cancel: str = "all"
    on_expiry: str = "all"
    on_reversal: str = "nothing"
    zone: str = "Europe/Lisbon"
    is_paused: bool = False
    taken: int = 0
    spent: int = 0
    days: dict[Any, int] = field(default_factory=dict)

    def day(self, instant: datetime) -> Any:
        return instant.astimezone(ZoneInfo(self.zone)).date()


@dataclass
class Held:
    """One taking of an offer."""

    person: str | None
    offer: str
    taken_at: datetime
    expires_at: datetime
    state: str = "reserved"
    in_stock: bool = True
    in_limits: bool = True
    scanned_at: datetime | None = None
    till: str | None = None
    forgets: bool = False


@dataclass
class Town:
    """Offers of one merchant, the people who take them, and what they hold; each method is one call and its answer."""

    offers: dict[str, Offer]
    people: dict[str, str]  # active, paused, gone
    held: dict[str, Held] = field(default_factory=dict)
    wrong: dict[str, list[datetime]] = field(default_factory=dict)  # codes nobody knows, by till

    def copy(self) -> "Town":
        return deepcopy(self)

    # -- The citizen ------------------------------------------------------------------------------------------------

    def take(self, name: str, *, person: str, offer: str, now: datetime) -> str:
        """Reserve one under `name`: `reserved`, or the first refusal that holds."""
        perk = self.offers[offer]
        refusal = self.refusal(person, offer, now)
        if refusal:
            return refusal
        self.held[name] = Held(person, offer, now, now + perk.hold)
        perk.taken, perk.spent = perk.taken + 1, perk.spent + perk.cost
        if perk.per_day is not None:
            perk.days[perk.day(now)] = perk.days.get(perk.day(now), 0) + 1
        return "reserved"

    def refusal(self, person: str, offer: str, now: datetime) -> str | None:
        perk = self.offers[offer]
        if self.people[person] != "active":
            return {"gone": "not_enrolled", "paused": "enrolment_paused"}[self.people[person]]
        if perk.is_paused:
            return "paused"
        counting = [one for one in self.held.values() if (one.person, one.offer) == (person, offer) and one.in_limits]
        if perk.per_citizen is not None and len(counting) >= perk.per_citizen:
            return "citizen_limit_reached"
        today = [one for one in counting if perk.day(one.taken_at) == perk.day(now)]
        if perk.per_citizen_day is not None and len(today) >= perk.per_citizen_day:
            return "period_limit_reached"
        if perk.per_day is not None and perk.days.get(perk.day(now), 0) >= perk.per_day:
            return "daily_limit_reached"
        open_now = [
            one
            for one in self.held.values()
            if one.person == person and one.state == "reserved" and one.expires_at > now
        ]
        if len(open_now) >= min(MOST_OPEN, MOST_OPEN_AT_ONE_MERCHANT):
            return "too_many_reservations"
        if perk.budget is not None and perk.spent + perk.cost > perk.budget:
            return "budget_spent"
        return "sold_out" if perk.stock is not None and perk.taken >= perk.stock else None

    def cancel(self, name: str, *, now: datetime) -> str:
        one = self.held[name]
        if one.state != "reserved" or one.expires_at <= now:
            return "wrong_state"
        self._close(one, "cancelled", self.offers[one.offer].on_cancel)
        return "cancelled"

    def pause(self, person: str) -> str:
        if self.people[person] == "gone":
            return "not_enrolled"
        self.people[person] = "paused"
        return "paused"

    def resume(self, person: str) -> str:
        if self.people[person] == "gone":
            return "not_enrolled"
        self.people[person] = "active"
        return "active"

    def leave(self, person: str) -> str:
        """What is open is honoured and then forgets its citizen; what is closed forgets them at once."""
        was_here = self.people[person] != "gone"
        self.people[person] = "gone"
        for one in self.held.values():
            if was_here and one.person == person:
                if one.state == "reserved":
                    one.forgets = True
                else:
                    one.person = None
        return "gone"

    # -- The clock --------------------------------------------------------------------------------------------------

    def over(self, now: datetime) -> list[str]:
        """What the sweep would file, soonest over first."""
        found = [name for name, one in self.held.items() if one.state == "reserved" and one.expires_at <= now]
        return sorted(found, key=lambda name: self.held[name].expires_at)

    def expire(self, name: str) -> None:
        one = self.held[name]
        self._close(one, "expired", self.offers[one.offer].on_expiry)

    # -- The desk ---------------------------------------------------------------------------------------------------

    def is_locked(self, till: str, now: datetime) -> bool:
        """After five wrong codes in ten minutes a till reads passes only."""
        return len([at for at in self.wrong.get(till, []) if at > now - timedelta(minutes=10)]) >= 5

    def scan(self, name: str, *, till: str, now: datetime, scanned_at: datetime | None = None) -> str:
        one, at = self.held[name], scanned_at or now
        if one.state == "redeemed":
            is_conflict = scanned_at is not None and one.scanned_at is not None and at < one.scanned_at
            return "conflict" if is_conflict else "already_redeemed"
        if one.state in ("cancelled", "reversed"):
            return one.state
        if at >= one.expires_at or (one.state == "expired" and not self._take_again(one)):
            return "expired"
        one.state, one.in_stock, one.in_limits, one.scanned_at, one.till = "redeemed", True, True, now, till
        return "accepted"

    def reverse(self, name: str, *, now: datetime, reason: str = "", only_own_undo_of: str | None = None) -> str:
        """`reserved` within ten minutes of the scan, later `reversed`; or the code of the refusal."""
        one = self.held[name]
        if one.state != "redeemed" or one.scanned_at is None:
            return "wrong_state"
        if now < one.scanned_at + UNDO_TIME:
            if only_own_undo_of is not None and one.till != only_own_undo_of:
                return "role_required"
            one.state, one.scanned_at, one.till = "reserved", None, None
            return "reserved"
        if only_own_undo_of is not None:
            return "role_required"
        if not reason:
            return "invalid_input"
        self._close(one, "reversed", self.offers[one.offer].on_reversal)
        return "reversed"

    # -- Giving back ------------------------------------------------------------------------------------------------

    def _close(self, one: Held, state: str, policy: str) -> None:
        one.state, one.in_stock, one.in_limits = state, policy == "nothing", policy != "all"
        perk = self.offers[one.offer]
        if policy != "nothing":
            perk.taken -= 1
            if perk.days.get(perk.day(one.taken_at)):
                perk.days[perk.day(one.taken_at)] -= 1
        if policy == "all":
            perk.spent -= perk.cost

    def _take_again(self, one: Held) -> bool:
        """A scan made in time and uploaded late takes back what the expiry had returned, while it is there."""
        perk = self.offers[one.offer]
        cost = 0 if one.in_limits else perk.cost
        if one.in_stock and not cost:
            return True
        if perk.stock is not None and perk.taken >= perk.stock:
            return False
        if perk.budget is not None and perk.spent + cost > perk.budget:
            return False
        perk.taken, perk.spent = perk.taken + 1, perk.spent + cost
        if perk.day(one.taken_at) in perk.days:
            perk.days[perk.day(one.taken_at)] += 1
        return True
