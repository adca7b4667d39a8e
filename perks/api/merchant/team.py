"""A merchant's team, and accepting a seat in one."""

from typing import Any, cast

from django.db.models import F
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.pagination import Joined, PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import JoinedSerializer, MemberSerializer
from perks.api.merchant.bodies import InvitationBody
from perks.models import Invitation, Member
from perks.services.showing_merchants import invitation_line, member_lines
from perks.services.team import (
    accept_invitation,
    invite_member,
    open_invitations,
    remove_member,
    withdraw_invitation,
)


class MemberListView(ApiView):
    """Your team; only owners see it."""

    permission_classes = [Acts("team")]
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_members", responses=page_of("MemberPage", MemberSerializer))
    def get(self, request: Request) -> Response:
        """Return members and the invitations still open, newest first."""
        acting = acting_of(request)
        members = Member.objects.filter(merchant=acting.merchant).select_related("citizen")
        team = Joined(members, open_invitations(acting.merchant).annotate(since=F("made_at")))

        def shape(rows: list[Member | Invitation]) -> list[dict[str, Any]]:
            return member_lines(rows, acting.person)

        return page(request, team, order=("-since", "-id"), shape=shape)

    @extend_schema(operation_id="invite_member", request=InvitationBody, responses={201: MemberSerializer})
    def post(self, request: Request) -> Response:
        """Offer a seat by e-mail, for seven days."""
        acting = acting_of(request)
        said = read_body(request, InvitationBody)
        invitation = invite_member(
            merchant=acting.merchant,
            email=said["email"],
            role=said["role"],
            by=acting.person,
            link=lambda token: request.build_absolute_uri(f"/invitations/{token}"),
        )
        return Response(invitation_line(invitation), 201)


class MemberView(ApiView):
    """One seat of your team."""

    permission_classes = [Acts("team")]

    @extend_schema(operation_id="remove_member", responses={204: None})
    def delete(self, request: Request, member_id: str) -> Response:
        """Take somebody out of the team, or an invitation back, at once; the last owner stays."""
        acting = acting_of(request)
        if member_id.startswith(f"{Invitation.prefix}_"):
            invited = Invitation.objects.filter(merchant=acting.merchant).select_related("merchant")
            withdraw_invitation(invitation=invited.named(member_id), by=acting.person)
        else:
            members = Member.objects.filter(merchant=acting.merchant).select_related("merchant")
            remove_member(member=members.named(member_id), by=acting.person)
        return Response(status=204)


class AcceptView(ApiView):
    """A seat that was offered to you by e-mail."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="accept_invitation", request=NoBody, responses={201: JoinedSerializer})
    def post(self, request: Request, token: str) -> Response:
        """Take the seat; only the account of the address it was sent to can."""
        read_body(request, NoBody)
        member = accept_invitation(token=token, by=cast(Citizen, request.user))
        merchant = {"id": member.merchant.public_id, "name": member.merchant.name}
        return Response({"id": member.public_id, "role": member.role, "merchant": merchant}, 201)
