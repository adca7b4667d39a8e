"""What a deposit waiver means to whoever takes, shows, scans or closes its redemption: it makes an agreement."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.outbox import enqueue
from perks import deposits, hours
from perks.errors import PaymentsNotOnboarded
from perks.models import DepositAgreement, Perk, PerkVersion, Redemption, Scan
from perks.services.deposit_steps import State, agreement_of, move, state_at
from perks.services.desk import Desk, Verdict, out_of_place_or_hours, said
from perks.services.kinds import (
    FURTHEST_DATE,
    OUTCOME_TAKEN_BACK,
    Asked,
    KindRules,
    PriorityRules,
    day_end_for,
    is_at,
    outside,
    register,
)
from perks.services.payment_accounts import can_hold
from perks.services.perk_body import money
from perks.services.showing_deposits import deposit_of_redemption
from perks.services.telling import tell_deposit
from perks.tiers import Tier

_CLAIMED = (State.CLAIMED, State.CONTESTED, State.SETTLED)


class DepositRules(KindRules):
    """A waiver is for the days of one rental of one class at one branch; its agreement frames what may be charged."""

    def check(self, perk: Perk, asked: Asked) -> Iterator[FieldError]:
        yield from PriorityRules.needed(
            asked,
            date="The day of pick-up, at the branch.",
            until="The day of return, at the branch.",
            branch="At which branch.",
            **{"class": "Which class: a code of `deposit.classes`."},
        )
        if asked.branch is not None and not is_at(perk, asked.branch):
            yield FieldError("/branch", "invalid", "This perk is not given at that branch.")

    def may_publish(self, perk: Perk, *, offered: Sequence[Tier], deposit: dict[str, Any] | None) -> None:
        """What is left is held on the merchant's own account; without one, the whole deposit is waived or nothing."""
        if deposit is None:
            raise InvalidInput(FieldError("/deposit", "required", "Say which deposits are waived."))
        percents = [tier.benefit["waived_percent"] for tier in offered]
        if deposits.leaves_a_remainder(deposit, percents) and not can_hold(perk.merchant_id):
            raise PaymentsNotOnboarded

    def benefit_of(self, version: PerkVersion, benefit: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """With what is waived of this class: the budget pays it. A class that is none is refused when it is taken."""
        frozen = dict(benefit)
        if version.deposit is not None and any(
            row["code"] == asked.vehicle_class for row in version.deposit["classes"]
        ):
            terms = deposits.terms_for(version.deposit, asked.vehicle_class, benefit["waived_percent"])
            frozen["waived"] = money(terms.waived, terms.currency)
        return frozen

    def expires_at(
        self, perk: Perk, benefit: dict[str, Any], asked: Asked, *, now: datetime, outlives_perk: bool
    ) -> datetime:
        if asked.date is None or asked.branch is None:
            raise LookupError("It was not checked.")
        return day_end_for(perk, asked.date, asked.branch, now=now, outlives_perk=outlives_perk)

    def taken(self, redemption: Redemption, asked: Asked, *, now: datetime) -> None:
        """Freeze the terms, from the version that was taken and never from the till, and offer them."""
        branch, date, until = asked.branch, asked.date, asked.until
        if branch is None or date is None or until is None:
            raise LookupError("It was not checked.")
        promised = redemption.version.deposit
        if promised is None:
            raise LookupError("A waiver is published with its deposit terms.")
        if until < date:
            raise outside("The return is not before the pick-up.", "until")
        if (until - date).days > promised["max_days"]:
            raise outside(f"At most {promised['max_days']} days after the pick-up.", "until")
        if until.year > hours.LAST_YEAR or until > hours.local_day(now + 2 * FURTHEST_DATE, branch.zone):
            raise outside("Such a date is not on the calendar here.", "until")
        try:
            terms = deposits.terms_for(promised, asked.vehicle_class, redemption.benefit["waived_percent"])
        except KeyError:
            classes = ", ".join(row["code"] for row in promised["classes"])
            raise InvalidInput(FieldError("/class", "invalid", f"One of {classes}.")) from None
        agreement = DepositAgreement.objects.create(
            redemption=redemption,
            merchant_id=redemption.merchant_id,
            citizen_id=redemption.citizen_id,
            vehicle_class=terms.vehicle_class,
            until=until,
            zone=branch.zone,
            waived_percent=redemption.benefit["waived_percent"],
            currency=terms.currency,
            full_amount=terms.full,
            waived_amount=terms.waived,
            remainder_amount=terms.remainder,
            remainder_items=[{"code": one.code, "title": one.title, "amount": one.amount} for one in terms.items],
            claim_cap=terms.claim_cap,
            offered_at=now,
            due_at=redemption.expires_at,
        )
        tell_deposit(agreement, agreement.state, now=now)

    def moved(self, redemption: Redemption, action: str, *, now: datetime) -> None:
        """The agreement goes where its redemption goes; where it cannot, neither does."""
        agreement = agreement_of(redemption)
        match action:
            case "cancel":
                done = move(agreement, "cancel", now=now)
            case "expire":
                done = move(agreement, "expire", now=now)
            case "redeem":
                late = agreement.state == State.EXPIRED
                done = move(
                    agreement,
                    "pick_up_late" if late else "pick_up",
                    now=now,
                    picked_up_at=now,
                    ended_at=None,
                    due_at=hours.day_end(agreement.until, agreement.zone) + deposits.CLOSES_ITSELF_AFTER,
                )
            case "undo":
                done = move(agreement, "undo", now=now, picked_up_at=None, due_at=redemption.expires_at)
            case "reverse":
                if agreement.state in _CLAIMED:
                    raise WrongState("A damage claim was made: it is decided on, not reversed.")
                done = agreement.state == State.CLOSED or move(agreement, "close", now=now)
                enqueue(OUTCOME_TAKEN_BACK, redemption=redemption.public_id)
            case _:
                raise LookupError(f"A redemption has no step {action!r}.")
        if not done:
            raise WrongState(f"Its agreement is {state_at(agreement_of(redemption), now)}.")

    def for_citizen(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        return {"deposit": deposit_of_redemption(redemption, now=now)}

    def judge(self, redemption: Redemption, desk: Desk) -> Verdict | None:
        """Nothing leaves the yard before its citizen has accepted the terms, or when a hold has run out."""
        if redemption.state == Redemption.State.REDEEMED:
            return self._used_before(redemption, desk)
        if redemption.state not in (Redemption.State.RESERVED, Redemption.State.EXPIRED):
            return None
        if desk.at >= redemption.expires_at or out_of_place_or_hours(redemption, desk) is not None:
            return None
        agreement = agreement_of(redemption)
        if redemption.pending_until is not None:
            return Verdict(Scan.Outcome.NOT_ACCEPTED, "It is not theirs yet.")
        if agreement.accepted_at is None:
            return Verdict(Scan.Outcome.NOT_ACCEPTED, "Its terms are not accepted yet: ask them to, on their phone.")
        if agreement.remainder_amount and agreement.hold_expires_at is None:
            return Verdict(
                Scan.Outcome.NOT_ACCEPTED, "What is left is not held on their card yet: ask them to, on their phone."
            )
        if agreement.hold_expires_at is not None and agreement.hold_expires_at <= desk.at:
            ran_out = said(agreement.hold_expires_at, desk.zone)
            return Verdict(Scan.Outcome.HOLD_EXPIRED, f"The hold on their card ran out on {ran_out}.")
        return None

    def _used_before(self, redemption: Redemption, desk: Desk) -> Verdict | None:
        if desk.is_late:
            return None  # two tills offline: what every kind does
        picked_up = said(redemption.closed_at, desk.zone)
        return Verdict(
            Scan.Outcome.ALREADY_REDEEMED, f"It was picked up on {picked_up}. A return is recorded with its agreement."
        )

    def accepted(self, redemption: Redemption, desk: Desk, scan: Scan) -> None:
        if desk.is_late:
            DepositAgreement.objects.filter(redemption=redemption, state=State.ACTIVE).update(picked_up_at=desk.at)

    def for_desk(self, scan: Scan) -> dict[str, Any]:
        """What the desk needs to hand the key over: the class, until when, and what the citizen accepted."""
        if scan.redemption is None or scan.outcome != Scan.Outcome.ACCEPTED:
            return {}
        agreement = agreement_of(scan.redemption)
        return {
            "deposit": {
                "id": agreement.public_id,
                "class": agreement.vehicle_class,
                "until": agreement.until.isoformat(),
                "waived": money(agreement.waived_amount, agreement.currency),
                "claim_cap": money(agreement.claim_cap, agreement.currency),
            }
        }


register(Perk.Kind.DEPOSIT_WAIVER, DepositRules())
