"""What a deposit agreement comes to: what is waived, what is left and of what it consists, what may ever be charged.

Whole minor units throughout. Every step only takes away: the waived part from the deposit, a claim from its cap, a
settlement from its claim. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from citizen_app.errors import FieldError
from perks.money import money_text

MOST_CLASSES: Final = 10
MOST_ITEMS: Final = 20
LONGEST_RENTAL: Final = 365
LARGEST_AMOUNT: Final = 10**12
LONGEST_TITLE: Final = 120
REST: Final = "deposit"
"""The code of what is left and no item names."""

CLAIM_TIME: Final = timedelta(hours=72)
"""After the return: until then a claim can be made."""
CONTEST_TIME: Final = timedelta(hours=72)
"""After the claim: until then it can be contested, and nothing is charged."""
CLOSES_ITSELF_AFTER: Final = timedelta(days=7)
"""After the day of return: an agreement without a return is over, and nothing can be charged."""

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.+-]{0,39}")
_TERMS: Final = ("classes", "remainder_items", "max_days")


@dataclass(frozen=True, slots=True)
class Item:
    """A part of what is left, as the citizen reads it."""

    code: str
    title: str
    amount: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What binds both sides of one agreement, in minor units; nothing of it is ever written anew."""

    vehicle_class: str
    currency: str
    full: int
    waived: int
    claim_cap: int
    items: tuple[Item, ...] = ()

    @property
    def remainder(self) -> int:
        return self.full - self.waived


def waived_part(full: int, percent: int) -> int:
    """Return what is waived of a deposit: the whole units of the percentage; a fraction of one stays in what is left.

    All of it at 100 percent, and never more than all of it.
    """
    return full * percent // 100


def itemised(remainder: int, items: Iterable[Item]) -> tuple[Item, ...]:
    """Return what is left as its items, in their order, each at most its amount: together they are exactly it.

    What the named items do not reach is the rest of the deposit, under a code of its own.
    """
    parts, left = [], remainder
    for item in items:
        amount = min(item.amount, left)
        if amount > 0:
            parts.append(Item(item.code, item.title, amount))
            left -= amount
    if left > 0:
        parts.append(Item(REST, "The rest of the deposit", left))
    return tuple(parts)


def terms_for(deposit: Mapping[str, Any], vehicle_class: str, percent: int) -> Terms:
    """Return the terms of one class of a version's checked `deposit`; KeyError for a class it does not name."""
    row = next((row for row in deposit["classes"] if row["code"] == vehicle_class), None)
    if row is None:
        raise KeyError(vehicle_class)
    full = row["full"]["amount"]
    waived = waived_part(full, percent)
    named = [Item(one["code"], one["title"], one["amount"]["amount"]) for one in deposit["remainder_items"]]
    return Terms(
        vehicle_class=vehicle_class,
        currency=row["full"]["currency"],
        full=full,
        waived=waived,
        claim_cap=row["claim_cap"]["amount"],
        items=itemised(full - waived, named),
    )


def leaves_a_remainder(deposit: Mapping[str, Any], percents: Iterable[int]) -> bool:
    """Whether any class under any of these percentages leaves something to hold on a card."""
    smallest = min(percents, default=100)
    return any(waived_part(row["full"]["amount"], smallest) < row["full"]["amount"] for row in deposit["classes"])


def days_late(returned_on: date, until: date) -> int:
    """Return how many local days after the agreed day it came back; early is none."""
    return max(0, (returned_on - until).days)


def check_deposit(raw: object, *, currency: str, pointer: str = "/deposit") -> list[FieldError]:
    """Return what is wrong with the deposit terms of a perk as a merchant sent them; nothing is an empty list."""
    if not isinstance(raw, Mapping):
        return [FieldError(pointer, "invalid", "Send {classes, remainder_items, max_days}.")]
    return [
        *_unknown(raw, _TERMS, pointer),
        *_check_rows(raw.get("classes"), f"{pointer}/classes", MOST_CLASSES, ("full", "claim_cap"), currency, least=1),
        *_check_rows(raw.get("remainder_items", []), f"{pointer}/remainder_items", MOST_ITEMS, ("amount",), currency),
        *_check_days(raw.get("max_days"), f"{pointer}/max_days"),
    ]


def check_remainders(deposit: Mapping[str, Any], tiers: Sequence[Mapping[str, Any]], *, least: int) -> list[FieldError]:
    """Return which tiers of checked terms leave something of a class, and less than a card can hold (`least`)."""
    errors = []
    for place, tier in enumerate(tiers):
        pointer = f"/tiers/{place}/benefit/waived_percent"
        for row in deposit["classes"]:
            full, currency = row["full"]["amount"], row["full"]["currency"]
            left = full - waived_part(full, tier["benefit"]["waived_percent"])
            if 0 < left < least:
                said = f"{money_text(left, currency)} of class {row['code']} would be left"
                held = f"a card holds {money_text(least, currency)} or more"
                errors.append(FieldError(pointer, "out_of_range", f"{said}, and {held}. Waive all of it, or less."))
    return errors


def complete_deposit(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked deposit terms with what they left unsaid."""
    return {
        "classes": [{name: row[name] for name in ("code", "full", "claim_cap")} for row in raw["classes"]],
        "remainder_items": [
            {name: row[name] for name in ("code", "title", "amount")} for row in raw.get("remainder_items") or ()
        ],
        "max_days": raw["max_days"],
    }


def _check_rows(
    raw: object, pointer: str, most: int, amounts: Sequence[str], currency: str, *, least: int = 0
) -> list[FieldError]:
    if not isinstance(raw, list):
        return [FieldError(pointer, "required" if raw is None else "invalid", "Send a list.")]
    if not least <= len(raw) <= most:
        return [FieldError(pointer, "out_of_range", f"Name {least} to {most}.")]
    errors: list[FieldError] = []
    codes: set[str] = set()
    words = ("title",) if "amount" in amounts else ()
    for place, row in enumerate(raw):
        here = f"{pointer}/{place}"
        if not isinstance(row, Mapping):
            errors.append(FieldError(here, "invalid", f"Send {{{', '.join(('code', *words, *amounts))}}}."))
            continue
        errors += _unknown(row, ("code", *words, *amounts), here)
        code = row.get("code")
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            sentence = "Letters, digits and . _ + - and spaces between them, at most 40."
            errors.append(FieldError(f"{here}/code", "required" if code is None else "invalid", sentence))
        elif code.casefold() in codes:
            errors.append(FieldError(f"{here}/code", "invalid", "This code is there twice."))
        else:
            codes.add(code.casefold())
        for word in words:
            errors += _check_title(row.get(word), f"{here}/{word}")
        for name in amounts:
            smallest = 0 if name == "claim_cap" else 1
            errors += check_money(row.get(name), f"{here}/{name}", currency=currency, least=smallest)
    return errors


def _check_title(raw: object, pointer: str) -> list[FieldError]:
    if not isinstance(raw, str) or not raw.strip() or not raw.isprintable():
        return [FieldError(pointer, "required" if raw is None else "invalid", "What it is, in words.")]
    if len(raw) > LONGEST_TITLE:
        return [FieldError(pointer, "too_long", f"At most {LONGEST_TITLE} characters.")]
    return []


def check_money(raw: object, pointer: str, *, currency: str, least: int = 1) -> list[FieldError]:
    """Return what is wrong with an amount of money, which is in the deployment's currency."""
    if not isinstance(raw, Mapping):
        code = "required" if raw is None else "invalid"
        return [FieldError(pointer, code, '{"amount": minor units, "currency": code}.')]
    errors = _unknown(raw, ("amount", "currency"), pointer)
    amount, said = raw.get("amount"), raw.get("currency")
    if not isinstance(amount, int) or isinstance(amount, bool):
        code = "required" if amount is None else "invalid"
        errors.append(FieldError(f"{pointer}/amount", code, "A whole number of minor units."))
    elif not least <= amount <= LARGEST_AMOUNT:
        errors.append(FieldError(f"{pointer}/amount", "out_of_range", f"{least} to {LARGEST_AMOUNT}."))
    if said != currency:
        code = "required" if said is None else "invalid"
        errors.append(FieldError(f"{pointer}/currency", code, f"Amounts here are in {currency}."))
    return errors


def _check_days(raw: object, pointer: str) -> list[FieldError]:
    if not isinstance(raw, int) or isinstance(raw, bool):
        code = "required" if raw is None else "invalid"
        return [FieldError(pointer, code, f"A whole number of days, 1 to {LONGEST_RENTAL}.")]
    if not 1 <= raw <= LONGEST_RENTAL:
        return [FieldError(pointer, "out_of_range", f"1 to {LONGEST_RENTAL} days.")]
    return []


def _unknown(raw: Mapping[str, Any], known: Sequence[str], pointer: str) -> list[FieldError]:
    return [
        FieldError(
            f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            "unknown_field",
            f"Only {', '.join(known)} can be here.",
        )
        for name in raw
        if name not in known
    ]
