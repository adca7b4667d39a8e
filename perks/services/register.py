"""Storing what an authority recorded: every row under the authority's own id, and the standing that follows."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from perks import standing
from perks.food_register import Business, FoodFiles, Row
from perks.models import Enterprise, Register, StandingRecord
from perks.services.registered import merchants_of, refresh_standing

ROWS_AT_ONCE: Final = 500
_CONTENT: Final = ("enterprise_id", "kind", "on", "order", "gravity", "mark", "is_remedied", "remedied_on", "text")
Moved = Callable[[int], object]


def known_numbers(register: str) -> set[str]:
    """The enterprises an authority has told of before."""
    return set(Enterprise.objects.filter(register__code=register).values_list("number", flat=True))


@transaction.atomic
def record_register(
    *,
    register: str,
    authority: str,
    read: FoodFiles,
    as_of: date | None = None,
    now: datetime | None = None,
    moved: Moved = lambda done: None,
) -> dict[str, Any]:
    """Make the register say what the authority's files say, and each enterprise's and merchant's standing with it.

    All or nothing, and the same files again change nothing. What a newer file says of the same record (that it is
    remedied, say) replaces what an older one said. `as_of` is the day up to which the register is known (the newest
    day recorded, unless said); lapse is counted from it. `moved` is told how many rows are done.
    """
    now = now or timezone.now()
    kept, _ = Register.objects.get_or_create(code=register, defaults={"authority": authority})
    kept = Register.objects.select_for_update().get(pk=kept.pk)
    day = as_of or read.newest or kept.as_of or now.date()
    counts: Counter[str] = Counter()
    keys = _store_enterprises(kept, read.businesses, counts, moved)
    _store_records(kept, read.rows, keys, counts, moved)
    Register.objects.filter(pk=kept.pk).update(authority=authority, as_of=day, imported_at=now)
    told, changed = _judge_all(kept, day, moved)
    merchants_changed = sum(refresh_standing(merchant, now=now) for merchant in merchants_of(changed))
    if changed or counts:
        audit.record(by=None, action="register.import", on=register, as_of=day.isoformat(), **counts)
    stored = {f"{thing}_{what}": counts[f"{thing}_{what}"] for thing in _THINGS for what in ("new", "changed")}
    return {"as_of": day.isoformat(), **told, **stored, "merchants_changed": merchants_changed}


_THINGS: Final = ("businesses", "records")


def records_of(enterprises: Iterable[Enterprise]) -> dict[Any, standing.Standing]:
    """Return the whole standing of enterprises (fetched with their register), for the pages that show it."""
    days = {one.pk: one.register.as_of for one in enterprises}
    rows = StandingRecord.objects.filter(enterprise__in=list(days)).order_by("enterprise_id", "on", "order")
    found = {key: [row.as_record() for row in group] for key, group in groupby(rows, key=lambda row: row.enterprise_id)}
    return {
        key: standing.judge(found.get(key, []), as_of=day) if day is not None else standing.Standing()
        for key, day in days.items()
    }


def _store_enterprises(
    register: Register, businesses: list[Business], counts: Counter[str], moved: Moved
) -> dict[str, Any]:
    names = ("name", "address", "city", "postal_code")
    there = {one.number: one for one in Enterprise.objects.filter(register=register)}
    new, changed = [], []
    for business in businesses:
        facts = {name: getattr(business, name) for name in names}
        one = there.get(business.number)
        if one is None:
            one = Enterprise(register=register, number=business.number, summary=dict(standing.NOTHING_KNOWN), **facts)
            there[business.number] = one
            new.append(one)
        elif any(getattr(one, name) != value for name, value in facts.items()):
            for name, value in facts.items():
                setattr(one, name, value)
            changed.append(one)
    Enterprise.objects.bulk_create(new, batch_size=ROWS_AT_ONCE)
    Enterprise.objects.bulk_update(changed, names, batch_size=ROWS_AT_ONCE)
    _count(counts, "businesses", new, changed)
    moved(len(businesses))
    return {number: one.pk for number, one in there.items()}


def _store_records(
    register: Register, rows: list[Row], keys: dict[str, Any], counts: Counter[str], moved: Moved
) -> None:
    there = {
        external_id: (pk, content)
        for pk, external_id, *content in StandingRecord.objects.filter(register=register).values_list(
            "pk", "external_id", *_CONTENT
        )
    }
    for chunk in _chunks(rows):
        new, changed = [], []
        for row in chunk:
            record = _record(register, row, keys[row.number])
            before = there.get(row.external_id)
            if before is None:
                new.append(record)
            elif before[1] != [getattr(record, name) for name in _CONTENT]:
                record.pk = before[0]
                changed.append(record)
        StandingRecord.objects.bulk_create(new)
        StandingRecord.objects.bulk_update(changed, [*_CONTENT, "lapses_on"]) if changed else None
        _count(counts, "records", new, changed)
        moved(len(chunk))


def _record(register: Register, row: Row, enterprise_id: Any) -> StandingRecord:
    return StandingRecord(
        register=register,
        enterprise_id=enterprise_id,
        external_id=row.external_id,
        kind=row.kind,
        on=row.on,
        order=row.order,
        gravity=row.gravity,
        mark=row.mark,
        is_remedied=row.is_remedied,
        remedied_on=row.remedied_on,
        lapses_on=standing.lapse_of(row.on),
        text=row.text,
    )


def _judge_all(register: Register, day: date, moved: Moved) -> tuple[dict[str, Any], list[Enterprise]]:
    """Judge every enterprise of the register; return the counts, and those whose standing has changed."""
    enterprises = {one.pk: one for one in Enterprise.objects.filter(register=register).select_related("register")}
    rows = StandingRecord.objects.filter(register=register).order_by("enterprise_id", "on", "order")
    counts: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))
    counts["businesses"] = len(enterprises)
    examples: dict[str, Any] = {}
    changed: list[Enterprise] = []
    judged: set[Any] = set()

    def judge(one: Enterprise, records: list[StandingRecord]) -> None:
        found = standing.judge((record.as_record() for record in records), as_of=day)
        _count_standing(counts, examples, one, records, found)
        summary = found.summary()
        if one.summary != summary:
            one.summary, one.state, one.has_badge = summary, summary["state"], summary["badge"] is not None
            changed.append(one)

    for key, group in groupby(rows.iterator(chunk_size=2000), key=lambda row: row.enterprise_id):
        records = list(group)
        judged.add(key)
        judge(enterprises[key], records)
        moved(len(records))
    for key, one in enterprises.items():
        if key not in judged:
            judge(one, [])
    Enterprise.objects.bulk_update(changed, ["summary", "state", "has_badge"], batch_size=ROWS_AT_ONCE)
    return {**counts, "examples": examples}, changed


_COUNTED: Final = (
    "businesses",
    "inspections",
    "suspended",
    "remedied",
    "red_listed",
    "grave_penalties",
    "grave_penalties_remedied",
    "penalties",
    "penalties_remedied",
    "lapsed",
)


def _count_standing(
    counts: Counter[str],
    examples: dict[str, Any],
    one: Enterprise,
    records: list[StandingRecord],
    found: standing.Standing,
) -> None:
    """Count one enterprise: `remedied` are those whose grave penalties, which still count, all met their remedy."""
    counts["inspections"] += sum(record.kind == StandingRecord.Kind.INSPECTION for record in records)
    counts["lapsed"] += found.lapsed
    for fact in found.facts:
        if fact.is_penalty:
            kind = "grave_penalties" if fact.gravity == standing.GRAVE else "penalties"
            counts[kind] += 1
            counts[f"{kind}_remedied"] += fact.is_remedied
    is_suspended = found.state == standing.SUSPENDED
    for name, holds in (
        ("suspended", is_suspended),
        ("remedied", not is_suspended and found.grave_remedied > 0),
        ("red_listed", found.has_badge),
    ):
        if holds:
            counts[name] += 1
            examples.setdefault(name, one.public_id)


def _count(counts: Counter[str], thing: str, new: list[Any], changed: list[Any]) -> None:
    for what, rows in (("new", new), ("changed", changed)):
        if rows:
            counts[f"{thing}_{what}"] += len(rows)


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]
