"""Publish a scorecard from a file, in two operators' names: tried out on everybody first, as on the pages."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from citizen_app.accounts.operators import is_operator
from citizen_app.errors import DomainError
from citizen_app.models import Citizen, OperatorRole
from scores.errors import SelfApproval
from scores.scorecard import InvalidScorecard, load_scorecard
from scores.services.drafts import judge_document, save_draft, start_draft
from scores.services.publication import publish_draft, submit_draft
from scores.services.shadow_runs import finish_here, start_shadow_run


class Command(BaseCommand):
    help = "Publish FILE as the scorecard in force, written by one operator and published by another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the scorecard's YAML")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the operator who submits it")
        parser.add_argument("--second", required=True, metavar="EMAIL", help="another operator, who publishes it")
        parser.add_argument("--note", required=True, help="what changes and why: the public reads it")

    def handle(self, *, file: Path, by: str, second: str, note: str, **options: Any) -> None:
        try:
            self.publish(file, self.operator(by), self.operator(second), note)
        except InvalidScorecard as refusal:
            raise CommandError(f"The scorecard has faults:\n{refusal}") from refusal
        except DomainError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail or refusal.title}") from refusal
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error

    def operator(self, email: str) -> Citizen:
        operator = Citizen.objects.filter(email__iexact=email, is_active=True).first()
        if operator is None or not is_operator(operator, OperatorRole.Role.SCORING):
            raise CommandError(f"{email} is no operator for scorecards.")
        return operator

    def publish(self, file: Path, first: Citizen, second: Citizen, note: str) -> None:
        if first == second:
            raise SelfApproval
        document = load_scorecard(file.read_text(encoding="utf-8")).document
        if faults := judge_document(document).faults:
            raise InvalidScorecard(list(faults))
        draft = start_draft(by=first)
        draft = save_draft(draft=draft, document=document, note=note, revision=draft.revision, by=first)
        run = start_shadow_run(draft=draft, by=first)
        while not finish_here(run):
            run.refresh_from_db()
            self.stderr.write(f"Tried out on {run.done_count} of {run.total_count} people.")
        # Where a gate stops it the draft stays, with what the run told about it.
        submit_draft(draft=draft, revision=draft.revision, by=first)
        row = publish_draft(draft=draft, by=second)
        self.stdout.write(f"{row.version} is in force. Everybody's score follows.")
