"""Taking one's data along."""

from typing import Any, cast

from django.http import FileResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.accounts.exports import ask_for_export, exports_of, open_export
from citizen_app.api.authentication import require_confirmed
from citizen_app.api.etags import no_store
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.serializers import NoBody, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen, DataExport


class ExportProgress(serializers.Serializer):
    """How far it is."""

    done = serializers.IntegerField(source="done_count", help_text="tables written")
    total = serializers.IntegerField(source="total_count")


class Export(serializers.Serializer):
    """A copy of every row about the person."""

    id = serializers.CharField(source="public_id")
    state = serializers.ChoiceField(choices=DataExport.State.choices)
    progress = ExportProgress(source="*")
    asked_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(help_text="when it is erased: seven days after it was made")
    size = serializers.SerializerMethodField(help_text="bytes, once it is ready")
    download = serializers.SerializerMethodField(help_text="where the file is, once it is ready")

    def get_size(self, export: DataExport) -> int | None:
        return export.size if export.state == DataExport.State.READY else None

    def get_download(self, export: DataExport) -> str | None:
        return reverse("export-download", args=[export.public_id]) if export.state == DataExport.State.READY else None


class ExportsView(ApiView):
    """Ask for your data."""

    permission_classes = [IsCitizen]
    refusals = frozenset({403, 429})  # reauthentication_required, rate_limited

    @extend_schema(operation_id="ask_for_export", request=None, responses={202: Export})
    def post(self, request: Request) -> Response:
        """Ask for a ZIP of every row about you; while one is being made, it is that one. Needs a recent sign-in."""
        read_body(request, NoBody)
        require_confirmed(request)
        export = ask_for_export(citizen=cast(Citizen, request.user))
        return no_store(Response(Export(export).data, status.HTTP_202_ACCEPTED))


class ExportView(ApiView):
    """One export of yours."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})

    @extend_schema(operation_id="get_export", responses=Export)
    def get(self, request: Request, export_id: str) -> Response:
        """Return how far it is, and where to download it until it expires."""
        return no_store(Response(Export(exports_of(citizen=cast(Citizen, request.user)).named(export_id)).data))


class ExportDownloadView(ApiView):
    """The file of an export."""

    permission_classes = [IsCitizen]
    refusals = frozenset({403, 404, 409})  # reauthentication_required, not_found, wrong_state

    @extend_schema(operation_id="download_export", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: str) -> FileResponse:
        """Return the ZIP. Needs a recent sign-in."""
        require_confirmed(request)
        return export_file(citizen=cast(Citizen, request.user), export_id=export_id)


def export_file(*, citizen: Citizen, export_id: str) -> Any:
    """The answer that hands the file over, to be kept by nobody in between."""
    export, file = open_export(citizen=citizen, export_id=export_id)
    assert export.ready_at is not None  # noqa: S101  (only what is ready is opened)
    name = f"citizen-app-{export.ready_at:%Y-%m-%d}.zip"
    answer = FileResponse(file, content_type="application/zip", as_attachment=True, filename=name)
    answer.headers["Content-Length"] = str(export.size)
    return no_store(answer)
