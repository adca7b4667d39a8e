"""What the relay and Celery beat ask of perks: expiries, ends, and forgetting those who left."""

from datetime import datetime
from uuid import UUID

from citizen_app.models import Citizen
from citizen_app.outbox import handles, sweeps
from perks.models import Redemption
from perks.services import boost_reads, code_lists, noticing, report_weeks
from perks.services.boosts import judge_boosts_again
from perks.services.catalogue import end_lapsed_perks
from perks.services.doubt import give_back_what_doubt_reserved
from perks.services.forgetting import forget_those_who_left
from perks.services.gift_card_sweeps import expire_gift_cards, warn_before_expiry
from perks.services.images import erase_left_over_pictures
from perks.services.keeping import keep_for_all_who_wait
from perks.services.kinds import BOOKING_KEPT, OUTCOME_TAKEN_BACK, RENTAL_OVER
from perks.services.make_goods import expire_make_goods, offer_make_goods
from perks.services.outcomes import record_kept_booking, record_rental, strike_outcome
from perks.services.pending import decide_pending_of, honour_what_waited
from perks.services.redemptions import expire_redemptions
from perks.services.usage_marks import forget_old_marks
from scores.assessments import DISPUTE_REJECTED, DISPUTE_WITHDRAWN, DISPUTE_WON


@handles(DISPUTE_WON)
def make_good(*, citizen_id: int, dispute_id: str, entry_ids: list[int], corrected_ids: list[int]) -> None:
    """Offer again what the wrong records of a dispute kept from its citizen."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is not None:
        offer_make_goods(citizen=citizen, dispute_id=dispute_id, entry_ids=entry_ids, corrected_ids=corrected_ids)
        decide_pending_of(citizen=citizen)


@handles(DISPUTE_WITHDRAWN)
def give_back(*, citizen_id: int, dispute_id: str, entry_ids: list[int], opened_at: str) -> None:
    """Give back what was reserved only thanks to a dispute that its citizen took back."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is not None:
        since = datetime.fromisoformat(opened_at)
        give_back_what_doubt_reserved(citizen=citizen, entry_ids=entry_ids, opened_at=since)


@handles(DISPUTE_REJECTED)
def decide(*, citizen_id: int) -> None:
    """Give back what waited for a dispute that was decided against its citizen."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is not None:
        decide_pending_of(citizen=citizen)


@handles(BOOKING_KEPT)
def booking_kept(*, redemption: str) -> None:
    """Let a booking that was kept become a record of its citizen."""
    if (found := _redemption(redemption)) is not None:
        record_kept_booking(redemption=found)


@handles(RENTAL_OVER)
def rental_over(*, redemption: str) -> None:
    """Let the return of something rented become a record of its citizen."""
    if (found := _redemption(redemption)) is not None:
        record_rental(redemption=found)


@handles(OUTCOME_TAKEN_BACK)
def outcome_taken_back(*, redemption: str) -> None:
    """Strike the record of what a merchant took back."""
    if (found := _redemption(redemption)) is not None:
        strike_outcome(redemption=found)


def _redemption(public_id: str) -> Redemption | None:
    found = Redemption.objects.select_related("perk", "merchant", "citizen")
    return found.filter(pk=Redemption.key_of(public_id)).first()


@handles(boost_reads.TOPIC)
def tell_boost_reads() -> None:
    """Put what apps have read on the lists of the people it was about."""
    boost_reads.fold_reads()


@sweeps("perks.boost_reads")
def tell_forgotten_boost_reads(now: datetime) -> int:
    """The same for readings that no promise has told."""
    return boost_reads.fold_reads()


@sweeps("perks.judge_boosts_again")
def judge_again(now: datetime) -> int:
    """Judge the boosts whose day has come."""
    return judge_boosts_again(now=now)


@sweeps("perks.honour_what_waited")
def honour(now: datetime) -> int:
    """Give what waited for a dispute for the whole of its thirty days."""
    return honour_what_waited(now=now)


@sweeps("perks.forget_usage_marks")
def forget_marks(now: datetime) -> int:
    """Erase the marks of uses whose time is over."""
    return forget_old_marks(now=now)


@sweeps("perks.expire_make_goods")
def expire_offers(now: datetime) -> int:
    """File the make-good offers nobody took in time."""
    return expire_make_goods(now=now)


@sweeps("perks.keep_for_make_goods")
def keep(now: datetime) -> int:
    """Keep one of the stock for each offer that waits although something is free."""
    return keep_for_all_who_wait(now=now)


@handles(noticing.USED_TOPIC)
def code_used(*, redemption: str, scan: str) -> None:
    """Tell a citizen that their code was used. Safe twice."""
    noticing.tell_used(redemption=redemption, scan=scan)


@handles(noticing.ENDS_TOPIC)
def reservation_ends(*, redemption: str) -> None:
    """Tell a citizen that what they reserved runs out. Safe twice."""
    noticing.tell_end(redemption=redemption)


@sweeps("perks.expire_redemptions")
def expire(now: datetime) -> int:
    """Give back what holds that ran out had reserved."""
    return expire_redemptions(now=now)


@handles(code_lists.TOPIC)
def work_on_code_list(*, list_id: str) -> None:
    """Make, read or withdraw the codes of a list. Safe twice."""
    code_lists.work_on(list_id=UUID(list_id))


@sweeps("perks.code_lists")
def resume_code_lists(now: datetime) -> int:
    """Take up again the lists whose worker was lost, and forget uploads that broke off."""
    return code_lists.resume_code_lists(now=now)


@sweeps("perks.reports")
def tell_weeks(now: datetime) -> int:
    """Tell the weeks that are over, once and for good."""
    return report_weeks.tell_weeks(now=now)


@sweeps("perks.end_lapsed")
def end_lapsed(now: datetime) -> int:
    """File the perks whose validity is over."""
    return end_lapsed_perks(now=now)


@sweeps("perks.left_over_pictures")
def erase_left_over(now: datetime) -> int:
    """Erase the files of pictures that no perk has."""
    return erase_left_over_pictures(now=now)


@sweeps("perks.forget")
def forget(now: datetime) -> int:
    """Take people who left out of what was open then and has closed since."""
    return forget_those_who_left(now=now)


@sweeps("perks.expire_gift_cards")
def expire_cards(now: datetime) -> int:
    """File the gift cards whose time is over."""
    return expire_gift_cards(now=now)


@sweeps("perks.warn_of_gift_cards")
def warn_of_cards(now: datetime) -> int:
    """Tell citizens that a gift card of theirs ends soon."""
    return warn_before_expiry(now=now)
