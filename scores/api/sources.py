"""Letting sources in, switching them on and off, ending them."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from scores.api.callers import citizen_of, via_of
from scores.api.serializers import (
    LinkCodeSerializer,
    PreviewQuery,
    PreviewSerializer,
    SourceSerializer,
    SwitchInput,
)
from scores.models import Enrolment, Link, Source
from scores.services import consents
from scores.services.linking import Preview, make_link_code, preview_switch, switch_source, unlink_source
from scores.services.statements import source_row


class SourcesView(ApiView):
    """The sources there are, and which of them you let in."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = PageQuery

    @extend_schema(operation_id="list_sources", responses=page_of("SourcePage", SourceSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return all sources by name, each with what it is to you."""
        citizen = citizen_of(request)
        Enrolment.objects.of(citizen.pk)

        def shape(sources: list[Source]) -> list[dict[str, Any]]:
            links = Link.objects.filter(enrolment_id=citizen.pk, source__in=sources)
            linked = {link.source_id: link for link in links}
            rows = [source_row(source, linked.get(source.pk)) for source in sources]
            return list(SourceSerializer(rows, many=True).data)

        return page(request, Source.objects.select_related("furnisher"), order=("name", "id"), shape=shape)


class SourceView(ApiView):
    """One source's switch, and the end of its link."""

    permission_classes = [IsCitizen]
    query_serializer = {"put": PreviewQuery, "delete": PreviewQuery}

    @extend_schema(
        operation_id="switch_source",
        request=SwitchInput,
        responses={
            200: PolymorphicProxySerializer(
                component_name="SourceOrPreview",
                serializers=[SourceSerializer, PreviewSerializer],
                resource_type_field_name=None,
            )
        },
    )
    def put(self, request: Request, code: str) -> Response:
        """Let a linked source count, or stop it at once; with `preview=1` only tell what that would do."""
        body = read_body(request, SwitchInput)
        citizen = citizen_of(request)
        if self.query["preview"]:
            return Response(preview_told(preview_switch(citizen=citizen, source_code=code, on=body["on"])))
        link = switch_source(citizen=citizen, source_code=code, on=body["on"], via=via_of(request))
        return Response(SourceSerializer(source_row(link.source, link)).data)

    @extend_schema(operation_id="end_link", responses={204: None, 200: PreviewSerializer})
    def delete(self, request: Request, code: str) -> Response:
        """End the link and erase every record it brought; with `preview=1` only tell what that would do."""
        citizen = citizen_of(request)
        if self.query["preview"]:
            return Response(preview_told(preview_switch(citizen=citizen, source_code=code, on=False)))
        unlink_source(citizen=citizen, source_code=code, via=via_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def preview_told(preview: Preview) -> dict[str, Any]:
    """The score and each purpose's value before and after."""
    told: dict[str, Any] = PreviewSerializer(
        {
            "before": preview.before.value,
            "after": preview.after.value,
            "purposes": {
                code: {"before": one.value, "after": preview.after.purposes[code].value}
                for code, one in preview.before.purposes.items()
            },
        }
    ).data
    return told


class SourceLinkView(ApiView):
    """A code with which a source links you."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="make_link_code", request=None, responses={201: LinkCodeSerializer})
    def post(self, request: Request, code: str) -> Response:
        """Make a code to hand to the source; handing it over is your consent to it. An earlier code stops working."""
        read_body(request, NoBody)
        citizen = citizen_of(request)
        made = make_link_code(citizen=citizen, source_code=code)
        answer = {
            "link_code": made.code,
            "expires_at": made.expires_at,
            "consent": consents.current_text(consents.SOURCE, language=citizen.language),
        }
        if made.source.redirect_url:
            answer["redirect_url"] = made.source.redirect_url
        return no_store(Response(LinkCodeSerializer(answer).data, status.HTTP_201_CREATED))
