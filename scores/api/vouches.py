"""Asking for a vouch, giving one, reading and ending one's own."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from scores.api.callers import citizen_of
from scores.models import Vouch
from scores.services.vouching import ask_for_vouch, end_vouch, give_vouch, vouch_rows, vouches_of


class VouchRequestSerializer(serializers.Serializer):
    id = serializers.CharField()
    link = serializers.URLField(help_text="to share with one person; its last part is the token; shown this once")
    expires_at = serializers.DateTimeField()


class VouchSerializer(serializers.Serializer):
    id = serializers.CharField()
    direction = serializers.ChoiceField(["given", "received"])
    first_name = serializers.CharField(help_text="of the other side")
    given_at = serializers.DateTimeField()
    counts_from = serializers.DateField(help_text="30 days after it was given")
    state = serializers.ChoiceField(
        ["waiting", "counts", "ended"], help_text="`ended` is your own end; the other side's shows with the month"
    )
    counts_until = serializers.DateField(allow_null=True, help_text="the month's turn at which what you ended goes")


class VouchRequestsView(ApiView):
    """Private links by which somebody may vouch for you."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled

    @extend_schema(operation_id="ask_for_vouch", request=None, responses={201: VouchRequestSerializer})
    def post(self, request: Request) -> Response:
        """Make a link to share with one person who knows you: it works once, for seven days."""
        read_body(request, NoBody)
        made = ask_for_vouch(citizen=citizen_of(request))
        link = request.build_absolute_uri(reverse("scores:vouch_request", args=[made.token]))
        answer = {"id": made.request.public_id, "link": link, "expires_at": made.request.expires_at}
        return no_store(Response(VouchRequestSerializer(answer).data, status.HTTP_201_CREATED))


class GiveVouchView(ApiView):
    """A link by which somebody asks you to vouch for them."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="give_vouch", request=None, responses={201: VouchSerializer})
    def post(self, request: Request, token: str) -> Response:
        """Vouch for whoever shared the link; a link that is no use, for whatever reason, is a 404 like any other."""
        read_body(request, NoBody)
        citizen = citizen_of(request)
        vouch = give_vouch(token=token, citizen=citizen)
        return Response(VouchSerializer(vouch_rows([vouch], citizen=citizen)[0]).data, status.HTTP_201_CREATED)


class VouchesView(ApiView):
    """The vouches you gave and received."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})  # not_enrolled
    query_serializer = PageQuery

    @extend_schema(operation_id="list_vouches", responses=page_of("VouchPage", VouchSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your vouches, latest first; of the other side you read the first name."""
        citizen = citizen_of(request)

        def shape(rows: list[Vouch]) -> list[dict[str, Any]]:
            return list(VouchSerializer(vouch_rows(rows, citizen=citizen), many=True).data)

        return page(request, vouches_of(citizen=citizen), shape=shape)


class VouchView(ApiView):
    """One vouch you gave or received."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="end_vouch", responses={204: None})
    def delete(self, request: Request, vouch_id: str) -> Response:
        """End it. Nobody is told, and its points go at the next month's turn."""
        end_vouch(vouch_id=vouch_id, citizen=citizen_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
