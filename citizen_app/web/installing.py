"""How the site looks on a home screen. iOS lets a site notify somebody only once they have put it there."""

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

ICONS = (
    ("app-192.png", "192x192", "any"),
    ("app-512.png", "512x512", "any"),
    ("app-maskable-512.png", "512x512", "maskable"),
)


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    """The web app manifest of the citizens' pages: the same for everybody."""
    icons = [
        {"src": static(f"img/{file}"), "type": "image/png", "sizes": sizes, "purpose": purpose}
        for file, sizes, purpose in ICONS
    ]
    everywhere = reverse("welcome")
    said = {"id": everywhere, "start_url": reverse("scores:home"), "scope": everywhere, "display": "standalone"}
    said |= {"lang": "en", "dir": "ltr"}
    said |= {"name": "Citizen App", "short_name": "Citizen", "theme_color": "#f6f1ee", "background_color": "#f6f1ee"}
    return JsonResponse(said | {"icons": icons}, content_type="application/manifest+json")
