"""How somebody comes to a console: by applying, by an invitation, and by choosing among several merchants."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.api.idempotency import once
from citizen_app.errors import DomainError, InvalidInput, NotFound
from citizen_app.web.pages import Page, own_address
from perks.api.merchant.bodies import MerchantBody
from perks.errors import AlreadyMember
from perks.models import Invitation, Member
from perks.services.merchants import apply_as_merchant
from perks.services.team import accept_invitation, invitation_of
from perks.web.merchant.console import CHOSEN, at_work_for
from perks.web.merchant.forms import ApplyForm, judged, merchant_line, place_errors
from perks.web.merchant.refusals import in_words


class Apply(Page):
    """Asking to offer perks; who asks is the first owner."""

    template_name = "merchant/apply.html"

    back = "merchant:apply"

    def get(self, request: HttpRequest) -> HttpResponse:
        if applied := request.GET.get("applied"):
            seats = Member.objects.filter(citizen=self.citizen).select_related("merchant")
            merchant = next((seat.merchant for seat in seats if seat.merchant.public_id == applied), None)
            if merchant is not None:
                return self.show(applied={"name": merchant.name, "state": merchant.state})
        return self.show(form=ApplyForm(initial={"key": uuid.uuid4().hex}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ApplyForm(request.POST)
        if not form.is_valid():
            return self.show(form=form)
        try:
            said = judged(MerchantBody, form.body())
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self.show(form=form)

        def apply() -> str:
            return apply_as_merchant(by=self.citizen, **said).public_id

        # A double tap is one application: the form carries the key of its one act.
        key = form.cleaned_data["key"]
        merchant_id = once(citizen=self.citizen, path=request.path, key=key, said=said, work=apply)
        request.session[CHOSEN] = merchant_id
        return redirect(f"{reverse('merchant:apply')}?applied={merchant_id}")


class Choose(Page):
    """For which of their merchants the person is at work."""

    template_name = "merchant/choose.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seats = Member.objects.filter(citizen=self.citizen).select_related("merchant").order_by("merchant__name", "pk")
        if not seats:
            return redirect("merchant:apply")
        rows = [merchant_line(seat.merchant, seat.role) for seat in seats]
        return self.show(merchants=rows, next=own_address(request, request.GET.get("next", "")))

    def post(self, request: HttpRequest) -> HttpResponse:
        seats = Member.objects.filter(citizen=self.citizen).select_related("merchant")
        chosen = next((one.merchant for one in seats if one.merchant.public_id == request.POST.get("merchant")), None)
        if chosen is None:
            raise NotFound
        at_work_for(request, chosen)
        return redirect(own_address(request, request.POST.get("next", "")) or "merchant:home")


class Accept(Page):
    """Taking a seat that was offered by e-mail."""

    template_name = "merchant/invitation.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._shown(token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        invitation = self._open(token)
        if invitation is None:
            return self._shown(token)
        try:
            accept_invitation(token=token, by=self.citizen)
        except AlreadyMember as refusal:
            return self._shown(token, in_words(refusal))
        at_work_for(request, invitation.merchant)
        messages.success(request, f"You have joined {invitation.merchant.name}.")
        return redirect("merchant:home")

    def _shown(self, token: str, problem: dict[str, str] | None = None) -> HttpResponse:
        invitation = self._open(token)
        told: dict[str, Any] | None = None
        if invitation is not None:
            told = {"merchant": {"name": invitation.merchant.name}, "role": invitation.role}
        response = self.show(invitation=told, problem=problem)
        response.status_code = 200 if invitation else 404
        return response

    def _open(self, token: str) -> Invitation | None:
        """The offer behind the link; one that is over, or somebody else's, is as if it had never been."""
        try:
            invitation = invitation_of(token)
        except DomainError:
            return None
        is_open = invitation.accepted_at is None and invitation.expires_at > timezone.now()
        return invitation if is_open and invitation.email.lower() == self.citizen.email.lower() else None
