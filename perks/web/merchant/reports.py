"""The merchant's numbers: whole weeks, rounded, none about fewer than ten people."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from citizen_app import audit
from citizen_app.errors import InvalidInput
from perks.api.merchant.code_lists import csv_answer
from perks.money import written
from perks.services.reports import GROUPINGS, report, report_rows
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.refusals import in_words


class ReportPage(ConsolePage):
    """What page and file share: which weeks are asked for, and how they are grouped."""

    action = "reports"
    back = "merchant:reports"

    def filters(self, request: HttpRequest) -> dict[str, Any]:
        """What is asked for; a word or day that means nothing is forgotten rather than refused."""
        by = request.GET.get("by", "")
        return {
            "by": by if by in GROUPINGS else "perk",
            "first": _day(request.GET.get("from", "")),
            "last": _day(request.GET.get("to", "")),
        }


class Reports(ReportPage):
    """Reports, as columns and as tables."""

    template_name = "merchant/reports.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters, problem = self.filters(request), None
        try:
            told = report(merchant=self.merchant, **filters)
        except InvalidInput as refusal:
            problem = in_words(refusal)
            filters = {"by": filters["by"], "first": None, "last": None}
            told = report(merchant=self.merchant, **filters)
        days = {"first": told["from"], "last": told["to"]}
        weeks = told if filters["by"] == "week" else report(merchant=self.merchant, by="week", **days)
        return self.show(
            told=told | {"first": told["from"], "last": told["to"]},
            rows=[row | {"name": _name(row, told["by"]), "budget_left": _money_left(row)} for row in told["rows"]],
            weeks=weeks["rows"],
            columns=[(_short(row["week"]["from"]), row["taken"], row["redeemed"]) for row in weeks["rows"]],
            is_empty=not _numbers(told["total"]),
            groupings=GROUPINGS,
            problem=problem,
        )


class ReportFile(ReportPage):
    """The same numbers as a file for a spreadsheet."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        told = report(merchant=self.merchant, **self.filters(request))
        audit.record(by=self.citizen, action="report.download", on=self.merchant.public_id, by_what=told["by"])
        return csv_answer(report_rows(told), name=f"report-{told['from']}-{told['to']}-by-{told['by']}")


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _name(row: dict[str, Any], by: str) -> str:
    if by == "week":
        return f"{_short(row['week']['from'])} – {_short(row['week']['to'])} {row['week']['to'].year}"
    group = row[by]
    return group["title" if by == "perk" else "name"] if group else "At no branch"


def _money_left(row: dict[str, Any]) -> str:
    budget = (row.get("limits") or {}).get("budget")
    return f"{written(budget['left'])} {budget['left']['currency']}" if budget else ""


def _numbers(row: dict[str, Any]) -> list[int]:
    flat = [
        *(row[name] for name in ("taken", "redeemed", "expired", "cancelled", "reversed")),
        *row["refused"].values(),
    ]
    return [number for number in flat if number is not None]
