"""The till's own endpoints: to be paired, to know where it stands, and who is at work on it."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.authentication import Credential
from citizen_app.api.etags import no_store
from citizen_app.api.permissions import Anyone
from citizen_app.api.serializers import read_body
from citizen_app.api.throttles import add_limit
from citizen_app.api.views import ApiView
from perks.api.merchant.access import IsTill, till_and_shift
from perks.api.merchant.answers import OwnTillSerializer, PairedSerializer, ShiftSerializer
from perks.api.merchant.bodies import PairBody, ShiftBody
from perks.services.shifts import end_shift, open_shift
from perks.services.showing_tills import own_till, shift_line
from perks.services.tills import pair_till

add_limit("pairing", "10/minute")


class PairView(ApiView):
    """Becoming a till."""

    permission_classes = [Anyone]
    refusals = frozenset({404})  # unknown_pairing_code
    rate_limit = "pairing"

    @extend_schema(operation_id="pair_device", request=PairBody, responses={201: PairedSerializer})
    def post(self, request: Request) -> Response:
        """Redeem a pairing code; the token is shown once. A wrong, used or old code is 404 `unknown_pairing_code`."""
        said = read_body(request, PairBody)
        made = pair_till(code=said["pairing_code"], name=said.get("name", ""))
        answer: Response = no_store(Response({"device_id": made.till.public_id, "token": made.token}, 201))
        return answer


class OwnTillView(ApiView):
    """The till that asks."""

    permission_classes = [IsTill]

    @extend_schema(operation_id="get_own_device", responses=OwnTillSerializer)
    def get(self, request: Request) -> Response:
        """Return where it stands, who can open a shift on it, and whose shift it is."""
        till, _ = till_and_shift(cast(Credential, request.auth))
        return Response(own_till(till))


class ShiftView(ApiView):
    """Who is at work on the till."""

    permission_classes = [IsTill]

    @extend_schema(operation_id="open_shift", request=ShiftBody, responses={201: ShiftSerializer})
    def post(self, request: Request) -> Response:
        """Come to work with a member's PIN; whoever was there goes. The token is shown once."""
        said = read_body(request, ShiftBody)
        till, _ = till_and_shift(cast(Credential, request.auth))
        made = open_shift(till=till, member_id=said["member"], pin=said["pin"])
        answer: Response = no_store(Response(shift_line(made.shift) | {"token": made.token}, 201))
        return answer

    @extend_schema(operation_id="end_shift", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Go: nothing is scanned here until somebody types a PIN again."""
        till, _ = till_and_shift(cast(Credential, request.auth))
        end_shift(till=till)
        return Response(status=204)
