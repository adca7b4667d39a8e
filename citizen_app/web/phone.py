"""The page of a person's phone number: add one by the code sent to it, change it, take it off."""

from typing import Any

from allauth.account.forms import ChangePhoneForm, VerifyPhoneForm
from allauth.account.internal.flows.phone_verification import ChangePhoneVerificationProcess
from allauth.account.internal.flows.reauthentication import suspend_request
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url

from citizen_app.accounts.freshness import confirmed_at, is_recent
from citizen_app.accounts.phones import phone_of, take_off_phone
from citizen_app.web.pages import Page


class PhonePage(Page):
    """One page: the number that is kept, the one that waits for its code, and a form for another."""

    template_name = "account/phone.html"
    back = "phone"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        match request.POST.get("act"):
            case "send":
                return self._send(request)
            case "confirm":
                return self._confirm(request)
            case "take_off":
                if take_off_phone(citizen=self.citizen):
                    messages.success(request, "The number is taken off.")
        return redirect("phone")

    def _send(self, request: HttpRequest) -> HttpResponse:
        kept = phone_of(self.citizen)
        form = ChangePhoneForm(request.POST, user=self.citizen, phone=kept.number if kept else None)
        if not form.is_valid():
            return self._shown(form=form)
        if not is_recent(confirmed_at(self.citizen, request.session)):
            # What was typed is kept, and sent on as soon as they have confirmed.
            return suspend_request(request, resolve_url("account_reauthenticate"))
        # Not allauth's `initiate`: it asks again of somebody who signed in a moment ago.
        number = form.cleaned_data["phone"]
        state = ChangePhoneVerificationProcess.initial_state(user=self.citizen, phone=number)
        ChangePhoneVerificationProcess(request, state=state).send()
        return redirect("phone")

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        process = ChangePhoneVerificationProcess.resume(request)
        if process is None:
            messages.error(request, "That code is over. Ask for another.")
            return redirect("phone")
        form = VerifyPhoneForm(request.POST, user=self.citizen, phone=process.phone, code=process.code)
        if not form.is_valid():
            if not process.record_invalid_attempt():
                messages.error(request, "That were too many wrong codes. Ask for another.")
                return redirect("phone")
            return self._shown(code_form=form)
        process.finish()
        return redirect("phone")

    def _shown(self, form: Any = None, code_form: Any = None) -> HttpResponse:
        waiting = ChangePhoneVerificationProcess.resume(self.request)
        if waiting is not None and code_form is None:
            code_form = VerifyPhoneForm(user=self.citizen, phone=waiting.phone, code=waiting.code)
        return self.show(
            kept=phone_of(self.citizen),
            waiting=waiting.phone if waiting else None,
            form=form or ChangePhoneForm(user=self.citizen),
            code_form=code_form,
            offered=bool(settings.SMS_BACKEND),
        )
