"""Compare the answers that `benchmarks.ledger` was given with the ledger that is stored; prints one JSON object."""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from perks.models import GiftCard, GiftCardPosting  # noqa: E402


def main(log: Path) -> None:
    """Every answer is stored once, nothing is stored that was not answered, and each card's sums agree."""
    answers = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    stored = list(GiftCardPosting.objects.select_related("card", "charge", "scan").order_by("card_id", "number"))
    wrong = [
        *differences("take", {(a["card"], a["amount"]) for a in answers if a["what"] == "take"}, stored),
        *differences("charge", {_charge(a) for a in answers if a["what"] == "charge"}, stored),
        *differences("refund", {_refund(a) for a in answers if a["what"] == "refund"}, stored),
        *differences("undo", {(a["card"], a["scan"]) for a in answers if a["what"] == "undo"}, stored),
        *differences("reverse", {a["card"] for a in answers if a["what"] == "reverse"}, stored),
    ]
    counted = Counter(json.dumps(answer, sort_keys=True) for answer in answers)
    wrong += [f"answered twice: {answer}" for answer, times in counted.items() if times > 1]
    balances = {card.public_id: card.balance for card in GiftCard.objects.all()}
    reckoned = balances_by_answers(answers, stored)
    wrong += [
        f"{card}: has {balances.get(card)}, the answers say {reckoned.get(card)}"
        for card in balances.keys() | reckoned.keys()
        if balances.get(card) != reckoned.get(card)
    ]
    if wrong:
        raise SystemExit("\n".join(wrong))
    kinds = Counter(posting.kind for posting in stored)
    print(
        json.dumps(
            {
                "answers": len(answers),
                "cards": len(balances),
                "postings": dict(sorted(kinds.items())),
                "outstanding": sum(balances.values()),
                "lost": 0,
                "doubled": 0,
            }
        )
    )


def differences(what: str, acknowledged: set[Any], stored: list[GiftCardPosting]) -> list[str]:
    """What was answered and is not stored, and what is stored and was never answered."""
    there = {key for posting in stored if (key := _key(what, posting)) is not None}
    lost = [f"{what}: answered and not stored: {key}" for key in acknowledged - there]
    return lost + [f"{what}: stored and never answered: {key}" for key in there - acknowledged]


def balances_by_answers(answers: list[dict[str, Any]], stored: list[GiftCardPosting]) -> dict[str, int]:
    """What is on each card by the answers alone; of an undo, which charge its scan was is looked up."""
    amount_of = {posting.scan.public_id: posting.amount for posting in stored if posting.scan is not None}
    balances: dict[str, int] = {}
    for answer in sorted(answers, key=lambda one: one["what"] != "take"):
        card = answer["card"]
        match answer["what"]:
            case "take":
                balances[card] = answer["amount"]
            case "charge":
                balances[card] -= answer["amount"]
            case "refund":
                balances[card] += answer["amount"]
            case "undo":
                balances[card] += amount_of[answer["scan"]]
    for answer in answers:
        if answer["what"] == "reverse":
            balances[answer["card"]] = 0
    return balances


def _charge(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer["card"], answer["id"], answer["amount"], answer["after"]


def _refund(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer["card"], answer["id"], answer["amount"], answer["charge"]


def _key(what: str, posting: GiftCardPosting) -> Any:
    """By what an answer of this sort names a posting; None for a posting of another sort."""
    card, charge = posting.card.public_id, posting.charge
    keys: dict[str, Any] = {
        "take": (card, posting.amount) if posting.kind == "issue" else None,
        "charge": (card, posting.public_id, posting.amount, posting.balance_after)
        if posting.kind == "charge"
        else None,
        "refund": (card, posting.public_id, posting.amount, charge and charge.public_id)
        if posting.kind == "refund"
        else None,
        "undo": (card, charge.scan.public_id)
        if posting.kind == "reverse" and charge is not None and charge.scan is not None
        else None,
        "reverse": card if posting.kind == "reverse" and charge is None else None,
    }
    return keys[what]


main(Path(sys.argv[1]))
