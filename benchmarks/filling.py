"""Fill an empty database with a large catalogue: `python -m benchmarks.filling [PERKS REDEMPTIONS]`, PostgreSQL only.

The sample is loaded through the services; then one enrolled person, one merchant and one published perk of it are
copied in SQL, and used redemptions laid over them: each person has used about fifty perks, each perk about ten times.
Thresholds go from an open tier to 900, so that answers differ. For measuring only; refused in a large catalogue.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import Model  # noqa: E402

from citizen_app.demo import refuse_in_production  # noqa: E402
from citizen_app.models import Citizen  # noqa: E402
from perks.models import Merchant, Perk, PerkCategory, PerkVersion, Redemption  # noqa: E402
from scores.models import Enrolment, Score, Scorecard  # noqa: E402

PEOPLE_FROM = 1_000_000
MERCHANTS = 1_000
USED_BY_EACH = 50
PURPOSES = "(ARRAY['travel', 'rental', 'retail', 'dating'])[1 + n % 4]"
VALUES = {
    "travel": {"state": "assessable", "value": 640},
    "rental": {"state": "assessable", "value": 600},
    "retail": {"state": "assessable", "value": 520},
    "dating": {"state": "not_enough_records", "value": None},
}
THRESHOLD = "CASE WHEN n % 10 = 0 THEN NULL ELSE 500 + 40 * (n % 11) END"


def key(kind: str, number: str = "n") -> str:
    """SQL for a key in the order of numbers, as UUIDv7 keys are in order of time; other kinds never meet it."""
    return f"(lpad(to_hex(1600000000000 + {number}), 12, '0') || '7' || lpad(to_hex({number}), 19, '{kind}'))::uuid"


def copy(model: type[Model], template: Model, count: int, **columns: str) -> None:
    """Copy a row `count` times, with SQL over `n` in these columns."""
    table, names = model._meta.db_table, [field.column for field in model._meta.concrete_fields]
    told = ", ".join(columns.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    pk = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({listed}) SELECT {told}"
            f" FROM {table} AS t, generate_series(1::bigint, {count}) AS n WHERE t.{pk.column} = '{template.pk}'"
            " ORDER BY n"  # type: ignore[union-attr]
        )


@transaction.atomic
def fill(perks: int, redemptions: int) -> None:
    people = max(redemptions // USED_BY_EACH, 2_000)
    score = Score.objects.select_related("enrolment__citizen").filter(state="scored").order_by("pk").first()
    perk = Perk.objects.filter(state="published", kind="discount").select_related("in_force", "merchant").first()
    if score is None or perk is None or perk.in_force is None:
        raise SystemExit("The sample is not there.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # keys that exist need no looking up
    person = f"{PEOPLE_FROM} + n"
    copy(Citizen, score.enrolment.citizen, people, id=person, uuid=key("e"), email="'person' || n || '@bench.example'")
    unchecked = dict.fromkeys(("person_key", "document_checked_at"), "NULL")
    copy(Enrolment, score.enrolment, people, citizen_id=person, **unchecked)
    current = Scorecard.objects.only("pk").get(is_current=True)
    copy(
        Score, score, people, citizen_id=person, scorecard_id=str(current.pk), as_of="current_date",
        purposes=f"'{json.dumps(VALUES)}'::jsonb",
    )  # fmt: skip
    copy(Merchant, perk.merchant, MERCHANTS, id=key("a"), name="'Hotel ' || n")
    tier = (
        f"jsonb_build_array(jsonb_build_object('min_score', {THRESHOLD}, 'benefit', jsonb_build_object('text', 'Ten')))"
    )
    copy(
        PerkVersion, perk.in_force, perks, id=key("c"), perk_id=key("b"), number="1", tiers=tier,
        title="'Late check-out ' || n",
    )  # fmt: skip
    copy(
        Perk, perk, perks, id=key("b"), in_force_id=key("c"), merchant_id=key("a", f"(1 + n % {MERCHANTS})"),
        purpose=PURPOSES, easiest_min_score=THRESHOLD, has_open_tier="n % 10 = 0", stock="1000000",
        taken_count=str(redemptions // perks), limit_per_citizen="NULL", limit_per_citizen_day="NULL",
        limit_per_citizen_week="NULL", limit_per_citizen_month="NULL", limit_per_day="NULL", pending_id="NULL",
        valid_from_at="NULL", valid_until_at="NULL", visible_from_at="NULL", budget_amount="NULL", promised_count="0",
        budget_spent="0",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {PerkCategory._meta.db_table} (perk_id, code) SELECT {key('b')}, 'stay-' || n % 20"
            f" FROM generate_series(1::bigint, {perks}) AS n"
        )
        used = f"(1 + n % {perks})"
        cursor.execute(
            f"INSERT INTO {Redemption._meta.db_table} (id, perk_id, version_id, merchant_id, citizen_id, state, "
            " min_score, benefit, booking_reference, code_hash, code_attempt, taken_at, expires_at, closed_at,"
            " reversal_reason, release, counts_for_limits, counts_for_stock, sequence, forgets_citizen)"
            f" SELECT {key('d')},"
            f" {key('b', used)}, {key('c', used)}, {key('a', f'(1 + {used} % {MERCHANTS})')},"
            f" {PEOPLE_FROM} + 1 + n * 7919 % {people}, 'redeemed', NULL, '{{\"text\": \"Ten\"}}', '', md5(n::text),"
            " 0, at, at, at, '', '{}', true, true, 2, false FROM (SELECT n,"
            f" now() - interval '400 days' + n % 500000 * interval '30 seconds' AS at"
            f" FROM generate_series(1::bigint, {redemptions}) AS n) AS past"
        )


def main(perks: int, redemptions: int) -> None:
    refuse_in_production()
    if connection.vendor != "postgresql":
        raise SystemExit("Set DATABASE_URL to an empty PostgreSQL database.")
    manage: list[Any] = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], check=True)
    if Perk.objects.count() > 10_000:
        raise SystemExit("The catalogue is large already.")
    subprocess.run([*manage, "seed_demo", "--verbosity", "0"], check=True)
    began = time.perf_counter()
    fill(perks, redemptions)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{perks} perks and {redemptions} redemptions in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("perks", type=int, nargs="?", default=100_000)
    parser.add_argument("redemptions", type=int, nargs="?", default=1_000_000)
    asked = parser.parse_args()
    main(asked.perks, asked.redemptions)
