"""Who may send records: a furnisher, its source, and the client its server calls with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, transaction

from citizen_app.accounts.clients import IssuedClient, issue_client
from citizen_app.audit import record
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from scores import catalogue
from scores.errors import KindNotFurnished, SourceExists
from scores.models import Furnisher, Source

SCOPE: Final = "source:write"
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MadeSource:
    """A new source and the only sight of its client's secret."""

    source: Source
    client: IssuedClient = field(repr=False)


@transaction.atomic
def create_source(
    *,
    code: str,
    kinds: Sequence[str],
    name: str = "",
    furnisher: Furnisher | None = None,
    furnisher_name: str = "",
    furnishes_as: Sequence[str] | None = None,
    redirect_url: str = "",
    is_demo: bool = False,
    by: Citizen | None = None,
) -> MadeSource:
    """Let a furnisher send records of these kinds through one source; citizens link it themselves.

    It is the channel of `furnisher`, or of a new one that `furnishes_as` some of `catalogue.FURNISHERS`; unless said,
    whatever it must be for these kinds. Raises `InvalidInput` for a code or a kind that cannot be (everything outside
    the catalogue), `KindNotFurnished` for kinds that such a furnisher may not tell of, `SourceExists`.
    """
    _check(code, kinds, furnishes_as)
    if furnisher is not None:
        furnishes_as = furnisher.furnishes_as
    elif furnishes_as is None:
        furnishes_as = catalogue.capacities_for(kinds)
    if beyond := sorted(set(kinds) - catalogue.may_furnish(furnishes_as)):
        who = " and ".join(furnishes_as)
        raise KindNotFurnished(f"The catalogue does not let {who} furnish {', '.join(beyond)}.", kinds=beyond)
    name = name or code.replace("-", " ").replace("_", " ").capitalize()
    if furnisher is None:
        furnisher = Furnisher.objects.create(name=furnisher_name or name, furnishes_as=_in_order(furnishes_as))
    client = issue_client(
        name=name, owner_kind=OAuthApplication.OwnerKind.FURNISHER, owner=furnisher.public_id, scopes=[SCOPE], by=by
    )
    try:
        with transaction.atomic():
            source = Source.objects.create(
                code=code,
                name=name,
                furnisher=furnisher,
                application=client.application,
                kinds=sorted(set(kinds)),
                redirect_url=redirect_url,
                is_demo=is_demo,
            )
    except IntegrityError as error:
        if Source.objects.filter(code=code).exists():
            raise SourceExists(f"There is a source {code} already.") from error
        raise
    record(by=by, action="source.register", on=f"source:{code}", kinds=source.kinds, furnisher=furnisher.public_id)
    return MadeSource(source, client)


def _check(code: str, kinds: Sequence[str], furnishes_as: Sequence[str] | None) -> None:
    """Refuse what cannot be, each at its place."""
    errors = []
    if not _CODE.fullmatch(code):
        errors.append(FieldError("/code", "invalid", "A code is 2 to 40 of the characters a–z 0–9 _ -"))
    if not kinds:
        errors.append(FieldError("/kinds", "required", "Name at least one kind."))
    errors += [
        FieldError(f"/kinds/{index}", "invalid", f"The catalogue has no kind {kind!r:.80}.")
        for index, kind in enumerate(kinds)
        if kind not in catalogue.CODES
    ]
    if furnishes_as is not None and not (furnishes_as and set(furnishes_as) <= set(catalogue.FURNISHERS)):
        known = ", ".join(catalogue.FURNISHERS)
        errors.append(FieldError("/furnishes_as", "invalid", f"A furnisher is one or more of {known}."))
    if errors:
        raise InvalidInput(*errors, detail=" ".join(error.detail for error in errors))


def _in_order(furnishes_as: Sequence[str]) -> list[str]:
    return [one for one in catalogue.FURNISHERS if one in furnishes_as]
