"""The addresses of this room."""

from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    # Browsers ask for it beside answers that are no page of ours and name no icon.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("img/mark.svg")), name="favicon"),
]
