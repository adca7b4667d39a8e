"""The desk's endpoint."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen, OAuthApplication
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import ScanSerializer
from perks.api.merchant.bodies import ScanBody
from perks.services.access import Acting
from perks.services.scans import Shown, scan_code
from perks.services.shifts import who_scanned
from perks.services.showing_merchants import scan_answer


def branch_id_of_scan(acting: Acting, branch_id: str | None) -> str | None:
    """Return where a scan is: a till stands at one branch and scans nowhere else."""
    if acting.till is None or acting.till.branch is None:
        return branch_id
    if branch_id is not None and branch_id != acting.till.branch.public_id:
        raise InvalidInput(FieldError("/branch", "invalid", "This till stands at another branch."))
    return acting.till.branch.public_id


def scanned_by(acting: Acting, said: dict[str, Any]) -> Citizen | OAuthApplication:
    """Return who made a scan: whoever is at work, or was in the earlier shift that a till's upload names."""
    if acting.shift is None:
        if "shift" in said:
            raise InvalidInput(FieldError("/shift", "invalid", "Only a till names a shift."))
        return acting.by
    return who_scanned(shift=acting.shift, earlier=said.get("shift"), scanned_at=said.get("scanned_at"))


class ScanView(ApiView):
    """Judge what a citizen shows. Every scan is recorded, whatever its outcome."""

    permission_classes = [Acts("scan")]
    rate_limit = "scans"

    @extend_schema(operation_id="scan", request=ScanBody, responses={201: ScanSerializer, 200: ScanSerializer})
    def post(self, request: Request) -> Response:
        """Scan a typed code or a pass, a gift card's with its `amount`; the same nonce and body again is 200."""
        acting = acting_of(request)
        said = read_body(request, ScanBody)
        scan, is_new = scan_code(
            merchant=acting.merchant,
            by=scanned_by(acting, said),
            till=acting.till,
            shown=Shown(
                code=said.get("code"),
                whole_pass=said.get("pass"),
                amount=said["amount"]["amount"] if "amount" in said else None,
            ),
            nonce=said["nonce"],
            branch_id=branch_id_of_scan(acting, said.get("branch")),
            scanned_at=said.get("scanned_at"),
        )
        return Response(scan_answer(scan), 201 if is_new else 200)
