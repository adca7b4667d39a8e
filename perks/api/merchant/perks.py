"""A merchant's perks: writing them, and the states they go through."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import require_if_match, version_etag
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import MerchantPerkSerializer
from perks.api.merchant.bodies import PerkBodySerializer
from perks.models import Perk
from perks.services import catalogue
from perks.services.showing_merchants import perk_line, perk_lines, with_what_lines_show


class MerchantPerkQuery(PageQuery):
    """Which of your perks."""

    state = serializers.ChoiceField(Perk.State.choices, required=False)


def own(request: Request) -> Any:
    return with_what_lines_show(Perk.objects.of(acting_of(request).merchant))


def answer(perk: Perk, status: int = 200) -> Response:
    return Response(perk_line(perk), status, headers={"ETag": version_etag(perk.revision)})


class PerkListView(ApiView):
    """Your perks."""

    permission_classes = [Acts("perks")]
    query_serializer = {"get": MerchantPerkQuery}

    @extend_schema(operation_id="list_merchant_perks", responses=page_of("MerchantPerkPage", MerchantPerkSerializer))
    def get(self, request: Request) -> Response:
        """Return your perks, newest first."""
        perks = own(request)
        if state := self.query.get("state"):
            perks = perks.filter(state=state)
        return page(request, perks, shape=perk_lines)

    @extend_schema(operation_id="draft_perk", request=PerkBodySerializer, responses={201: MerchantPerkSerializer})
    def post(self, request: Request) -> Response:
        """Write a draft; nobody but your team sees it."""
        acting = acting_of(request)
        said = read_body(request, PerkBodySerializer)
        perk = catalogue.draft_perk(merchant=acting.merchant, by=acting.by, body=said)
        return answer(own(request).get(pk=perk.pk), 201)


class PerkView(ApiView):
    """One of your perks."""

    permission_classes = [Acts("perks")]
    if_match = True

    @extend_schema(operation_id="get_merchant_perk", responses=MerchantPerkSerializer)
    def get(self, request: Request, perk_id: str) -> Response:
        """Return it with its counts; its `ETag` is what a change names in `If-Match`."""
        return answer(own(request).named(perk_id))

    @extend_schema(operation_id="edit_perk", request=PerkBodySerializer(partial=True), responses=MerchantPerkSerializer)
    def patch(self, request: Request, perk_id: str) -> Response:
        """Change it: past review, tiers, terms and fair terms wait for an operator, the rest changes at once."""
        acting = acting_of(request)
        with transaction.atomic():
            # Held before it is compared: two people who read the same version cannot both change it.
            perk = Perk.objects.of(acting.merchant).select_for_update(of=("self",)).named(perk_id)
            require_if_match(request, version_etag(perk.revision))
            said = read_body(request, PerkBodySerializer, partial=True)
            catalogue.edit_perk(perk=perk, by=acting.by, body=said)
        return answer(own(request).get(pk=perk.pk))


class PerkAction(ApiView):
    """An action on one of your perks; one its state forbids is 409 `wrong_state`."""

    permission_classes = [Acts("perks")]

    def _move(self, request: Request, perk_id: str, service: Callable[..., Perk]) -> Response:
        read_body(request, NoBody)
        acting = acting_of(request)
        perk = service(perk=Perk.objects.of(acting.merchant).named(perk_id), by=acting.by)
        return answer(own(request).get(pk=perk.pk))


class SubmitView(PerkAction):
    @extend_schema(operation_id="submit_perk", request=NoBody, responses=MerchantPerkSerializer)
    def post(self, request: Request, perk_id: str) -> Response:
        """Hand a draft to the operators."""
        return self._move(request, perk_id, catalogue.submit_perk)


class PublishView(PerkAction):
    permission_classes = [Acts("publish")]

    @extend_schema(operation_id="publish_perk", request=NoBody, responses=MerchantPerkSerializer)
    def post(self, request: Request, perk_id: str) -> Response:
        """Offer an approved perk to everybody who reaches it."""
        return self._move(request, perk_id, catalogue.publish_perk)


class PauseView(PerkAction):
    @extend_schema(operation_id="pause_perk", request=NoBody, responses=MerchantPerkSerializer)
    def post(self, request: Request, perk_id: str) -> Response:
        """Stop it from being taken; what is reserved is honoured."""
        return self._move(request, perk_id, catalogue.pause_perk)


class ResumeView(PerkAction):
    @extend_schema(operation_id="resume_perk", request=NoBody, responses=MerchantPerkSerializer)
    def post(self, request: Request, perk_id: str) -> Response:
        """Offer it again."""
        return self._move(request, perk_id, catalogue.resume_perk)


class EndView(PerkAction):
    @extend_schema(operation_id="end_perk", request=NoBody, responses=MerchantPerkSerializer)
    def post(self, request: Request, perk_id: str) -> Response:
        """End it for good; what is reserved is honoured."""
        return self._move(request, perk_id, catalogue.end_perk)
