"""Your deposit agreements: their frozen terms, accepting them, and contesting a claim."""

from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.multipart import FormParser
from citizen_app.api.pagination import page
from citizen_app.api.parsers import BoundedJSONParser
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.deposit_files import given
from perks.api.deposit_shapes import A_FILE, ContestBody, DepositQuery, HoldPageSerializer, OwnAgreementSerializer
from perks.models import DepositAgreement, DepositFile, DepositHold
from perks.services import holds
from perks.services.deposit_claims import contest_claim
from perks.services.deposits import accept_deposit
from perks.services.showing_deposits import FileUrl, agreement_line, agreement_lines, with_what_agreements_show


def own(request: Request) -> Any:
    """The reader's agreements, with what their answers show."""
    return with_what_agreements_show(DepositAgreement.objects.filter(citizen=cast(Citizen, request.user)))


def file_url(request: Request) -> FileUrl:
    """The addresses of an agreement's files, for its citizen."""

    def of(agreement: DepositAgreement, file: DepositFile) -> str:
        return request.build_absolute_uri(reverse("deposit-file", args=[agreement.public_id, file.public_id]))

    return of


def shown(request: Request, agreement: DepositAgreement) -> dict[str, Any]:
    """The agreement as it stands now, read anew."""
    found = own(request).get(pk=agreement.pk)
    return agreement_line(found, now=timezone.now(), file_url=file_url(request))


class DepositListView(ApiView):
    """Your deposit agreements, and where each stands."""

    permission_classes = [IsCitizen]
    query_serializer = DepositQuery

    @extend_schema(operation_id="list_deposits", responses=page_of("DepositPage", OwnAgreementSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your agreements, newest first."""
        now, rows = timezone.now(), own(request)
        if state := self.query.get("state"):
            rows = rows.filter(DepositAgreement.reads_as(state, now))
        return page(request, rows, shape=lambda found: agreement_lines(found, now=now, file_url=file_url(request)))


class DepositView(ApiView):
    """One agreement: its frozen terms and everything that happened."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_deposit", responses=OwnAgreementSerializer)
    @etagged
    def get(self, request: Request, deposit_id: str) -> Response:
        """Return an agreement of yours."""
        return Response(agreement_line(own(request).named(deposit_id), now=timezone.now(), file_url=file_url(request)))


class AcceptView(ApiView):
    """Accept the terms, word for word as they were frozen."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="accept_deposit", request=NoBody, responses=OwnAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Accept: from now on it can be picked up, and no amount of it can go up."""
        agreement = own(request).named(deposit_id)
        read_body(request, NoBody)
        accept_deposit(agreement=agreement, by=cast(Citizen, request.user))
        return cast(Response, no_store(Response(shown(request, agreement))))


class HoldView(ApiView):
    """Have what is left held on your card."""

    permission_classes = [IsCitizen]
    refusals = frozenset({409, 503})  # payments_not_onboarded, hold_page_over, hold_refused, billing_unavailable

    def _with_page(self, request: Request, decided: Response) -> Response:
        hold = DepositHold.objects.named(decided.data["hold"])
        return cast(Response, no_store(Response(decided.data | {"url": holds.page_of(hold)}, decided.status_code)))

    @extend_schema(operation_id="hold_deposit", request=NoBody, responses=HoldPageSerializer)
    @idempotent(then=_with_page)
    def post(self, request: Request, deposit_id: str) -> Response:
        """Return Stripe's page where you name a card: the merchant's own account holds the amount, and charges nothing.

        Until that page was used or has closed, asking again returns the same one. The page you come back to says
        nothing by itself: `hold` of the deposit tells.
        """
        agreement = own(request).named(deposit_id)
        read_body(request, NoBody)
        back = request.build_absolute_uri(reverse("perks:deposit", args=[agreement.public_id]))
        hold = holds.request_hold(agreement=agreement, by=cast(Citizen, request.user), return_url=back)
        return Response({"hold": hold.public_id})


class ContestView(ApiView):
    """Object to a damage claim, within 72 hours of it."""

    permission_classes = [IsCitizen]
    parser_classes = [FormParser, BoundedJSONParser]
    list_fields = frozenset({"evidence"})

    @extend_schema(operation_id="contest_deposit", request=ContestBody, responses=OwnAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Say what is wrong, with a form where files show it: nothing is owed before an operator has decided."""
        agreement = own(request).named(deposit_id)
        said = read_body(request, ContestBody)
        contest_claim(
            agreement=agreement,
            by=cast(Citizen, request.user),
            statement=said["statement"],
            evidence=said.get("evidence", ()),
        )
        return cast(Response, no_store(Response(shown(request, agreement))))


class FileView(ApiView):
    """A photograph of the claim, or what you added against it."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_deposit_file", responses=A_FILE)
    def get(self, request: Request, deposit_id: str, file_id: str) -> HttpResponse:
        """Return the file, as an attachment."""
        agreement = own(request).named(deposit_id)
        return given(DepositFile.objects.filter(agreement=agreement).named(file_id))
