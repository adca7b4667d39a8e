"""The desk's side of deposit agreements: hand over, take back, and claim a damage."""

from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.multipart import FormParser
from citizen_app.api.pagination import page
from citizen_app.api.parsers import BoundedJSONParser
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from perks.api.deposit_files import given
from perks.api.deposit_shapes import (
    A_FILE,
    ClaimBody,
    DepositQuery,
    DepositRefundBody,
    MerchantAgreementSerializer,
    PickUpBody,
)
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.branches import named_branch
from perks.models import DepositAgreement, DepositFile
from perks.services.deposit_claims import claim_damage
from perks.services.deposits import pick_up_deposit, return_deposit
from perks.services.hold_refunds import refund_hold
from perks.services.showing_deposits import FileUrl, merchant_agreement_line, with_what_agreements_show


def file_url(request: Request) -> FileUrl:
    """The addresses of an agreement's files, for its merchant."""

    def of(agreement: DepositAgreement, file: DepositFile) -> str:
        return request.build_absolute_uri(reverse("merchant-deposit-file", args=[agreement.public_id, file.public_id]))

    return of


def seen(request: Request) -> Any:
    """The agreements these eyes may see, with what their answers show."""
    return with_what_agreements_show(acting_of(request).deposits())


def shown(request: Request, agreement: DepositAgreement) -> Response:
    """The agreement as it stands now, read anew."""
    found = with_what_agreements_show(DepositAgreement.objects).get(pk=agreement.pk)
    line = merchant_agreement_line(found, now=timezone.now(), file_url=file_url(request))
    return cast(Response, no_store(Response(line)))


class DepositListView(ApiView):
    """The agreements your guests accepted; a cashier sees what waits at the desk."""

    permission_classes = [Acts("read deposits")]
    query_serializer = DepositQuery

    @extend_schema(
        operation_id="list_merchant_deposits", responses=page_of("MerchantDepositPage", MerchantAgreementSerializer)
    )
    def get(self, request: Request) -> Response:
        """Return agreements, newest first."""
        now, rows = timezone.now(), seen(request)
        if state := self.query.get("state"):
            rows = rows.filter(DepositAgreement.reads_as(state, now))

        def shape(found: list[DepositAgreement]) -> list[dict[str, Any]]:
            return [merchant_agreement_line(one, now=now, file_url=file_url(request)) for one in found]

        return page(request, rows, shape=shape)


class DepositView(ApiView):
    """One agreement: its terms, and everything that happened."""

    permission_classes = [Acts("read deposits")]

    @extend_schema(operation_id="get_merchant_deposit", responses=MerchantAgreementSerializer)
    def get(self, request: Request, deposit_id: str) -> Response:
        """Return it."""
        return shown(request, seen(request).named(deposit_id))


class PickUpView(ApiView):
    """Hand over what a guest accepted; scanning their code does the same."""

    permission_classes = [Acts("pick up and return")]

    @extend_schema(operation_id="pick_up_deposit", request=PickUpBody, responses=MerchantAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Record the pick-up; within ten minutes it can be undone with its redemption's `reverse`."""
        acting, agreement = acting_of(request), seen(request).named(deposit_id)
        said = read_body(request, PickUpBody)
        branch = named_branch(acting.merchant, said.get("branch")) or agreement.redemption.branch
        pick_up_deposit(agreement=agreement, by=acting.by, branch=branch)
        return shown(request, agreement)


class ReturnView(ApiView):
    """Take back what was handed over."""

    permission_classes = [Acts("pick up and return")]

    @extend_schema(operation_id="return_deposit", request=NoBody, responses=MerchantAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Record the return, now; a claim can be made for 72 hours."""
        agreement = seen(request).named(deposit_id)
        read_body(request, NoBody)
        return_deposit(agreement=agreement, by=acting_of(request).by)
        return shown(request, agreement)


class ClaimView(ApiView):
    """Claim a damage: once, within 72 hours of the return, never above the cap the guest accepted."""

    permission_classes = [Acts("claim")]
    parser_classes = [FormParser, BoundedJSONParser]
    list_fields = frozenset({"items", "photographs"})

    @extend_schema(operation_id="claim_deposit", request=ClaimBody, responses=MerchantAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Claim; the guest can contest it for 72 hours, and an operator decides then."""
        acting, agreement = acting_of(request), seen(request).named(deposit_id)
        said = read_body(request, ClaimBody)
        claim_damage(
            agreement=agreement, by=acting.person, items=said["items"], photographs=said.get("photographs", ())
        )
        return shown(request, agreement)


class RefundView(ApiView):
    """Give back what was charged of a deposit."""

    permission_classes = [Acts("refund deposits")]
    refusals = frozenset({409})  # charge_disputed, wrong_state

    @extend_schema(operation_id="refund_deposit", request=DepositRefundBody, responses=MerchantAgreementSerializer)
    @idempotent
    def post(self, request: Request, deposit_id: str) -> Response:
        """Give back an amount, at most what is left of what was charged; `refunds` tells what became of it."""
        acting, agreement = acting_of(request), seen(request).named(deposit_id)
        said = read_body(request, DepositRefundBody)
        amount = said["amount"]
        refund_hold(
            agreement=agreement,
            by=acting.person,
            amount=amount["amount"],
            currency=amount["currency"],
            reason=said["reason"],
        )
        return shown(request, agreement)


class FileView(ApiView):
    """A photograph of your claim, or what the guest added against it."""

    permission_classes = [Acts("claim")]

    @extend_schema(operation_id="get_merchant_deposit_file", responses=A_FILE)
    def get(self, request: Request, deposit_id: str, file_id: str) -> HttpResponse:
        """Return the file, as an attachment."""
        agreement = seen(request).named(deposit_id)
        return given(DepositFile.objects.filter(agreement=agreement).named(file_id))
