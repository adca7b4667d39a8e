"""Lists of a merchant's own codes: made here or uploaded, their progress, what is in them, withdrawing them."""

from collections.abc import Iterator
from typing import Any, cast

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app import audit
from citizen_app.api.etags import no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.parsers import BoundedJSONParser, CodeFileParser
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import BoundedInteger, StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.csv_cells import Cell, csv_lines
from citizen_app.errors import FieldError, InvalidInput
from perks.api.merchant.access import Acts, acting_of
from perks.code_files import LONGEST_GENERATED, MOST_CODES, SHORTEST_GENERATED, USUAL_LENGTH, read_codes
from perks.models import CodeList
from perks.services import code_lists

ROWS_A_PART = 500


class GenerateBody(StrictSerializer):
    count = BoundedInteger(1, MOST_CODES)
    prefix = serializers.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,15}\Z", required=False, help_text="what each code begins with"
    )
    length = BoundedInteger(
        SHORTEST_GENERATED,
        LONGEST_GENERATED,
        required=False,
        help_text=f"random characters; {USUAL_LENGTH} unless said",
    )


class CodeListBody(StrictSerializer):
    """New codes to generate; codes of your own are sent as `text/csv`, one a line, with `name` in the query."""

    name = Text(max_length=120)
    generate = GenerateBody()


class CodeListName(StrictSerializer):
    """The name of an uploaded list."""

    name = Text(max_length=120, required=False, help_text="of an upload")


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    rejected = serializers.IntegerField()


class CodeCountsSerializer(serializers.Serializer):
    free = serializers.IntegerField()
    given = serializers.IntegerField(help_text="each to one person, for good")
    withdrawn = serializers.IntegerField()


class RejectedLineSerializer(serializers.Serializer):
    line = serializers.IntegerField(help_text="of the upload, from 1")
    code = serializers.ChoiceField(["duplicate", "malformed"])


class RejectedSerializer(serializers.Serializer):
    duplicate = serializers.IntegerField()
    malformed = serializers.IntegerField()
    first = RejectedLineSerializer(many=True, help_text="the first hundred")


class CodeListSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    origin = serializers.ChoiceField(["generated", "uploaded"])
    state = serializers.ChoiceField(["working", "ready", "withdrawing", "withdrawn"])
    progress = ProgressSerializer()
    counts = CodeCountsSerializer()
    rejected = RejectedSerializer()
    made_at = serializers.DateTimeField()


class CsvRenderer(JSONRenderer):
    """Lets a caller ask for CSV; what REST framework itself renders here are problems."""

    media_type, format = "text/csv", "csv"


def csv_answer(rows: Iterator[list[Cell]], *, name: str) -> HttpResponseBase:
    """A file for spreadsheets, sent as it is written and kept by no cache."""
    answer = StreamingHttpResponse(_parts(csv_lines(rows)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return cast(HttpResponseBase, no_store(answer))


def _parts(lines: Iterator[str]) -> Iterator[bytes]:
    """Some hundred lines at a time: each part costs a trip through the server."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == ROWS_A_PART:
            yield "".join(waiting).encode()
            waiting.clear()
    yield "".join(waiting).encode()


def own(request: Request) -> Any:
    return CodeList.objects.of(acting_of(request).merchant)


class CodeListsView(ApiView):
    """Your lists of codes."""

    permission_classes = [Acts("code lists")]
    parser_classes = [BoundedJSONParser, CodeFileParser]
    query_serializer = {"get": PageQuery, "post": CodeListName}

    @extend_schema(operation_id="list_code_lists", responses=page_of("CodeListPage", CodeListSerializer))
    def get(self, request: Request) -> Response:
        """Return your lists with their progress, newest first."""
        return page(request, own(request), shape=lambda rows: [code_lists.code_list_line(one) for one in rows])

    @extend_schema(
        operation_id="make_code_list",
        request={"application/json": CodeListBody, "text/csv": OpenApiTypes.STR},
        responses={202: CodeListSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a list of up to a million codes: generated, or of a file with one a line (32 MiB). Its `progress` moves
        on in the background."""
        acting = acting_of(request)
        if isinstance(request.data, CodeFileParser.Body):
            name = self.query.get("name") or "Uploaded codes"
            lines = read_codes(request.data.lines())
            made = code_lists.receive_codes(merchant=acting.merchant, by=acting.by, name=name, lines=lines)
        else:
            said = read_body(request, CodeListBody)
            if self.query:
                raise InvalidInput(FieldError("/name", "invalid", "The name of what is generated stands in the body."))
            made = code_lists.generate_codes(
                merchant=acting.merchant, by=acting.by, name=said["name"], **said["generate"]
            )
        return Response(code_lists.code_list_line(made), 202)


class CodeListView(ApiView):
    """One of your lists."""

    permission_classes = [Acts("code lists")]

    @extend_schema(operation_id="get_code_list", responses=CodeListSerializer)
    def get(self, request: Request, list_id: str) -> Response:
        """Return how far it is, how many codes are free, given and withdrawn, and which lines were rejected."""
        return Response(code_lists.code_list_line(own(request).named(list_id)))

    @extend_schema(operation_id="withdraw_code_list", request=None, responses={202: CodeListSerializer})
    def delete(self, request: Request, list_id: str) -> Response:
        """Give out no more of it and erase what was not given out; what people were given stays theirs."""
        withdrawn = code_lists.withdraw_codes(code_list=own(request).named(list_id), by=acting_of(request).by)
        return Response(code_lists.code_list_line(withdrawn), 202)


class CodesView(ApiView):
    """What is in one of your lists."""

    permission_classes = [Acts("code lists")]
    renderer_classes = [CsvRenderer, JSONRenderer]

    @extend_schema(
        operation_id="download_codes",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "code, state: free, given or given_back")},
    )
    def get(self, request: Request, list_id: str) -> HttpResponseBase:
        """Return every code with its state, as CSV; each download is on record."""
        code_list = own(request).named(list_id)
        audit.record(by=acting_of(request).by, action="code_list.download", on=code_list.public_id)
        return csv_answer(rows_of(code_list), name=code_list.public_id)


def rows_of(code_list: CodeList) -> Iterator[list[Cell]]:
    yield ["code", "state"]
    for code, state in code_lists.codes_of(code_list):
        yield [code, state]
