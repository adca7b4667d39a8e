"""Make a source with its furnisher and client, for demonstrations and tests."""

from argparse import ArgumentParser
from typing import Any

from citizen_app.management.set_up import SetUpCommand
from scores.services.furnishers import create_source


class Command(SetUpCommand):
    help = "Make a source that may send these kinds of record; prints its client id and, once, its secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("--kinds", required=True, help="codes of the catalogue, with commas between")
        parser.add_argument("--name", default="", help="what citizens read; made from the code unless said")

    def set_up(self, **options: Any) -> dict[str, Any]:
        kinds = [kind.strip() for kind in options["kinds"].split(",") if kind.strip()]
        made = create_source(code=options["code"], kinds=kinds, name=options["name"])
        return {
            "id": made.source.code,
            "name": made.source.name,
            "furnisher": made.source.furnisher.public_id,
            "kinds": made.source.kinds,
            "client_id": made.client.client_id,
            "client_secret": made.client.client_secret,
        }
