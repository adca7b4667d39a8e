"""What each kind of perk means beyond reserving one, found here by whoever takes, shows, scans or closes a redemption.

A discount is the plain kind: `KindRules` but for the merchant's own code it may give (`outside_codes`). Every other
kind is a subclass that its own module registers (`priority` here; cards, deposits and boosts beside their models), so
that redemptions and scans never name them.
Each hook runs inside the transaction of its caller, before the perk's stock is touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Any, Final

from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.outbox import enqueue
from perks import hours
from perks.models import Branch, Perk, PerkVersion, Redemption, Scan
from perks.services.desk import UNDO_TIME, Desk, Verdict
from perks.tiers import Tier

FURTHEST_DATE: Final = timedelta(days=366)
BOOKING_KEPT: Final = "booking.kept"
RENTAL_OVER: Final = "rental.over"
OUTCOME_TAKEN_BACK: Final = "outcome.taken_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a citizen says when they take; which of it a perk wants is its kind's to say (`KindRules.check`)."""

    date: Date | None = None  # local, at the branch
    until: Date | None = None  # local, at the branch, inclusive
    branch: Branch | None = None
    vehicle_class: str = ""  # `class`
    booking_reference: str = ""

    def named(self) -> dict[str, Any]:
        """What was said, by the names of the contract."""
        said = {
            "date": self.date,
            "until": self.until,
            "branch": self.branch,
            "class": self.vehicle_class,
            "booking_reference": self.booking_reference,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingBack:
    """Who takes a scan back, and which: `scan` is its public id where it was named."""

    by: Citizen | OAuthApplication
    only_own: bool = False  # a cashier's: their own scans, within the time for an undo
    scan: str = ""


class KindRules:
    """The rules of a discount: one is held for its minutes, shown at the desk and redeemed by one scan."""

    is_redeemed_when_taken = False
    """Taken is used: there is no reservation (gift cards, boosts)."""
    is_redeemed_by_scan = True
    """An accepted scan redeems it, once; where False, what a scan does is `accepted`'s alone (gift cards)."""

    def check(self, perk: Perk, asked: Asked) -> Iterator[FieldError]:
        """What is wrong with what was said when taking."""
        for name in asked.named():
            yield FieldError(f"/{name}", "invalid", "Only priority is taken for a date.")

    def may_publish(self, perk: Perk, *, offered: Sequence[Tier], deposit: dict[str, Any] | None) -> None:
        """Raise what keeps these tiers and deposit terms from being on offer."""

    def benefit_of(self, version: PerkVersion, benefit: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """What a taker has of a tier, as it is frozen; its money is what a budget pays (`tiers.cost_of`)."""
        return dict(benefit)

    def expires_at(
        self, perk: Perk, benefit: dict[str, Any], asked: Asked, *, now: datetime, outlives_perk: bool
    ) -> datetime:
        """When it is over: after the hold's minutes, or with the perk's validity (which a make-good may outlive)."""
        held_until = now + timedelta(minutes=perk.hold_minutes)
        ends = None if outlives_perk else perk.valid_until_at
        return held_until if ends is None else min(held_until, ends)

    def taken(self, redemption: Redemption, asked: Asked, *, now: datetime) -> None:
        """The redemption was just written."""

    def does_more_when_taken(self, perk: Perk) -> bool:
        """Whether `taken` has anything to do; where it has not, the redemption is written with what comes after it."""
        return type(self).taken is not KindRules.taken

    def moved(self, redemption: Redemption, action: str, *, now: datetime) -> None:
        """It was moved by `cancel`, `expire`, `redeem`, `undo` or `reverse`, and reads so already."""

    def is_shown(self, redemption: Redemption, *, now: datetime) -> bool:
        """Whether its citizen has a code, a pass and a picture to show now."""
        is_open = redemption.state == Redemption.State.RESERVED and now < redemption.expires_at
        return is_open and redemption.pending_until is None

    def for_citizen(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        """Members its citizen reads beside those of every redemption (`deposit`, `gift_card`, …)."""
        return {}

    def judge(self, redemption: Redemption, desk: Desk) -> Verdict | None:
        """What a scan comes to, the pass's digits being right; None is the judging of every reservation."""
        return None

    def accepted(self, redemption: Redemption, desk: Desk, scan: Scan) -> None:
        """A scan was accepted and recorded."""

    def take_back(self, redemption: Redemption, back: TakingBack, *, now: datetime) -> bool:
        """Take a scan back in this kind's own way, or refuse to; False leaves it to what holds for every kind."""
        return False

    def for_team(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        """Members its merchant reads beside those of every redemption (`gift_card`)."""
        return {}

    def for_desk(self, scan: Scan) -> dict[str, Any]:
        """Members the desk reads beside those of every scan (`gift_card`, `deposit`)."""
        return {}


class PriorityRules(KindRules):
    """Priority is for one day at one branch, and over with that day."""

    def check(self, perk: Perk, asked: Asked) -> Iterator[FieldError]:
        yield from self.needed(asked, date="For which day, at the branch.", branch="At which branch.")
        for name in asked.named():
            if name not in ("date", "branch", "booking_reference"):
                yield FieldError(f"/{name}", "invalid", "Priority is taken for one day.")
        if asked.branch is not None and not is_at(perk, asked.branch):
            yield FieldError("/branch", "invalid", "This perk is not given at that branch.")

    def expires_at(
        self, perk: Perk, benefit: dict[str, Any], asked: Asked, *, now: datetime, outlives_perk: bool
    ) -> datetime:
        if asked.date is None or asked.branch is None:
            raise LookupError("It was not checked.")
        return day_end_for(perk, asked.date, asked.branch, now=now, outlives_perk=outlives_perk)

    def moved(self, redemption: Redemption, action: str, *, now: datetime) -> None:
        """A booking that was kept may become a record of its citizen, once the scan can no longer be undone."""
        if action == "redeem":
            enqueue(BOOKING_KEPT, due_at=now + UNDO_TIME, redemption=redemption.public_id)
        elif action == "reverse":
            enqueue(OUTCOME_TAKEN_BACK, redemption=redemption.public_id)

    @staticmethod
    def needed(asked: Asked, **sentences: str) -> Iterator[FieldError]:
        """What was left out of what this kind needs."""
        said = asked.named()
        for name, sentence in sentences.items():
            if name not in said:
                yield FieldError(f"/{name}", "required", sentence)


_RULES: dict[str, KindRules] = {}


def register(kind: str, rules: KindRules) -> None:
    """Say how a kind of perk works; once, where its module is imported."""
    if kind in _RULES:
        raise LookupError(f"{kind} has its rules already.")
    _RULES[kind] = rules


def rules_of(kind: str) -> KindRules:
    """The rules of a kind."""
    return _RULES[kind]


register(Perk.Kind.PRIORITY, PriorityRules())


def check_asked(perk: Perk, asked: Asked) -> None:
    """Refuse (`InvalidInput`) what does not fit the perk's kind."""
    if wrong := list(rules_of(perk.kind).check(perk, asked)):
        raise InvalidInput(*wrong)


def is_at(perk: Perk, branch: Branch) -> bool:
    """Whether a perk is given at a branch."""
    if branch.merchant_id != perk.merchant_id or branch.closed_at is not None:
        return False
    named = set(perk.branches.values_list("pk", flat=True))
    return not named or branch.pk in named


def day_end_for(
    perk: Perk, date: Date, branch: Branch, *, now: datetime, outlives_perk: bool = False, name: str = "date"
) -> datetime:
    """The end of a local day at a branch, or of the perk's validity within it; `InvalidInput` for one outside it."""
    begins, ends = (None, None) if outlives_perk else (perk.valid_from_at, perk.valid_until_at)
    if not hours.FIRST_YEAR <= date.year <= hours.LAST_YEAR:
        raise outside("Such a date is not on the calendar here.", name)
    start, end = hours.day_start(date, branch.zone), hours.day_end(date, branch.zone)
    if end <= now:
        raise outside("That day is over at the branch.", name)
    if start > now + FURTHEST_DATE:
        raise outside(f"At most {FURTHEST_DATE.days} days ahead.", name)
    if (begins is not None and end <= begins) or (ends is not None and start >= ends):
        raise outside("The perk is not valid on that day.", name)
    return end if ends is None else min(end, ends)


def outside(sentence: str, name: str = "date") -> InvalidInput:
    return InvalidInput(FieldError(f"/{name}", "out_of_range", sentence))
