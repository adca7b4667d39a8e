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
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import translation

from citizen_app.accounts.mail import queue_mail
from citizen_app.accounts.sessions import TooManySignIns
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
        # A page shows the sentence beside the form; an app is told to wait, and for how long.
        if is_headless_request(context.request):
            if code == "too_many_login_attempts":
                raise TooManySignIns
            if code == "rate_limited":
                raise RateLimited
        return super().validation_error(code, *args)

    def is_ajax(self, request: HttpRequest) -> bool:
        # The pages are pages for everybody; what speaks JSON uses the app's API, with its own rules.
        return False

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


class HeadlessAdapter(DefaultHeadlessAdapter):
    """What the app's sign-in API says about a person: the id of the rest of the API, never the row's number."""

    def serialize_user(self, user: Citizen) -> dict[str, Any]:
        return super().serialize_user(user) | ({"id": user.public_id} if user.pk else {})


def language_of(request: HttpRequest) -> str:
    """The language a new account starts with: the request's, where the product speaks it."""
    asked = translation.get_language_from_request(request)
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
