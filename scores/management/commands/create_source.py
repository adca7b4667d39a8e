"""Make a source with its furnisher and client, for demonstrations and tests."""

from argparse import ArgumentParser
from typing import Any

from citizen_app.management.set_up import SetUpCommand
from scores.catalogue import FURNISHERS
from scores.services.furnishers import create_source


class Command(SetUpCommand):
    help = "Make a source that may send these kinds of record; prints its client id and, once, its secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("--kinds", required=True, help="codes of the catalogue, with commas between")
        parser.add_argument(
            "--as",
            dest="furnishes_as",
            help="what the furnisher is, of "
            + ", ".join(FURNISHERS)
            + ", with commas between (default: what it must be)",
        )
        parser.add_argument("--name", default="", help="what citizens read; made from the code unless said")

    def set_up(self, **options: Any) -> dict[str, Any]:
        furnishes_as = options["furnishes_as"]
        made = create_source(
            code=options["code"],
            kinds=_listed(options["kinds"]),
            name=options["name"],
            furnishes_as=None if furnishes_as is None else _listed(furnishes_as),
        )
        return {
            "id": made.source.code,
            "name": made.source.name,
            "furnisher": made.source.furnisher.public_id,
            "furnishes_as": made.source.furnisher.furnishes_as,
            "kinds": made.source.kinds,
            "client_id": made.client.client_id,
            "client_secret": made.client.client_secret,
        }


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
