"""Scorecards on their way: drafts as operators make them, and populations that are large enough to be told of."""

import copy
from datetime import date
from typing import Any

from citizen_app.models import Citizen
from scores import catalogue
from scores.models import Entry, ScorecardDraft, ShadowRun
from scores.services.drafts import save_draft, start_draft
from scores.services.rescoring import rescore_together
from scores.services.shadow_runs import finish_here, start_shadow_run
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, link

NOTE = "Paying on time counts for more."


def changed(document: dict[str, Any], **at: Any) -> dict[str, Any]:
    """A copy of the document with values at paths, dots and brackets written as double underscores."""
    copied = copy.deepcopy(document)
    for path, value in at.items():
        *way, last = [int(key) if key.isdigit() else key for key in path.split("__")]
        place = copied
        for key in way:
            place = place[key]
        place[last] = value
    return copied


def a_draft(by: Citizen | None = None, *, note: str = NOTE, **at: Any) -> ScorecardDraft:
    """A draft with these values changed; by default payments on time earn half a point more."""
    by = by or operator_with("scoring")
    draft = start_draft(by=by, now=NOW)
    document = changed(draft.document, **(at or {"rules__0__bins__1__points": "6.5"}))
    return save_draft(draft=draft, document=document, note=note, revision=draft.revision, by=by, now=NOW)


def run_of(draft: ScorecardDraft, by: Citizen | None = None) -> ShadowRun:
    """A finished shadow run of the draft as it is."""
    run = start_shadow_run(draft=draft, by=by or draft.author, now=NOW)
    while not finish_here(run):
        pass
    run.refresh_from_db()
    return run


def a_population(count: int, *, payments: int = 6, late: int = 0) -> list[Citizen]:
    """So many people with payments on time, the latest of `late` of them a month late; all have their score."""
    source, kind = SourceFactory(), catalogue.kind("credit.payment")
    people = [EnrolmentFactory(now=NOW).citizen for _ in range(count)]
    rows = []
    for number, citizen in enumerate(people):
        held = link(citizen, source, now=NOW)
        for month in range(payments):
            years, at = divmod(12 * 2026 + 9 - month, 12)
            day = date(years, at + 1, 28)
            fields = {"occurred_on": day, "lapses_on": catalogue.lapses_on(kind, day), "recorded_at": NOW}
            fields |= {"value": 10_000 if month == 0 and number < late else 0, "external_id": f"p{month}"}
            rows.append(Entry(enrolment_id=citizen.pk, link=held, kind_number=kind.number, **fields))
    Entry.objects.bulk_create(rows)
    for start in range(0, count, 50):
        rescore_together(citizen_ids=[one.pk for one in people[start : start + 50]], cause="entries", now=NOW)
    return people
