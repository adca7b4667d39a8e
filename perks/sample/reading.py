"""The demo's merchants and perks as written in this folder, made ready for a day of loading. Pure but for the files."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
DEMO = "(demo)"
Spec = Mapping[str, Any]


@cache
def merchants() -> tuple[Spec, ...]:
    """The merchants, in the order of the file."""
    return tuple(yaml.safe_load((_HERE / "merchants.yaml").read_text(encoding="utf-8")))


@cache
def perks() -> tuple[Spec, ...]:
    """The perks, in the order of the file."""
    return tuple(yaml.safe_load((_HERE / "perks.yaml").read_text(encoding="utf-8")))


def shown_name(merchant: Spec) -> str:
    """What everybody sees wherever the merchant is named."""
    return f"{merchant['name']} {DEMO}"


def perk_body(perk: Spec, *, loaded_on: date, branch_ids: Mapping[str, str], currency: str = "EUR") -> dict[str, Any]:
    """The perk body of the API; `branch_ids` are the merchant's branches by their key, amounts are in `currency`."""
    merchant = next(one for one in merchants() if one["key"] == perk["merchant"])
    first, last = perk["window"]
    body = {
        name: perk[name]
        for name in ("kind", "title", "description", "terms", "fair_terms", "categories", "tiers")
        if name in perk
    }
    body |= {name: perk[name] for name in ("stock", "budget", "limits", "hold_minutes") if name in perk}
    if "deposit" in perk:
        body["deposit"] = _deposit(perk["deposit"], currency)
    return body | {
        "zone": merchant["branches"][0]["zone"] if merchant["branches"] else merchant["zone"],
        "branches": [branch_ids[key] for key in perk.get("branches", ())],
        "visible_from": None if "shown_from" not in perk else _first_day(loaded_on, perk["shown_from"]).isoformat(),
        "valid_from": _first_day(loaded_on, first).isoformat(),
        "valid_until": _last_day(loaded_on, last).isoformat(),
        "hours": [
            {"day": day, "from": span["from"], "to": span["to"]}
            for span in perk.get("hours", ())
            for day in span["days"]
        ],
    }


def _deposit(written: Spec, currency: str) -> dict[str, Any]:
    return {
        "classes": [
            {
                "code": row["code"],
                **{name: {"amount": row[name], "currency": currency} for name in ("full", "claim_cap")},
            }
            for row in written["classes"]
        ],
        "remainder_items": [],
        "max_days": written["max_days"],
    }


def _first_day(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _last_day(day: date, months: int) -> date:
    first = _first_day(day, months)
    return first.replace(day=monthrange(first.year, first.month)[1])
