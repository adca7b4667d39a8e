"""Make (or complete) a citizen's account for a demonstration or a test."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from citizen_app.accounts.set_up import make_account
from citizen_app.accounts.sign_in import session_token_for
from citizen_app.management.set_up import SetUpCommand
from scores.services.enrolment import enrol_citizen
from scores.services.identity import record_document_check


class Command(SetUpCommand):
    help = (
        "Make a citizen with a verified address and print one JSON object. Running it again completes the same account."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password")
        parser.add_argument("--first-name")
        parser.add_argument("--enrol", action="store_true", help="agree to the current consent text and be scored")
        parser.add_argument("--document", action="store_true", help="as if a document check had been passed")
        self.add_session(parser)

    def set_up(
        self,
        *,
        email: str,
        password: str | None,
        first_name: str | None,
        enrol: bool,
        document: bool,
        session: bool,
        **options: Any,
    ) -> dict[str, Any]:
        citizen, is_new = make_account(email=email, password=password, first_name=first_name)
        answer = {"id": citizen.public_id, "email": citizen.email, "created": is_new}
        if enrol:
            enrolment, _ = enrol_citizen(
                citizen=citizen, consent_version=settings.CONSENT_VERSION, adult=True, via="command"
            )
            answer["enrolment"] = enrolment.state
        if document:
            # The check's reference for the person: one document per made-up account, the same on each run.
            record_document_check(citizen=citizen, reference=f"set-up:{citizen.public_id}", of_age=True)
            answer["document_checked"] = True
        if session:
            answer["session_token"] = session_token_for(citizen)
        return answer
