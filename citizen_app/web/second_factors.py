"""Setting up what signs somebody in: allauth's pages, with the recovery codes shown and a way on to where they were.

Where they were travels as `next` from page to page, so that nothing of an earlier set-up is left in the session.
"""

from typing import Any
from urllib.parse import urlencode

from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, SignupWebAuthnView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme


def way_on(request: HttpRequest) -> str:
    """Where the person came from, if it is a page of this very site; else nothing."""
    then = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        then, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return then if is_ours else ""


def with_way_on(page: str, then: str) -> str:
    """The address of a page of the set-up that leads on to `then`."""
    return f"{resolve_url(page)}?{urlencode({'next': then})}" if then else resolve_url(page)


class LeadsOn:
    """A page of the set-up that keeps the way on, whatever is typed into it."""

    request: HttpRequest
    did_generate_recovery_codes: bool

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        then = way_on(self.request)
        facts: dict[str, Any] = super().get_context_data(**more)  # type: ignore[misc]
        return facts | {"way_on": then, "way_on_query": f"?{urlencode({'next': then})}" if then else ""}

    def get_success_url(self) -> str:
        then = way_on(self.request)
        if self.did_generate_recovery_codes:
            return with_way_on("mfa_view_recovery_codes", then)
        return then or resolve_url("mfa_index")


class AddAuthenticatorApp(LeadsOn, ActivateTOTPView):
    """Add an authenticator app."""


class AddPasskey(LeadsOn, AddWebAuthnView):
    """Add a passkey."""


class RecoveryCodesPage(LeadsOn, ViewRecoveryCodesView):
    """The codes, once, and the way on."""


class MakePasskey(SignupWebAuthnView):
    """The last step of an account by passkey; the codes for when it is lost come right after it."""

    def form_valid(self, form: Any) -> HttpResponse:
        signed_in: HttpResponse = super().form_valid(form)
        if not self.request.user.is_authenticated:
            return signed_in  # a step is still open
        return redirect(with_way_on("mfa_view_recovery_codes", getattr(signed_in, "url", "")))


# In the place of allauth's own, of the same names.
urlpatterns = [
    path("totp/activate/", AddAuthenticatorApp.as_view(), name="mfa_activate_totp"),
    path("recovery-codes/", RecoveryCodesPage.as_view(), name="mfa_view_recovery_codes"),
    path("webauthn/add/", AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("webauthn/signup/", MakePasskey.as_view(), name="mfa_signup_webauthn"),
]
