"""A perk as its merchant writes it: which of it binds the citizen, and everything that can be wrong with it.

A body's members are named as in the API (`title`, `tiers`, `limits.per_citizen`, …). Doors have made sure of their
types; here it is judged whether they make sense together and for this merchant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from citizen_app.errors import FieldError, InvalidInput
from perks import deposits, holds, hours, tiers, translations
from perks.languages import PERK_LANGUAGES
from perks.models import Branch, CodeList, Merchant, Perk, PerkVersion
from perks.services.code_lists import named_list
from perks.services.offline import POLICIES, check_policy, default_policy

WORDING: Final = ("title", "description")
BINDING: Final = ("language", "terms", "fair_terms", "tiers", "deposit")
WINDOWS: Final = ("visible_from", "valid_from", "valid_until")
LIMITS: Final = ("per_citizen", "per_citizen_day", "per_citizen_week", "per_citizen_month", "per_day")
RELEASES: Final = ("on_cancel", "on_expiry", "on_reversal")
MOST_CATEGORIES: Final = 10


@dataclass(slots=True)
class PerkBody:
    """A whole, checked perk: what stands in its version, what on the perk, and what beside it."""

    kind: str
    version: dict[str, Any]
    perk: dict[str, Any]
    categories: list[str]
    branches: list[Branch] = field(default_factory=list)

    @property
    def tiers(self) -> tuple[tiers.Tier, ...]:
        return tiers.read_tiers(self.version["tiers"])


def body_of(perk: Perk, version: PerkVersion) -> dict[str, Any]:
    """Return a perk as its merchant reads it (the contract's perk body), with the words of one of its versions.

    `categories` and `branches` are prefetched by whoever shows a list.
    """
    return {
        "kind": perk.kind,
        "title": version.title,
        "description": version.description,
        "terms": version.terms,
        "fair_terms": version.fair_terms,
        "language": version.language,
        "translations": version.translations,
        "categories": sorted(category.code for category in perk.categories.all()),
        "branches": [branch.public_id for branch in perk.branches.all()],
        "tiers": version.tiers,
        "zone": perk.zone,
        **{name: getattr(perk, name) or None for name in WINDOWS},
        "hours": perk.hours,
        "stock": perk.stock,
        "budget": money(perk.budget_amount, perk.budget_currency),
        "limits": {name: getattr(perk, f"limit_{name}") for name in LIMITS},
        "hold_minutes": perk.hold_minutes,
        "release": {name: getattr(perk, f"release_{name}") for name in RELEASES},
        "offline": perk.offline,
        "deposit": version.deposit,
        "code_list": perk.code_list.public_id if perk.code_list else None,
    }


def money(amount: int | None, currency: str) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}


def read_body(said: Mapping[str, Any], *, merchant: Merchant, perk: Perk | None = None) -> PerkBody:
    """Return the whole body that `said` makes: a new perk's, or what it changes of `perk`'s; else `InvalidInput`.

    What is left out keeps its value or, in a new perk, takes its default; a null member of `limits` is no limit.
    """
    whole = _merged(_default() if perk is None else body_of(perk, perk.version_written), said)
    if whole["kind"] in POLICIES and (whole["offline"] is None or _keeps_policy_of_old_kind(said, perk)):
        whole["offline"] = default_policy(whole["kind"])
    branches = {branch.public_id: branch for branch in Branch.objects.filter(merchant=merchant, closed_at=None)}
    if perk is not None:  # a branch that has closed since stays named in the perks that named it
        branches |= {branch.public_id: branch for branch in perk.branches.all()}
    errors = [*_errors(whole, branches, perk), *_sector_errors(whole, merchant)]
    codes = None if whole["code_list"] is None else named_list(merchant=merchant, public_id=whole["code_list"])
    errors += _code_list_errors(whole, codes, perk)
    if not errors and whole["deposit"] is not None:
        errors = deposits.check_remainders(whole["deposit"], whole["tiers"], least=holds.least_held(settings.CURRENCY))
    if errors:
        raise InvalidInput(*errors)
    zone, budget = whole["zone"], whole["budget"]
    return PerkBody(
        kind=whole["kind"],
        version={
            "title": whole["title"],
            "description": whole["description"],
            "terms": whole["terms"],
            "fair_terms": whole["fair_terms"],
            "language": whole["language"],
            "translations": translations.complete(whole["translations"]),
            "tiers": [tier.as_dict() for tier in tiers.read_tiers(whole["tiers"])],
            "deposit": None if whole["deposit"] is None else deposits.complete_deposit(whole["deposit"]),
        },
        perk={
            "zone": zone,
            **{name: whole[name] or "" for name in WINDOWS},
            "visible_from_at": hours.window_start(whole["visible_from"], zone),
            "valid_from_at": hours.window_start(whole["valid_from"], zone),
            "valid_until_at": hours.window_end(whole["valid_until"], zone),
            "hours": whole["hours"],
            "stock": whole["stock"],
            "budget_amount": budget["amount"] if budget else None,
            "budget_currency": budget["currency"] if budget else "",
            **{f"limit_{name}": whole["limits"][name] for name in LIMITS},
            "hold_minutes": whole["hold_minutes"],
            **{f"release_{name}": whole["release"][name] for name in RELEASES},
            "offline": whole["offline"],
            "code_list": codes,
        },
        categories=sorted(set(whole["categories"])),
        branches=[branches[one] for one in dict.fromkeys(whole["branches"])],
    )


def _default() -> dict[str, Any]:
    return {
        "kind": None,
        "title": "",
        "description": "",
        "terms": "",
        "fair_terms": "",
        "language": settings.LANGUAGE_CODE,
        "translations": {},
        "categories": [],
        "branches": [],
        "tiers": None,
        "zone": settings.DEFAULT_ZONE,
        **dict.fromkeys(WINDOWS),
        "hours": [],
        "stock": None,
        "budget": None,
        "limits": {**dict.fromkeys(LIMITS), "per_citizen": 1},
        "hold_minutes": 1440,
        "release": {"on_cancel": "all", "on_expiry": "all", "on_reversal": "nothing"},
        "offline": None,  # its kind's
        "deposit": None,
        "code_list": None,
    }


def _keeps_policy_of_old_kind(said: Mapping[str, Any], perk: Perk | None) -> bool:
    """A draft that becomes another kind, and says nothing of offline tills, takes the default of the new one."""
    return perk is not None and said.get("kind", perk.kind) != perk.kind and "offline" not in said


def _merged(whole: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    nested = {name: {**whole[name], **said[name]} for name in ("limits", "release") if said.get(name) is not None}
    return {**whole, **said, **nested}


def _errors(whole: dict[str, Any], branches: Mapping[str, Branch], perk: Perk | None) -> Iterator[FieldError]:
    kind = whole["kind"]
    if kind not in tiers.KINDS:
        yield FieldError("/kind", "required" if kind is None else "invalid", f"One of {', '.join(tiers.KINDS)}.")
    if not whole["title"]:
        yield FieldError("/title", "required", "What the perk is called.")
    if whole["tiers"] is None:
        yield FieldError("/tiers", "required", "One to three rows of {min_score, benefit}.")
    elif kind in tiers.KINDS:
        yield from tiers.check_tiers(kind, whole["tiers"], currency=settings.CURRENCY)
    yield from translations.check_translations(whole["translations"], language=whole["language"], known=PERK_LANGUAGES)
    yield from hours.check_hours(whole["hours"])
    yield from check_policy(kind, whole["offline"])
    yield from _window_errors(whole)
    yield from _place_errors(whole, branches)
    yield from _money_errors(whole)
    yield from _standing_errors(whole, perk)


def _sector_errors(whole: dict[str, Any], merchant: Merchant) -> Iterator[FieldError]:
    if whole["kind"] == Perk.Kind.VISIBILITY_BOOST and not merchant.is_dating_app:
        yield FieldError("/kind", "invalid", "A visibility boost is offered by dating apps.")


def _window_errors(whole: dict[str, Any]) -> Iterator[FieldError]:
    wrong = [error for name in WINDOWS for error in hours.check_window(whole[name], f"/{name}")]
    if wrong:
        yield from wrong
        return
    until = hours.window_end(whole["valid_until"], whole["zone"])
    for name in ("valid_from", "visible_from"):
        start = hours.window_start(whole[name], whole["zone"])
        if start is not None and until is not None and until <= start:
            yield FieldError("/valid_until", "out_of_range", f"It is over before `{name}`.")
            return


def _place_errors(whole: dict[str, Any], branches: Mapping[str, Branch]) -> Iterator[FieldError]:
    for place, branch in enumerate(whole["branches"]):
        if branch not in branches:
            yield FieldError(f"/branches/{place}", "invalid", "This is not an open branch of yours.")
    if len(whole["categories"]) > MOST_CATEGORIES:
        yield FieldError("/categories", "too_long", f"At most {MOST_CATEGORIES} categories.")


def _money_errors(whole: dict[str, Any]) -> Iterator[FieldError]:
    if whole["deposit"] is not None:
        if whole["kind"] == tiers.DEPOSIT_WAIVER:
            yield from deposits.check_deposit(whole["deposit"], currency=settings.CURRENCY)
        else:
            yield FieldError("/deposit", "invalid", "Only a deposit waiver has deposit terms.")
    rows = whole["tiers"] if isinstance(whole["tiers"], list) else []
    benefits = [row.get("benefit") for row in rows if isinstance(row, dict)]
    has_money = whole["kind"] == tiers.DEPOSIT_WAIVER or any(
        isinstance(benefit, dict) and (benefit.get("amount") or benefit.get("face")) for benefit in benefits
    )
    if whole["budget"] is not None and not has_money:
        yield FieldError("/budget", "invalid", "A budget is for benefits with an amount of money.")


def _code_list_errors(whole: dict[str, Any], codes: CodeList | None, perk: Perk | None) -> Iterator[FieldError]:
    if whole["code_list"] is None:
        return
    if whole["kind"] != tiers.DISCOUNT:
        yield FieldError("/code_list", "invalid", "Only discounts give out codes of your own shop.")
    elif codes is None:
        yield FieldError("/code_list", "invalid", "This is not a list of yours.")
    elif codes.state in CodeList.CLOSED and (perk is None or perk.code_list_id != codes.pk):
        yield FieldError("/code_list", "invalid", "This list was withdrawn.")


def _standing_errors(whole: dict[str, Any], perk: Perk | None) -> Iterator[FieldError]:
    """What a perk that is past its draft can no longer become."""
    if perk is None or perk.state == Perk.State.DRAFT:
        return
    if whole["kind"] != perk.kind:
        yield FieldError("/kind", "invalid", "The kind is fixed once a perk was submitted.")
    if whole["kind"] == tiers.DEPOSIT_WAIVER and whole["deposit"] is None:
        yield FieldError("/deposit", "required", "Say which deposits are waived, and what may be charged.")
    if not whole["fair_terms"].strip():
        yield FieldError("/fair_terms", "required", "A perk says what a person without a score gets.")
    gone = perk.taken_count + perk.promised_count
    if whole["stock"] is not None and whole["stock"] < gone:
        kept = f", or kept for people who are offered it again: {perk.promised_count}" if perk.promised_count else ""
        yield FieldError("/stock", "out_of_range", f"{gone} are taken already{kept}.")
    if whole["budget"] is not None and whole["budget"]["amount"] < perk.budget_spent:
        yield FieldError("/budget/amount", "out_of_range", f"{perk.budget_spent} is spent already.")
    if (
        perk.budget_spent
        and perk.budget_currency
        and (whole["budget"] or {}).get("currency", perk.budget_currency) != perk.budget_currency
    ):
        yield FieldError("/budget/currency", "invalid", "The currency of a budget that is in use stays.")
