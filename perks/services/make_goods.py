"""Making good (P7): who was refused a perk on a record that was wrong is offered it again, as it was then.

What was refused is known from the refused attempts; whether the wrong records caused it, from looking back at how the
person would have stood. An offer is honoured whatever the score has become. While the perk can be taken by others it
takes from the perk's stock; when it is over, paused or sold out its merchant has the word, and learns no more than that
one person is offered it again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import WrongState
from citizen_app.models import Citizen
from citizen_app.notifying import notify
from perks import eligibility, tiers
from perks.errors import MakeGoodOver, MerchantMustAgree, MerchantNotActive, TakeRefused
from perks.models import Branch, MakeGood, Merchant, Perk, Redemption, RefusedAttempt
from perks.models.catalogue import COUNTED
from perks.services import ramp
from perks.services.desk import said
from perks.services.eligibility_reading import counters_of, terms_of
from perks.services.keeping import keep_for, let_go
from perks.services.kinds import Asked, check_asked
from perks.services.notices import MAKE_GOOD
from perks.services.redemptions import EVERYBODY, read_perk, reserve_again, tell_if_that_was_the_last
from scores import assessments

OPEN_FOR: Final = timedelta(days=30)
"""How long an offer can be taken; a merchant's yes gives the whole time anew."""
OFFERED: Final = "offered"
NEEDS_MERCHANT: Final = "needs_merchant"
DECLINED: Final = "declined"
STATES: Final = (OFFERED, NEEDS_MERCHANT, "taken", "expired", DECLINED)
GIVES_NOTHING_BACK: Final = dict.fromkeys(("on_cancel", "on_expiry", "on_reversal"), Perk.Release.NOTHING.value)


@dataclass(frozen=True, slots=True)
class Undone:
    """A refusal that a correction undoes, and the tier that was out of reach because of the wrong records."""

    attempt: RefusedAttempt
    tier: tiers.Tier


@transaction.atomic
def offer_make_goods(
    *,
    citizen: Citizen,
    dispute_id: str,
    entry_ids: Collection[int],
    corrected_ids: Collection[int] = (),
    now: datetime | None = None,
) -> list[MakeGood]:
    """Offer again what these wrong records kept from the citizen: one offer for each perk, of its best tier.

    Safe twice: a refusal is made good once. Somebody not enrolled any more is offered nothing.
    """
    now = now or timezone.now()
    if not assessments.hold(citizen):
        return []
    of_perk: dict[UUID, list[Undone]] = {}
    for undone in undone_refusals(citizen=citizen, entry_ids=entry_ids, corrected_ids=corrected_ids):
        of_perk.setdefault(undone.attempt.version.perk_id, []).append(undone)
    # Perks in one order for everybody: one of each is kept, and its row held.
    return [_offer(citizen, dispute_id, of_perk[perk_id], now) for perk_id in sorted(of_perk)]


def undone_refusals(
    *, citizen: Citizen, entry_ids: Collection[int], corrected_ids: Collection[int] = ()
) -> Iterator[Undone]:
    """Exactly the refusals not yet made good that these records caused, oldest first.

    A refusal is theirs when the score was all that stood in the way, still was without what other disputes had struck,
    and no longer is without these records (or with the right ones in their place).
    """
    past = assessments.hindsight_of(citizen)
    refused = RefusedAttempt.objects.filter(citizen=citizen, make_good=None).select_related("version__perk")
    attempts = [one for one in refused.order_by("id") if _only_the_score_refused(one)]
    if past is None or not attempts:
        return
    wrong = frozenset(entry_ids)
    others = past.found_wrong - wrong
    right = past.corrections_of(others)
    for attempt in attempts:
        purpose, offered = attempt.version.perk.purpose, tiers.read_tiers(attempt.version.tiers)
        as_told = past.assess(attempt.at, without=others, corrected=right)
        as_it_was = past.assess(attempt.at, without=others | wrong, corrected=right | set(corrected_ids))
        tier = eligibility.tier_reached(offered, purpose, as_it_was)
        if tier is None or eligibility.tier_reached(offered, purpose, as_told) is not None:
            continue
        if attempt.budget_left is None or attempt.budget_left >= max(tiers.cost_of(tier.benefit), 1):
            yield Undone(attempt, tier)


def state_of(make_good: MakeGood, *, now: datetime) -> str:
    """Its state as everybody reads it (`STATES`); fetched with its perk, and the perk's version and merchant."""
    if make_good.state != MakeGood.State.OPEN:
        return make_good.state
    if make_good.expires_at <= now:
        return str(MakeGood.State.EXPIRED)
    if make_good.answer == MakeGood.Answer.ACCEPTED or not _beyond_what_is_offered(make_good, now):
        return OFFERED
    return DECLINED if make_good.answer == MakeGood.Answer.DECLINED else NEEDS_MERCHANT


def reasons_against(
    make_goods: Sequence[MakeGood], *, citizen: Citizen, now: datetime
) -> dict[UUID, tuple[eligibility.Reason, ...]]:
    """What keeps a citizen from taking each of theirs now: a limit reached, a pause; never their score.

    One assessment and one reading of the counters, however many they are.
    """
    if not make_goods:
        return {}
    assessment = assessments.assess(citizen, now=now)
    counters = counters_of(citizen=citizen, perks=[one.perk for one in make_goods], now=now)
    return {
        one.pk: eligibility.judge(_terms(one, one.perk), assessment, counters[one.perk.pk], now).reasons
        for one in make_goods
    }


@transaction.atomic
def take_make_good(
    *,
    make_good: MakeGood,
    date: Date | None = None,
    until: Date | None = None,
    branch: Branch | None = None,
    vehicle_class: str = "",
    booking_reference: str = "",
    now: datetime | None = None,
) -> Redemption:
    """Reserve what was refused then: the version and tier of then, whatever the citizen's score says now.

    Raises `MerchantMustAgree` where the perk is not to be had any more and its merchant has not agreed, `MakeGoodOver`,
    or the first `TakeRefused` of what binds everybody: a pause, the limits per person, full days.
    """
    now = now or timezone.now()
    assessment = assessments.assess_locked(make_good.citizen, now=now)
    make_good = _held(make_good)
    perk = make_good.perk
    state = state_of(make_good, now=now)
    if state == NEEDS_MERCHANT:
        raise MerchantMustAgree
    if state != OFFERED:
        raise MakeGoodOver(f"It is {state}.")
    asked = Asked(
        date=date, until=until, branch=branch, vehicle_class=vehicle_class, booking_reference=booking_reference
    )
    check_asked(perk, asked)
    agreed = make_good.answer == MakeGood.Answer.ACCEPTED
    counters = counters_of(citizen=make_good.citizen, perks=[perk], now=now)[perk.pk]
    judged = eligibility.judge(_terms(make_good, perk), assessment, counters, now)
    if judged.reasons:
        raise TakeRefused.because(judged.reasons)

    redemption = reserve_again(
        citizen=make_good.citizen,
        perk=perk,
        version=make_good.version,
        tier=tiers.Tier(make_good.min_score, make_good.benefit),
        asked=asked,
        outlives_perk=agreed,
        now=now,
    )
    ramp.count_reservation(perk.merchant, now)
    if not MakeGood.objects.close(make_good.pk, state=MakeGood.State.TAKEN, now=now, redemption=redemption):
        raise MakeGoodOver
    # The stock last, as for everybody: the one that was kept, or else one that is left.
    cost = tiers.cost_of(redemption.benefit)
    take_one = partial(Perk.objects.take_one_for_make_good, perk.pk, cost=cost, is_kept=make_good.is_kept)
    if not take_one(is_beyond=False):
        if not agreed:
            raise MerchantMustAgree
        take_one(is_beyond=True)
        # Given beyond the stock, to one person: what they do not use goes to nobody else.
        redemption.release = GIVES_NOTHING_BACK
        redemption.save(update_fields=["release"])
    perk.refresh_from_db(fields=COUNTED)
    tell_if_that_was_the_last(perk, now)
    return redemption


@transaction.atomic
def answer_make_good(*, make_good: MakeGood, agrees: bool, by: Citizen, now: datetime | None = None) -> MakeGood:
    """The merchant's word on giving one more of a perk that is not to be had: a yes can be taken for 30 days.

    Raises `WrongState` where it is no longer asked: it was answered, taken or is over, or the perk is on offer again.
    """
    now = now or timezone.now()
    make_good = _held(make_good)
    if state_of(make_good, now=now) != NEEDS_MERCHANT:
        raise WrongState("This offer does not wait for your answer any more.")
    if agrees and make_good.perk.merchant.offering_state != Merchant.State.ACTIVE:
        raise MerchantNotActive(state=make_good.perk.merchant.offering_state)
    make_good.answer = MakeGood.Answer.ACCEPTED if agrees else MakeGood.Answer.DECLINED
    make_good.answered_at = now
    if agrees:
        make_good.expires_at = now + OPEN_FOR
    was_kept = make_good.is_kept
    make_good.is_kept = was_kept and agrees
    make_good.save(update_fields=["answer", "answered_at", "expires_at", "is_kept"])
    if was_kept and not agrees:
        let_go([make_good.perk_id], now=now)
    keep_for(make_good)
    action = "make_good.accept" if agrees else "make_good.decline"
    audit.record(by=by, action=action, on=make_good.public_id)
    return make_good


def expire_make_goods(*, now: datetime, limit: int = 500) -> int:
    """File the offers nobody took in time; they are judged expired at read time already."""
    over = MakeGood.objects.filter(state=MakeGood.State.OPEN, expires_at__lte=now)
    expired = 0
    for make_good in list(over.order_by("expires_at")[:limit]):
        with transaction.atomic():
            held = over.select_for_update().filter(pk=make_good.pk).first()
            if held is not None and MakeGood.objects.close(held.pk, state=MakeGood.State.EXPIRED, now=now):
                expired += 1
                let_go([held.perk_id] if held.is_kept else [], now=now)
    return expired


def waiting_for(merchant: Merchant, *, now: datetime) -> Any:
    """The offers that wait for a merchant's word, those that end first before the others."""
    asked = MakeGood.objects.open_at(now).filter(perk__merchant=merchant, answer=MakeGood.Answer.NONE)
    return asked.beyond_what_is_offered(now).select_related("version", "perk").order_by("expires_at", "pk")


def _held(make_good: MakeGood) -> MakeGood:
    """The offer as it is now, held until the transaction ends; `NotFound` where its citizen has left meanwhile."""
    held: MakeGood = (
        MakeGood.objects.select_for_update(of=("self",)).select_related("citizen", "version").named(make_good.public_id)
    )
    held.perk = read_perk(held.perk)
    return held


def _only_the_score_refused(attempt: RefusedAttempt) -> bool:
    return {reason["code"] for reason in attempt.reasons} <= eligibility.BY_SCORE


def _offer(citizen: Citizen, dispute_id: str, refusals: list[Undone], now: datetime) -> MakeGood:
    """Write one offer for the refusals of one perk, or add them to the one that is open."""
    best = max(refusals, key=lambda one: (one.tier.min_score or 0, one.attempt.at))
    version, tier = best.attempt.version, best.tier
    is_open = MakeGood.objects.select_for_update(of=("self",)).filter(state=MakeGood.State.OPEN)
    make_good = is_open.filter(citizen=citizen, perk=version.perk).first()
    if make_good is None or (make_good.min_score or 0) < (tier.min_score or 0):
        make_good = make_good or MakeGood(citizen=citizen, perk=version.perk, offered_at=now)
        make_good.version, make_good.dispute = version, dispute_id
        make_good.min_score, make_good.benefit = tier.min_score, dict(tier.benefit)
        make_good.cost = tiers.cost_of(tier.benefit)
    make_good.expires_at = now + OPEN_FOR
    make_good.save()
    keep_for(make_good)
    notify(
        citizen,
        MAKE_GOOD,
        about=make_good.public_id,
        facts={
            "perk": version.title,
            "merchant": version.perk.merchant.name,
            "until": said(make_good.expires_at, citizen.zone),
        },
        cause=f"{MAKE_GOOD}:{make_good.public_id}:{dispute_id}",
        now=now,
    )
    RefusedAttempt.objects.filter(pk__in=[one.attempt.pk for one in refusals]).update(make_good=make_good)
    return make_good


def _terms(make_good: MakeGood, perk: Perk) -> eligibility.PerkTerms:
    """The perk as it binds this offer: its tier is open, whatever the score; nothing else is."""
    terms = _offered_terms(make_good, perk)
    if make_good.answer != MakeGood.Answer.ACCEPTED:
        return terms
    return replace(
        terms,
        state=Perk.State.PUBLISHED,
        valid_from_at=None,
        valid_until_at=None,
        stock=None,
        budget=None,
        limits=replace(terms.limits, per_day=None),
    )


def _offered_terms(make_good: MakeGood, perk: Perk) -> eligibility.PerkTerms:
    """The perk with this tier open to everybody; what is kept for the offer is left for it."""
    terms = terms_of(perk)
    return replace(terms, tiers=(tiers.Tier(None, make_good.benefit),), taken=terms.taken - int(make_good.is_kept))


def _beyond_what_is_offered(make_good: MakeGood, now: datetime) -> bool:
    """Whether nobody could take the perk now, so that its merchant has the word."""
    terms = _offered_terms(make_good, make_good.perk)
    reasons = eligibility.judge(terms, EVERYBODY, eligibility.Counters(), now).reasons
    return any(reason.code in eligibility.BY_OFFER for reason in reasons)
