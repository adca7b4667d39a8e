"""The pages of the score: what it is, why, how it moved, and what would change it."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from citizen_app.web.pages import Page, paged
from citizen_app.web.panels import parts_of
from scores import scoring
from scores.models import Enrolment, Entry, ScoreChange
from scores.services.change_log import notes_of
from scores.services.rescoring import scoring_day
from scores.services.statements import (
    entry_rows,
    explanation_in_force,
    explanation_statement,
    history_rows,
    score_statement,
    what_if_statement,
)
from scores.web.forms import WhatIfForm

PERIODS = {"1m": ("a month", 31), "6m": ("six months", 183), "1y": ("a year", 366)}
WHAT_IF_ENTRIES = 60


class Home(Page):
    """The answer first: the score in one sentence, and the next door to open."""

    template_name = "citizen/home.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        score = score_statement(citizen=self.citizen)
        context: dict[str, Any] = {"score": score, "bands": score["bands"]}
        if score["value"] is None:
            context |= self._thin_file()
        return self.show(**context | parts_of("score_home", self.citizen))

    def _thin_file(self) -> dict[str, Any]:
        explanation = explanation_in_force(citizen=self.citizen)
        counting = {line.id for rule in explanation.rules for line in rule.counting}
        entries = Entry.objects.of(self.citizen.pk).filter(pk__in=counting).select_related("link__source")
        return {
            "entries_needed": explanation.needed,
            "entries_counted": explanation.counted,
            "counted": entry_rows(list(entries.order_by("-id")), explanation),
        }


class ScorePage(Page):
    """How the score is made, down to the last line."""

    template_name = "citizen/score.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(
            score=score_statement(citizen=self.citizen), explanation=explanation_statement(citizen=self.citizen)
        )


class History(Page):
    """Each change, with the lines that sum to it."""

    template_name = "citizen/history.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        score = score_statement(citizen=self.citizen)
        period = request.GET.get("period", "6m")
        period = period if period in (*PERIODS, "all") else "6m"
        end = timezone.now()
        start = self._start(period, end)
        changes = ScoreChange.objects.filter(enrolment_id=self.citizen.pk, at__gte=start)
        told = paged(request, changes, shape=history_rows, limit=50)
        _say_why(told["results"])
        return self.show(
            score=score,
            bands=score["bands"],
            changes=told["results"],
            page=told,
            period=period,
            start=start,
            end=end,
            headline=_headline(told["results"], period),
        )

    def _start(self, period: str, end: datetime) -> datetime:
        if period == "all":
            return Enrolment.objects.of(self.citizen.pk).enrolled_at
        return end - timedelta(days=PERIODS[period][1])


def _say_why(changes: list[dict[str, Any]]) -> None:
    """Put beside each change that a new scorecard made what everybody was told about it."""
    made = [change for change in changes if change["cause"] == ScoreChange.Cause.SCORECARD]
    notes = notes_of({change["scorecard"] for change in made}) if made else {}
    for change in made:
        change["scorecard_note"] = notes.get(change["scorecard"], "")


def _headline(changes: list[dict[str, Any]], period: str) -> str:
    moved = sum(change["difference"] or 0 for change in changes)
    span = PERIODS[period][0] if period in PERIODS else "all this time"
    if not changes:
        return "Your history"
    if not moved and any(change["difference"] is None for change in changes):
        return "Your first score" if changes[0]["value"] is not None else "No score yet"
    if not moved:
        return f"Steady in {span}"
    return f"{'Up' if moved > 0 else 'Down'} {abs(moved)} in {span}"


class WhatIf(Page):
    """The same sum on records one imagines; stored nowhere."""

    template_name = "citizen/what_if.html"
    back = "scores:what_if"

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {"without": [name for name in request.GET.getlist("without") if Entry.key_of(name) is not None]}
        return self._shown(WhatIfForm(initial=initial, entries=self._entries()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WhatIfForm(request.POST, entries=self._entries())
        if not form.is_valid():
            return self._shown(form)
        asked, now = form.cleaned_data, timezone.now()
        imagined = []
        if asked["kind"]:
            one = scoring.Hypothetical(asked["kind"], scoring_day(now), asked["scaled"])
            imagined = [one] * (asked["count"] or 1)
        without = {key for name in asked["without"] if (key := Entry.key_of(name)) is not None}
        return self._shown(form, what_if_statement(citizen=self.citizen, add=imagined, without=without, now=now))

    def _shown(self, form: WhatIfForm, result: dict[str, Any] | None = None) -> HttpResponse:
        return self.show(form=form, score=score_statement(citizen=self.citizen), result=result)

    def _entries(self) -> list[tuple[str, str]]:
        explanation = explanation_in_force(citizen=self.citizen)
        entries = Entry.objects.of(self.citizen.pk).exclude(status=Entry.Status.STRUCK).select_related("link__source")
        rows = entry_rows(list(entries.order_by("-occurred_on", "-id")[:WHAT_IF_ENTRIES]), explanation)
        return [(row["id"], f"{row['title']}, {row['occurred_on']:%d %B %Y}") for row in rows]
