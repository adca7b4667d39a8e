"""Revoke a source's keys at its furnisher's word, when they are lost or in the wrong hands."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from citizen_app.management.set_up import SetUpCommand
from citizen_app.models import OperatorRole
from scores.services.linking import source_named
from scores.services.source_keys import revoke_key


class Command(SetUpCommand):
    help = (
        "Take all keys of a source out of force at once; its client then registers a first one anew, by its token. "
        "Make sure that it is the furnisher who asks. Example: revoke_source_keys bank --by operator@example.org"
    )
    allowed_in_production = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("--by", required=True, metavar="OPERATOR_EMAIL", help="who answers for it in the audit")

    def set_up(self, *, code: str, by: str, **options: Any) -> dict[str, Any]:
        roles = OperatorRole.objects.filter(citizen__email__iexact=by, citizen__is_active=True)
        role = roles.select_related("citizen").first()
        if role is None:
            raise CommandError(f"No operator has the address {by!r}.")
        source = source_named(code)
        keys = [key for key in source.keys.live().select_related("source") if revoke_key(key=key, by=role.citizen)]
        return {"id": source.code, "revoked": [key.keyid for key in keys]}
