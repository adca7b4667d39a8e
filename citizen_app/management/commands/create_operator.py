"""Make (or complete) an operator's account; the only set-up command that a real deployment allows."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError

from citizen_app.accounts.operators import grant_role
from citizen_app.accounts.set_up import make_account, set_up_authenticator
from citizen_app.accounts.sign_in import session_token_for
from citizen_app.management.set_up import SetUpCommand
from citizen_app.models import OperatorRole


class Command(SetUpCommand):
    help = (
        "Make an operator: a verified account with an authenticator, for the named kinds of work. Prints one JSON "
        "object; add totp_secret to an authenticator app. Without --password the operator signs in by e-mailed code."
    )
    allowed_in_production = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--roles", required=True, help=f"comma-separated: {','.join(OperatorRole.Role.values)}")
        parser.add_argument("--password")
        parser.add_argument("--first-name")
        self.add_session(parser)

    def set_up(
        self, *, email: str, roles: str, password: str | None, first_name: str | None, session: bool, **options: Any
    ) -> dict[str, Any]:
        wanted = [role.strip() for role in roles.split(",") if role.strip()]
        unknown = sorted(set(wanted) - set(OperatorRole.Role.values))
        if unknown or not wanted:
            raise CommandError(
                f"--roles takes {', '.join(OperatorRole.Role.values)}, not {', '.join(unknown) or roles!r}."
            )
        if settings.PRODUCTION and session:
            raise CommandError("--session is refused where PRODUCTION=true: sign in.")
        if settings.PRODUCTION and password:
            validate_password(password)
        operator, is_new = make_account(email=email, password=password, first_name=first_name)
        for role in wanted:
            grant_role(citizen=operator, role=role, by=None)
        secret, just_made = set_up_authenticator(operator)
        answer = {
            "id": operator.public_id,
            "email": operator.email,
            "created": is_new,
            "roles": sorted(operator.operator_roles.values_list("role", flat=True)),
            # On a real deployment a factor that somebody already uses is never shown again.
            "totp_secret": secret if just_made or not settings.PRODUCTION else None,
        }
        if session:
            answer["session_token"] = session_token_for(operator)
        return answer
