"""The desk's endpoint."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import ScanSerializer
from perks.api.merchant.bodies import ScanBody
from perks.api.merchant.branches import named_branch
from perks.services.scans import Shown, scan_code
from perks.services.showing_merchants import scan_answer


class ScanView(ApiView):
    """Judge what a citizen shows. Every scan is recorded, whatever its outcome."""

    permission_classes = [Acts("scan")]
    rate_limit = "scans"

    @extend_schema(operation_id="scan", request=ScanBody, responses={201: ScanSerializer, 200: ScanSerializer})
    def post(self, request: Request) -> Response:
        """Scan a typed code or a pass; the same nonce and body again is 200 and the same scan."""
        acting = acting_of(request)
        said = read_body(request, ScanBody)
        scan, is_new = scan_code(
            merchant=acting.merchant,
            by=acting.by,
            shown=Shown(code=said.get("code"), whole_pass=said.get("pass")),
            nonce=said["nonce"],
            branch=named_branch(acting.merchant, said.get("branch")),
            scanned_at=said.get("scanned_at"),
        )
        return Response(scan_answer(scan), 201 if is_new else 200)
