"""What a record about a citizen can be: a closed list of kinds, and what can never be one.

A furnisher's entry is of one kind. The kind says what its value means, which values there are, how long it may live
and who may furnish it. Values are whole numbers of ten-thousandths everywhere inside; they come in as JSON numbers
or decimal strings and no float is ever made of them. No Django here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import combinations
from types import MappingProxyType

from scores.forbidden_kinds import never_a_source, never_an_input

VALUE_SCALE = 10_000
"""Ten-thousandths in one: an entry's value has at most four decimals."""
VALUE_LIMIT = 9_999_999_999_999
"""The largest value either way, in ten-thousandths: 999,999,999.9999."""

BANK, BUREAU, AUTHORITY, TRANSIT = "bank", "bureau", "authority", "transit"
CITY, MERCHANT, PLATFORM, PEER = "city", "merchant", "platform", "peer"
FURNISHERS = (BANK, BUREAU, AUTHORITY, TRANSIT, CITY, MERCHANT, PLATFORM, PEER)

ROOMS: Mapping[str, int] = MappingProxyType(
    {"credit": 84, "fulfilment": 84, "identity": 1200, "conduct": 60, "vouch": 60}
)
"""The first word of every code, and the most months any entry of it may live."""


class UnknownKind(LookupError):
    """Nothing outside the catalogue is a kind."""


class BadValue(ValueError):
    """The value is none the kind allows; the message is a sentence that says which are."""


class RefusedKind(ValueError):
    """A proposed kind that cannot enter the catalogue; `topic` names what can never be a source, if that is why."""

    def __init__(self, message: str, *, topic: str | None = None) -> None:
        super().__init__(message)
        self.topic = topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record. `number` is stored in rows: it is never changed, and never given to another kind."""

    number: int
    code: str
    title: str
    meaning: str
    unit: str
    least: int
    """The smallest allowed value, in ten-thousandths."""
    most: int
    """The largest allowed value, in ten-thousandths."""
    is_whole: bool
    max_months: int
    """How many months after its own an entry may live at most (P8)."""
    furnished_by: frozenset[str]

    @property
    def allowed(self) -> str:
        """The allowed values in words: `a whole number from -2 to 120`."""
        number = "a whole number" if self.is_whole else "a number with at most four decimals"
        return f"{number} from {format_value(self.least)} to {format_value(self.most)}"

    def allows(self, value: int) -> bool:
        """Whether `value`, in ten-thousandths, is one the kind allows."""
        return self.least <= value <= self.most and not (self.is_whole and value % VALUE_SCALE)


def kind(code: str) -> Kind:
    """The kind of this code; `UnknownKind` for everything outside the catalogue."""
    try:
        return _BY_CODE[code]
    except (KeyError, TypeError):
        raise UnknownKind(f"{code!r:.80} is not a kind of the catalogue.") from None


def kind_of_number(number: int) -> Kind:
    """The kind stored under this number."""
    try:
        return _BY_NUMBER[number]
    except KeyError:
        raise UnknownKind(f"No kind of the catalogue has the number {number}.") from None


def may_furnish(capacities: Iterable[str]) -> frozenset[str]:
    """The codes of the kinds that one who is all of this (of `FURNISHERS`) may furnish."""
    as_what = frozenset(capacities)
    return frozenset(one.code for one in KINDS if one.furnished_by & as_what)


def capacities_for(kinds: Iterable[str]) -> tuple[str, ...]:
    """The fewest of `FURNISHERS` somebody must be to furnish all these kinds; of equally few the first, in order."""
    wanted = [kind(code).furnished_by for code in kinds]
    return next(
        some
        for size in range(len(FURNISHERS) + 1)
        for some in combinations(FURNISHERS, size)
        if all(allowed.intersection(some) for allowed in wanted)
    )


_LAST_PLACE = Decimal("0.0001")
_EXACT = Context(prec=20, traps=[Inexact, InvalidOperation])
_DECIMAL_TEXT = re.compile(r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?", re.ASCII)


def parse_value(kind: Kind, raw: object) -> int:
    """The value in ten-thousandths, from a JSON number (`int`, `Decimal`) or a decimal string; else `BadValue`.

    A float is refused as a fault of the caller (`TypeError`): by the time it is one, the digits sent are lost. Read
    JSON with `parse_float=Decimal`.
    """
    if type(raw) is int:  # most values are, and most of those are allowed
        if kind.least <= raw * VALUE_SCALE <= kind.most:
            return raw * VALUE_SCALE
        raise _bad_value(kind)
    if isinstance(raw, float):
        raise TypeError("Read JSON numbers with parse_float=Decimal: a float has lost the digits that were sent.")
    number: int | Decimal
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise _bad_value(kind)
    if isinstance(raw, str):
        if not _DECIMAL_TEXT.fullmatch(raw):
            raise _bad_value(kind)
        number = Decimal(raw)
    else:
        number = raw
    value = _ten_thousandths(number)
    if value is None or not kind.allows(value):
        raise _bad_value(kind)
    return value


def _ten_thousandths(number: int | Decimal) -> int | None:
    if isinstance(number, Decimal):
        if not number.is_finite():
            return None
        if not number:
            return 0
        # Judged by the exponent first: 1e999999999 must not be written out in full to be found too large.
        if not -4 <= number.adjusted() <= 9:
            return None
        try:
            scaled = int(_EXACT.scaleb(_EXACT.quantize(number, _LAST_PLACE), 4))
        except Inexact:
            return None
    else:
        scaled = number * VALUE_SCALE
    return scaled if -VALUE_LIMIT <= scaled <= VALUE_LIMIT else None


def _bad_value(kind: Kind) -> BadValue:
    return BadValue(f"The value of {kind.code} ({kind.unit}) must be {kind.allowed}.")


def format_value(value: int) -> str:
    """A value in ten-thousandths as its one canonical decimal text: `0`, `-2`, `0.3333`, `12.5`."""
    whole, rest = divmod(abs(value), VALUE_SCALE)
    text = f"{whole}.{rest:04}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if value < 0 else text


def lapses_on(kind: Kind, occurred_on: date) -> date:
    """The day from which the entry no longer counts: the first of the month `max_months` after its own (P8)."""
    years, month = divmod(occurred_on.month - 1 + kind.max_months, 12)
    year = occurred_on.year + years
    return date(year, month + 1, 1) if year <= date.max.year else date.max


# -- What may be a kind -----------------------------------------------------------------------------------------

_CODE = re.compile(r"[a-z]+\.[a-z]+(?:_[a-z]+)*", re.ASCII)


def check_kind(proposed: Kind) -> None:
    """Refuse what cannot be a kind: what can never be a source (P3), and what is not well described."""
    topic = never_a_source(proposed.code, proposed.title, proposed.meaning, proposed.unit)
    if topic is not None:
        raise RefusedKind(f"{proposed.code} cannot be a kind: {topic} can never be a source.", topic=topic)
    why_not = never_an_input(proposed.code)
    if why_not is not None:
        raise RefusedKind(f"{proposed.code} cannot be a kind: {why_not}.")
    if not _CODE.fullmatch(proposed.code):
        raise RefusedKind(f"{proposed.code!r} is no code: it must be like credit.payment, in lower case.")
    longest = ROOMS.get(proposed.code.partition(".")[0])
    if longest is None:
        raise RefusedKind(f"{proposed.code} must begin with one of {', '.join(ROOMS)}.")
    if not 1 <= proposed.max_months <= longest:
        raise RefusedKind(f"{proposed.code} may live 1 to {longest} months, not {proposed.max_months}.")
    if not 1 <= proposed.number <= 32_767:
        raise RefusedKind(f"The number of {proposed.code} must be 1 to 32,767.")
    if not (proposed.title and proposed.meaning and proposed.unit):
        raise RefusedKind(f"{proposed.code} needs a title, a meaning and a unit.")
    if not -VALUE_LIMIT <= proposed.least <= proposed.most <= VALUE_LIMIT:
        raise RefusedKind(f"The allowed values of {proposed.code} must be an interval within ±999,999,999.9999.")
    if not proposed.furnished_by or not proposed.furnished_by <= set(FURNISHERS):
        raise RefusedKind(f"{proposed.code} must say who may furnish it, out of {', '.join(FURNISHERS)}.")


# -- The kinds --------------------------------------------------------------------------------------------------


def _kind(
    number: int,
    code: str,
    title: str,
    meaning: str,
    unit: str,
    allowed: str,
    whole: bool,
    furnished_by: tuple[str, ...],
) -> Kind:
    least, most = (int(bound) * VALUE_SCALE for bound in allowed.split(".."))
    return Kind(
        number=number,
        code=code,
        title=title,
        meaning=meaning,
        unit=unit,
        least=least,
        most=most,
        is_whole=whole,
        max_months=ROOMS[code.partition(".")[0]],
        furnished_by=frozenset(furnished_by),
    )


KINDS: tuple[Kind, ...] = (
    _kind(
        1,
        "credit.payment",
        "Credit payment",
        "How one month's bill of a credit account was paid: -2 the account was not used, -1 paid in full, "
        "0 the minimum was paid, n the payment is n months late.",
        "months late",
        "-2..120",
        True,
        (BANK, BUREAU),
    ),
    _kind(
        2,
        "credit.utilisation",
        "Credit used",
        "The balance of a credit account divided by its limit: 0 nothing is used, 1 all of it.",
        "balance ÷ limit",
        "0..100",
        False,
        (BANK, BUREAU),
    ),
    _kind(
        3,
        "fulfilment.booking",
        "Booking",
        "What became of a booking: 0 it was kept, 1 cancelled late, 2 nobody came.",
        "outcome",
        "0..2",
        True,
        (MERCHANT, PLATFORM),
    ),
    _kind(
        4,
        "fulfilment.rental",
        "Rental return",
        "How late a rented thing came back: 0 on time, n days late.",
        "days late",
        "0..3650",
        False,
        (MERCHANT, PLATFORM),
    ),
    _kind(
        5,
        "fulfilment.damage_unpaid",
        "Unpaid damage",
        "Damage to something rented or booked that was billed, fell due and is not paid.",
        "days past due",
        "0..36500",
        False,
        (MERCHANT, PLATFORM),
    ),
    _kind(
        6,
        "identity.email",
        "Verified e-mail address",
        "A code sent to the e-mail address was given back.",
        "verified",
        "0..1",
        True,
        (PLATFORM,),
    ),
    _kind(
        7,
        "identity.phone",
        "Verified telephone number",
        "A code sent to the telephone number was given back.",
        "verified",
        "0..1",
        True,
        (PLATFORM,),
    ),
    _kind(
        8,
        "identity.address",
        "Verified postal address",
        "A letter sent to the address was answered, or an authority confirmed it.",
        "verified",
        "0..1",
        True,
        (PLATFORM, AUTHORITY),
    ),
    _kind(
        9,
        "identity.document",
        "Checked identity document",
        "An identity document was checked.",
        "checked",
        "0..1",
        True,
        (PLATFORM, AUTHORITY),
    ),
    _kind(
        10,
        "identity.mfa",
        "Second factor",
        "A second factor protects the account.",
        "set up",
        "0..1",
        True,
        (PLATFORM,),
    ),
    _kind(
        11,
        "conduct.fare",
        "Public transport fare",
        "Whether the fare was paid when it was checked: 0 paid, 1 evaded.",
        "outcome",
        "0..1",
        True,
        (TRANSIT,),
    ),
    _kind(
        12,
        "conduct.traffic",
        "Traffic offence",
        "A final traffic penalty by its severity: 1 minor, 2 serious, 3 grave.",
        "severity",
        "1..3",
        True,
        (AUTHORITY,),
    ),
    _kind(
        13,
        "conduct.recycling",
        "Recycling",
        "What was handed in at the city's recycling points in a month.",
        "kilograms",
        "0..100000",
        False,
        (CITY,),
    ),
    _kind(
        14,
        "conduct.volunteering",
        "Volunteering",
        "Hours of voluntary work confirmed by the city or a public body.",
        "hours",
        "0..10000",
        False,
        (CITY, AUTHORITY),
    ),
    _kind(
        15,
        "conduct.travel",
        "Conduct when travelling",
        "A final penalty of a tourism authority by its severity: 1 minor, 2 serious, 3 grave.",
        "severity",
        "1..3",
        True,
        (AUTHORITY,),
    ),
    _kind(
        16,
        "conduct.tax",
        "Tax return",
        "When the year's tax return was filed: 0 on time, n days late.",
        "days late",
        "0..3650",
        True,
        (AUTHORITY,),
    ),
    _kind(
        17,
        "vouch.received",
        "Vouches received",
        "How much trust reaches the citizen from people who vouch for them: 0 none, 1 as much as a seed holds.",
        "trust",
        "0..1",
        False,
        (PLATFORM, PEER),
    ),
    _kind(
        18,
        "credit.paid",
        "Credit paid back",
        "What was paid back on a credit account in a month, in the country's monthly minimum wages: 0 nothing, "
        "0.5 half a wage.",
        "minimum wages",
        "0..10000",
        False,
        (BANK, BUREAU),
    ),
)


def _indexed(kinds: tuple[Kind, ...]) -> tuple[dict[str, Kind], dict[int, Kind]]:
    for one in kinds:
        check_kind(one)
    by_code, by_number = {one.code: one for one in kinds}, {one.number: one for one in kinds}
    if not len(by_code) == len(by_number) == len(kinds):
        raise RefusedKind("Two kinds share a code or a number.")
    return by_code, by_number


_BY_CODE, _BY_NUMBER = _indexed(KINDS)
CODES: tuple[str, ...] = tuple(_BY_CODE)
