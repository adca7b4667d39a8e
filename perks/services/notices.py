"""What this room tells people of: their codes, cards, deposit agreements, and what is offered again."""

from typing import Final

from citizen_app.notifying import Event, For, register

CODE_USED: Final = "code.used"
RESERVATION_ENDS: Final = "reservation.ends"
CARD_ENDS: Final = "gift_card.ends"
MAKE_GOOD: Final = "make_good.offered"

register(
    Event(
        CODE_USED,
        "perks",
        "Your code was used",
        "{merchant} has accepted your code for “{perk}”.",
        "If that was not you, tell the desk: within ten minutes it can be taken back.",
        link="perks:code",
        opens_about=True,
        hears=For.BOUND,
    ),
    Event(
        RESERVATION_ENDS,
        "perks",
        "A reservation of yours runs out",
        "What you reserved at {merchant}, “{perk}”, is held until {until}.",
        link="perks:code",
        opens_about=True,
        hears=For.BOUND,
    ),
    Event(
        CARD_ENDS,
        "gift_cards",
        "Your gift card of {merchant} ends soon",
        "There is money left on your gift card “{perk}” of {merchant}. It can be spent until {until}.",
        "{left} is left. After that day it is worth nothing. Show its code at the desk; you find it among your cards.",
        link="perks:gift_card",
        opens_about=True,
        hears=For.BOUND,
    ),
    Event(
        MAKE_GOOD,
        "disputes",
        "A perk is offered to you again",
        "Wrong records had kept “{perk}” of {merchant} from you. You can take it now, whatever your score says.",
        "It is offered until {until}.",
        link="perks:make_good",
        opens_about=True,
        hears=For.BOUND,
    ),
)

STEPS: Final[dict[str, tuple[str, str]]] = {
    "accept": (
        "You accepted a deposit waiver",
        "The terms you accepted are frozen: no amount of them can go up. If something of the deposit is left, have it "
        "held on your card. Then show your code or pass at the pick-up.",
    ),
    "cancel": ("A deposit waiver is cancelled", "What was reserved is given back. Nothing can be charged."),
    "expire": ("A deposit waiver has expired", "It was not picked up on its day. Nothing can be charged."),
    "pick_up": (
        "Your pick-up is recorded",
        "The desk has recorded it. If that is wrong, tell the desk within ten minutes.",
    ),
    "undo": ("The pick-up was taken back", "The desk has taken the pick-up back: it is as if it had not been."),
    "return": (
        "Your return is recorded",
        "If no damage is claimed within 72 hours, the agreement closes and nothing can be charged.",
    ),
    "close": ("Your deposit agreement is closed", "Nothing can be charged any more."),
    "claim": (
        "A damage is claimed",
        "You can contest the claim for 72 hours, with what shows that it is wrong. Nothing is charged before; a person "
        "decides then. If you do not contest it, you owe what is claimed, never more than the cap you accepted.",
    ),
    "contest": ("We have your objection", "A person here decides, and tells you why. Nothing is charged before."),
    "settle": (
        "A damage claim is settled",
        "Read what you owe and why. It is never more than what was claimed, nor than the cap you accepted.",
    ),
    "hold_expiring": (
        "The hold on your card runs out",
        "The hold of what is left of your deposit ends before your return. You can have it held anew until then; the "
        "old hold is let go of once the new one holds. The merchant has been told too.",
    ),
    "hold_over": (
        "The hold on your card has ended",
        "What was left of your deposit is held no more, and nothing of it was charged. Until the return it can be held "
        "anew, on any card. The merchant has been told too.",
    ),
}
"""The steps of a deposit agreement its citizen is told of."""

register(
    *(
        Event(
            f"deposit.{step}",
            "deposits",
            subject,
            sentence,
            "It is about your agreement with {merchant}: {agreement}.",
            link="perks:deposit",
            opens_about=True,
            hears=For.ACCOUNT,
        )
        for step, (subject, sentence) in STEPS.items()
    )
)
