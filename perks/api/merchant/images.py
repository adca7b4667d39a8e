"""The pictures of a merchant's perk."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import require_if_match, version_etag
from citizen_app.api.multipart import FormParser
from citizen_app.api.parsers import BoundedJSONParser
from citizen_app.api.serializers import BoundedInteger, StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from perks.api.citizen.answers import ImageSerializer
from perks.api.merchant.access import Acts, acting_of
from perks.models import Perk, PerkImage
from perks.services.images import add_image, change_image, image_line, image_lines, remove_image


class ImageBody(StrictSerializer):
    """A picture (JPEG, PNG or WebP, at most 5 MiB and 25 million pixels) and what it shows."""

    file = serializers.FileField()
    alt = Text(max_length=160, help_text="what it shows, for people who cannot see it")


class ImageChange(StrictSerializer):
    alt = Text(max_length=160, required=False)
    position = BoundedInteger(1, PerkImage.MOST, required=False, help_text="its new place; 1 is the first")


class ImagesSerializer(serializers.Serializer):
    results = ImageSerializer(many=True)


def _perk(request: Request, perk_id: str) -> Perk:
    found: Perk = Perk.objects.of(acting_of(request).merchant).named(perk_id)
    return found


def _answer(perk: Perk, told: dict[str, Any], status: int = 200) -> Response:
    now = Perk.objects.get(pk=perk.pk)
    return Response(told, status, headers={"ETag": version_etag(now.revision)})


class ImageListView(ApiView):
    """The pictures of one of your perks: at most five, everybody may see them."""

    permission_classes = [Acts("perks")]
    parser_classes = [FormParser, BoundedJSONParser]

    @extend_schema(operation_id="list_perk_images", responses=ImagesSerializer)
    def get(self, request: Request, perk_id: str) -> Response:
        """Return them in their order; the `ETag` is the perk's, for `If-Match`."""
        perk = _perk(request, perk_id)
        return _answer(perk, {"results": image_lines(perk)})

    @extend_schema(operation_id="add_perk_image", request=ImageBody, responses={201: ImageSerializer})
    def post(self, request: Request, perk_id: str) -> Response:
        """Add one behind the others. It is drawn anew: nothing of the file but the picture is kept."""
        perk = _perk(request, perk_id)
        said = read_body(request, ImageBody)
        image = add_image(perk=perk, by=acting_of(request).by, uploaded=said["file"], alt=said["alt"])
        return _answer(perk, image_line(image), 201)


class ImageView(ApiView):
    """One picture."""

    permission_classes = [Acts("perks")]
    if_match = True
    parser_classes = [BoundedJSONParser]

    @extend_schema(operation_id="change_perk_image", request=ImageChange, responses=ImageSerializer)
    def patch(self, request: Request, perk_id: str, image_id: str) -> Response:
        """Say otherwise what it shows, or move it; shown at once. `If-Match` names the perk's `ETag`."""
        acting = acting_of(request)
        with transaction.atomic():
            # Held before it is compared, as a change of the perk itself is.
            perk = Perk.objects.of(acting.merchant).select_for_update(of=("self",)).named(perk_id)
            image = perk.images.all().named(image_id)
            require_if_match(request, version_etag(perk.revision))
            said = read_body(request, ImageChange)
            image = change_image(image=image, by=acting.by, alt=said.get("alt"), position=said.get("position"))
        return _answer(perk, image_line(image))

    @extend_schema(operation_id="remove_perk_image", responses={204: None})
    def delete(self, request: Request, perk_id: str, image_id: str) -> Response:
        """Take it away, at once and for good."""
        remove_image(image=_perk(request, perk_id).images.all().named(image_id), by=acting_of(request).by)
        return Response(status=204)
