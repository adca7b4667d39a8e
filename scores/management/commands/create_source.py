"""Make a source with its furnisher and client, for demonstrations and tests."""

from argparse import ArgumentParser
from typing import Any

from citizen_app.management import SetUpCommand
from scores.services.furnishers import create_source


class Command(SetUpCommand):
    help = "Make a source that may send these kinds of record; prints its client id and, once, its secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("--kinds", required=True, help="codes of the catalogue, with commas between")
        parser.add_argument("--name", default="", help="what citizens read; made from the code unless said")

    def set_up(self, *, code: str, kinds: str, name: str, **options: Any) -> dict[str, Any]:
        made = create_source(code=code, kinds=[kind.strip() for kind in kinds.split(",") if kind.strip()], name=name)
        return {
            "id": made.source.code,
            "name": made.source.name,
            "furnisher": made.source.furnisher.public_id,
            "kinds": made.source.kinds,
            "client_id": made.client.client_id,
            "client_secret": made.client.client_secret,
        }
