"""How allauth signs people in here: mail through the outbox, limits as 429, second-factor secrets sealed."""

from io import BytesIO
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, RateLimited
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.adapter import DefaultHeadlessAdapter
from allauth.headless.base.response import AuthenticationResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import translation

from citizen_app.accounts import passkeys
from citizen_app.accounts.mail import queue_mail
from citizen_app.accounts.phones import keep_phone, phone_of
from citizen_app.accounts.sessions import TooManySignIns, is_challenge, note_limit
from citizen_app.accounts.sms import country_of, send_code
from citizen_app.db import violated
from citizen_app.models import Citizen
from citizen_app.sealing import seal, unseal

SECOND_FACTOR = "second factor"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts: one per e-mail address, made and opened without telling a stranger which addresses we know."""

    def save_user(self, request: HttpRequest, user: Citizen, form: BaseForm, commit: bool = True) -> Citizen:
        user.language = language_of(request)
        try:
            with transaction.atomic():
                saved: Citizen = super().save_user(request, user, form, commit=commit)
        except IntegrityError as error:
            if violated(error) != "citizen_one_account_per_email":
                raise
            # Somebody took the address between the check and here: answer as for any address that has an account.
            response = prevent_enumeration(request, email=form.cleaned_data["email"])
            if is_headless_request(request):
                response = AuthenticationResponse.from_response(request, response)
            raise ImmediateHttpResponse(response) from error
        return saved

    def validation_error(self, code: str, *args: object) -> ValidationError:
        limit = {"too_many_login_attempts": TooManySignIns, "rate_limited": RateLimited}.get(code)
        if limit is not None:
            if is_headless_request(context.request):
                raise limit
            # A page says it in a sentence beside the form; its answer is 429 all the same.
            note_limit(context.request, limit())
        return super().validation_error(code, *args)

    def login(self, request: HttpRequest, user: Citizen) -> None:
        super().login(request, user)
        request.session.set_expiry(None)  # it may have begun as the short one of a passkey's challenge

    def is_ajax(self, request: HttpRequest) -> bool:
        # The pages are pages for everybody; what speaks JSON uses the app's API, with its own rules. Only a passkey's
        # challenge is fetched by our own script.
        return request.method == "GET" and is_challenge(request)

    def get_reauthentication_methods(self, user: Citizen) -> list[dict[str, Any]]:
        # In our words. A recovery code is spent by using it: whoever has a passkey and no app is asked for that first.
        methods = super().get_reauthentication_methods(user)
        has_app = is_mfa_enabled(user, [Authenticator.Type.TOTP])
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use your authenticator app or a recovery code" if has_app else "Use a recovery code",
            "mfa_reauthenticate:webauthn": "Use your passkey",
        }
        by_rank = sorted(methods, key=lambda method: method["id"] == "mfa_reauthenticate" and not has_app)
        return [method | {"description": words[method["id"]]} for method in by_rank]

    # -- Phone numbers: added to an account, and no way to sign in or to reset anything --------------------------
    def clean_phone(self, phone: str) -> str:
        country_of(phone)
        return phone

    def get_phone(self, user: Citizen) -> tuple[str, bool] | None:
        kept = phone_of(user)
        return (kept.number, True) if kept else None

    def set_phone(self, user: Citizen, phone: str, verified: bool) -> None:
        if verified:
            self.set_phone_verified(user, phone)

    def set_phone_verified(self, user: Citizen, phone: str) -> None:
        keep_phone(citizen=user, number=phone)
        self.send_notification_mail("account/email/phone_changed", user)

    def get_user_by_phone(self, phone: str) -> Citizen | None:
        return Citizen.objects.filter(phone__number=phone).first()

    def send_verification_code_sms(self, user: Citizen, phone: str, code: str, **_more: Any) -> None:
        send_code(request=context.request, citizen=user, number=phone, code=code)

    def send_unknown_account_sms(self, phone: str, **_more: Any) -> None:
        """Nothing: nobody signs in or up by phone (allauth demands the method)."""

    def send_account_already_exists_sms(self, phone: str, **_more: Any) -> None:
        """Nothing, for the same reason."""

    def send_notification_mail(
        self, template_prefix: str, user: Citizen, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        # When it happened is said in the person's own time, with its name.
        super().send_notification_mail(template_prefix, user, {"zone": user.zone, **(context or {})}, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        request = self.request
        facts = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        queue_mail(self.render_mail(template_prefix, email, facts))


class MFAAdapter(DefaultMFAAdapter):
    """Second factors: what could be used to sign in is unreadable in the database."""

    def encrypt(self, text: str) -> str:
        return seal(SECOND_FACTOR, text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(SECOND_FACTOR, encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        drawing = BytesIO()
        segno.make(url, error="m", micro=False).save(drawing, kind="svg", scale=5, border=4, light="#fff")
        return drawing.getvalue().decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return passkeys.site()

    def generate_authenticator_name(self, user: Citizen, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count() if user.pk else 0
        return f"Passkey {count + 1}" if count else "Passkey"


class HeadlessAdapter(DefaultHeadlessAdapter):
    """What the app's sign-in API says about a person: the id of the rest of the API, never the row's number."""

    def serialize_user(self, user: Citizen) -> dict[str, Any]:
        return super().serialize_user(user) | ({"id": user.public_id} if user.pk else {})


def language_of(request: HttpRequest) -> str:
    """The language a new account starts with: the request's, where the product speaks it."""
    asked = translation.get_language_from_request(request)
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
