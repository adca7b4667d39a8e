"""A merchant's tills: pairing one, seeing when each was last here, taking one away; and the PIN of who stands there."""

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import PairingSerializer, TillSerializer
from perks.api.merchant.bodies import PinBody, TillBody
from perks.api.merchant.branches import named_branch
from perks.models import Member
from perks.services.shifts import set_pin
from perks.services.showing_tills import pairing_line, till_line
from perks.services.tills import SHIFT_MINUTES, make_pairing, revoke_till, standing_tills


class DeviceListView(ApiView):
    """Your tills."""

    permission_classes = [Acts("tills")]
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_devices", responses=page_of("TillPage", TillSerializer))
    def get(self, request: Request) -> Response:
        """Return the tills that are paired, newest first."""
        return page(
            request, standing_tills(acting_of(request).merchant), shape=lambda rows: [till_line(row) for row in rows]
        )

    @extend_schema(operation_id="add_device", request=TillBody, responses={201: PairingSerializer})
    def post(self, request: Request) -> Response:
        """Make a pairing: a code, and an address to show as a picture, for one device within ten minutes.

        The code stands behind the address's `#`, where no server and no log sees it. A retry makes another code.
        """
        acting = acting_of(request)
        said = read_body(request, TillBody)
        made = make_pairing(
            merchant=acting.merchant,
            by=acting.person,
            name=said["name"],
            branch=named_branch(acting.merchant, said.get("branch")),
            shift_minutes=said.get("shift_minutes", SHIFT_MINUTES),
        )
        address = f"{request.build_absolute_uri(reverse('till:app'))}#{made.code}"
        answer: Response = no_store(Response(pairing_line(made) | {"pairing_url": address}, 201))
        return answer


class DeviceView(ApiView):
    """One of your tills."""

    permission_classes = [Acts("tills")]

    @extend_schema(operation_id="remove_device", responses={204: None})
    def delete(self, request: Request, device_id: str) -> Response:
        """Revoke it: its next request is refused, and so is that of whoever is at work on it."""
        acting = acting_of(request)
        revoke_till(till=standing_tills(acting.merchant).named(device_id), by=acting.person)
        return Response(status=204)


class PinView(ApiView):
    """Your own PIN for tills."""

    permission_classes = [Acts("own pin")]

    @extend_schema(operation_id="set_pin", request=PinBody, responses={204: None})
    def put(self, request: Request) -> Response:
        """Choose the digits you type at a till; it opens nothing else."""
        acting = acting_of(request)
        said = read_body(request, PinBody)
        seat = Member.objects.select_related("merchant", "citizen").get(merchant=acting.merchant, citizen=acting.person)
        set_pin(member=seat, pin=said["pin"])
        return Response(status=204)
