"""PURE: money as people write it, to and from the minor units that are stored (ISO 4217)."""

from decimal import Decimal
from typing import Any, Final

_NO_DECIMALS: Final = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_THREE_DECIMALS: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def decimals_of(currency: str) -> int:
    """How many decimals a currency is written with; most have two."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def minor_units(written: Decimal, currency: str) -> dict[str, Any]:
    """Return `{amount, currency}` of a sum written with at most the currency's decimals."""
    return {"amount": int(written.scaleb(decimals_of(currency))), "currency": currency}


def written(money: dict[str, Any] | None) -> Decimal | None:
    """Return a stored amount as people write it; None stays None."""
    if money is None:
        return None
    places = decimals_of(money["currency"])
    return Decimal(money["amount"]).scaleb(-places)


def money_text(amount: int, currency: str) -> str:
    """Write an amount of minor units for people: `12.50 EUR`."""
    return f"{Decimal(amount).scaleb(-decimals_of(currency)):f} {currency}"
