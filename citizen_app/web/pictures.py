"""The pictures of perks, for everybody: a name shows one picture for ever, so it is kept wherever it passes."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from citizen_app.errors import NotFound
from citizen_app.kept_files import open_picture

A_YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, file: str) -> HttpResponseBase:
    """Give a picture as what it was drawn as, whatever a browser would make of its bytes."""
    try:
        opened = open_picture(file)
    except NotFound:
        raise Http404 from None
    response = FileResponse(opened, content_type="image/webp", filename=file.rpartition("/")[2])
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    # Opened by itself it is a document of this site: one that may load and run nothing.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
