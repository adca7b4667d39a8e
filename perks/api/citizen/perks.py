"""The citizen's catalogue: what is offered, and whether it is open to them."""

from typing import Any, cast

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import StrictBoolean, Text
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.api.citizen.answers import PerkCardSerializer, PerkPageSerializer
from perks.languages import wanted_languages
from perks.models import Merchant, Perk
from perks.services.catalogue_reading import (
    Wanted,
    cards_of,
    catalogue,
    order_of,
    takeable_cards_of,
    with_what_cards_show,
)
from perks.services.eligibility_reading import judge_each
from perks.services.nearness import BadPlace, Near
from perks.services.showing_perks import branches_of, perk_page
from scores import assessments


class PerkQuery(PageQuery):
    """What a citizen looks for."""

    kind = serializers.ChoiceField(Perk.Kind.choices, required=False)
    category = Text(max_length=40, required=False)
    merchant = Text(max_length=40, required=False, help_text="a merchant's id")
    purpose = serializers.ChoiceField(sorted(set(Merchant.PURPOSE_OF.values())), required=False)
    eligible = StrictBoolean(required=False, help_text="true: only what you can take now")
    near = Text(max_length=40, required=False, help_text="an airport's IATA code, or latitude,longitude (within 50 km)")
    opens = serializers.ChoiceField(
        ["soon"], required=False, help_text="soon: only what can be taken from a day of the next seven on"
    )
    q = Text(
        max_length=80,
        required=False,
        help_text="beginnings of words of title, description, merchant or category, in any language and order",
    )

    def validate_near(self, text: str) -> Near:
        try:
            return Near.read(text)
        except BadPlace as refusal:
            raise serializers.ValidationError(str(refusal), "invalid") from refusal


class PerkListView(ApiView):
    """What merchants offer now, each with its answer to you. Looking at it makes no inquiry."""

    permission_classes = [IsCitizen]
    query_serializer = PerkQuery

    @extend_schema(operation_id="list_perks", responses=page_of("PerkCardPage", PerkCardSerializer))
    @etagged
    def get(self, request: Request) -> Response:
        """Return perks, newest first, or the nearest first where a point is named."""
        citizen, now, said = cast(Citizen, request.user), timezone.now(), self.query
        assessment = assessments.assess(citizen, now=now)
        only_eligible = bool(said.get("eligible"))
        wanted = Wanted(
            kind=said.get("kind"),
            category=said.get("category"),
            merchant=said.get("merchant"),
            purpose=said.get("purpose"),
            near=said.get("near"),
            opens_soon="opens" in said,
            words=said.get("q"),
            only_eligible=only_eligible,
        )
        cards = takeable_cards_of if only_eligible else cards_of

        def shape(perks: list[Perk]) -> list[dict[str, Any]]:
            return cards(citizen=citizen, perks=perks, assessment=assessment, now=now, languages=languages)

        languages = languages_of(request)
        perks = catalogue(citizen=citizen, assessment=assessment, wanted=wanted, now=now)
        return page(request, perks, order=order_of(wanted), shape=shape)


class PerkView(ApiView):
    """One perk, with all of it that binds you before you take it."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_perk", responses=PerkPageSerializer)
    @etagged
    def get(self, request: Request, perk_id: str) -> Response:
        """Return a perk that is, or was, offered."""
        citizen, now = cast(Citizen, request.user), timezone.now()
        perk = with_what_cards_show(offered(now), now=now).named(perk_id)
        assessment = assessments.assess(citizen, now=now)
        answer = judge_each(citizen=citizen, perks=[perk], assessment=assessment, now=now)[perk.pk]
        return Response(perk_page(perk, answer, branches_of(perk), languages_of(request), now=now))


def languages_of(request: Request) -> tuple[str, ...]:
    """In which languages the caller wants to read: what the request accepts, then their account's."""
    return wanted_languages(request.headers.get("Accept-Language", ""), cast(Citizen, request.user).language)


def offered(now: Any) -> Any:
    """The perks a citizen may open by their id: published once, ended ones included, and visible."""
    return Perk.objects.filter(
        Q(visible_from_at__isnull=True) | Q(visible_from_at__lte=now),
        published_at__isnull=False,
        state__in=[Perk.State.PUBLISHED, Perk.State.PAUSED, Perk.State.ENDED],
    )
