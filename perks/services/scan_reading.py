"""What a scan reads of what is shown: the redemption, and all that its judging looks at, in one statement."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import OuterRef

from citizen_app.kept_statements import Given, KeptRows
from citizen_app.statements import RowsBeside
from perks.models import Branch, Merchant, Redemption, Scan


@cache
def finding(by: str, count: int, is_branch_named: bool) -> KeptRows:
    """The reading of what is shown by so many keys (`pk` or `code_hash`), compiled once; see `shown`."""
    field: Any = Redemption._meta.pk if by == "pk" else Redemption._meta.get_field(by)
    return KeptRows(
        lambda: shown(
            by,
            [Given(f"key{number}", field) for number in range(count)],
            merchant_id=Given("merchant_id", Merchant._meta.pk),
            nonce=Given("nonce", Scan._meta.get_field("nonce")),
            branch_key=Given("branch_key", Branch._meta.pk),
            is_branch_named=is_branch_named,
        )
    )


def shown(by: str, keys: Sequence[Any], *, merchant_id: Any, nonce: Any, branch_key: Any, is_branch_named: bool) -> Any:
    """The redemption of one of the keys, with places, open branches and the nonce's scan in columns beside."""
    places = Branch.objects.filter(perks=OuterRef("perk_id")).order_by("pk")
    open_branches = open_branches_of(merchant_id, branch_key, is_named=is_branch_named)
    known = Scan.objects.filter(merchant=merchant_id, nonce=nonce)
    found = Redemption.objects.select_related("perk", "version", "citizen", "branch").annotate(
        places=RowsBeside(places.values("id", "name", "zone")),
        open_branches=RowsBeside(open_branches),
        known=RowsBeside(known.values("id")),
    )
    # Only the merchant's own: to fetch a stranger's would take longer than to find nothing, and a clock would tell.
    return found.filter(merchant=merchant_id, **{f"{by}__in": keys}).order_by("pk")[:1]


def open_branches_of(merchant_id: Any, branch_key: Any, *, is_named: bool) -> Any:
    """The branches this scan may be at: the one it names, else enough of them to see whether there is only one."""
    branches = Branch.objects.filter(merchant=merchant_id, closed_at=None)
    if is_named:
        branches = branches.filter(pk=branch_key)
    return branches.order_by("pk").values("id", "name", "zone")[:2]
