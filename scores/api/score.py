"""The score, its history, every line of it, and what would change it: for its citizen, and nobody else."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from scores import catalogue, scoring
from scores.api.callers import citizen_of
from scores.api.serializers import (
    WHAT_IF_LIMIT,
    ExplanationSerializer,
    HistoryRowSerializer,
    ScoreSerializer,
    WhatIfInput,
    WhatIfSerializer,
)
from scores.models import Enrolment, Entry, ScoreChange
from scores.services.rescoring import score_in_force, scoring_day
from scores.services.statements import (
    explanation_statement,
    history_rows,
    score_statement,
    what_if_statement,
)


class ScoreView(ApiView):
    """Your score, and why it is what it is."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="get_score", responses=ScoreSerializer)
    @etagged
    def get(self, request: Request) -> Response:
        """Return your score with its factors, purposes, reasons and latest change."""
        return Response(ScoreSerializer(score_statement(citizen=citizen_of(request))).data)


class HistoryView(ApiView):
    """Each change of your score, with lines that sum to it."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = PageQuery

    @extend_schema(operation_id="list_score_history", responses=page_of("HistoryPage", HistoryRowSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your history, newest first."""
        citizen = citizen_of(request)
        score_in_force(citizen.pk)  # a month that has begun is part of the history
        return page(request, ScoreChange.objects.filter(enrolment_id=citizen.pk), shape=_history)


def _history(changes: list[ScoreChange]) -> list[dict[str, Any]]:
    return list(HistoryRowSerializer(history_rows(changes), many=True).data)


class ExplanationView(ApiView):
    """Every line behind your score; they add up exactly."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="get_score_explanation", responses=ExplanationSerializer)
    @etagged
    def get(self, request: Request) -> Response:
        """Return base, factors, rules and entries: base + factors + range_clamped + rounding = value."""
        return Response(ExplanationSerializer(explanation_statement(citizen=citizen_of(request))).data)


class WhatIfView(ApiView):
    """What your score would be; stored nowhere."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="what_if", request=WhatIfInput, responses={200: WhatIfSerializer})
    def post(self, request: Request) -> Response:
        """Return the score with some entries more and some fewer, by the arithmetic of the score itself."""
        citizen = citizen_of(request)
        Enrolment.objects.of(citizen.pk)
        body = read_body(request, WhatIfInput)
        now = timezone.now()
        answer = what_if_statement(
            citizen=citizen,
            add=_hypotheticals(body.get("add", []), today=scoring_day(now)),
            without=_entries_named(body.get("without", []), citizen_id=citizen.pk),
            now=now,
        )
        return Response(WhatIfSerializer(answer).data)


def _hypotheticals(rows: list[dict[str, Any]], *, today: Any) -> list[scoring.Hypothetical]:
    if sum(row["count"] for row in rows) > WHAT_IF_LIMIT:
        raise InvalidInput(FieldError("/add", "out_of_range", f"Imagine at most {WHAT_IF_LIMIT} records in all."))
    imagined, errors = [], []
    for index, row in enumerate(rows):
        kind = catalogue.kind(row["kind"])
        occurred_on = row.get("occurred_on", today)
        if occurred_on > today:
            errors.append(FieldError(f"/add/{index}/occurred_on", "out_of_range", "It is dated after today (UTC)."))
        try:
            value = catalogue.parse_value(kind, row.get("value", 0))
        except catalogue.BadValue as bad:
            errors.append(FieldError(f"/add/{index}/value", "invalid", str(bad)))
        else:
            imagined += [scoring.Hypothetical(kind.code, occurred_on, value)] * row["count"]
    if errors:
        raise InvalidInput(*errors)
    return imagined


def _entries_named(names: list[str], *, citizen_id: int) -> set[int]:
    keys = [Entry.key_of(name) for name in names]
    mine = set(
        Entry.objects.of(citizen_id)
        .filter(pk__in=[key for key in keys if key is not None])
        .values_list("pk", flat=True)
    )
    errors = [
        FieldError(f"/without/{index}", "invalid", "You have no such entry.")
        for index, key in enumerate(keys)
        if key not in mine
    ]
    if errors:
        raise InvalidInput(*errors)
    return mine
