"""Who may send records: a furnisher, its source, and the client its server calls with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, transaction

from citizen_app.accounts.clients import IssuedClient, issue_client
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from scores import catalogue
from scores.errors import SourceExists
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
    *, code: str, kinds: Sequence[str], name: str = "", is_demo: bool = False, by: Citizen | None = None
) -> MadeSource:
    """Let a furnisher send records of these kinds through one source; citizens link it themselves.

    Raises `InvalidInput` for a code or a kind that cannot be (everything outside the catalogue), `SourceExists`.
    """
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
    if errors:
        raise InvalidInput(*errors, detail=" ".join(error.detail for error in errors))
    name = name or code.replace("-", " ").replace("_", " ").capitalize()
    furnisher = Furnisher.objects.create(name=name)
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
                is_demo=is_demo,
            )
    except IntegrityError as error:
        if Source.objects.filter(code=code).exists():
            raise SourceExists(f"There is a source {code} already.") from error
        raise
    return MadeSource(source, client)
