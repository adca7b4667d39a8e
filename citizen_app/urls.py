"""Every address of the product. The apps are reached by name, so that the project imports neither."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from citizen_app.api.description import DescriptionView
from citizen_app.web import app_links, docs, health, second_factors
from citizen_app.web.theme import theme

api_v1: list[URLPattern | URLResolver] = [
    path("", include("citizen_app.api.urls")),
    path("", include("scores.api.urls")),
    path("", include("perks.api.urls")),
    path("schema", DescriptionView.as_view(), name="schema"),
]

urlpatterns = [
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("api/v1/", include(api_v1)),
    path(".well-known/", include("perks.api.well_known")),
    path(".well-known/assetlinks.json", app_links.asset_links, name="asset-links"),
    path(".well-known/apple-app-site-association", app_links.apple_app_site_association, name="app-site-association"),
    path("api/docs", docs.api, name="api-docs"),
    path("docs/errors", docs.errors, name="error-codes"),
    path("theme", theme, name="theme"),
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/2fa/", include(second_factors.urlpatterns)),
    path("accounts/", include("allauth.urls")),
    path("o/", include("citizen_app.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("citizen_app.web.urls")),
    path("", include("scores.web.urls")),
    path("", include("perks.web.urls")),
]

handler400 = "citizen_app.web.errors.bad_request"
handler403 = "citizen_app.web.errors.permission_denied"
handler404 = "citizen_app.web.errors.page_not_found"
handler500 = "citizen_app.web.errors.server_error"
