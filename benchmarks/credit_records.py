"""Write the records, outcomes and groups of a full set of card payments, for `fit_scorecard`.

    python benchmarks/credit_records.py credit_payments.csv OUT_FOLDER [--groups credit_groups.csv]

The set is "Default of Credit Card Clients" (I-C. Yeh, UCI Machine Learning Repository, CC BY 4.0; `scores/sample/
README.md` has the full notice): six statements of each person and whether they defaulted the month after. Each
statement becomes three records dated its month's last day: how late it was paid, how much of the limit was used
(max(0, balance) ÷ limit), and what was paid that month in monthly minimum wages (15,840 New Taiwan dollars then).
Four decimals, half-even. Sex and age go to a file of their own, for reports only.
"""

import argparse
import csv
import json
import sys
from calendar import monthrange
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

MONTHS = ("2005_04", "2005_05", "2005_06", "2005_07", "2005_08", "2005_09")
MINIMUM_WAGE = Decimal(15_840)
"""Taiwan's monthly minimum wage in 2005, in New Taiwan dollars."""


def ratio(part: str, whole: str | Decimal) -> str:
    """The part of the whole, nothing at least, as decimal text with at most four decimals."""
    share = max(Decimal(0), Decimal(part)) / Decimal(whole)
    return f"{share.quantize(Decimal('0.0001'), ROUND_HALF_EVEN):f}".rstrip("0").rstrip(".")


def records(row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Kind, day and value of each record of a person, oldest first."""
    for month in MONTHS:
        year, number = map(int, month.split("_"))
        day = f"{year}-{number:02}-{monthrange(year, number)[1]}"
        yield "credit.payment", day, row[f"months_late_{month}"]
        yield "credit.utilisation", day, ratio(row[f"balance_{month}"], row["credit_limit"])
        yield "credit.paid", day, ratio(row[f"paid_{month}"], MINIMUM_WAGE)


def age_band(age: int) -> str:
    return "under 25" if age < 25 else "25 to 59" if age < 60 else "60 and over"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("payments", type=Path, help="the full set, one line per person")
    parser.add_argument("folder", type=Path, help="where entries.ndjson, outcomes.csv and groups.csv go")
    parser.add_argument("--groups", type=Path, help="sex and age of the same people")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    people = 0
    with (
        arguments.payments.open(newline="") as lines,
        (arguments.folder / "entries.ndjson").open("w") as entries,
        (arguments.folder / "outcomes.csv").open("w") as outcomes,
    ):
        outcomes.write("subject,outcome\n")
        for row in csv.DictReader(lines):
            people += 1
            outcomes.write(f"{row['person']},{row['defaulted_2005_10']}\n")
            for kind, day, value in records(row):
                record = {"subject": row["person"], "kind": kind, "occurred_on": day, "value": value}
                entries.write(json.dumps(record, separators=(",", ":")) + "\n")
    if arguments.groups:
        with arguments.groups.open(newline="") as lines, (arguments.folder / "groups.csv").open("w") as groups:
            groups.write("subject,sex,age\n")
            for row in csv.DictReader(lines):
                groups.write(f"{row['person']},{row['sex']},{age_band(int(row['age']))}\n")
    sys.stdout.write(f"{people} people written to {arguments.folder}.\n")


if __name__ == "__main__":
    main()
