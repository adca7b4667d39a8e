"""A kept file of an agreement, given to one of its parties."""

from django.http import HttpResponse

from citizen_app.api.etags import NO_STORE
from citizen_app.errors import NotFound
from perks.models import DepositFile
from perks.services.deposit_files import open_deposit_file


def given(file: DepositFile) -> HttpResponse:
    """The file as one that is saved and never run: an attachment of its own type, kept by nobody in between."""
    with open_deposit_file(file) as kept:
        content = kept.read()
    if not content:
        raise NotFound
    answer = HttpResponse(content, content_type=file.content_type)
    ending = "pdf" if file.content_type == "application/pdf" else "jpg"
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.public_id}.{ending}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cache-Control"] = NO_STORE
    return answer
