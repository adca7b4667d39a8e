"""The furnisher's side: linking subjects, sending entries, taking them back (P2)."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches

from citizen_app.api.pagination import Joined, page
from citizen_app.api.parsers import IngestionJSONParser, JSONLines, NDJSONParser
from citizen_app.api.permissions import client_of
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.throttles import add_limit, hit
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.public_ids import public_id_of
from scores.api.serializers import (
    BatchAnswerSerializer,
    BatchQuery,
    BatchSerializer,
    EntryRowSerializer,
    RetractQuery,
    SourceLinkInput,
    SourceLinkSerializer,
    SourceLinksQuery,
)
from scores.api.signed import SourceApiView
from scores.models import EndedLink, Link
from scores.services.batches import is_name
from scores.services.ingestion import furnish_entries, retract_entry
from scores.services.linking import redeem_link_code

# A link code is one in a million million; so many guesses find none in its fifteen minutes.
add_limit("link_codes", "120/minute")


class SourceLinksView(SourceApiView):
    """The subjects who let your source in."""

    refusals = frozenset({404})  # unknown_link_code
    query_serializer = {"get": SourceLinksQuery}

    @extend_schema(
        operation_id="redeem_link_code",
        request=SourceLinkInput,
        responses={201: SourceLinkSerializer, 200: SourceLinkSerializer},
    )
    def post(self, request: Request) -> Response:
        """Link the citizen who gave you this code to your own subject id; 200 when they were linked already."""
        source = self.source(request)
        body = read_body(request, SourceLinkInput)
        if not is_name(body["subject"]):
            raise InvalidInput(FieldError("/subject", "invalid", "Send 1 to 128 of the characters A–Z a–z 0–9 . _ : -"))
        client = client_of(request)
        hit("link_codes", client.client_id)
        link, is_new = redeem_link_code(source=source, code=body["link_code"], subject=body["subject"], by=client)
        return Response(_links([link])[0], status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(operation_id="list_links", responses=page_of("SourceLinkPage", SourceLinkSerializer))
    def get(self, request: Request) -> Response:
        """Return your links, latest change first: send only about these. A link that ended is told for 30 days."""
        source = self.source(request)
        # An id is in one of the two tables only: a link that ends keeps its own.
        feed = Joined(Link.objects.filter(source=source), EndedLink.objects.filter(source=source))
        if "changed_since" in self.query:
            feed = feed.filter(since__gte=self.query["changed_since"])
        return page(request, feed, order=("-since", "-id"), shape=_links)


def _links(links: list[Any]) -> list[dict[str, Any]]:
    told = SourceLinkSerializer(
        [
            {
                "id": public_id_of(Link.prefix, link.pk),
                "subject": link.subject,
                "state": "ended" if isinstance(link, EndedLink) else "on" if link.is_on else "off",
                "since": link.since,
            }
            for link in links
        ],
        many=True,
    ).data
    return list(told)


class SourceEntriesView(SourceApiView):
    """Entries about people who let your source in."""

    refusals = frozenset({422})  # unlinked_batch
    parser_classes = [IngestionJSONParser, NDJSONParser]
    query_serializer = {"post": BatchQuery}

    @extend_schema(
        operation_id="furnish_entries",
        request={"application/json": BatchSerializer, NDJSONParser.media_type: EntryRowSerializer},
        responses={200: BatchAnswerSerializer},
    )
    def post(self, request: Request) -> Response:
        """Send up to 10,000 entries in up to 16 MiB; each row is answered for itself, and sending it again is harmless.

        Either as one JSON object, or as `application/x-ndjson`: one row a line of at most 64 KiB, in UTF-8. There blank
        lines are passed over, `index` counts rows from 0, and a line that cannot be read is 400 `malformed_body` with
        its number in `line` (from 1, blank ones counted): then nothing of the body is stored.
        """
        answer = furnish_entries(
            source=self.source(request),
            rows=_rows(request),
            dry_run=self.query["dry_run"],
            by=client_of(request),
            signature=self.signature,
        )
        return Response(
            {
                "accepted": answer.accepted,
                "duplicates": answer.duplicates,
                "rejected": [rejection.as_dict() for rejection in answer.rejected],
            }
        )


def _rows(request: Request) -> Iterable[Any]:
    """The batch's rows, unjudged: a serializer per row would cost more than recording it."""
    body = request.data
    if isinstance(body, JSONLines):
        return body
    if request.stream is None and media_type_matches(NDJSONParser.media_type, request.content_type):
        return []  # no line, no row
    if not isinstance(body, Mapping):
        raise InvalidInput(FieldError("", "invalid", "Send an object."))
    errors = [FieldError(f"/{name}", "unknown_field", "There is no such field.") for name in body if name != "entries"]
    if "entries" not in body:
        errors.append(FieldError("/entries", "required", "This field is required."))
    elif not isinstance(body["entries"], list):
        errors.append(FieldError("/entries", "invalid", "Send a list of entries."))
    if errors:
        raise InvalidInput(*errors)
    rows: list[Any] = body["entries"]
    return rows


class SourceEntryView(SourceApiView):
    """One entry you sent."""

    query_serializer = {"delete": RetractQuery}

    @extend_schema(
        operation_id="retract_entry",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
        responses={204: None},
    )
    def delete(self, request: Request, external_id: str) -> Response:
        """Take an entry back: it is struck and counts no more. Safe to repeat."""
        retract_entry(
            source=self.source(request),
            external_id=external_id,
            subject=self.query["subject"],
            by=client_of(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        # Django logs the address of a refusal, and this one may name an entry about somebody who linked nobody (P2).
        final._has_been_logged = True  # type: ignore[attr-defined]
        return final
