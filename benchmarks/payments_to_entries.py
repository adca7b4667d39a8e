"""Turn the full set of credit payments into entries for `score_entries`.

    python -m benchmarks.payments_to_entries credit_payments.csv OUT.ndjson

The set is "Default of credit card clients" (I-C. Yeh, UCI, CC BY 4.0) with one line per person: how many months late
each of six statements was, and balance and limit. Each statement gives two entries on its month's last day, the balance
in ten-thousandths of the limit, nothing where it is in credit and a hundred times the limit at most.
"""

import argparse
import csv
import json
import sys
from calendar import monthrange
from decimal import Decimal
from pathlib import Path

from scores.sample.make_extract import MONTHS, utilisation

MOST = Decimal(100)


def entries_of(row: dict[str, str]) -> list[dict[str, object]]:
    """One person's twelve entries, the oldest first."""
    found: list[dict[str, object]] = []
    for month in MONTHS:
        year, of_year = map(int, month.split("-"))
        shared = {"subject": f"person-{row['person']}", "occurred_on": f"{month}-{monthrange(year, of_year)[1]}"}
        column = month.replace("-", "_")
        used = min(Decimal(utilisation(row[f"balance_{column}"], row["credit_limit"])), MOST)
        found.append(shared | {"kind": "credit.payment", "value": int(row[f"months_late_{column}"])})
        found.append(shared | {"kind": "credit.utilisation", "value": f"{used:f}"})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    people = 0
    with options.source.open(newline="") as lines, options.target.open("w", encoding="utf-8") as out:
        for row in csv.DictReader(lines):
            people += 1
            for entry in entries_of(row):
                out.write(json.dumps(entry) + "\n")
    sys.stdout.write(f"The entries of {people} people written to {options.target}.\n")


if __name__ == "__main__":
    main()
