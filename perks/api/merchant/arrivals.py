"""Who is expected at a branch: what its tills keep for when the network is gone."""

from datetime import date, datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.serializers import Instant, LocalDate, Text
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import ArrivalPageSerializer
from perks.api.merchant.branches import named_branch, own
from perks.api.merchant.scans import branch_id_of_scan
from perks.models import Branch, Redemption
from perks.services.access import Acting
from perks.services.arrivals import arrival_lines, arrivals, desk_facts, span_of


@extend_schema_field(OpenApiTypes.STR)
class InstantOrDate(serializers.Field):
    """A moment with its offset, or a local date at the branch."""

    default_error_messages = {"invalid": "Send a moment (2026-11-30T09:00:00Z) or a date (2026-11-30)."}

    def to_internal_value(self, value: Any) -> datetime | date:
        for reader in (LocalDate(), Instant()):
            try:
                read: datetime | date = reader.to_internal_value(value)
            except serializers.ValidationError:
                continue
            return read
        raise serializers.ValidationError(self.error_messages["invalid"], "invalid")

    def to_representation(self, value: Any) -> Any:
        return value


class ArrivalsQuery(PageQuery):
    """Of which branch, and which days: at most 48 hours."""

    branch = Text(max_length=40, required=False, help_text="a branch's id; needed where there are several")


ArrivalsQuery._declared_fields |= {  # `from` is no name a class body may give
    "from": InstantOrDate(required=False, help_text="a moment or a local date; unless said, today"),
    "to": InstantOrDate(required=False, help_text="a moment, or a local date that is included; unless said, tomorrow"),
}


class ArrivalsView(ApiView):
    """The reservations for a day and this branch, with what an offline till knows their passes by."""

    permission_classes = [Acts("arrivals")]
    query_serializer = ArrivalsQuery

    @extend_schema(operation_id="list_arrivals", responses=ArrivalPageSerializer)
    def get(self, request: Request) -> HttpResponseBase:
        """Return who is expected, in the order they reserved; with its `ETag` a till asks whether anything changed.

        Of a person it is their first name and their booking reference, and no cache may keep it but the till's own.
        """
        answer: HttpResponseBase = no_store(self._read(request))
        return answer

    get.is_etagged = True  # type: ignore[attr-defined]

    @etagged
    def _read(self, request: Request) -> Response:
        acting, said, now = acting_of(request), self.query, timezone.now()
        branch = _branch(acting, said.get("branch"))
        facts = desk_facts(acting.merchant, branch, now=now)
        if branch is None:
            found = Redemption.objects.none()
        else:
            span = span_of(said.get("from"), said.get("to"), zone=branch.zone, now=now)
            found = arrivals(branch, span, now=now)
        paged = page(request, found, order=("id",), shape=lambda rows: arrival_lines(rows, now=now))
        paged.data.update(facts)
        return paged


def _branch(acting: Acting, branch_id: str | None) -> Branch | None:
    branch = named_branch(acting.merchant, branch_id_of_scan(acting, branch_id))
    if branch is not None:
        return branch
    branches: list[Branch] = list(own(acting.merchant)[:2])
    if len(branches) > 1:
        raise InvalidInput(FieldError("/branch", "required", "You have several branches: say which."))
    return branches[0] if branches else None
