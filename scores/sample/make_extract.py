"""Make the sample's extract from the full set of payment records: `python make_extract.py credit_payments.csv OUT.csv`.

Takes every 24th person in the order of the file and, of each, what the product reads: how many months late each of
six statements was, as it stands, and how much of the limit was used, max(0, balance) ÷ limit rounded half-even to four
decimals. Nothing random: the same input gives the same bytes.
"""

import argparse
import csv
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

EVERY = 24
MONTHS = ("2005-04", "2005-05", "2005-06", "2005-07", "2005-08", "2005-09")
"""The statement months, oldest first."""
COLUMNS = ["person", *(f"months_late_{month}" for month in MONTHS), *(f"utilisation_{month}" for month in MONTHS)]


def utilisation(balance: str, limit: str) -> str:
    """How much of the limit is used, as decimal text with at most four decimals; a balance in credit uses nothing."""
    ratio = max(Decimal(0), Decimal(balance)) / Decimal(limit)
    text = f"{ratio.quantize(Decimal('0.0001'), ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".")


def extract(source: Path, target: Path, *, every: int = EVERY) -> int:
    """Write every `every`-th person of `source` to `target`; how many there are."""
    people = 0
    with source.open(newline="") as lines, target.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for place, row in enumerate(csv.DictReader(lines)):
            if place % every:
                continue
            months = [month.replace("-", "_") for month in MONTHS]
            writer.writerow(
                [
                    row["person"],
                    *(row[f"months_late_{month}"] for month in months),
                    *(utilisation(row[f"balance_{month}"], row["credit_limit"]) for month in months),
                ]
            )
            people += 1
    return people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the full set, one line per person")
    parser.add_argument("target", type=Path, help="where the extract goes")
    parser.add_argument("--every", type=int, default=EVERY, help="take every N-th person (default: %(default)s)")
    arguments = parser.parse_args()
    people = extract(arguments.source, arguments.target, every=arguments.every)
    sys.stdout.write(f"{people} people written to {arguments.target}.\n")


if __name__ == "__main__":
    main()
