"""Which apps on phones belong to this site: what Android and iOS read before an app may use the site's passkeys."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from citizen_app.accounts.passkeys import android_apps

RELATIONS = ["delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"]


@require_safe
@cache_control(public=True, max_age=3600)
def asset_links(request: HttpRequest) -> JsonResponse:
    """`/.well-known/assetlinks.json` (Digital Asset Links): an empty list where no app is named."""
    statements = [
        {
            "relation": RELATIONS,
            "target": {
                "namespace": "android_app",
                "package_name": app.package,
                "sha256_cert_fingerprints": [app.fingerprint],
            },
        }
        for app in android_apps()
    ]
    return JsonResponse(statements, safe=False)


@require_safe
@cache_control(public=True, max_age=3600)
def apple_app_site_association(request: HttpRequest) -> JsonResponse:
    """`/.well-known/apple-app-site-association`: the apps that may use the site's credentials."""
    return JsonResponse({"webcredentials": {"apps": settings.PASSKEY_IOS_APPS}})
