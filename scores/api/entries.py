"""What is recorded about a citizen, for them to read."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from scores import catalogue
from scores.api.callers import citizen_of
from scores.api.serializers import EntryQuery, EntrySerializer
from scores.models import Entry
from scores.services.publishing import current_scorecard, kinds_of_factor
from scores.services.statements import entry_rows, explanation_in_force


class EntriesView(ApiView):
    """The records about you."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = EntryQuery

    @extend_schema(operation_id="list_entries", responses=page_of("EntryPage", EntrySerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your entries, latest arrival first, each with what it earns now."""
        citizen = citizen_of(request)
        explanation = explanation_in_force(citizen=citizen)
        entries = _filtered(Entry.objects.of(citizen.pk).select_related("link__source"), self.query)

        def shape(rows: list[Entry]) -> list[dict[str, Any]]:
            return list(EntrySerializer(entry_rows(rows, explanation), many=True).data)

        return page(request, entries, shape=shape)


def _filtered(entries: Any, query: dict[str, Any]) -> Any:
    if "kind" in query:
        entries = entries.filter(kind_number=catalogue.kind(query["kind"]).number)
    if "factor" in query:
        card = current_scorecard().card
        if query["factor"] not in card.factor_of:
            known = ", ".join(card.factor_of)
            raise InvalidInput(FieldError("/factor", "invalid", f"The scorecard's factors are: {known}."))
        kinds = kinds_of_factor(card, query["factor"])
        entries = entries.filter(kind_number__in=[catalogue.kind(code).number for code in kinds])
    if "source" in query:
        entries = entries.filter(link__source__code=query["source"])
    if "status" in query:
        entries = entries.filter(status=query["status"])
    return entries


class EntryView(ApiView):
    """One record about you."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_entry", responses=EntrySerializer)
    @etagged
    def get(self, request: Request, entry_id: str) -> Response:
        """Return one of your entries with what it earns now."""
        citizen = citizen_of(request)
        explanation = explanation_in_force(citizen=citizen)
        entry = Entry.objects.of(citizen.pk).select_related("link__source").named(entry_id)
        return Response(EntrySerializer(entry_rows([entry], explanation)[0]).data)
