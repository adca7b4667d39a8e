"""Taking a perk, and what was taken: the code and pass to show, cancelling."""

from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged, no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import LocalDate, NoBody, StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput, NotFound
from citizen_app.models import Citizen
from perks.api.citizen.answers import RedemptionLineSerializer, RedemptionSerializer
from perks.api.citizen.perks import offered
from perks.models import Branch, Perk, Redemption
from perks.services.outside_codes import outside_code_of
from perks.services.pictures import qr_png, qr_svg
from perks.services.redemptions import (
    cancel_redemption,
    is_shown,
    look_before_taking,
    remembering_refusals,
    take_perk,
)
from perks.services.showing import shown_pass
from perks.services.showing_perks import redemption_line, redemption_page, secret_members


class TakeBody(StrictSerializer):
    """Nothing for a discount; for priority the day and the branch; for a deposit waiver also until when and what."""

    date = LocalDate(required=False, help_text="priority, deposit waiver: local, at the branch")
    until = LocalDate(required=False, help_text="deposit waiver: the day of return, local, at the branch")
    branch = Text(max_length=40, required=False, help_text="priority, deposit waiver: a branch's id")
    booking_reference = Text(
        max_length=64, required=False, help_text="priority, deposit waiver: how the desk knows you"
    )

    def get_fields(self) -> dict[str, Any]:
        """`class` is a word of Python's."""
        return super().get_fields() | {
            "class": Text(max_length=40, required=False, help_text="deposit waiver: a class of `deposit.classes`")
        }


class RedemptionQuery(PageQuery):
    """Which of your redemptions."""

    state = serializers.ChoiceField(Redemption.State.choices, required=False)


def own(request: Request) -> Any:
    """The reader's redemptions, with what their answers show."""
    mine = Redemption.objects.filter(citizen=cast(Citizen, request.user))
    return mine.select_related("perk", "version", "merchant", "branch", "gift_card", "deposit", "boost")


def qr_url(request: Request, redemption_id: str) -> str:
    return request.build_absolute_uri(reverse("redemption-qr-svg", args=[redemption_id]))


def secrets_again(view: ApiView, request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Derive code, pass and seed again for a replay; once it is used or over there is nothing to show."""
    redemption = own(request).named(body["id"])
    again = {"outside_code": outside_code_of(redemption)}
    if not is_shown(redemption, timezone.now()):
        return again
    return again | secret_members(redemption, qr_url=qr_url(request, body["id"]))


class TakeView(ApiView):
    """Take a perk: one is reserved for you, and what you may have is frozen at this moment."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="take_perk", request=TakeBody, responses={201: RedemptionSerializer})
    def post(self, request: Request, perk_id: str) -> Response:
        """Reserve one and return its code, pass and seed; refused with the first reason that holds."""
        key = Perk.key_of(perk_id)
        if key is None:
            raise NotFound
        perk = Perk(pk=key)
        # Around the key's transaction: what was refused is remembered after it is rolled back.
        with remembering_refusals(citizen=cast(Citizen, request.user), perk=perk):
            return cast(Response, no_store(self._take(request, perk)))

    def _look(self, request: Request, perk: Perk) -> None:
        if request.data:
            return  # what was said is judged before what stands in the way
        now = timezone.now()
        look_before_taking(citizen=cast(Citizen, request.user), perk=perk, among=offered, now=now)

    @idempotent(secrets=secrets_again, first=_look, kept_last=True)
    def _take(self, request: Request, perk: Perk) -> Response:
        said = read_body(request, TakeBody)
        now = timezone.now()
        redemption = take_perk(
            citizen=cast(Citizen, request.user),
            perk=perk,
            date=said.get("date"),
            until=said.get("until"),
            branch=named_branch(perk, said.get("branch")),
            vehicle_class=said.get("class", ""),
            booking_reference=said.get("booking_reference", ""),
            among=offered,
            now=now,
        )
        url = qr_url(request, redemption.public_id)
        return Response(redemption_page(redemption, now=now, qr_url=url), 201, headers={"Cache-Control": "no-store"})

    post.is_idempotent = True  # type: ignore[attr-defined]  # the description asks for the header


class RedemptionListView(ApiView):
    """What you hold and what you used; codes are on each one's own page."""

    permission_classes = [IsCitizen]
    query_serializer = RedemptionQuery

    @extend_schema(operation_id="list_redemptions", responses=page_of("RedemptionPage", RedemptionLineSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your redemptions, newest first."""
        now = timezone.now()
        rows = own(request)
        if state := self.query.get("state"):
            rows = rows.filter(Redemption.reads_as(state, now))
        return page(request, rows, shape=lambda found: [redemption_line(one, now=now) for one in found])


class RedemptionView(ApiView):
    """One redemption; while it is reserved, with what you show at the desk."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_redemption", responses=RedemptionSerializer)
    def get(self, request: Request, redemption_id: str) -> Response:
        """Return a redemption of yours; never kept by a cache."""
        redemption = own(request).named(redemption_id)
        shown = redemption_page(redemption, now=timezone.now(), qr_url=qr_url(request, redemption_id))
        return cast(Response, no_store(Response(shown)))


class CancelView(ApiView):
    """Give back what you reserved."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="cancel_redemption", request=NoBody, responses=RedemptionSerializer)
    @idempotent(secrets=secrets_again, kept_last=True)
    def post(self, request: Request, redemption_id: str) -> Response:
        """Cancel; its perk says what returns to whom (`release.on_cancel`)."""
        read_body(request, NoBody)
        now = timezone.now()
        redemption = cancel_redemption(redemption=own(request).named(redemption_id), now=now)
        shown = redemption_page(redemption, now=now, qr_url=qr_url(request, redemption_id))
        return cast(Response, no_store(Response(shown)))


class SvgRenderer(JSONRenderer):
    """Lets a caller ask for SVG; what REST framework itself renders here are problems."""

    media_type, format = "image/svg+xml", "svg"


class PngRenderer(JSONRenderer):
    """The same for PNG."""

    media_type, format = "image/png", "png"


class QrView(ApiView):
    """The picture of your pass for this half-minute; ask again every 30 seconds."""

    permission_classes = [IsCitizen]

    def _shown(self, request: Request, redemption_id: str) -> str:
        redemption, now = own(request).named(redemption_id), timezone.now()
        if not is_shown(redemption, now):
            raise NotFound("Only what can be shown has a picture.")
        return shown_pass(redemption, at=now)


class QrSvgView(QrView):
    renderer_classes = [SvgRenderer, JSONRenderer]

    @extend_schema(
        operation_id="get_redemption_qr_svg",
        responses={(200, "image/svg+xml"): OpenApiResponse(OpenApiTypes.STR, "The picture")},
    )
    def get(self, request: Request, redemption_id: str) -> HttpResponse:
        """Return the picture as SVG."""
        picture = qr_svg(self._shown(request, redemption_id))
        return cast(HttpResponse, no_store(HttpResponse(picture, content_type="image/svg+xml")))


class QrPngView(QrView):
    renderer_classes = [PngRenderer, JSONRenderer]

    @extend_schema(
        operation_id="get_redemption_qr_png",
        responses={(200, "image/png"): OpenApiResponse(OpenApiTypes.BINARY, "The picture")},
    )
    def get(self, request: Request, redemption_id: str) -> HttpResponse:
        """Return the picture as PNG."""
        picture = qr_png(self._shown(request, redemption_id))
        return cast(HttpResponse, no_store(HttpResponse(picture, content_type="image/png")))


def named_branch(perk: Perk, branch_id: str | None) -> Branch | None:
    """The merchant's branch that a body names, if it names one."""
    if branch_id is None:
        return None
    try:
        found: Branch = Branch.objects.filter(merchant__perks=perk).named(branch_id)
    except NotFound:
        raise InvalidInput(FieldError("/branch", "invalid", "This perk is not given at that branch.")) from None
    return found
