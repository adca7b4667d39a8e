"""A merchant's branches."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etag_of, require_if_match
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.renderers import rendered
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput, NotFound
from perks.api.citizen.answers import BranchLineSerializer
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.bodies import BranchBody
from perks.models import Branch, Merchant
from perks.services.branches import add_branch, change_branch, close_branch
from perks.services.showing_perks import branch_line


def own(merchant: Merchant) -> Any:
    return Branch.objects.filter(merchant=merchant, closed_at=None)


def named_branch(merchant: Merchant, branch_id: str | None) -> Branch | None:
    """Return the open branch a body names, or say that there is none of that id."""
    if branch_id is None:
        return None
    try:
        found: Branch = own(merchant).named(branch_id)
    except NotFound:
        raise InvalidInput(FieldError("/branch", "invalid", "This is not an open branch of yours.")) from None
    return found


def answer(branch: Branch, status: int = 200) -> Response:
    return Response(branch_line(branch), status, headers={"ETag": etag(branch)})


def etag(branch: Branch) -> str:
    return etag_of(rendered(branch_line(branch)))


class BranchListView(ApiView):
    """Your branches."""

    permission_classes = [Acts("branches")]
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_branches", responses=page_of("BranchPage", BranchLineSerializer))
    def get(self, request: Request) -> Response:
        """Return your open branches, newest first."""
        return page(request, own(acting_of(request).merchant), shape=lambda rows: [branch_line(row) for row in rows])

    @extend_schema(operation_id="add_branch", request=BranchBody, responses={201: BranchLineSerializer})
    def post(self, request: Request) -> Response:
        """Add a place; its zone decides its hours and days."""
        acting = acting_of(request)
        said = read_body(request, BranchBody)
        return answer(add_branch(merchant=acting.merchant, by=acting.by, **said), 201)


class BranchView(ApiView):
    """One of your branches."""

    permission_classes = [Acts("branches")]
    if_match = True

    @extend_schema(operation_id="get_branch", responses=BranchLineSerializer)
    def get(self, request: Request, branch_id: str) -> Response:
        """Return it; its `ETag` is what a change names in `If-Match`."""
        return answer(own(acting_of(request).merchant).named(branch_id))

    @extend_schema(operation_id="change_branch", request=BranchBody(partial=True), responses=BranchLineSerializer)
    def patch(self, request: Request, branch_id: str) -> Response:
        """Change what is known of it."""
        acting = acting_of(request)
        with transaction.atomic():
            branch = own(acting.merchant).select_for_update(of=("self",)).named(branch_id)
            require_if_match(request, etag(branch))
            said = read_body(request, BranchBody, partial=True)
            branch = change_branch(branch=branch, by=acting.by, changes=said)
        return answer(branch)

    @extend_schema(operation_id="close_branch", responses={204: None})
    def delete(self, request: Request, branch_id: str) -> Response:
        """Close it for good; refused while somebody holds a reservation for it."""
        acting = acting_of(request)
        close_branch(branch=own(acting.merchant).named(branch_id), by=acting.by)
        return Response(status=204)
