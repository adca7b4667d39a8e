"""Reports as their citizen reads them, and cases as operators do: never with who reported."""

from typing import Any

from django.db.models import Count, Prefetch
from django.db.models.query import QuerySet

from perks.models import Perk, Report, ReportCase
from perks.services.showing_perks import instant

MOST_SHOWN = 50
STATEMENTS_SHOWN = 20


def report_line(report: Report) -> dict[str, Any]:
    """A report to its own citizen, with what became of it (fetched with its case, perk, version and merchant)."""
    case = report.case
    return {
        "id": report.public_id,
        "perk": {"id": case.perk.public_id, "title": title_of(case.perk)},
        "merchant": {"id": case.merchant.public_id, "name": case.merchant.name},
        "ground": report.ground,
        "statement": report.statement,
        "made_at": instant(report.made_at),
        "state": case.state,
        "decided_at": instant(case.decided_at),
        "reason": case.reason or None,
    }


def with_what_report_lines_show(reports: Any) -> Any:
    return reports.select_related("case__perk__in_force", "case__merchant")


def waiting_cases() -> QuerySet[ReportCase]:
    return ReportCase.objects.filter(state=ReportCase.State.OPEN)


def case_queue() -> list[dict[str, Any]]:
    """The open cases, the longest waiting first, each with what is said. Two statements at any length."""
    return [_case_row(case) for case in _with_reports(waiting_cases()).order_by("opened_at", "pk")[:MOST_SHOWN]]


def decided_cases() -> list[dict[str, Any]]:
    """The cases decided last."""
    decided = ReportCase.objects.exclude(state=ReportCase.State.OPEN)
    return [_case_row(case) for case in _with_reports(decided).order_by("-decided_at", "-pk")[:10]]


def _with_reports(cases: Any) -> Any:
    said = Report.objects.order_by("made_at", "pk")
    return (
        cases.select_related("perk__in_force", "merchant")
        .annotate(report_count=Count("reports"))
        .prefetch_related(Prefetch("reports", queryset=said))
    )


def _case_row(case: Any) -> dict[str, Any]:
    return {
        "id": case.public_id,
        "state": case.state,
        "opened_at": instant(case.opened_at),
        "decided_at": instant(case.decided_at),
        "reason": case.reason,
        "perk": {"id": case.perk.public_id, "title": title_of(case.perk), "state": case.perk.state},
        "merchant": {"id": case.merchant.public_id, "name": case.merchant.name, "state": case.merchant.state},
        "count": case.report_count,
        "reports": [
            {"ground": one.ground, "statement": one.statement, "made_at": instant(one.made_at)}
            for one in list(case.reports.all())[:STATEMENTS_SHOWN]
        ],
    }


def title_of(perk: Perk) -> str:
    return perk.in_force.title if perk.in_force is not None else ""
